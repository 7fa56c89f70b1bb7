"""Implied volatilities: statuses instead of errors, derivatives, and Bachelier's formula."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

from tenrec.pricing import black_scholes, implied
from tenrec.pricing.implied import Status

pytestmark = pytest.mark.usefixtures("x64")

QUOTE = (0.6, 100.0, 112.0, 0.4, 1.0, 0.97)
BAD = [
    ("a price below the intrinsic value", (4.9, 105.0, 100.0, 1.0, 1.0, 1.0), Status.BELOW_INTRINSIC),
    ("a discounted one", (9.69, 110.0, 100.0, 1.0, 1.0, 0.97), Status.BELOW_INTRINSIC),
    ("a negative price", (-1e-9, 100.0, 120.0, 1.0, 1.0, 1.0), Status.BELOW_INTRINSIC),
    ("a call at its forward", (100.0, 100.0, 120.0, 1.0, 1.0, 1.0), Status.ABOVE_BOUND),
    ("a put above its strike", (81.0, 100.0, 80.0, 1.0, -1.0, 1.0), Status.ABOVE_BOUND),
    ("no number", (np.nan, 100.0, 100.0, 1.0, 1.0, 1.0), Status.INVALID),
    ("an infinite price", (np.inf, 100.0, 100.0, 1.0, 1.0, 1.0), Status.INVALID),
    ("a negative forward", (1.0, -100.0, 100.0, 1.0, 1.0, 1.0), Status.INVALID),
    ("no strike", (1.0, 100.0, 0.0, 1.0, 1.0, 1.0), Status.INVALID),
    ("an expired option", (1.0, 100.0, 100.0, 0.0, 1.0, 1.0), Status.INVALID),
    ("no discount factor", (1.0, 100.0, 100.0, 1.0, 1.0, 0.0), Status.INVALID),
    ("neither call nor put", (1.0, 100.0, 100.0, 1.0, 0.0, 1.0), Status.INVALID),
]


def test_a_bad_quote_gives_a_status_and_harms_no_other():
    columns = np.array([quote for _, quote, _ in BAD] + [QUOTE]).T
    found = implied.implied_volatilities(*columns)
    assert [Status(code) for code in found.status] == [status for *_, status in BAD] + [Status.OK]
    assert np.isnan(found.volatility[:-1]).all()
    price, *rest, sign, discount = QUOTE
    forward, strike, maturity = rest
    assert black_scholes.value(sign, forward, strike, found.volatility[-1], maturity, discount) == pytest.approx(
        price, rel=1e-13
    )


def test_no_time_value_is_no_volatility():
    quotes = np.array([[0.0, 100.0, 120.0, 1.0], [5.0, 105.0, 100.0, 1.0], [10.0, 100.0, 110.0, -1.0]])
    price, forward, strike, sign = quotes.T
    found = implied.implied_volatilities(price, forward, strike, 1.0, sign)
    assert found.volatility.tolist() == [0.0, 0.0, 0.0]
    assert (found.status == Status.OK).all()


def test_derivatives_are_those_of_the_implicit_function():
    """The identity σ(value(F, K, T, σ, D), F, K, T, D) = σ differentiated twice along every argument."""

    def back(v: jax.Array, sign: jax.Array, moneyness: jax.Array) -> jax.Array:
        forward, strike, volatility = 100.0 * v[0], moneyness * v[1], 0.3 * v[2]
        maturity, discount = 0.5 * v[3], 0.97 * v[4]
        price = black_scholes.value(sign, forward, strike, volatility, maturity, discount)
        return implied.implied_volatility(price, forward, strike, maturity, sign, discount).volatility

    @jax.jit
    @jax.vmap
    def both(sign: jax.Array, moneyness: jax.Array) -> tuple[jax.Array, jax.Array]:
        at = (jnp.ones(5), sign, moneyness)
        return jax.grad(back)(*at), jax.hessian(back)(*at)

    strikes = jnp.tile(jnp.array([70.0, 100.0, 112.0, 150.0]), 2)
    gradient, hessian = both(jnp.repeat(jnp.array([1.0, -1.0]), 4), strikes)
    np.testing.assert_allclose(gradient, np.tile([0.0, 0.0, 0.3, 0.0, 0.0], (8, 1)), atol=1e-11)
    np.testing.assert_allclose(hessian, 0.0, atol=1e-8)


def test_derivatives_pass_over_quotes_without_a_volatility():
    def total(prices: jax.Array) -> jax.Array:
        found = implied.implied_volatility(prices, 100.0, 100.0, 1.0, 1.0)
        return jnp.sum(jnp.where(found.status == Status.OK, found.volatility, 0.0))

    slope = jax.grad(total)(jnp.array([8.0, -1.0, 100.0, 0.0, jnp.nan]))
    vega = black_scholes.vega(100.0, 100.0, implied.implied_volatility(8.0, 100.0, 100.0, 1.0, 1.0).volatility, 1.0)
    assert slope[0] == pytest.approx(1.0 / float(vega), rel=1e-12)
    assert (np.asarray(slope[1:]) == 0.0).all()


def test_under_vmap_and_in_blocks_the_same():
    columns = [np.resize(number, 20_000) for number in QUOTE]
    columns[2] = np.linspace(60.0, 160.0, 20_000)
    columns[0] = np.asarray(black_scholes.value(1.0, 100.0, columns[2], 0.25, 0.4, 0.97))
    table = implied.implied_volatilities(*columns)
    mapped = jax.vmap(implied.implied_volatility)(*(jnp.asarray(column[:9000]) for column in columns))
    np.testing.assert_allclose(table.volatility[:9000], mapped.volatility, rtol=1e-14)
    assert table.volatility.shape == (20_000,)
    assert implied.implied_volatilities(np.zeros((0, 3)), 1.0, 1.0, 1.0, 1.0).volatility.shape == (0, 3)


def test_bachelier_gives_back_the_volatility_of_its_price():
    """The price is Bachelier's formula through SciPy's normal distribution."""
    draw = np.random.default_rng(0).uniform
    forward, width, maturity = draw(-2, 2, 500), 10 ** draw(-6, 1, 500), draw(0.01, 5, 500)
    total = width * np.sqrt(maturity)
    strike = forward + total * draw(-3, 3, 500)
    strike[:20] = forward[:20]
    sign = np.where(strike >= forward, 1.0, -1.0)
    h = np.abs(strike - forward) / total
    price = total * (norm.pdf(h) - h * norm.sf(h))
    found = implied.bachelier_volatility(price, forward, strike, maturity, sign)
    np.testing.assert_allclose(found.volatility, width, rtol=1e-9)
    slope = jax.grad(lambda f: implied.bachelier_volatility(0.3, f, 0.2, 1.0, -1.0).volatility)(0.5)
    step = 1e-5
    ends = [implied.bachelier_volatility(0.3, 0.5 + shift, 0.2, 1.0, -1.0).volatility for shift in (-step, step)]
    assert float(slope) == pytest.approx(float(ends[1] - ends[0]) / (2 * step), rel=1e-7)
