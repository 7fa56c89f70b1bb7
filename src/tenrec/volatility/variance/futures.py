"""VIX futures: contracts out of columns by nearness, what they came to at expiry, and what rolling them earns.

A contract expires on the Wednesday that is 30 days before the third Friday of the month after it (a business day
earlier where one of the two is a holiday); from that morning on the nearest column is the next contract.
"""

import calendar
import datetime as dt
from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Float

from tenrec.core.errors import DataError
from tenrec.volatility.forecast.compare import Days, long_run_variance

Contracts = Float[np.ndarray, "days contracts"]

LEAST = 60
TARGET = 30
"""Calendar days of the constant maturity that is rolled."""


@dataclass(frozen=True)
class VixFutures:
    """Recorded futures, each contract a column from its first quote to the day before its expiry.

    Args:
        dates: datetime64[D]. index: the spot index, points. price: NaN where a contract is not listed, or has expired.
        expiry: (contracts,) datetime64[D], rising.
    """

    dates: np.ndarray
    index: Days
    price: Contracts
    expiry: np.ndarray

    @property
    def days_left(self) -> Contracts:
        """Calendar days to each contract's expiry; not positive once it has expired."""
        return (self.expiry[None, :] - self.dates[:, None]).astype(float)

    @property
    def front(self) -> np.ndarray:
        """Column of the nearest contract that is still listed, by day."""
        return np.argmax(self.days_left > 0, axis=1)

    def nearest(self, place: int) -> Days:
        """Price of the nearest contract (0), the one after it (1) …"""
        return self.price[np.arange(len(self.dates)), self.front + place]


def futures_from_table(table: pl.DataFrame, name: str = "The table") -> VixFutures:
    """From columns DATE, VIX, VX1, VX2 … (case does not count), the nearest contract first, sorted by date.

    Raises:
        DataError: a column is missing, too few days, prices that are not positive, dates that repeat or do not rise.
    """
    known = {column.lower(): column for column in table.columns}
    slots = []
    while f"vx{len(slots) + 1}" in known:
        slots.append(known[f"vx{len(slots) + 1}"])
    if "date" not in known or "vix" not in known or len(slots) < 2:
        raise DataError(
            f"{name} has the columns {', '.join(table.columns[:12])}; DATE, VIX, VX1 and VX2 (and further ones) are "
            "needed, the nearest future first."
        )
    written = table[known["date"]]
    days = written.str.to_date(strict=False) if written.dtype == pl.String else written.cast(pl.Date, strict=False)
    if days.null_count():
        row = int(days.is_null().arg_true()[0])
        raise DataError(f"{name} has {written[row]!r} where a date is needed; write dates as 2018-12-31.")
    dates = days.to_numpy().astype("datetime64[D]")
    values = table.select(pl.col(known["vix"], *slots).cast(pl.Float64, strict=False)).to_numpy()
    if len(dates) < LEAST:
        raise DataError(f"{name} has {len(dates):,} days; at least {LEAST} are needed.")
    steps = np.diff(dates).astype(int)
    if (steps <= 0).any():
        row = int(np.argmax(steps <= 0)) + 1
        raise DataError(f"{name} has {dates[row]} after {dates[row - 1]}; sort by date and keep one row a day.")
    bad = np.isinf(values) | (values <= 0.0)
    if bad.any() or np.isnan(values[:, :3]).any():
        row = int(np.argmax((bad | np.isnan(values) & (np.arange(values.shape[1]) < 3)).any(axis=1)))
        raise DataError(f"{name} has no positive price in a row of {dates[row]}; empty or repair that row.")
    return _contracts(dates, values[:, 0], values[:, 1:])


def _contracts(dates: np.ndarray, index: Days, slots: Contracts) -> VixFutures:
    first, last = dates[0].item(), dates[-1].item()
    months = [(year, month) for year in range(first.year, last.year + 3) for month in range(1, 13)]
    listed = set(dates.tolist())
    expiries = [date for year, month in months if (date := _expiry(year, month, listed, first, last)) > first]
    expiry = np.array(expiries, dtype="datetime64[D]")
    front = np.argmax(expiry[None, :] > dates[:, None], axis=1)
    price = np.full((len(dates), len(expiry)), np.nan)
    rows = np.arange(len(dates))
    for place in range(slots.shape[1]):
        price[rows, front + place] = slots[:, place]
    count = int(front[-1]) + slots.shape[1]
    return VixFutures(dates, index, price[:, :count], expiry[:count])


def _expiry(year: int, month: int, listed: set[dt.date], first: dt.date, last: dt.date) -> dt.date:
    """Holidays are seen by what days the record lacks; beyond it none are known."""
    after = (year, month + 1) if month < 12 else (year + 1, 1)
    friday = _third_friday(*after)
    if first <= friday <= last and friday not in listed:
        friday -= dt.timedelta(days=1)
    found = friday - dt.timedelta(days=TARGET)
    while first <= found <= last and found not in listed:
        found -= dt.timedelta(days=1)
    return found


def _third_friday(year: int, month: int) -> dt.date:
    """Example: the third Friday of January 2018 is the 19th."""
    first = calendar.weekday(year, month, 1)
    return dt.date(year, month, 15 + (calendar.FRIDAY - first) % 7)


def rolled_weights(futures: VixFutures, target: int = TARGET) -> Contracts:
    """Units of each contract whose time to expiry is `target` days on average: the nearest two, at every close.

    A front with fewer days gives way to the next one day by day; with both beyond the target, the front alone is held.
    """
    weights = np.zeros_like(futures.price)
    rows, front, left = np.arange(len(futures.dates)), futures.front, futures.days_left
    near, later = left[rows, front], left[rows, front + 1]
    share = np.clip((later - target) / (later - near), 0.0, 1.0)
    weights[rows, front] = share
    weights[rows, front + 1] = 1.0 - share
    return weights


def roll_yield(futures: VixFutures) -> Days:
    """What a long future earns from the curve, annualised: log(VX1/VX2)·365/(days between them).

    Negative where the curve rises (contango): a long position then loses even if the index stands still.
    """
    rows, front, left = np.arange(len(futures.dates)), futures.front, futures.days_left
    between = left[rows, front + 1] - left[rows, front]
    return np.log(futures.nearest(0) / futures.nearest(1)) * 365.0 / between


def held_to_expiry(futures: VixFutures) -> pl.DataFrame:
    """Fair value against realised: each future on each earlier contract's expiry day, and what the index came to.

    Columns: months (to expiry), count, paid (mean price), came (mean of the last price before expiry), premium (mean of
    paid − came), standard_error (Newey–West over the overlap of `months`), share_above (of premiums above 0).
    """  # fmt: skip
    last_row = np.array([int(np.sum(futures.dates < date)) - 1 for date in futures.expiry])
    settled = [
        futures.price[row, column] if futures.expiry[column] <= futures.dates[-1] else np.nan
        for column, row in enumerate(last_row)
    ]
    found = []
    for months in range(1, 8):
        gaps = []
        for column in range(months, len(futures.expiry)):
            row = int(np.searchsorted(futures.dates, futures.expiry[column - months]))
            if row < len(futures.dates) and np.isfinite(settled[column]):
                gaps.append((futures.price[row, column], settled[column]))
        pairs = np.array(gaps).reshape(-1, 2)
        pairs = pairs[np.isfinite(pairs).all(axis=1)]
        if len(pairs) < 12:
            continue
        premium = pairs[:, 0] - pairs[:, 1]
        found.append({
            "months": months, "count": len(pairs), "paid": float(pairs[:, 0].mean()), "came": float(pairs[:, 1].mean()),
            "premium": float(premium.mean()), "standard_error": _error(premium, months - 1),
            "share_above": float(np.mean(premium > 0)),
        })  # fmt: skip
    return pl.DataFrame(found)


def _error(values: Days, lags: int) -> float:
    """Newey–West standard error of the mean."""
    return float(np.sqrt(long_run_variance(values, lags) / len(values)))
