"""Price series: what is read, masked and refused."""

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from tenrec.core.errors import DataError
from tenrec.data import read_price_series
from tests.data.files import SHARED, needs_shared, write

REFUSED = {
    "text": ("2021-01-05,1.0x", "column close: 1.0x is not a number"),
    "thousands": ('2021-01-05,"1,234"', "column close: '1,234' is not a number"),
    "nan": ("2021-01-05,nan", "column close: nan is not a finite number"),
    "minus infinity": ("2021-01-05,-inf", "column close: -inf is not a finite number"),
    "zero": ("2021-01-05,0", "column close: 0 is not a positive price"),
    "negative": ("2021-01-05,-2", "column close: -2 is not a positive price"),
    "unsorted": ("2021-01-01,2", "column date: 2021-01-01 is earlier than the row before; sort the file by time."),
    "repeated": ("2021-01-04,2", "column date: duplicate key (2021-01-04), already in row 2"),
    "no time": (",2", "column date: an empty cell where a time is needed"),
    "odd time": ("5 Jan 2021,2", "column date: '5 Jan 2021' is not an ISO date or time"),
}


@pytest.mark.parametrize(("row", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_refusals_name_file_row_and_column(tmp_path: Path, row: str, said: str) -> None:
    with pytest.raises(DataError) as caught:
        read_price_series(write(tmp_path, "prices.csv", "date,close", "2021-01-04,1.0", row))
    message = str(caught.value)
    assert message.startswith("prices.csv row 3 (header counted), ")
    assert said in message


def test_a_time_out_of_order_is_found_behind_an_empty_one(tmp_path: Path) -> None:
    table = pl.DataFrame({"date": [dt.date(2021, 1, 5), None, dt.date(2021, 1, 4)], "close": [1.0, 1.0, 1.0]})
    path = tmp_path / "prices.parquet"
    table.write_parquet(path)
    with pytest.raises(DataError, match=r"row 2 .*an empty cell.*1 more problem"):
        read_price_series(path)


def test_bid_above_ask_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "prices.csv", "time,price,bid,ask", "2021-01-04,1,1.1,0.9")
    with pytest.raises(DataError, match=r"row 2 .*column bid: 1\.1 is above the ask of 0\.9 in column ask"):
        read_price_series(path)


def test_several_series_in_one_file_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "prices.csv", "date,ticker,close", "2021-01-04,SPY,1", "2021-01-04,QQQ,2")
    with pytest.raises(DataError, match=r"column ticker: 2 series in one file, .* for example SPY"):
        read_price_series(path)


def test_numbers_as_times_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "prices.parquet"
    pl.DataFrame({"time": [1_739_197_800], "close": [1.0]}).write_parquet(path)
    with pytest.raises(DataError, match="column time: 1739197800 is a number, not a date; write dates as 2021-12-31"):
        read_price_series(path)


def test_an_empty_price_is_masked_and_not_filled(tmp_path: Path) -> None:
    path = write(tmp_path, "prices.csv", "date,close", "2021-01-04,1.0", "2021-01-05,", "2021-01-06,1.2")
    series = read_price_series(path)
    assert series.table["price"].to_list() == [1.0, None, 1.2]
    assert series.masked == {"no price": 1}


def test_offsets_become_utc(tmp_path: Path) -> None:
    rows = ["2021-01-04T10:00:00Z,1", "2021-01-04 10:30:00.5+00:00,2", "2021-01-04T12:00+01:00,3"]
    time = read_price_series(write(tmp_path, "prices.csv", "time,price", *rows)).table["time"]
    assert time.to_list() == [
        dt.datetime(2021, 1, 4, 10),
        dt.datetime(2021, 1, 4, 10, 30, 0, 500_000),
        dt.datetime(2021, 1, 4, 11),
    ]


def test_a_zoned_parquet_column_becomes_utc(tmp_path: Path) -> None:
    time = pl.Series([dt.datetime(2021, 1, 4, 9, 30)]).dt.replace_time_zone("America/New_York")
    path = tmp_path / "prices.parquet"
    pl.DataFrame({"datetime": time, "close": [1.0]}).write_parquet(path)
    assert read_price_series(path).table["time"].to_list() == [dt.datetime(2021, 1, 4, 14, 30)]


def test_a_time_and_one_number_are_a_series(tmp_path: Path) -> None:
    series = read_price_series(write(tmp_path, "index.csv", "DATE,SKEW", "1990-01-02,126.09"))
    assert series.columns == {"time": "DATE", "price": "SKEW"}
    assert series.table["price"].to_list() == [126.09]


def test_optional_columns_come_along(tmp_path: Path) -> None:
    path = write(tmp_path, "p.csv", "time,mark,funding_rate,iv", "2021-01-04,2,-0.0001,0.5", "2021-01-05,3,,")
    table = read_price_series(path).table
    assert table["funding"].to_list() == [-0.0001, None]
    assert table["implied_vol"].to_list() == [0.5, None]


def test_a_written_series_reads_back(tmp_path: Path) -> None:
    series = read_price_series(write(tmp_path, "p.csv", "date,close,bid,ask", "2021-01-04,2,1,3", "2021-01-05,,,"))
    for suffix in ("csv", "parquet"):
        path = tmp_path / f"again.{suffix}"
        table = series.table.select("time", "price", "bid", "ask")
        table.write_csv(path) if suffix == "csv" else table.write_parquet(path)
        assert read_price_series(path).table.equals(series.table)


@needs_shared
def test_the_minute_candles_are_read() -> None:
    table = read_price_series(SHARED / "crypto_1m" / "BTCUSD.parquet").table
    assert table.height == 1_025_708
    assert table["time"].is_sorted()
