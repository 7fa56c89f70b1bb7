"""The bundled Shanghai options."""

import datetime as dt
import subprocess
import sys
from importlib import resources
from pathlib import Path

import polars as pl
import pytest

from tenrec.data import read_option_panel, shanghai_etf, shanghai_forwards, shanghai_options
from tests.data.files import SHARED, needs_shared

RATE = 0.025
SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "bundle_shanghai.py"
BUNDLED = resources.files("tenrec.data") / "bundled"


@pytest.fixture(scope="module")
def options() -> pl.DataFrame:
    return shanghai_options()


def parity_errors(options: pl.DataFrame) -> pl.Series:
    """|C − P − exp(−rT)(F − K)| / F of the pairs within ±10 % of the money."""
    kept = options.filter(~pl.col("dup_key")).drop_nulls(["close", "fwd_parity"])
    near = kept.filter((pl.col("strike") / pl.col("fwd_parity")).log().abs() <= 0.10)
    keys = ["trade_date", "expiry", "strike", "multiplier"]
    pairs = near.filter(pl.col("cp") == "C").join(near.filter(pl.col("cp") == "P"), on=keys, suffix="_put")
    discount = (-RATE * pl.col("dte") / 365.0).exp()
    owed = discount * (pl.col("fwd_parity") - pl.col("strike"))
    error = (pl.col("close") - pl.col("close_put") - owed).abs() / pl.col("fwd_parity")
    return pairs.select(error.alias("error")).to_series()


def test_the_bundle_is_small_and_says_where_it_is_from() -> None:
    files = list(BUNDLED.iterdir())
    sizes = [len(file.read_bytes()) for file in files]
    assert sum(sizes) <= 3_000_000
    provenance = (BUNDLED / "PROVENANCE.md").read_text(encoding="utf-8")
    for file in files:
        assert file.name == "PROVENANCE.md" or file.name in provenance
    for needed in ("MIT", "bundle_shanghai.py", "CNY", *shanghai_options().columns):
        assert needed in provenance


def test_row_counts_and_dates(options: pl.DataFrame) -> None:
    assert options.height == 208_422
    assert shanghai_forwards().height == 6_557
    assert shanghai_etf().height == 1_217
    assert (options["trade_date"].min(), options["trade_date"].max()) == (dt.date(2015, 2, 9), dt.date(2021, 12, 31))
    assert options["trade_date"].n_unique() == 1_680


def test_keys_are_unique_but_for_flagged_rows(options: pl.DataFrame) -> None:
    key = ["trade_date", "expiry", "cp", "strike", "multiplier"]
    repeated = options.select(key).is_duplicated()
    assert repeated.sum() == 3_976
    assert (repeated == options["dup_key"]).all()
    assert not shanghai_forwards().select("trade_date", "expiry").is_duplicated().any()
    assert shanghai_etf()["date"].is_unique().all()


def test_prices_are_ticks_and_nulls_are_the_documented_ones(options: pl.DataFrame) -> None:
    closes = options["close"].drop_nulls()
    assert closes.len() == 208_422 - 908
    assert closes.min() == 0.0001
    assert (closes * 1e4 - (closes * 1e4).round()).abs().max() < 1e-9  # pyright: ignore[reportOperatorIssue, reportOptionalOperand]
    missing = options.filter(pl.col("fwd_parity").is_null())
    assert missing.height == 5_696
    assert set(missing["dte"]) == {0, 1}
    assert options.filter(pl.col("spot_est").is_null())["trade_date"].max() < dt.date(2017, 1, 3)  # pyright: ignore[reportOperatorIssue, reportOptionalOperand]


def test_strikes_change_at_the_ex_dividend_date_only(options: pl.DataFrame) -> None:
    adjusted = options.filter(pl.col("adj_event").is_not_null())
    before = adjusted.filter(pl.col("trade_date") < pl.col("adj_event"))
    after = adjusted.filter(pl.col("trade_date") >= pl.col("adj_event"))
    assert adjusted["adj_event"].n_unique() == 6
    assert before.filter(pl.col("strike") <= pl.col("strike_raw")).is_empty()
    assert (after["strike"] == after["strike_raw"]).all()
    assert (before["multiplier"] == 10_000).all()
    plain = options.filter(pl.col("adj_event").is_null())
    assert (plain["strike"] == plain["strike_raw"]).all()


def test_put_call_parity_holds_as_the_provenance_says(options: pl.DataFrame) -> None:
    errors = parity_errors(options)
    assert errors.len() > 60_000
    assert round(errors.median() * 1e4, 1) <= 3.0  # pyright: ignore[reportOperatorIssue, reportOptionalOperand, reportArgumentType, reportCallIssue]
    assert errors.quantile(0.95) < 0.0021  # pyright: ignore[reportOptionalOperand]


def test_the_loader_takes_the_bundle(tmp_path: Path, options: pl.DataFrame) -> None:
    path = tmp_path / "options.parquet"
    options.write_parquet(path)
    panel = read_option_panel(path)
    assert panel.masked == {"dup_key": 3_976, "no close": 908}
    assert panel.quotes.height == 208_422 - 3_976 - 908


@needs_shared
def test_the_bundle_is_the_recorded_set(options: pl.DataFrame) -> None:
    recorded = pl.read_parquet(SHARED / "sse50etf_options" / "options.parquet").with_columns(
        pl.col("trade_date", "expiry", "adj_event").cast(pl.Date)
    )
    recorded = recorded.sort("trade_date", "expiry", "strike_raw", "cp", "multiplier", maintain_order=True)
    assert options.drop("iv_calc").equals(recorded.drop("iv_calc").select(options.drop("iv_calc").columns))
    relative = (options["iv_calc"] / recorded["iv_calc"] - 1.0).abs().max()
    assert relative < 1e-7  # pyright: ignore[reportOperatorIssue, reportOptionalOperand]


@needs_shared
def test_the_script_rebuilds_the_bundle(tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPT), str(SHARED / "sse50etf_options"), str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True)
    for name in ("shanghai_options", "shanghai_forwards", "shanghai_etf"):
        rebuilt = pl.read_parquet(tmp_path / f"{name}.parquet")
        bundled = pl.read_parquet((BUNDLED / f"{name}.parquet").read_bytes())
        assert rebuilt.equals(bundled)
