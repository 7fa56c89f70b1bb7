"""A finished run in Python: its numbers, its ledgers and its policies."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from tenrec.core.errors import ConfigError
from tenrec.runs.advice import PolicyHandle
from tenrec.runs.config import HedgeConfig
from tenrec.runs.folder import RunFolder, opened
from tenrec.runs.policies import load_policy
from tenrec.runs.scenarios import Moment, ladder, moment, stresses
from tenrec.runs.setting import build_setting


@dataclass(frozen=True)
class Run:
    """What `tenrec.hedge` returns and `tenrec.load` brings back; everything is read from the run folder."""

    folder: RunFolder

    @property
    def path(self) -> Path:
        """The run folder."""
        return self.folder.path

    @property
    def config(self) -> HedgeConfig:
        """The configuration that was run."""
        return self.folder.config()

    @property
    def metrics(self) -> dict[str, Any]:
        """Every policy's numbers, with intervals; the content of `metrics.json`."""
        return self.folder.metrics()

    def ledger(self, policy: str | None = None) -> pl.DataFrame:
        """Rows of path, date, spot, position, trade, cost, cash, marked P&L of a policy, by default the learned one."""
        name = self.metrics["learned"] if policy is None else policy
        table = self.folder.read_table("ledger")
        known = table["policy"].unique(maintain_order=True).to_list()
        if name not in known:
            raise ConfigError(f"This run has no ledger of {name!r}; choose from {', '.join(known)}.")
        return table.filter(pl.col("policy") == name).drop("policy")

    def pnl(self) -> pl.DataFrame:
        """Terminal P&L of every path and policy, basis points of the initial spot."""
        return self.folder.read_table("pnl")

    def policy(self, name: str | None = None) -> PolicyHandle:
        """The learned policy, or a baseline by its kind, to be asked with `target(spot=…, time_to_maturity=…)`."""
        wanted = str(self.metrics["learned"]) if name is None else name
        config, about = self.config, self.folder.about()
        names = tuple(about.get("signal_names", ()))
        setting = build_setting(config, names, spot=about.get("spot"), volatility=about.get("volatility"))
        return PolicyHandle(load_policy(self.folder.policies, wanted, config), setting)

    def ladder(self, policy: str | None = None, *, start: Moment | None = None, **moves: Any) -> pl.DataFrame:
        """P&L, delta, gamma and vega of book plus hedge over spot × volatility × time; see `scenarios.ladder`.

        Args:
            start: market, time left and position; by default the run's start and what the policy holds there.
            moves: spot_moves (relative), vol_moves (added) and years_ahead.
        """
        handle = self.policy(policy)
        return ladder(handle.setting, moment(handle) if start is None else start, **moves)

    def stresses(self, policy: str | None = None, *, start: Moment | None = None) -> pl.DataFrame:
        """The same after days that have happened, each with its source; arguments as in `ladder`."""
        handle = self.policy(policy)
        return stresses(handle.setting, moment(handle) if start is None else start)


def load(path: str | Path) -> Any:
    """Bring back a run from its folder: a `Run`, or a `PriceRun` of `tenrec price`.

    Raises:
        ConfigError: the folder is not a run, or the run has not finished.
    """
    from tenrec.runs.price import is_price_run, load_price_run

    if is_price_run(path):
        return load_price_run(path)
    folder = opened(path)
    if folder.about()["state"] != "done":
        raise ConfigError(f"The run in {path} has not finished; `tenrec resume {path}` continues it.")
    return Run(folder)
