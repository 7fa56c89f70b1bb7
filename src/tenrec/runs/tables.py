"""Ledgers as tables: one row a policy, path and date."""

from collections.abc import Mapping

import numpy as np
import polars as pl

from tenrec.hedging.assess import Sample, marks
from tenrec.hedging.engine import Entry, Terms


def ledger_table(
    lines: Mapping[str, Entry],
    sample: Sample,
    terms: Terms,
    *,
    dates: np.ndarray,
    labels: np.ndarray,
    scale: np.ndarray | float = 1.0,
    length: np.ndarray | None = None,
) -> pl.DataFrame:
    """Rows of spot, position, trade, cost, cash, and marked P&L.

    Args:
        lines: by policy, shapes (paths, dates, …). dates: (paths, dates) what each date is called.
        labels: (paths,) what each path is called. scale: (paths,) currency per unit in which the engine ran.
        length: (paths,) number of dates of each path, where the rest is padding.
    """
    count, width = dates.shape
    scale = np.broadcast_to(np.asarray(scale, float), (count,))[:, None]
    kept = np.ones((count, width), bool) if length is None else np.arange(width) < length[:, None]
    spot = np.broadcast_to(np.asarray(sample.paths.spot), (count, width))
    tables = []
    for name, entry in lines.items():
        pnl = marks(entry, sample, terms)
        columns = {
            "path": np.broadcast_to(labels[:, None], (count, width))[kept],
            "date": dates[kept],
            "spot": (spot * scale)[kept],
            "position": np.asarray(entry.position)[..., 0][kept],
            "trade": np.asarray(entry.trade)[..., 0][kept],
            "cost": (np.asarray(entry.cost) * scale)[kept],
            "cash": (np.asarray(entry.cash) * scale)[kept],
            "pnl": (np.asarray(pnl) * scale)[kept],
        }
        tables.append(pl.DataFrame(columns).insert_column(0, pl.Series("policy", [name] * int(kept.sum()))))
    return pl.concat(tables)
