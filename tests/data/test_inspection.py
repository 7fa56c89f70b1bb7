"""What `tenrec data check` finds in a file."""

import json
from pathlib import Path

import numpy as np
import pytest

from tenrec.core.errors import DataError
from tenrec.data import check
from tests.data.files import SHARED, chain, needs_shared, write

FILES = sorted(path for path in SHARED.rglob("*") if path.suffix in (".csv", ".parquet"))


def test_an_option_panel_is_described(tmp_path: Path) -> None:
    rows = ["2021-01-05,2021-02-01,call,100,0,0", "2021-01-08,2021-03-01,put,90,1.1,1.2"]
    report = check(chain(tmp_path, *rows))
    assert (report.kind, report.rows, report.usable) == ("option panel", 3, True)
    assert report.masked == {"no quote": 1}
    assert report.contents == {"dates": 3, "expiries": 2, "contracts (expiry, kind, strike)": 2}
    text = str(report)
    assert text.startswith("chain.csv: option panel, 3 rows\n")
    assert "from 2021-01-04 to 2021-01-08" in text
    assert "missing weekdays: 2; longest gap 3 days, from 2021-01-05 to 2021-01-08" in text
    assert text.endswith("usable as it is")


def test_every_kind_of_trouble_is_listed(tmp_path: Path) -> None:
    report = check(chain(tmp_path, "2021-01-05,2021-01-01,straddle,-1,2,1"))
    assert not report.usable
    for said in ("straddle is not a kind", "-1 is not a positive", "2021-01-01 is before", "2 is above the ask of 1.0"):
        assert sum(said in sentence for sentence in report.refusals) == 1
    assert report.lines()[-1] == "not usable as it is"


def test_a_chain_that_is_no_panel_is_one_for_pricing(tmp_path: Path) -> None:
    rows = ["100,0.5,20,8.1,call", "105,0.5,21,5.9,call", "105,0.5,21,5.9,call", "110,-0.1,22,3.0,put"]
    report = check(write(tmp_path, "c.csv", "strike,maturity,implied vol,price,type", *rows))
    assert (report.kind, report.usable, report.rows) == ("option chain", True, 4)
    assert report.chain is not None
    assert report.chain.refused == {"duplicate contract": 1, "expiry before the quote date": 1}
    assert any("percent" in said for said in report.chain.assumptions)
    assert "which an option panel needs" in report.notes[0]
    assert json.loads(json.dumps(report.to_dict(), allow_nan=False))["chain"]["used"] == 2
    text = write(tmp_path, "t.csv", "strike,maturity,price,type", "100,0.5,abc,call")
    refused = ("t.csv row 2, column price: the cell is not a number; fix the cell or empty it.",)
    assert check(text).refusals == refused


def test_a_folder_of_days_is_one_chain(tmp_path: Path) -> None:
    for day in ("2024-01-02", "2024-01-03"):
        write(tmp_path, f"{day}.csv", "date,strike,maturity,price,type", f"{day},100,0.5,8.1,call")
    report = check(tmp_path)
    assert (report.kind, report.rows) == ("option chain", 2)
    assert report.chain is not None
    assert report.chain.counted == "all 2 days"
    write(tmp_path, "other.csv", "date,strike,maturity,last,type", "2024-01-04,100,0.5,8.1,call")
    assert "other.csv lacks the column price of 2024-01-02.csv" in check(tmp_path).refusals[0]


def test_a_price_series_is_described(tmp_path: Path) -> None:
    report = check(
        write(tmp_path, "p.csv", "time,close", "2021-01-04 10:00,1", "2021-01-04 11:00,2", "2021-01-04 14:00,3")
    )
    assert (report.kind, report.usable) == ("price series", True)
    assert (report.gaps.longest, report.contents["price range"]) == (3 * 3_600.0, "1 to 3")


def test_columns_can_be_given(tmp_path: Path) -> None:
    path = write(tmp_path, "etf.csv", "date,adjusted_close,raw", "2021-01-04,3.0,2.0")
    assert check(path).kind == "unknown"
    report = check(path, columns={"price": "raw"})
    assert (report.kind, report.contents["price range"]) == ("price series", "2 to 2")


def test_arrays_are_described(tmp_path: Path) -> None:
    np.save(tmp_path / "paths.npy", np.ones((5, 3)))
    assert check(tmp_path / "paths.npy").contents == {"shape": "5 × 3", "type": "float64"}
    np.save(tmp_path / "paths.npy", -np.ones((5, 3)))
    assert "row 1, column 1 (counted from 1): -1.0" in check(tmp_path / "paths.npy").refusals[0]
    np.savez(tmp_path / "set.npz", X_train=np.ones((4, 2)), Y_train=np.full(4, np.nan))
    report = check(tmp_path / "set.npz")
    assert (report.kind, report.rows, report.contents["X_train"]) == ("arrays", 4, "4 × 2 float64")
    assert len(report.refusals) == 1


def test_what_cannot_be_read_is_refused_in_the_report(tmp_path: Path) -> None:
    report = check(write(tmp_path, "notes.txt", "hello"))
    assert (report.kind, report.usable, len(report.refusals)) == ("unknown", False, 1)
    assert report.lines()[0] == "notes.txt: not understood, 0 rows"


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        check(tmp_path / "nowhere.csv")


def test_the_report_fits_json(tmp_path: Path) -> None:
    report = check(write(tmp_path, "p.csv", "date,close", "2021-01-04,1", "2021-01-06,", "2021-01-05,nan"))
    values = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert values["first"] == "2021-01-04T00:00:00"
    assert values["gaps"]["spacing"] == 86_400.0
    assert values["masked"] == {"no price": 1}
    assert values["usable"] is False
    assert len(values["refusals"]) == 2


@needs_shared
@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_recorded_files_are_understood_or_refused_in_one_sentence(path: Path) -> None:
    report = check(path)
    json.dumps(report.to_dict(), allow_nan=False)
    assert (report.kind == "unknown") <= (len(report.refusals) == 1)
    for sentence in report.refusals:
        assert path.name in sentence
        assert sentence.endswith(".")
        assert "\n" not in sentence


# What the notes on the recorded data say of each set, and a reader of the report must be able to see.
KNOWN = {
    "crypto_1m/BTCUSD.parquet": ("price series", True, "missing rows: 25,492"),
    "banknifty_options/chain.parquet": ("option chain", True, "looks like percent"),
    "crypto_options_2026/deribit.parquet": ("option chain", True, "Prices are in coin"),
    "spy_options_2021/options.parquet": ("option chain", True, "bid above ask: 17 rows"),
    "us_index_chains_2026/SPY.parquet": ("option chain", True, "exercise: american"),
    "us_index_chains_2026/underlying.csv": ("price series", False, "4 series in one file"),
    "vol_indices/VIX.csv": ("price series", True, "from 1990-01-02 to 2018-12-31"),
    "sp100_calls/calls.parquet": ("option chain", True, "marked suspect: 10 rows"),
    "heston_params_2013/heston_params.csv": ("unknown", False, "no column for the price"),
}


@needs_shared
@pytest.mark.parametrize("name", KNOWN)
def test_known_sets_are_judged_as_their_notes_say(name: str) -> None:
    kind, usable, said = KNOWN[name]
    report = check(SHARED / name)
    assert (report.kind, report.usable) == (kind, usable)
    assert said in str(report)
