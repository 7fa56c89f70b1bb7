"""Books along ticks: Greeks against SciPy's normal law, flows at expiry, given Greeks."""

import numpy as np
import pytest
from scipy.stats import norm

from tenrec.core.errors import ConfigError
from tenrec.tuning.book import Book, GivenGreeks, Leg, book_path
from tenrec.tuning.ticks import DAY
from tests.tuning.desk import ticks_of, walk


def black_scholes(sign, spot, strike, volatility, left, rate):
    width = volatility * np.sqrt(left)
    d1 = (np.log(spot / strike) + (rate + 0.5 * volatility**2) * left) / width
    value = sign * (spot * norm.cdf(sign * d1) - strike * np.exp(-rate * left) * norm.cdf(sign * (d1 - width)))
    return value, sign * norm.cdf(sign * d1), norm.pdf(d1) / (spot * width)


def test_value_and_greeks_against_scipy():
    ticks = ticks_of(walk(300), volatility=0.7)
    legs = (Leg("call", 1.05, 20 * DAY, -2.0), Leg("put", 48_000.0, 9 * DAY, 3.0, relative=False))
    path = book_path(Book(1e6, legs, rate=0.04), ticks)
    units = 1e6 / ticks.spot[0]
    expected = np.zeros((3, 300))
    for sign, strike, expiry, quantity in ((1, 1.05 * ticks.spot[0], 20, -2.0 * units), (-1, 48_000.0, 9, 3.0)):
        left = (expiry * DAY - ticks.time) / (365 * DAY)
        expected += quantity * np.array(black_scholes(sign, ticks.spot, strike, 0.7, left, 0.04))
    for found, wanted in zip((path.value, path.delta, path.gamma), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-12)


def test_a_leg_that_expires_pays_once_and_is_gone():
    spot = walk(300)
    ticks = ticks_of(spot)
    legs = (Leg("call", 0.9, 100.5 * 60, -1.0), Leg("put", 1.0, 30 * DAY, -1.0))
    path = book_path(Book(1e6, legs), ticks)
    paid = -(1e6 / spot[0]) * (spot[101] - 0.9 * spot[0])
    np.testing.assert_allclose(path.flow[101], paid)
    assert np.count_nonzero(path.flow) == 1
    later = book_path(Book(1e6, legs[1:]), ticks)
    np.testing.assert_allclose(path.delta[101:], later.delta[101:], rtol=1e-9)


def test_expansion_comes_nearer_with_finer_ticks():
    """Delta–gamma–theta misses terms of third order in the move of a tick."""
    fine = 50_000.0 * np.exp(np.cumsum(4e-4 * np.random.default_rng(0).standard_normal(4001)))
    errors = []
    for step in (1, 16):
        path = book_path(Book(1e6, (Leg("call", 1.0, 30 * DAY, -1.0),)), ticks_of(fine[::step], interval=10.0 * step))
        errors.append(np.abs(path.expansion - (path.value - path.value[0])).max())
    assert errors[0] < 0.5 * errors[1]


def test_given_greeks_are_expanded_from_the_first_tick():
    spot, volatility = walk(50), np.linspace(0.6, 0.7, 50)
    ticks = ticks_of(spot, volatility=volatility)
    path = book_path(Book(1e6, GivenGreeks(delta=2.0, gamma=-1e-4, theta=500.0, vega=-300.0)), ticks)
    move, days = spot[-1] - spot[0], 49 * 60 / DAY
    np.testing.assert_allclose(path.value[-1], 2 * move - 0.5e-4 * move**2 + 500 * days - 300 * 10)
    np.testing.assert_allclose(path.delta[-1], 2.0 - 1e-4 * move)


def test_a_book_that_is_over_is_refused():
    with pytest.raises(ConfigError, match="expired before the first tick"):
        book_path(Book(1e6, (Leg("call", 5e4, -1.0, -1.0, relative=False),)), ticks_of(walk(10)))
