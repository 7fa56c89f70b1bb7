"""What a report is made of: the content of one finished run, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from tenrec.core.errors import InputError


@dataclass(frozen=True)
class HedgeCurve:
    """Units held per option against spot, at one time to maturity.

    Args:
        days_to_maturity: calendar or trading days left, as the run counts them.
        spot: shape (points,), in currency, ascending.
        ratio: hedge ratio by policy, shape (points,); not drawn for a policy that has a band.
        band: lower and upper edge by band policy, shape (points,) each.
        further: units of each instrument after the first by policy, shape (points,) each.
    """

    days_to_maturity: float
    spot: np.ndarray
    ratio: Mapping[str, np.ndarray]
    band: Mapping[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    further: tuple[Mapping[str, np.ndarray], ...] = ()


@dataclass(frozen=True)
class ReportData:
    """Everything that the report shows; nothing in it is computed from a market or a policy again.

    Args:
        title, subtitle: the headline, and one sentence on what was hedged.
        summary: findings, a sentence each.
        metrics: the run's `metrics.json`.
        config_yaml: the configuration as it was run.
        environment: versions, platform, seed, run id, duration.
        pnl_bp: terminal P&L by policy, shape (paths,), basis points of initial spot, the same paths for every policy.
        history: columns update, seed, loss_bp, score_bp and, for forward validation, stage; may be empty.
        hedge_curves: hedge ratio against spot, one for each time to maturity.
        replay: one path by policy, with columns date, spot, position, trade, cost, pnl and optionally mark; of several
            instruments also position_2 and so on.
        replay_title: which path that is.
        groups: recorded data by expiry: expiry, contracts, and `std_bp:<policy>`, `mean_bp:<policy>` for each policy.
        days: the days that make the difference: date, label and one column of numbers such as `difference_bp`.
        selection: number of contracts left out, by reason.
        explained: what the P&L came from, columns policy, part, mean_bp, std_bp. explained_paths: over how many paths.
        ladder: what the learned hedge and the book would make, columns spot_move, vol_move, years_ahead, pnl_bp.
        stresses: the same after days that have happened, columns stress, spot_move, vol_factor, pnl_bp, source.
        instruments: what each hedging instrument is called. by_instrument: what was done with each, columns policy,
            instrument, held, traded, gain_bp, gain_std_bp, cost_bp; None where there is one.
        curves_note: in which state of the market the hedge curves are drawn, a sentence.

    Raises:
        InputError: the P&L of two policies differ in shape, are empty or hold a non-finite number.
    """

    title: str
    subtitle: str
    summary: tuple[str, ...]
    metrics: dict[str, Any]
    config_yaml: str
    environment: Mapping[str, str]
    pnl_bp: Mapping[str, np.ndarray]
    history: pl.DataFrame
    hedge_curves: tuple[HedgeCurve, ...]
    replay: Mapping[str, pl.DataFrame]
    replay_title: str
    groups: pl.DataFrame | None = None
    days: pl.DataFrame | None = None
    selection: Mapping[str, int] | None = None
    curves_note: str = ""
    explained: pl.DataFrame | None = None
    explained_paths: int = 0
    ladder: pl.DataFrame | None = None
    stresses: pl.DataFrame | None = None
    instruments: tuple[str, ...] = ()
    by_instrument: pl.DataFrame | None = None

    def __post_init__(self) -> None:
        shapes = {name: np.shape(pnl) for name, pnl in self.pnl_bp.items()}
        if len(set(shapes.values())) > 1 or any(len(shape) != 1 or shape[0] == 0 for shape in shapes.values()):
            raise InputError(f"P&L has shapes {shapes}; every policy needs one number for each of the same paths.")
        for name, pnl in self.pnl_bp.items():
            wrong = int(np.sum(~np.isfinite(pnl)))
            if wrong:
                raise InputError(f"P&L of {name} has {wrong} non-finite values; a report needs finite ones.")
