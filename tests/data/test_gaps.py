"""Spacing and holes of records."""

import datetime as dt

import polars as pl
import pytest

from tenrec.data.gaps import Gaps, duration, find_gaps

MONDAY = dt.datetime(2021, 1, 4)
MINUTE = dt.timedelta(minutes=1)


def minutes(*numbers: int, start: dt.datetime = MONDAY) -> pl.Series:
    return pl.Series([start + number * MINUTE for number in numbers], dtype=pl.Datetime("us"))


def test_weekends_are_no_gap_of_a_daily_record() -> None:
    days = [MONDAY + dt.timedelta(days=day) for day in (0, 1, 2, 3, 4, 7, 8, 10)]
    gaps = find_gaps(pl.Series(days))
    assert (gaps.spacing, gaps.missing, gaps.missing_unit) == (86_400.0, 1, "weekdays")
    assert (gaps.longest, gaps.longest_from) == (3 * 86_400.0, days[4])


def test_nights_are_no_gap_of_an_exchange_that_closes() -> None:
    nine = MONDAY + dt.timedelta(hours=9)
    record = minutes(*range(10), start=nine).append(minutes(0, 1, 2, 5, 6, start=nine + dt.timedelta(days=1)))
    gaps = find_gaps(record)
    assert (gaps.spacing, gaps.missing, gaps.missing_unit) == (60.0, 2, "rows")


def test_nights_count_where_trading_never_stops() -> None:
    week = [number for number in range(7 * 24 * 60) if not 1_430 <= number < 1_450]
    gaps = find_gaps(minutes(*week))
    assert (gaps.missing, gaps.longest) == (20, 21 * 60.0)


@pytest.mark.parametrize("record", [minutes(), minutes(3), minutes(3, 3)])
def test_fewer_than_two_times_have_no_gaps(record: pl.Series) -> None:
    assert find_gaps(record) == Gaps()


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (60.0, "1 minute"),
        (300.0, "5 minutes"),
        (3_600.0, "1 hour"),
        (28_800.0, "8 hours"),
        (86_400.0, "1 day"),
        (0.5, "0.5 seconds"),
    ],
)
def test_durations_read_well(seconds: float, said: str) -> None:
    assert duration(seconds) == said
