"""SABR, Heston and the neural pricer on made-up smiles whose answer to the forward is known."""

import datetime as dt

import jax
import numpy as np
import polars as pl
import pytest

from tenrec.backtest.heston_days import heston_days, heston_responses
from tenrec.backtest.neural_days import neural_days, neural_responses
from tenrec.backtest.sabr_smiles import sabr_responses, sabr_slices
from tenrec.pricing import heston, sabr
from tenrec.pricing.implied import implied_volatility

START = dt.date(2020, 1, 1)
EXPIRIES = (START + dt.timedelta(days=40), START + dt.timedelta(days=130))
MONEYNESS = np.linspace(-0.2, 0.2, 9)
SABR = {"level": 0.2, "elasticity": 1.0, "vol_of_vol": 0.9, "correlation": -0.4}
HESTON = {
    "initial_variance": 0.05, "mean_reversion": 3.0, "long_run_variance": 0.06, "vol_of_vol": 0.8, "correlation": -0.6,
}  # fmt: skip


def sabr_smile(log_moneyness: np.ndarray, years: np.ndarray) -> np.ndarray:
    with jax.enable_x64(True):
        return np.asarray(sabr.implied_volatility(1.0, np.exp(log_moneyness), years, **SABR))


def heston_smile(log_moneyness: np.ndarray, years: np.ndarray, **moved: float) -> np.ndarray:
    with jax.enable_x64(True):
        sign, strike = np.where(log_moneyness >= 0, 1.0, -1.0), np.exp(log_moneyness)
        price = heston.value(sign, 1.0, strike, years, **{**HESTON, **moved})
        return np.asarray(implied_volatility(price, 1.0, strike, years, sign).volatility)


def points(smile, days: int = 3) -> pl.DataFrame:
    """Quotes of the same smile on successive days."""
    rows = [
        (START + dt.timedelta(days=day), expiry, (expiry - START).days / 365.0 - day / 365.0, k)
        for day in range(days)
        for expiry in EXPIRIES
        for k in MONEYNESS
    ]
    table = pl.DataFrame(rows, schema=["trade_date", "expiry", "years", "log_moneyness"], orient="row")
    found = smile(table["log_moneyness"].to_numpy(), table["years"].to_numpy())
    return table.with_columns(implied_volatility=pl.Series(found))


def slope(smile, table: pl.DataFrame, step: float = 1e-4) -> np.ndarray:
    """−∂σ/∂log K: what a smile that moves along with the forward answers at a fixed strike."""
    k, years = table["log_moneyness"].to_numpy(), table["years"].to_numpy()
    return -(smile(k + step, years) - smile(k - step, years)) / (2.0 * step)


def test_sabr_finds_the_smile_it_was_given():
    table = points(sabr_smile)
    slices = sabr_slices(table)
    assert slices.height == 6
    # The few quotes pull a little towards the start of the search.
    assert slices["rms"].max() < 2e-4
    with jax.enable_x64(True):
        given = (1.0, np.exp(table["log_moneyness"].to_numpy()), table["years"].to_numpy())
        for moves in (True, False):
            expected = np.asarray(sabr.response(*given, **SABR, level_moves=moves))
            found = sabr_responses(table, slices, level_moves=moves)
            np.testing.assert_allclose(found, expected, atol=0.02)
    np.testing.assert_allclose(sabr_responses(table, slices, level_moves=False), slope(sabr_smile, table), atol=0.02)


@pytest.fixture(scope="module")
def fitted():
    table = points(heston_smile)
    return table, heston_days(table)


def test_heston_answers_as_the_model_does(fitted):
    table, days = fitted
    assert days["rms"].max() < 1e-4
    still, moving = heston_responses(table, days)
    np.testing.assert_allclose(still, slope(heston_smile, table), atol=2e-3)
    step, k, years = 1e-5, table["log_moneyness"].to_numpy(), table["years"].to_numpy()
    up, down = (heston_smile(k, years, initial_variance=0.05 + s) for s in (step, -step))
    by_variance = (up - down) / (2.0 * step)
    expected = slope(heston_smile, table) + HESTON["correlation"] * HESTON["vol_of_vol"] * by_variance
    np.testing.assert_allclose(moving, expected, atol=5e-3)


def test_the_neural_pricer_follows_the_slope(fitted):
    table, _ = fitted
    days = neural_days(table, every=2)
    assert days.days["rms"].fill_nan(None).null_count() == 1  # the second day keeps the fit of the first
    assert days.days["rms"].fill_nan(None).drop_nulls().max() < 2e-3
    found = neural_responses(table, days)
    np.testing.assert_allclose(found, slope(heston_smile, table), atol=0.1)
    assert np.sqrt(np.mean((found - slope(heston_smile, table)) ** 2)) < 0.03


def test_no_fit_looks_ahead(fitted):
    """What is quoted on a later day changes nothing before it."""
    table, _ = fitted
    last = pl.col("trade_date") == START + dt.timedelta(days=2)
    moved = table.with_columns(
        implied_volatility=pl.when(last)
        .then(pl.col("implied_volatility") + 0.02 - 0.1 * pl.col("log_moneyness"))
        .otherwise("implied_volatility")
    )
    early = (table["trade_date"] < START + dt.timedelta(days=2)).to_numpy()
    for answers in (
        lambda quotes: sabr_responses(table, sabr_slices(quotes)),
        lambda quotes: heston_responses(table, heston_days(quotes))[1],
        lambda quotes: neural_responses(table, neural_days(quotes, every=1)),
    ):
        one, other = answers(table), answers(moved)
        np.testing.assert_allclose(one[early], other[early], atol=1e-9)
        assert np.abs(one - other)[~early].max() > 0.01


def test_where_nothing_is_known_there_is_no_response(fitted):
    table, days = fitted
    later = table.with_columns(pl.col("trade_date") + pl.duration(days=30))
    assert not np.any(heston_responses(later, days)[1])
    assert not np.any(sabr_responses(later, sabr_slices(table)))
    assert not np.any(neural_responses(later, neural_days(table, every=5)))
