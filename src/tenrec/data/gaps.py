"""How evenly a record of times is spaced, and where it has holes."""

import datetime as dt
from dataclasses import dataclass

import polars as pl

DAY = 86_400.0


@dataclass(frozen=True)
class Gaps:
    """Spacing of a record.

    Args:
        spacing: usual distance of two rows in seconds (the lower median); 0 where there is one row only.
        missing: number of `missing_unit` that the spacing lets expect and that are absent: rows between the first and
            last of each day; rows at any time where the record runs through nights and weekends; weekdays, holidays
            among them, where it is daily.
        missing_unit: what `missing` counts, "rows" or "weekdays".
        longest: longest distance of two rows, in seconds.
        longest_from, longest_to: where that is.
    """

    spacing: float = 0.0
    missing: int = 0
    missing_unit: str = "rows"
    longest: float = 0.0
    longest_from: dt.datetime | None = None
    longest_to: dt.datetime | None = None


def find_gaps(times: pl.Series) -> Gaps:
    """Spacing and holes of times (any order, repeats count once).

    Example:
        >>> days = pl.Series([dt.datetime(2021, 1, 4), dt.datetime(2021, 1, 5), dt.datetime(2021, 1, 7)])
        >>> gaps = find_gaps(days)
        >>> duration(gaps.spacing), gaps.missing, duration(gaps.longest)
        ('1 day', 1, '2 days')
    """
    known = times.drop_nulls().unique().sort()
    if known.len() < 2:
        return Gaps()
    table = pl.DataFrame({"at": known[1:], "before": known[:-1]}).with_columns(
        seconds=(pl.col("at") - pl.col("before")).dt.total_microseconds() / 1e6
    )
    spacing = float(table.select(pl.col("seconds").quantile(0.5, "lower")).item())
    longest = table.row(int(table["seconds"].arg_max() or 0), named=True)
    missing, unit = _missing(table, known, spacing)
    return Gaps(spacing, missing, unit, longest["seconds"], longest["before"], longest["at"])


def duration(seconds: float) -> str:
    """Seconds as people say them: '5 minutes', '1 day', '3.5 hours'."""
    for unit, size in (("day", DAY), ("hour", 3_600.0), ("minute", 60.0)):
        if seconds >= size:
            return f"{seconds / size:.4g} {unit}{'' if seconds == size else 's'}"
    return f"{seconds:.4g} second{'' if seconds == 1 else 's'}"


def _missing(table: pl.DataFrame, known: pl.Series, spacing: float) -> tuple[int, str]:
    if spacing >= 0.9 * DAY:
        return (_absent_weekdays(known), "weekdays") if spacing <= 1.6 * DAY else (0, "rows")
    intraday = pl.col("at").dt.date() == pl.col("before").dt.date()
    always_open = known.dt.weekday().max() == 7 and known.dt.hour().n_unique() == 24
    counted = table if always_open else table.filter(intraday)
    return int(counted.select(((pl.col("seconds") / spacing).round() - 1).clip(0).sum()).item() or 0), "rows"


def _absent_weekdays(known: pl.Series) -> int:
    days = known.dt.date()
    expected = pl.date_range(days[0], days[-1], "1d", eager=True)
    return int((~expected.filter(expected.dt.weekday() <= 5).is_in(days.unique().implode())).sum())
