"""Option panels: what is read, masked and refused."""

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from tenrec.core.errors import DataError
from tenrec.data import read_option_panel
from tests.data.files import SHARED, chain, needs_shared, write

CLOSES = "trade_date,expiry,cp,strike,close"

REFUSED = {
    "text in a number": ("2021-01-04,2021-02-01,put,abc,1,1.2", "column strike: abc is not a number"),
    "nan strike": ("2021-01-04,2021-02-01,put,nan,1,1.2", "column strike: nan is not a finite number"),
    "infinite ask": ("2021-01-04,2021-02-01,put,100,1,inf", "column ask: inf is not a finite number"),
    "nan bid": ("2021-01-04,2021-02-01,put,100,NaN,1", "column bid: NaN is not a finite number"),
    "negative strike": ("2021-01-04,2021-02-01,put,-3.0,1,1.2", "column strike: -3.0 is not a positive price"),
    "zero strike": ("2021-01-04,2021-02-01,put,0,1,1.2", "column strike: 0 is not a positive price"),
    "negative bid": ("2021-01-04,2021-02-01,put,100,-1,1.2", "column bid: -1 is a negative price"),
    "bid above ask": ("2021-01-04,2021-02-01,put,100,1.5,1.2", "column bid: 1.5 is above the ask of 1.2 in column ask"),
    "expiry before date": ("2021-03-04,2021-02-01,put,100,1,1.2", "column expiry: 2021-02-01 is before the date"),
    "empty strike": ("2021-01-04,2021-02-01,put,,1,1.2", "column strike: an empty cell where the strike is needed"),
    "empty date": (",2021-02-01,put,100,1,1.2", "column date: an empty cell where the date is needed"),
    "odd kind": ("2021-01-04,2021-02-01,straddle,100,1,1.2", "column kind: straddle is not a kind of option"),
    "odd date": ("04/01/2021,2021-02-01,put,100,1,1.2", "column date: '04/01/2021' is not an ISO date or time"),
    "impossible day": ("2021-02-30,2021-03-01,put,100,1,1.2", "column date: 2021-02-30 is not an ISO date or time"),
    "duplicate": (
        "2021-01-04,2021-02-01,C,100,2,3",
        "columns date, expiry, kind, strike: duplicate key (2021-01-04, 2021-02-01, C, 100), already in row 2",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("row", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_refusals_name_file_row_and_column(tmp_path: Path, row: str, said: str) -> None:
    with pytest.raises(DataError) as caught:
        read_option_panel(chain(tmp_path, row))
    message = str(caught.value)
    assert message.startswith("chain.csv row 3 (header counted), ")
    assert said in message
    assert message.endswith(".")
    assert "\n" not in message


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("0", "0 is not a positive price"),
        ("-0.1", "-0.1 is not a positive price"),
        ("nan", "nan is not a finite number"),
    ],
)
def test_a_close_alone_has_to_be_a_positive_number(tmp_path: Path, cell: str, said: str) -> None:
    path = chain(tmp_path, "2021-01-04,2021-02-01,C,100,1.1", f"2021-01-05,2021-02-01,C,100,{cell}", header=CLOSES)
    with pytest.raises(DataError, match=f"row 3 .*column close: {said}"):
        read_option_panel(path)


def test_rows_of_the_same_trouble_are_counted(tmp_path: Path) -> None:
    rows = [f"2021-01-0{day},2021-02-01,put,-3.0,1,1.2" for day in range(4, 9)]
    with pytest.raises(DataError) as caught:
        read_option_panel(chain(tmp_path, *rows))
    assert str(caught.value) == (
        "chain.csv row 3 (header counted), column strike: -3.0 is not a positive price (and 4 more rows); "
        "remove the rows or fix the export."
    )


def test_two_kinds_of_trouble_point_to_the_check(tmp_path: Path) -> None:
    path = chain(tmp_path, "2021-01-04,2021-02-01,put,-3,2,1")
    with pytest.raises(DataError, match=r"column strike: -3 .*\(1 more problem: see `tenrec data check`\)\.$"):
        read_option_panel(path)


def test_rows_of_a_parquet_file_count_from_one(tmp_path: Path) -> None:
    path = tmp_path / "chain.parquet"
    day, expiry = dt.date(2021, 1, 4), dt.date(2021, 2, 1)
    columns = {
        "date": [day] * 2,
        "expiry": [expiry] * 2,
        "kind": ["C", "P"],
        "strike": [1.0, 1.0],
        "close": [0.1, -0.1],
    }
    pl.DataFrame(columns).write_parquet(path)
    with pytest.raises(
        DataError, match=r"chain\.parquet row 2 \(counted from 1\), column close: -0\.1 is not a positive"
    ):
        read_option_panel(path)


def test_missing_columns_are_named(tmp_path: Path) -> None:
    path = write(tmp_path, "chain.csv", "date,strike,bid", "2021-01-04,100,1")
    with pytest.raises(DataError, match=r"no column for the expiry and the kind .* and the close \(or bid and ask\)"):
        read_option_panel(path)


def test_percent_is_refused_unless_declared(tmp_path: Path) -> None:
    header, row = "date,expiry,kind,strike,close,iv", "2021-01-04,2021-02-01,C,100,1.1,25"
    path = chain(tmp_path, row, header=header)
    with pytest.raises(DataError, match="column iv: a median of 25 looks like percent"):
        read_option_panel(path)
    assert read_option_panel(path, implied_vol_percent=True).table["implied_vol"].to_list() == [0.25]


def test_negative_implied_vol_is_refused_and_zero_is_unknown(tmp_path: Path) -> None:
    header, rows = (
        "date,expiry,kind,strike,close,iv",
        ("2021-01-04,2021-02-01,C,100,1.1,0", "2021-01-05,2021-02-01,C,100,1,nan"),
    )
    panel = read_option_panel(chain(tmp_path, *rows, header=header))
    assert panel.table["implied_vol"].to_list() == [None, None]
    assert panel.flagged == {"no implied vol": 2}
    with pytest.raises(DataError, match=r"column iv: -0\.2 is not a possible implied vol"):
        read_option_panel(chain(tmp_path, "2021-01-04,2021-02-01,C,100,1.1,-0.2", header=header))


def test_gaps_in_quotes_are_masked_and_not_filled(tmp_path: Path) -> None:
    rows = [
        "2021-01-05,2021-02-01,call,100,0,0",
        "2021-01-06,2021-02-01,call,100,,1.3",
        "2021-01-07,2021-02-01,call,100,1,",
    ]
    panel = read_option_panel(chain(tmp_path, *rows, "2021-01-08,2021-02-01,call,100,,"))
    assert panel.table["masked"].to_list() == [None, "no quote", "no bid", "no ask", "no quote"]
    assert panel.masked == {"no quote": 2, "no bid": 1, "no ask": 1}
    assert panel.table["bid"].to_list() == [1.0, 0.0, None, 1.0, None]
    assert panel.quotes.height == 1


def test_an_empty_close_is_masked_and_a_flagged_row_may_repeat(tmp_path: Path) -> None:
    rows = ["2021-01-04,2021-02-01,C,100,1.1,false", "2021-01-05,2021-02-01,C,100,,false"]
    twice = ["2021-01-06,2021-02-01,C,100,1.2,true", "2021-01-06,2021-02-01,C,100,1.3,true"]
    panel = read_option_panel(chain(tmp_path, *rows, *twice, header=CLOSES + ",dup_key"))
    assert panel.masked == {"dup_key": 2, "no close": 1}
    assert panel.quotes["close"].to_list() == [1.1]


def test_nothing_usable_is_refused(tmp_path: Path) -> None:
    path = chain(tmp_path, "2021-01-04,2021-02-01,C,100,", header=CLOSES)
    with pytest.raises(DataError, match=r"no usable price in 1 rows \(no close in 1\)"):
        read_option_panel(path)


def test_one_layout_whatever_the_columns_are_called(tmp_path: Path) -> None:
    header = "Strike,type,QuoteDate,Expiration,BID,Ask,my_forward,optionalias"
    rows = ["110,pe,2021-01-05,2021-02-01,2,2.5,101,b", "100,CE,2021-01-04T15:00:00,2021-02-01,1,1.5,102,a"]
    panel = read_option_panel(chain(tmp_path, *rows, header=header), columns={"forward": "my_forward"})
    table = panel.table
    assert table["kind"].to_list() == ["call", "put"]
    assert table["time"].to_list() == [dt.datetime(2021, 1, 4, 15), dt.datetime(2021, 1, 5)]
    assert table["date"].to_list() == [dt.date(2021, 1, 4), dt.date(2021, 1, 5)]
    assert table["forward"].to_list() == [102.0, 101.0]
    assert table["close"].to_list() == [None, None]
    assert panel.columns["date"] == "QuoteDate"


def test_a_contract_name_or_multiplier_parts_two_listings(tmp_path: Path) -> None:
    header = CLOSES + ",multiplier"
    rows = ["2021-01-04,2021-02-01,C,100,1.1,10000", "2021-01-04,2021-02-01,C,100,1.2,10220"]
    assert read_option_panel(chain(tmp_path, *rows, header=header)).table.height == 2


def test_columns_that_do_not_exist_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no column 'nowhere'"):
        read_option_panel(chain(tmp_path), columns={"forward": "nowhere"})
    with pytest.raises(DataError, match="'foward' is not a role"):
        read_option_panel(chain(tmp_path), columns={"foward": "ask"})


def test_a_written_panel_reads_back(tmp_path: Path) -> None:
    rows = ["2021-01-05,2021-02-01,put,90,0.5,0.6", "2021-01-05,2021-03-01,call,110,0,0"]
    panel = read_option_panel(chain(tmp_path, *rows))
    for suffix in ("csv", "parquet"):
        path = tmp_path / f"again.{suffix}"
        table = panel.table.drop("masked", "time")
        table.write_csv(path) if suffix == "csv" else table.write_parquet(path)
        assert read_option_panel(path).table.drop("contract").equals(panel.table.drop("contract"))


@needs_shared
def test_the_recorded_shanghai_panel_is_read() -> None:
    panel = read_option_panel(SHARED / "sse50etf_options" / "options.parquet")
    assert panel.table.height == 208_422
    assert panel.masked == {"dup_key": 3_976, "no close": 908}
    assert panel.flagged["adjusted contract"] == 72_032


@needs_shared
def test_the_evening_snapshot_of_the_index_chain_is_refused() -> None:
    path = SHARED / "us_index_chains_2026" / "SPX.parquet"
    with pytest.raises(DataError, match=r"SPX\.parquet row 29365 .*duplicate key \(2026-07-22, .* already in row 1 "):
        read_option_panel(path)
