import datetime as dt

import numpy as np
import polars as pl
import pytest

from tenrec.backtest import SIGNAL_NAMES, Panel, market_signals
from tenrec.backtest.quotes import black_value, d1, implied_volatility
from tenrec.backtest.signals import exponential_mean, hedging_errors, index_returns
from tenrec.data import shanghai_etf


@pytest.fixture(scope="module")
def signals(quotes: pl.DataFrame, forwards: pl.DataFrame) -> pl.DataFrame:
    return market_signals(quotes, forwards)


@pytest.mark.parametrize("cut", [dt.date(2015, 8, 24), dt.date(2018, 12, 3), dt.date(2020, 2, 3)])
def test_no_signal_looks_ahead(
    quotes: pl.DataFrame, forwards: pl.DataFrame, signals: pl.DataFrame, cut: dt.date
) -> None:
    past = pl.col("trade_date") <= cut
    known = market_signals(quotes.filter(past), forwards.filter(past))
    assert known.equals(signals.filter(past))


def test_a_changed_future_leaves_the_past(quotes: pl.DataFrame, forwards: pl.DataFrame, signals: pl.DataFrame) -> None:
    cut = dt.date(2019, 6, 3)
    later = pl.col("trade_date") > cut
    scaled = [pl.when(later).then(pl.col(name) * 1.3).otherwise(pl.col(name)).alias(name) for name in ("forward",)]
    shifted = market_signals(quotes.with_columns(*scaled), forwards.with_columns(*scaled))
    past, future = pl.col("trade_date") <= cut, pl.col("trade_date") > cut
    assert shifted.filter(past).equals(signals.filter(past))
    assert not shifted.filter(future).equals(signals.filter(future))


def test_index_returns_are_those_of_the_etf_with_dividends(quotes: pl.DataFrame, forwards: pl.DataFrame) -> None:
    # The adjusted ETF close is an independent record of the same return; stress days part them by a real basis.
    etf = shanghai_etf().with_columns(truth=pl.col("etf50_hfq").log().diff(), gap=pl.col("date").diff().dt.total_days())
    both = index_returns(quotes, forwards).join(etf.rename({"date": "trade_date"}), on="trade_date").drop_nulls()
    difference = both["index_return"] - both["truth"]
    assert both.height > 1200
    assert np.corrcoef(both["index_return"], both["truth"])[0, 1] > 0.97
    assert np.median(difference.abs()) < 20e-4
    ex_dates = both.filter(pl.col("trade_date").is_in([dt.date(2018, 12, 3), dt.date(2020, 11, 30)]))
    assert ((ex_dates["index_return"] - ex_dates["truth"]).abs() < 60e-4).all()


def test_signals_are_finite_and_in_their_units(signals: pl.DataFrame) -> None:
    table = signals.select(SIGNAL_NAMES).to_numpy()
    assert np.isfinite(table).all()
    spread = dict(zip(SIGNAL_NAMES, table.std(axis=0), strict=True))
    for name in ("return_1d", "return_5d", "return_20d"):
        assert 0.7 < spread[name] < 1.1
    assert 0.05 < spread["hedging_beta"] < 0.5


def test_panel_carries_the_signals_of_its_dates(panel: Panel, signals: pl.DataFrame) -> None:
    by_date = dict(zip(signals["trade_date"].to_list(), signals["return_5d"].to_list(), strict=True))
    column = panel.paths.signal_names.index("return_5d")
    for path in (0, 700, len(panel) - 1):
        wanted = [by_date[date.item()] for date in panel.dates[path]]
        np.testing.assert_allclose(np.asarray(panel.paths.signals)[path, :, column], wanted, rtol=1e-5)


def test_hedging_errors_vanish_when_volatility_stands_still(forwards: pl.DataFrame) -> None:
    # Quotes at one constant volatility: what a delta leaves is gamma and theta.
    days = pl.col("trade_date").is_between(dt.date(2017, 3, 8), dt.date(2017, 4, 10))
    listed = forwards.filter(days, pl.col("expiry") == dt.date(2017, 4, 26))
    volatility = 0.2
    listed = listed.with_columns(
        years=(pl.col("expiry") - pl.col("trade_date")).dt.total_days() / 365.0,
        strike=pl.lit(2.35),
        cp=pl.lit("C"),
        sign=pl.lit(1.0),
        multiplier=pl.lit(10_000),
        implied_volatility=volatility,
        adj_event=pl.lit(None, dtype=pl.Date),
    ).with_columns(log_moneyness=(pl.col("strike") / pl.col("forward")).log())
    forward, strike, years = (listed[name].to_numpy() for name in ("forward", "strike", "years"))
    value = black_value(np.ones(len(forward)), forward, strike, volatility * np.sqrt(years))
    errors = hedging_errors(listed.with_columns(undiscounted=pl.Series(value)))
    total = volatility * np.sqrt(years)
    density = np.exp(-0.5 * d1(forward, strike, total) ** 2) / np.sqrt(2 * np.pi)
    days_passed, move = -np.diff(years) * 365.0, np.diff(forward) / forward[:-1]
    gamma = 0.5 * density[:-1] / total[:-1] * move**2
    theta = density[:-1] * total[:-1] / (2.0 * years[:-1]) * days_passed / 365.0
    followed = slice(-errors.height, None)
    assert errors.height > 10
    np.testing.assert_allclose(errors["error"], (gamma - theta)[followed], atol=2e-4)
    np.testing.assert_allclose(errors["exposure"], (density[:-1] * np.sqrt(years[:-1] * 365 / 30) * move)[followed])


def test_implied_volatility_inverts_the_value() -> None:
    strike = np.linspace(0.85, 1.15, 13)
    one = np.ones_like(strike)
    for sign in (1.0, -1.0):
        value = black_value(sign * one, one, strike, 0.25 * np.sqrt(30 / 365) * one)
        back = implied_volatility(sign * one, one, strike, one * 30 / 365, value)
        np.testing.assert_allclose(back, 0.25, rtol=1e-7)
    below_intrinsic = implied_volatility(one[:1], one[:1], one[:1] * 0.9, one[:1] * 0.1, one[:1] * 0.0999)
    assert np.isnan(below_intrinsic).all()


def test_exponential_mean_of_a_constant_is_the_constant() -> None:
    np.testing.assert_allclose(exponential_mean(np.full(30, 2.5), 10.0), 2.5, rtol=1e-12)
