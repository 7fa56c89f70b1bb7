"""What the report of a tuning run is made of, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

LABELS: dict[str, str] = {
    "cadence_seconds": "Cadence (s)",
    "delta_threshold": "Delta threshold",
    "hedge_ratio": "Hedge ratio",
    "gamma_scalp_threshold": "Gamma-scalp threshold",
    "max_hedge_per_interval": "Largest hedge",
    "min_order": "Smallest order",
    "to_edge": "Hedge to edge",
    "asymmetry": "Asymmetry",
    "gamma_scaling": "Gamma scaling",
    "volatility_scaling": "Volatility scaling",
}


@dataclass(frozen=True)
class TuneReport:
    """Everything that the page shows.

    Args:
        title, subtitle: the headline, and one sentence on what was tuned.
        summary: findings, a sentence each. advice: recommendations, heading → sentence.
        metrics: the run's `metrics.json`.
        trials: number, score, one column a parameter, net_pnl, cost, hedges, sharpe, max_drawdown, error_std.
        bulk: the same columns without `number`, of the bulk pass; may be empty.
        windows: window, rival, sample ("in" or "out"), net_pnl, cost.
        walk_forward: window, wealth, cost, and the parameters chosen before it; may be empty.
        replay: time_hours, price, net_delta, trade, pnl of the best week, every tick or thinned.
        replay_title: which week that is.
        config_yaml, exported_yaml: the configuration as run, the exported rule.
        environment: versions, seed, run id, duration.
    """

    title: str
    subtitle: str
    summary: tuple[str, ...]
    advice: Mapping[str, str]
    metrics: dict[str, Any]
    trials: pl.DataFrame
    bulk: pl.DataFrame
    windows: pl.DataFrame
    walk_forward: pl.DataFrame
    replay: pl.DataFrame
    replay_title: str
    config_yaml: str
    exported_yaml: str
    environment: Mapping[str, str]

    @property
    def parameters(self) -> dict[str, str]:
        """Name → label of the parameters searched."""
        names: list[str] = self.metrics["parameters"]
        return {name: LABELS.get(name, name.replace("_", " ")) for name in names}
