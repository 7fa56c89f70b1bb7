"""Start and continue panel backtests."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from tenrec.core.errors import ConfigError, InputError, InterruptedWork
from tenrec.runs.panel.desk import PanelDesk
from tenrec.runs.panel.folder import KIND, PanelFolder, create, panel_id, refuse_foreign
from tenrec.runs.panel.loading import load_panel_config
from tenrec.runs.panel.recipe import backtest
from tenrec.runs.panel.report import report_panel
from tenrec.runs.progress import Reporter, Silent
from tenrec.runs.tuning.kinds import is_kind

RUNS = Path("runs")


@dataclass(frozen=True)
class PanelBacktest:
    """A finished panel backtest; everything is read from its folder."""

    folder: PanelFolder
    kind: str = KIND

    @property
    def path(self) -> Path:
        """The run folder."""
        return self.folder.path

    @property
    def metrics(self) -> dict[str, Any]:
        """The content of `metrics.json`."""
        return self.folder.metrics()

    def positions(self) -> pl.DataFrame:
        """Policy, date, contract, forward, position and trade (units of the underlying), cost and P&L (currency)."""
        return self.folder.read_table("positions")

    def gains(self) -> pl.DataFrame:
        """The one-session gain of every delta in every bucket of maturity and moneyness."""
        return self.folder.read_table("buckets")


def backtest_panel(
    path: str | Path,
    *,
    data: str | Path | None,
    out: str | Path | None,
    overrides: Iterable[str],
    reporter: Reporter,
) -> PanelBacktest:
    """Compare deltas on a recorded panel, and write the run folder.

    Args:
        path: a configuration with the key `panel`, or a Parquet or CSV file of option quotes.
        data: a file of quotes in the place of the panel that the configuration names.

    Raises:
        InputError: the configuration or the record cannot be used; nothing is written.
        InterruptedWork: stopped by the user; `tenrec resume` continues.
    """
    # `--seed` of the command is the seed of a tuned rule's ticks; here it is that of the training.
    changes = [change.replace("search.seed=", "training.seed=", 1) for change in overrides]
    base = Path(path).parent
    if data is not None:
        changes.append(f"panel={Path(data).resolve()}")
    config = load_panel_config(path, changes)
    place = RUNS / f"panel-{panel_id(config)}" if out is None else Path(out)
    refuse_foreign(place)
    reporter.start("read the panel", 1)
    desk = PanelDesk(config, base)
    reporter.advance(1, f"{desk.steps.height:,} one-session steps")
    return _carry_out(desk, create(place, config, base), reporter, resume=False)


def resume_panel(path: str | Path, *, reporter: Reporter | None = None) -> PanelBacktest:
    """Continue an interrupted panel backtest; a finished one is returned.

    Raises:
        ConfigError: the folder is not that of a panel backtest.
    """
    if not is_kind(path, KIND):
        raise ConfigError(f"{path} is not the folder of a panel backtest; give one that `tenrec backtest` made.")
    folder, told = PanelFolder(Path(path)), reporter or Silent()
    about = folder.about()
    if about["state"] == "done":
        return PanelBacktest(folder)
    told.start("read the panel", 1)
    desk = PanelDesk(load_panel_config(folder.path / "config.yaml"), Path(about["base"]))
    return _carry_out(desk, folder, told, resume=True)


def finished_panel(path: str | Path) -> PanelBacktest:
    """A finished panel backtest, from its folder; ConfigError where it has not finished."""
    folder = PanelFolder(Path(path))
    if folder.about()["state"] != "done":
        raise ConfigError(f"The run in {path} has not finished; `tenrec resume {path}` continues it.")
    return PanelBacktest(folder)


def _carry_out(desk: PanelDesk, folder: PanelFolder, reporter: Reporter, *, resume: bool) -> PanelBacktest:
    try:
        backtest(desk, folder, reporter, resume=resume)
        report_panel(folder)
        folder.mark("done")
    except InputError:
        folder.discard()
        raise
    except KeyboardInterrupt:
        raise InterruptedWork(f"Stopped; `tenrec resume {folder.path}` continues.") from None
    return PanelBacktest(folder)
