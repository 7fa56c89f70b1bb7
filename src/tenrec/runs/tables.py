"""Ledgers as tables: one row a policy, path and date."""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from tenrec.hedging.assess import Sample, marks
from tenrec.hedging.attribution import PARTS, attributions
from tenrec.hedging.breakdown import breakdowns
from tenrec.hedging.engine import Entry, Terms
from tenrec.hedging.margin import Margin


def ledger_table(
    lines: Mapping[str, Entry],
    sample: Sample,
    terms: Terms,
    *,
    dates: np.ndarray,
    labels: np.ndarray,
    scale: np.ndarray | float = 1.0,
    length: np.ndarray | None = None,
    margin: Margin | None = None,
) -> pl.DataFrame:
    """Rows of spot, position, trade, cost, cash, marked P&L, and what its change came from (`pnl_delta` and so on).

    Args:
        lines: by policy, shapes (paths, dates, …). dates: (paths, dates) what each date is called.
        labels: (paths,) what each path is called. scale: (paths,) currency per unit in which the engine ran.
        length: (paths,) number of dates of each path, where the rest is padding.
        Positions and trades after the first instrument stand in columns position_2, trade_2 and so on, and the units of
        listed options that ended before the trade in closed_2. Of several instruments gain_1, gain_2 … and cost_1,
        cost_2 … tell what the price changes of each came to, and its part of the cost, quote currency.
        margin: adds the columns margin_initial and margin_maintenance, quote currency. Cash and cost of a ledger in
            coin are in coin, and the columns cash_quote and cost_quote tell them in the quote currency.
    """
    count, width = dates.shape
    scale = np.broadcast_to(np.asarray(scale, float), (count,))[:, None]
    kept = np.ones((count, width), bool) if length is None else np.arange(width) < length[:, None]
    spot = np.broadcast_to(np.asarray(sample.paths.spot), (count, width))
    further = sample.paths.instruments > max(sample.paths.assets.shape[-1], 1)
    parts_told = [part for part in PARTS if part != "instruments" or further]
    tables = []
    for name, entry in lines.items():
        pnl, parts = marks(entry, sample, terms), attributions(entry, sample, terms)
        columns = {
            "path": np.broadcast_to(labels[:, None], (count, width))[kept],
            "date": dates[kept],
            "spot": (spot * scale)[kept],
            "position": np.asarray(entry.position)[..., 0][kept],
            "trade": np.asarray(entry.trade)[..., 0][kept],
            "cost": (np.asarray(entry.cost) * scale)[kept],
            "cash": (np.asarray(entry.cash) * scale)[kept],
            "pnl": (np.asarray(pnl) * scale)[kept],
            **{f"pnl_{part}": (np.asarray(getattr(parts, part)) * scale)[kept] for part in parts_told},
        }
        for place in range(1, entry.position.shape[-1]):
            for told, units in (("position", entry.position), ("trade", entry.trade)):
                columns[f"{told}_{place + 1}"] = np.asarray(units)[..., place][kept]
            if entry.closed is not None:
                columns[f"closed_{place + 1}"] = np.asarray(entry.closed)[..., place][kept]
        if entry.position.shape[-1] > 1:
            own = breakdowns(entry, sample, terms)
            for place in range(entry.position.shape[-1]):
                for told, amounts in (("gain", own.gain), ("cost", own.cost)):
                    columns[f"{told}_{place + 1}"] = (np.asarray(amounts)[..., place] * scale)[kept]
        if terms.inverse:
            columns |= {f"{told}_quote": columns[told] * columns["spot"] for told in ("cash", "cost")}
        for kind in () if margin is None else ("initial", "maintenance"):
            price = 1.0 if terms.inverse else sample.paths.price
            needed = margin.required(entry.position, price, getattr(margin, kind))  # type: ignore[union-attr]
            columns[f"margin_{kind}"] = (np.asarray(needed) * scale)[kept]
        tables.append(pl.DataFrame(columns).insert_column(0, pl.Series("policy", [name] * int(kept.sum()))))
    return pl.concat(tables)


def explained(ledger: pl.DataFrame) -> pl.DataFrame:
    """What the P&L of each policy came from: mean and standard deviation over the ledger's paths, bp of initial spot.

    Columns policy, part ("delta", …, "total"), mean_bp, std_bp.
    """
    scale = 1e4 / pl.col("spot").first()
    sums = {part: pl.col(f"pnl_{part}").sum() * scale for part in PARTS if f"pnl_{part}" in ledger.columns}
    total = pl.col("pnl").last() * scale
    paths = ledger.group_by("policy", "path", maintain_order=True).agg(**sums, total=total)
    long = paths.unpivot(index=["policy", "path"], variable_name="part", value_name="bp")
    return long.group_by("policy", "part", maintain_order=True).agg(
        mean_bp=pl.col("bp").mean(), std_bp=pl.col("bp").std()
    )


def by_instrument(ledger: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame | None:
    """What each policy did with each instrument, over the ledger's paths; None for one instrument.

    Columns policy, instrument, held (mean absolute units), traded (mean units a path, rolls included), gain_bp and
    gain_std_bp (mean and deviation over paths), cost_bp (mean); bp of the initial spot.
    """
    if "gain_2" not in ledger.columns:
        return None
    scale, tables = 1e4 / pl.col("spot").first(), []
    for place, name in enumerate(names, 1):
        held, traded = (pl.col(told if place == 1 else f"{told}_{place}").abs() for told in ("position", "trade"))
        sold = pl.col(f"closed_{place}").abs() if f"closed_{place}" in ledger.columns else pl.lit(0.0)
        paths = ledger.group_by("policy", "path", maintain_order=True).agg(
            held=held.slice(0, pl.len() - 1).mean(),
            traded=(traded + sold).slice(0, pl.len() - 1).sum(),
            gain=pl.col(f"gain_{place}").sum() * scale,
            cost=pl.col(f"cost_{place}").sum() * scale,
        )
        own = paths.group_by("policy", maintain_order=True).agg(
            instrument=pl.lit(name),
            held=pl.col("held").mean(),
            traded=pl.col("traded").mean(),
            gain_bp=pl.col("gain").mean(),
            gain_std_bp=pl.col("gain").std(),
            cost_bp=pl.col("cost").mean(),
        )
        tables.append(own)
    return pl.concat(tables)
