"""The ledger of a rule on one week of ticks, as a table."""

from datetime import timedelta

import numpy as np
import polars as pl

from tenrec.hedging.costs import AbstractCost
from tenrec.hedging.policies import AbstractPolicy
from tenrec.tuning.scoring import Window, replay
from tenrec.tuning.ticks import Ticks

MOST_ROWS = 6000
"""Rows of a picture; more are thinned."""


def week_ledger(policy: AbstractPolicy, window: Window, costs: tuple[AbstractCost, ...]) -> pl.DataFrame:
    """Every tick of a week, float64.

    Columns: time_hours since the week's start, price; position and trade in hedging contracts; net_delta in units of
    the underlying after the trade, trade_delta; cash of the account, cost, carry and flow of the tick in the currency
    of the ledger; pnl of book and hedge since the week's start, quote currency.
    """
    lines = replay(policy, window, costs)
    count = len(lines.cash) if window.facts.ticks == 0 else window.facts.ticks
    seen, marks = (
        {name: np.asarray(value).reshape(-1)[:count] for name, value in vars(part).items()}
        for part in (window.known, window.marks)
    )
    position, trade = lines.position[:count, 0], lines.trade[:count, 0]
    cash = lines.cash[:count]
    return pl.DataFrame(
        {
            "time_hours": seen["time"] / 3600.0,
            "price": seen["spot"],
            "position": position,
            "trade": trade,
            "net_delta": seen["delta"] + position * seen["delta_per_contract"],
            "trade_delta": trade * seen["delta_per_contract"],
            "cash": cash,
            "cost": lines.cost[:count],
            "carry": lines.carry[:count],
            "flow": lines.flow[:count],
            "pnl": cash * marks["conversion"] + marks["book"],
        }
    )


def thinned(ledger: pl.DataFrame) -> pl.DataFrame:
    """What a picture of the week needs: some 6,000 ticks, and every hedge unless there are far too many."""
    every = max(ledger.height // MOST_ROWS, 1)
    regular = np.arange(ledger.height) % every == 0
    kept = regular | (ledger["trade"].to_numpy() != 0)
    rows = ledger.filter(pl.Series(kept if kept.sum() <= 2 * MOST_ROWS else regular))
    return rows.select("time_hours", "price", "net_delta", pl.col("trade_delta").alias("trade"), "pnl")


def eventful(ledger: pl.DataFrame) -> pl.DataFrame:
    """The first and the last tick, and every one at which something was traded, paid or received."""
    something = pl.any_horizontal(pl.col("trade", "carry", "flow") != 0)
    return ledger.with_row_index("tick").filter(
        something | (pl.col("tick") == 0) | (pl.col("tick") == ledger.height - 1)
    )


def week_name(ticks: Ticks, number: int) -> str:
    """`week 3`, or with the date it begins on `week 3, from 2018-01-15`."""
    if ticks.start is None:
        return f"week {number + 1}"
    begun = ticks.start + timedelta(seconds=float(ticks.time[0]))
    return f"week {number + 1}, from {begun:%Y-%m-%d}"
