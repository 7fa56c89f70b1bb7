"""Bars cut into trading days, and the realised measures of each."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Float

from tenrec.core.errors import DataError
from tenrec.volatility.realised.jumps import jump_statistic
from tenrec.volatility.realised.kernel import realised_kernel
from tenrec.volatility.realised.measures import (
    bipower_variation,
    realised_quarticity,
    realised_variance,
    semivariances,
)

MINUTE = 60_000_000
"""Microseconds."""


@dataclass(frozen=True)
class TradingDay:
    """The bars of one day.

    Args:
        date: datetime64[D].
        minute: minutes since midnight of each known price, increasing; 0 or more.
        log_price: natural logarithm of each price.
        spacing: usual minutes between bars, over the whole record.
        span: usual minutes from the first to the last bar of a day.
    """

    date: np.datetime64
    minute: Float[np.ndarray, " bars"]
    log_price: Float[np.ndarray, " bars"]
    spacing: float
    span: float

    def returns(self, minutes: float, offset: float = 0.0) -> Float[np.ndarray, " intervals"]:
        """Log returns on a grid; where no bar is new the return is NaN, and the next known one spans the hole."""
        start = self.minute[0] + offset
        steps = math.floor((self.minute[-1] - start) / minutes + 1e-9)
        if steps < 1:
            return np.empty(0)
        at = np.searchsorted(self.minute, start + minutes * np.arange(steps + 1) + 1e-6, side="right") - 1
        fresh = np.concatenate([[True], np.diff(at) > 0])
        known = np.diff(self.log_price[at[fresh]])
        returns = np.full(steps, np.nan)
        returns[np.flatnonzero(fresh[1:])] = known
        return returns

    def coverage(self, minutes: float) -> float:
        """Share of the usual day's intervals that hold a new price."""
        return float(np.isfinite(self.returns(minutes)).sum()) / max(math.floor(self.span / minutes + 1e-9), 1)


def trading_days(bars: pl.DataFrame) -> Iterator[TradingDay]:
    """The days of `bars`: `time` (Datetime, increasing), `price` (null where masked), `open` if it is known.

    The opening price of a day stands one bar before its first close. A calendar date is a day; give times in the
    market's own zone, or in UTC where the session stays within a UTC date.
    """
    known = bars.filter(pl.col("price").is_not_null()).with_columns(
        date=pl.col("time").dt.date(),
        minute=(pl.col("time") - pl.col("time").dt.truncate("1d")).dt.total_microseconds() / MINUTE,
    )
    inside = pl.col("date") == pl.col("date").shift()
    gaps = known.select((pl.col("minute") - pl.col("minute").shift()).filter(inside)).to_series()
    spacing = float(gaps.quantile(0.5, "lower") or 0.0)
    opens = "open" in bars.columns
    spans = known.group_by("date").agg(span=pl.col("minute").max() - pl.col("minute").min())["span"]
    span = float(spans.quantile(0.5, "lower") or 0.0) + (spacing if opens else 0.0)
    for (date,), day in known.group_by("date", maintain_order=True):
        minute, price = day["minute"].to_numpy(), day["price"].to_numpy()
        first = day["open"][0] if opens else None
        if first is not None and first > 0:
            minute, price = np.concatenate([[minute[0] - spacing], minute]), np.concatenate([[first], price])
        yield TradingDay(np.datetime64(date, "D"), minute.astype(float), np.log(price), spacing, span)


def daily_measures(bars: pl.DataFrame, *, minutes: float = 5.0, least_share: float = 0.5) -> pl.DataFrame:
    """Realised measures of every day, one row each; decimals per day.

    Args:
        bars: as in `trading_days`. minutes: sampling interval.
        least_share: a day whose bars fill less of the usual intervals is masked: its measures are null.

    Returns:
        date; rv (realised variance), bv (bipower), rq (quarticity), rsv_down, rsv_up (semivariances), rv_ss (mean over
        shifted grids), rk (realised kernel, on the bars as they are), jump_z, jump_p, open_to_close, overnight, close,
        coverage, masked (why, else null).

    Raises:
        DataError: the bars are coarser than the interval.
    """
    days = list(trading_days(bars))
    if not days or days[0].spacing <= 0 or days[0].spacing > minutes:
        given = f"{days[0].spacing:g} minutes apart" if days and days[0].spacing > 0 else "one a day"
        raise DataError(f"the bars are {given}; realised measures need bars at most {minutes:g} minutes apart.")
    rows, last = [], math.nan
    for day in days:
        row = {"date": day.date.item(), "coverage": day.coverage(minutes), "overnight": day.log_price[0] - last}
        row |= {"close": math.exp(day.log_price[-1]), "open_to_close": day.log_price[-1] - day.log_price[0]}
        if row["coverage"] >= least_share:
            row |= _measures(day, minutes)
        rows.append(row)
        last = day.log_price[-1]
    wanted = ["rv", "bv", "rq", "rsv_down", "rsv_up", "rv_ss", "rk", "jump_z", "jump_p"]
    order = ["date", *wanted, "open_to_close", "overnight", "close", "coverage"]
    schema = {name: pl.Date if name == "date" else pl.Float64 for name in order}
    table = pl.DataFrame(rows, schema=schema).with_columns(pl.col(pl.Float64).fill_nan(None))
    reason = pl.when(pl.col("rv").is_null()).then(pl.lit("too few bars")).when(pl.col("rv") <= 0)
    return table.with_columns(masked=reason.then(pl.lit("no price moved")))


def _measures(day: TradingDay, minutes: float) -> dict[str, float]:
    returns = day.returns(minutes)
    down, up = semivariances(returns)
    z, p = jump_statistic(returns)
    return {
        "rv": realised_variance(returns),
        "bv": bipower_variation(returns),
        "rq": realised_quarticity(returns),
        "rsv_down": down,
        "rsv_up": up,
        "rv_ss": subsampled_variance(day, minutes),
        "rk": realised_kernel(day.returns(day.spacing)),
        "jump_z": z,
        "jump_p": p,
    }


def subsampled_variance(day: TradingDay, minutes: float) -> float:
    """Mean of the realised variances on grids shifted by one bar each, each scaled to the whole day.

    Source: Zhang, Mykland and Aït-Sahalia (2005), "A tale of two time scales", the averaged estimator.
    """
    shifts = max(int(minutes / day.spacing), 1)
    span = day.minute[-1] - day.minute[0]
    values = []
    for shift in range(shifts):
        returns = day.returns(minutes, shift * day.spacing)
        if len(returns):
            values.append(realised_variance(returns) * span / (minutes * len(returns)))
    return float(np.mean(values)) if values else math.nan
