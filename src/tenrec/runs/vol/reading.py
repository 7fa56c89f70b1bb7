"""Prices of any kind as a record of daily variances, and a sentence on how they were understood."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from tenrec.core.errors import DataError
from tenrec.data import parsing, read_price_series
from tenrec.data.columns import TIME
from tenrec.data.refusals import raise_first, refuse_repeats, refuse_rows
from tenrec.data.source import Source, read_source
from tenrec.volatility.realised import daily_measures, whole_day_variance
from tenrec.volatility.realised.overnight import Overnight
from tenrec.volatility.realised.ranges import garman_klass
from tenrec.volatility.record import VarianceRecord

VARIANCE = ("rv", "rv5", "rv_5", "realized_variance", "realised_variance", "variance", "rv10", "rk_parzen")
DOWN = ("rsv_down", "rsv", "rvn", "down")
QUARTICITY = ("rq", "quarticity")
RETURN = ("open_to_close", "return", "ret", "log_return")
CLOSE = ("close", "close_price", "price")
LONGEST_GAP = 14
"""Calendar days; a return over more of them is no day's return and is left out."""
FLAT, LEAST_RANGED = 22, 1000
"""Bars in a row without a range after which those before are no bars, and true bars that must follow."""
PERCENT = 0.02
"""A median daily variance above this (14 % a day) is taken to be in percent squared."""


@dataclass(frozen=True)
class Reading:
    """A record, and what was made of the file.

    Args:
        record: the days. kind: "realised measures", "intraday bars", "daily bars" or "daily closes".
        notes: sentences on units, masked days and gaps.
    """

    record: VarianceRecord
    kind: str
    notes: tuple[str, ...]


def read_prices(
    path: str | Path,
    *,
    implied: str | Path | None = None,
    also: Sequence[str | Path] = (),
    minutes: float = 5.0,
    overnight: Overnight = "leave",
    session: str | None = None,
) -> Reading:
    """Read daily closes or bars, intraday bars, or realised measures.

    Args:
        path: Parquet or CSV. implied: a daily series of implied volatility (the VIX, say), in percent or decimals.
        also: further daily series of positive numbers that models may see (volatility of volatility, skew, …).
        minutes: sampling interval of intraday bars. overnight: what to do with the night. session: "09:30-16:00".

    Raises:
        DataError: what cannot be used, by row and column.
    """
    source = read_source(path)
    if _column(source, VARIANCE) is not None:
        reading = _measures(source)
    else:
        bars = read_bars(path, session=session)
        times = bars["time"]
        intraday = times.dt.date().n_unique() < 0.75 * times.len()
        reading = _intraday(bars, minutes, overnight) if intraday else _daily(bars, source.name)
    reading = _without_gaps(reading)
    _refuse_constant(source.name, reading.record)
    reading = reading if implied is None else with_implied(reading, implied)
    for other in also:
        reading = with_input(reading, other)
    return reading


def read_bars(path: str | Path, *, session: str | None = None) -> pl.DataFrame:
    """A checked price series with `time` and `price`, and `open`, `high`, `low` where the file has all of them."""
    source, series = read_source(path), read_price_series(path)
    names = {role: _column(source, (role,)) for role in ("open", "high", "low")}
    table = series.table.select("time", "price")
    for role, name in names.items():
        if name is not None:
            values, refused = parsing.numbers(source, name)
            raise_first(refused)
            table = table.with_columns(values.fill_nan(None).alias(role))
    return table if session is None else _in_session(table, session)


def with_implied(reading: Reading, path: str | Path) -> Reading:
    """The reading with an implied volatility joined by date, the last known close carried over holidays.

    Raises:
        DataError: it does not cover the record.
    """
    known, values, notes = _joined(reading, path, "an implied volatility")
    if np.median(values) > 3.0:
        values = values / 100.0
    record = dataclasses.replace(reading.record.take(known), implied=values)
    return Reading(record, reading.kind, notes)


def with_input(reading: Reading, path: str | Path) -> Reading:
    """The reading with one more column of `others`, the logarithm of a daily series, joined as in `with_implied`.

    Raises:
        DataError: it does not cover the record.
    """
    known, values, notes = _joined(reading, path, f"a value of {Path(path).name}")
    kept = reading.record.take(known)
    column = np.log(values)[:, None]
    others = column if kept.others is None else np.concatenate([kept.others, column], axis=1)
    return Reading(dataclasses.replace(kept, others=others), reading.kind, notes)


def _joined(reading: Reading, path: str | Path, what: str) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """The days of the record with a value, the values of those days, and the notes with what was left out."""
    series = read_price_series(path)
    table = series.table.select(pl.col("time").dt.date().alias("date"), value=pl.coalesce("implied_vol", "price"))
    table = table.drop_nulls().unique("date", keep="last").sort("date")
    days = pl.DataFrame({"date": reading.record.dates}).with_columns(pl.col("date").cast(pl.Date))
    joined = days.join_asof(table, on="date", tolerance="10d")
    missing, notes = joined["value"].null_count(), reading.notes
    if missing == len(reading.record):
        raise DataError(f"{series.name} has no day in common with {reading.kind}; give {what} for those days.")
    if joined["value"].n_unique() - (missing > 0) == 1:
        raise DataError(
            f"{series.name}: {what} does not change over {len(joined) - missing:,} days; one that moves is needed."
        )
    if missing:
        notes = (*notes, f"{missing:,} days without {what} within ten days before are left out.")
    known = joined["value"].is_not_null().to_numpy()
    return known, joined["value"].drop_nulls().to_numpy().astype(float), notes


def _measures(source: Source) -> Reading:
    names = {
        "time": _column(source, TIME),
        "variance": _column(source, VARIANCE),
        "down": _column(source, DOWN),
        "quarticity": _column(source, QUARTICITY),
        "returns": _column(source, RETURN),
        "price": _column(source, CLOSE),
    }
    if names["time"] is None:
        raise DataError(f"{source.name} has no column of dates; name one `date`.")
    time, refused = parsing.times(source, names["time"])
    columns = {"time": time}
    for role, name in names.items():
        if role != "time" and name is not None:
            columns[role], more = parsing.numbers(source, name)
            refused += more
    table = pl.DataFrame(columns)
    keys = pl.DataFrame({"index": pl.Series(range(time.len()), dtype=pl.Int64), "time": time.dt.date()})
    refused += refuse_repeats(source, keys, [names["time"]])
    refused += refuse_rows(
        source,
        table["time"] < table["time"].shift(),
        names["time"],
        "is earlier than the row before",
        "sort the file by date",
    )
    refused += refuse_rows(source, table["variance"] < 0, names["variance"] or "", "is a negative variance")
    raise_first(refused)
    whole = table.height
    table = table.filter(pl.col("variance").is_finite() & (pl.col("variance") > 0))
    if table.is_empty():
        raise DataError(f"{source.name} has no positive variance in column {names['variance']}; check the column.")
    values = {role: table[role].to_numpy().astype(float) for role in columns if role != "time"}
    notes = [f"{whole - table.height:,} days without a positive variance are left out."] if whole > table.height else []
    if np.median(values["variance"]) > PERCENT:
        values |= {role: values[role] / 1e4 for role in ("variance", "down") if role in values}
        # Quarticities beside percent variances are kept only if they are in the same unit (percent to the fourth).
        if "quarticity" in values:
            ratio = float(np.median(values["quarticity"] / (1e4 * values["variance"]) ** 2))
            values["quarticity"] = values["quarticity"] / 1e8 if 0.05 < ratio < 50 else values["quarticity"]
        notes.append("Variances are read as percent squared (their median is above 0.02).")
    values["returns"] = _returns(values, len(table))
    if names["returns"] is None and names["price"] is None:
        notes.append("No return or close is given; models that need returns are left out.")
    record = VarianceRecord(dates=table["time"].dt.date().to_numpy().astype("datetime64[D]"), **values)
    return Reading(record, "realised measures", tuple(notes))


def _returns(values: dict[str, np.ndarray], days: int) -> np.ndarray:
    """From close to close where closes are known, since they hold the night's news too."""
    if "price" in values:
        return np.diff(np.log(values["price"]), prepend=np.nan)
    if "returns" in values:
        # In percent where they lie far above the volatilities.
        large = np.nanmedian(np.abs(values["returns"])) > 20 * np.sqrt(np.median(values["variance"]))
        return values["returns"] / 100.0 if large else values["returns"]
    return np.full(days, np.nan)


def _intraday(bars: pl.DataFrame, minutes: float, overnight: Overnight) -> Reading:
    table = daily_measures(
        bars.select(pl.col("time", "price", *(["open"] if "open" in bars.columns else []))), minutes=minutes
    )
    masked = table["masked"].is_not_null().sum()
    kept = table.filter(pl.col("masked").is_null())
    if kept.is_empty():
        raise DataError("no day of the bars has enough of them to be measured; give whole days.")
    columns = {name: kept[name].to_numpy().astype(float) for name in kept.columns if name not in ("date", "masked")}
    variance = whole_day_variance(columns["rv"], columns["overnight"], overnight)
    returns = np.diff(np.log(columns["close"]), prepend=np.nan)
    notes = [f"{masked:,} days with too few bars are masked."] if masked else []
    dates = kept["date"].to_numpy().astype("datetime64[D]")
    record = VarianceRecord(dates, variance, returns, columns["rsv_down"], columns["rq"], price=columns["close"])
    return Reading(record, f"intraday bars, sampled every {minutes:g} minutes", tuple(notes))


def _daily(bars: pl.DataFrame, name: str) -> Reading:
    bars, notes = _with_ranges(bars.drop_nulls("price"))
    close = bars["price"].to_numpy().astype(float)
    dates = bars["time"].dt.date().to_numpy().astype("datetime64[D]")
    if len(np.unique(dates)) < len(dates):
        twice = dates[1:][np.diff(dates).astype(int) == 0][0]
        raise DataError(f"{name} has {twice} more than once and only about one row a day; keep one row a day.")
    if len(close) < 3:
        raise DataError(f"{name} has {len(close)} prices; a record of at least a year is needed.")
    returns = np.diff(np.log(close), prepend=np.nan)
    measured = _range_variance(bars, close)
    ranged = measured is not None
    variance = returns**2 if measured is None else measured
    kind = "daily bars (Garman–Klass variance and the squared night)" if ranged else "daily closes (squared returns)"
    still = returns == 0
    # A day without a move says that its variance was small, not that it was none.
    variance = np.where(
        variance > 0, variance, 1e-2 * np.nanmedian(variance[variance > 0]) if np.any(variance > 0) else np.nan
    )
    if still.any() and not ranged:
        notes = [*notes, f"{int(still.sum()):,} days without a move get a hundredth of the median variance."]
    keep = slice(1, None)
    record = VarianceRecord(dates[keep], variance[keep], returns[keep], price=close[keep])
    return Reading(record, kind, tuple(notes))


def _with_ranges(bars: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """Without the early bars that only repeat the close, where enough true ones follow; and a sentence on it."""
    if not all(role in bars.columns for role in ("open", "high", "low")):
        return bars, []
    open_, high, low = (bars[role].cast(pl.Float64).to_numpy() for role in ("open", "high", "low"))
    true = (high > low) & (open_ >= low) & (open_ <= high)
    lacking = np.convolve(~true, np.ones(FLAT), "valid") == FLAT
    first = int(np.flatnonzero(lacking)[-1]) + FLAT if lacking.any() else 0
    if first == 0 or len(true) - first < LEAST_RANGED or true[first:].mean() <= 0.95:
        return bars, []
    return bars[first:], [
        f"{first:,} early bars that only repeat the close are left out; ranges begin {bars['time'][first].date()}."
    ]


def _range_variance(bars: pl.DataFrame, close: np.ndarray) -> np.ndarray | None:
    """From open, high and low, unless they are missing or only repeat the close."""
    if not all(role in bars.columns for role in ("open", "high", "low")):
        return None
    open_, high, low = (bars[role].cast(pl.Float64).to_numpy() for role in ("open", "high", "low"))
    if float(np.mean(high[1:] > low[1:])) <= 0.95 or not np.all(np.isfinite(open_ + high + low)):
        return None
    return garman_klass(open_, high, low, close, previous=np.concatenate([[np.nan], close[:-1]]))


def _without_gaps(reading: Reading) -> Reading:
    dates = reading.record.dates
    if len(dates) < 2:
        return reading
    gap = np.concatenate([[0], np.diff(dates).astype(int)])
    daily = reading.kind.startswith("daily")
    long = gap > LONGEST_GAP
    if not long.any():
        return reading
    worst = int(np.argmax(gap))
    plural = "s" if long.sum() > 1 else ""
    fate = "the returns over them are left out" if daily else "the days on either side count as neighbours"
    what = (
        f"{int(long.sum()):,} gap{plural} of more than {LONGEST_GAP} days, the longest of {gap[worst]} before "
        f"{dates[worst]}; {fate}."
    )
    record = reading.record.take(~long) if daily else reading.record
    return Reading(record, reading.kind, (*reading.notes, what))


def _refuse_constant(name: str, record: VarianceRecord) -> None:
    if len(record) < 2 or np.ptp(record.variance) == 0 or not np.all(np.isfinite(record.variance)):
        raise DataError(f"{name}: the price does not change over {len(record):,} days; a price that moves is needed.")


def _in_session(table: pl.DataFrame, session: str) -> pl.DataFrame:
    try:
        start, end = ([int(part) for part in side.split(":")] for side in session.split("-"))
        first, last = 60 * start[0] + start[1], 60 * end[0] + end[1]
    except (ValueError, IndexError):
        raise DataError(f"session is {session!r}; write it as 09:30-16:00, in the times of the file.") from None
    minute = pl.col("time").dt.hour().cast(pl.Int32) * 60 + pl.col("time").dt.minute()
    inside = table.filter((minute >= first) & (minute < last))
    if inside.is_empty():
        raise DataError(f"no bar lies in the session {session}; give it in the times of the file.")
    return inside


def _column(source: Source, names: tuple[str, ...]) -> str | None:
    lower = {name.lower(): name for name in reversed(source.table.columns)}
    return next((lower[name] for name in names if name in lower), None)
