"""Files of dated quotes in several layouts, brought to one listing."""

import datetime as dt
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tenrec.backtest.listing import Listing, history_listing
from tenrec.backtest.quotes import black_value, priced_quotes
from tenrec.core.errors import DataError
from tenrec.data.chain_history import read_history

RATE, YIELD, VOLATILITY = 0.03, 0.01, 0.25
START = dt.date(2021, 3, 1)
EXPIRIES = (dt.date(2021, 4, 16), dt.date(2021, 6, 18))
SHARED = Path(__file__).parents[2].parent / "shared" / "data"


def quotes(days: int = 8) -> pl.DataFrame:
    """Calls and puts of two expiries at one volatility, interest and yield known."""
    rows = []
    for day in range(days):
        date, spot = START + dt.timedelta(days=day), 100.0 + 0.7 * day
        for expiry in EXPIRIES:
            years = (expiry - date).days / 365.0
            forward = spot * np.exp((RATE - YIELD) * years)
            for strike in np.arange(80.0, 121.0, 4.0):
                for sign in (1.0, -1.0):
                    total = np.array([VOLATILITY * np.sqrt(years)])
                    value = black_value(np.array([sign]), np.array([forward]), np.array([strike]), total)[0]
                    rows.append((date, expiry, years, strike, sign, spot, forward, value * np.exp(-RATE * years)))
    names = ["date", "expiry", "years", "strike", "sign", "spot", "forward", "price"]
    return pl.DataFrame(rows, schema=names, orient="row")


def listed(table: pl.DataFrame, place: Path, **terms: float) -> Listing:
    table.write_csv(place / "quotes.csv")
    return history_listing(read_history(place / "quotes.csv"), **terms)


def test_a_plain_file_without_types_expiries_or_rate_is_understood(tmp_path: Path):
    """Date, stock price, strike, time to maturity, price: the rest follows from parity."""
    table = quotes()
    plain = table.select(
        pl.col("date").alias("Date"), pl.col("spot").alias("Stock Price"), pl.col("strike").alias("Strike Price"),
        pl.col("years").alias("Time to Maturity"), pl.col("price").alias("Option Price"),
    ).sample(fraction=1.0, shuffle=True, seed=1)  # fmt: skip
    found = listed(plain, tmp_path)
    assert found.rate == pytest.approx(RATE, abs=1e-6)
    options = found.options.sort("trade_date", "expiry", "strike", "cp")
    expected = table.sort("date", "expiry", "strike", pl.col("sign"), descending=[False, False, False, True])
    assert options["expiry"].to_list() == expected["expiry"].to_list()
    assert (options["cp"] == "C").to_list() == (expected["sign"] > 0).to_list()
    forwards = found.forwards.join(
        table.select(pl.col("date").alias("trade_date"), "expiry", true="forward").unique(), on=["trade_date", "expiry"]
    )
    np.testing.assert_allclose(forwards["forward"], forwards["true"], rtol=1e-9)
    priced = priced_quotes(found.options, found.forwards, rate=found.rate)
    far = priced.filter(pl.col("log_moneyness").abs() < 0.1)["implied_volatility"]
    np.testing.assert_allclose(far, VOLATILITY, atol=1e-6)
    said = " ".join(found.notes)
    for word in ("No option type", "Expiries are not stated", "parity, 3.00 %"):
        assert word in said


def test_calls_alone_need_the_spot_to_be_carried(tmp_path: Path):
    calls = quotes().filter(pl.col("sign") > 0).with_columns(kind=pl.lit("call"))
    calls = calls.select("date", "expiry", "kind", "strike", "spot", close="price")
    found = listed(calls, tmp_path, rate=RATE, dividend_yield=YIELD)
    assert set(found.forwards["source"]) == {"spot carried"}
    years = (EXPIRIES[0] - START).days / 365.0
    assert found.forwards["forward"][0] == pytest.approx(100.0 * np.exp((RATE - YIELD) * years))
    assert any("interest: it is taken as 0" in note for note in listed(calls, tmp_path).notes)


def test_maturities_that_lead_to_no_expiry_are_refused(tmp_path: Path):
    """Trading days over 252 name another expiry each day."""
    table = quotes().select("date", "spot", "strike", "price", maturity=0.7 * pl.col("years"))
    with pytest.raises(DataError, match="cannot be followed"):
        listed(table, tmp_path)


def test_an_undated_file_is_refused(tmp_path: Path):
    with pytest.raises(DataError, match="no column for the date"):
        listed(quotes().select("years", "spot", "strike", "price"), tmp_path)


def test_american_options_are_said_to_be(tmp_path: Path):
    table = quotes().with_columns(kind=pl.when(pl.col("sign") > 0).then(pl.lit("C")).otherwise(pl.lit("P")))
    table.select("date", "expiry", "kind", "strike", "spot", "price").write_csv(tmp_path / "quotes.csv")
    found = history_listing(read_history(tmp_path / "quotes.csv", style="american"))
    assert any("American" in note for note in found.notes)


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared/data, which is absent")
@pytest.mark.parametrize(
    ("file", "rate", "coin", "style"),
    [
        ("crypto_options_2026/deribit.parquet", 0.0, "BTC", "european"),
        ("sp100_calls/calls.parquet", 0.003, None, "european"),
        ("spy_options_2021/options.parquet", 0.0, None, "american"),
    ],
)
def test_recorded_layouts_need_no_configuration(file: str, rate: float, coin: str | None, style: str):
    history = read_history(SHARED / file)
    found = history_listing(history)
    assert found.coin == coin
    assert found.rate == pytest.approx(rate, abs=2e-3)
    assert set(history.table["style"]) == {style}
    priced = priced_quotes(found.options, found.forwards, rate=found.rate)
    assert priced["implied_volatility"].null_count() < 0.1 * priced.height
    assert 0.05 < priced["implied_volatility"].median() < 0.8
