"""Implied volatilities against 60 digits of mpmath: the exact volatility of a price that is a double."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tenrec.pricing import black_scholes, implied, mills

mp = pytest.importorskip("mpmath")


def black(forward: float, strike: float, total: mp.mpf, sign: float) -> mp.mpf:
    """The undiscounted price."""
    d1 = mp.log(mp.mpf(forward) / mp.mpf(strike)) / total + total / 2
    return sign * (forward * mp.ncdf(sign * d1) - strike * mp.ncdf(sign * (d1 - total)))


def exact_total(price: float, forward: float, strike: float, near: mp.mpf, sign: float) -> mp.mpf:
    """Newton's method in 60 digits from the total volatility that gave the price."""
    total = near
    for _ in range(4):
        d1 = mp.log(mp.mpf(forward) / mp.mpf(strike)) / total + total / 2
        total -= (black(forward, strike, total, sign) - price) / (forward * mp.npdf(d1))
    return total


def worst(forward: np.ndarray, strike: np.ndarray, maturity: np.ndarray, volatility: np.ndarray) -> tuple[float, int]:
    """The largest relative error over out-of-the-money quotes, and how many of them a double can price."""
    sign = np.where(strike >= forward, 1.0, -1.0)
    prices, totals = [], []
    with mp.workdps(60):
        for f, k, s, side in zip(forward, strike, volatility * np.sqrt(maturity), sign, strict=True):
            near = mp.mpf(float(s))
            price = float(black(f, k, near, side))
            usable = 1e-300 < price < min(f, k)
            prices.append(price if usable else np.nan)
            totals.append(exact_total(price, f, k, near, side) if usable else mp.nan)
    found = implied.implied_volatilities(np.array(prices), forward, strike, maturity, sign)
    used = ~np.isnan(prices)
    assert (found.status[used] == implied.Status.OK).all()
    roots = [mp.sqrt(mp.mpf(float(t))) for t in maturity]
    errors = [
        abs(float(mp.mpf(float(v)) * root / total - 1))
        for v, root, total, use in zip(found.volatility, roots, totals, used, strict=True)
        if use
    ]
    return max(errors), len(errors)


def test_twelve_digits_over_the_whole_range():
    """Log-moneyness to ±5, maturity 0.001–5, volatility 0.01–4, down to prices of 1e-300."""
    draw = np.random.default_rng(0).uniform
    n = 1500
    log_moneyness = np.where(np.arange(n) % 2, draw(-5, 5, n), draw(-1, 1, n))
    maturity, volatility = 10 ** draw(-3, np.log10(5), n), 10 ** draw(-2, np.log10(4), n)
    error, used = worst(np.full(n, 100.0), 100.0 * np.exp(log_moneyness), maturity, volatility)
    assert used > 800
    assert error < 1e-13


def test_tiny_totals_and_the_edges_of_double_precision():
    """At and by the money with σ√τ down to 1e-12, far out with prices to 1e-300, and totals up to 15."""
    draw = np.random.default_rng(1).uniform
    n = 300
    total = 10 ** draw(-12, -2, n)
    strike = 1.0 + np.where(np.arange(n) % 3, draw(-8, 8, n) * total, 0.0)
    error, used = worst(np.ones(n), strike, np.ones(n), total)
    assert used == n
    assert error < 1e-13
    strike, total = np.exp(draw(-5, 5, n)), 10 ** draw(-1.5, 1.2, n)
    error, used = worst(np.ones(n), strike, np.ones(n), total)
    assert used > 150
    assert error < 1e-13


@pytest.mark.parametrize("width", [1.0, 3.0])
def test_far_beyond_any_market(width: float):
    """log(F/K) up to ±30, where two steps would not do."""
    draw = np.random.default_rng(2).uniform
    n = 150
    forward = np.exp(draw(-10 * width, 0, n))
    error, used = worst(forward, np.ones(n), np.ones(n), 10 ** draw(-0.5, 1.1, n))
    assert used > 80
    assert error < 1e-13


def test_in_the_money_to_what_the_price_determines():
    """A price of 60 ± 1e-14 holds its time value to that much: the error may be some ulps of the price over vega."""
    forward, maturity, volatility = np.full(400, 100.0), np.full(400, 0.25), np.full(400, 0.3)
    strike = np.linspace(40.0, 160.0, 400)
    with jax.enable_x64(True):
        for sign in (1.0, -1.0):
            price = black_scholes.value(sign, forward, strike, volatility, maturity, 0.97)
            found = implied.implied_volatility(price, forward, strike, maturity, sign, 0.97)
            vega = black_scholes.vega(forward, strike, volatility, maturity, discount=0.97)
            allowed = 1e-13 + 4e-16 * 100.0 / np.asarray(vega)
            assert (np.abs(np.asarray(found.volatility) - 0.3) <= 4 * allowed).all()


@pytest.mark.usefixtures("x64")
def test_mills_ratio():
    points = np.concatenate([np.linspace(-6, 8, 141), 10.0 ** np.linspace(1, 8, 30)])
    with mp.workdps(40):
        exact = []
        for y in map(mp.mpf, points):
            if y < 40:
                exact.append(float(mp.ncdf(-y) / mp.npdf(y)))
            else:
                exact.append(float((1 - 1 / y**2 + 3 / y**4 - 15 / y**6 + 105 / y**8) / y))
    found = np.asarray(mills.ratio(jnp.asarray(points)))
    np.testing.assert_allclose(found, exact, rtol=6e-15)
