"""Black–Scholes values and Greeks against QuantLib, against finite differences, and at the ends of their range."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jaxtyping import Array

from tenrec.pricing import black_scholes

ql = pytest.importorskip("QuantLib")

# Every combination, broadcast: sign, forward, strike, volatility, years.
GRID = np.meshgrid(
    [1.0, -1.0], [60.0, 95.0, 100.0, 140.0], [80.0, 100.0, 101.0], [0.05, 0.2, 0.9], [1e-4, 0.1, 3.0], indexing="ij"
)
SIGN, FORWARD, STRIKE, VOLATILITY, YEARS = (axis.ravel() for axis in GRID)
DISCOUNT, SPOT = np.exp(-0.05 * YEARS), FORWARD * np.exp(-0.03 * YEARS)

numbers = st.tuples(
    st.sampled_from([1.0, -1.0]), st.floats(0.2, 5.0), st.floats(0.2, 5.0), st.floats(0.01, 2.0), st.floats(1e-4, 5.0)
)


def calculators() -> list:
    """QuantLib's Black calculator for each row of the grid."""
    kinds = {1.0: ql.Option.Call, -1.0: ql.Option.Put}
    rows = zip(SIGN, FORWARD, STRIKE, VOLATILITY * np.sqrt(YEARS), DISCOUNT, strict=True)
    return [ql.BlackCalculator(ql.PlainVanillaPayoff(kinds[s], k), f, w, d) for s, f, k, w, d in rows]


def agree(found: Array, expected: list[float], scale: float) -> None:
    np.testing.assert_allclose(found, np.array(expected), rtol=1e-9, atol=1e-12 * scale)


@pytest.mark.usefixtures("x64")
def test_against_an_independent_library():
    engines = list(zip(calculators(), SPOT, YEARS, strict=True))
    agree(
        black_scholes.value(SIGN, FORWARD, STRIKE, VOLATILITY, YEARS, DISCOUNT), [e.value() for e, _, _ in engines], 100
    )
    delta = black_scholes.delta(SIGN, FORWARD, STRIKE, VOLATILITY, YEARS, spot=SPOT, discount=DISCOUNT)
    agree(delta, [e.delta(s) for e, s, _ in engines], 1)
    gamma = black_scholes.gamma(FORWARD, STRIKE, VOLATILITY, YEARS, spot=SPOT, discount=DISCOUNT)
    agree(gamma, [e.gamma(s) for e, s, _ in engines], 1)
    vega = black_scholes.vega(FORWARD, STRIKE, VOLATILITY, YEARS, discount=DISCOUNT)
    agree(vega, [e.vega(t) for e, _, t in engines], 100)


@pytest.mark.usefixtures("x64")
def test_greeks_are_derivatives_of_the_value():
    """By automatic and by central differences; the forward moves in proportion to the spot."""
    rows = (SIGN, SPOT, FORWARD / SPOT, STRIKE, VOLATILITY, YEARS, DISCOUNT)
    live = YEARS > 1e-3
    sign, spot, carry, strike, volatility, years, discount = (jnp.asarray(column[live]) for column in rows)

    def value(spot: Array, volatility: Array) -> Array:
        return jnp.sum(black_scholes.value(sign, spot * carry, strike, volatility, years, discount))

    by_spot, by_volatility = jax.jit(jax.grad(value, argnums=(0, 1)))(spot, volatility)
    terms = (spot * carry, strike, volatility, years)
    delta = black_scholes.delta(sign, *terms, spot=spot, discount=discount)
    gamma = black_scholes.gamma(*terms, spot=spot, discount=discount)
    vega = black_scholes.vega(*terms, discount=discount)
    np.testing.assert_allclose(by_spot, delta, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(by_volatility, vega, rtol=1e-8, atol=1e-8)
    each = jax.jit(lambda spot, vol: black_scholes.value(sign, spot * carry, strike, vol, years, discount))
    h = 1e-3
    up, middle, down = (each(spot + k * h, volatility) for k in (1, 0, -1))
    np.testing.assert_allclose((up - down) / (2 * h), delta, atol=1e-5)
    np.testing.assert_allclose((up - 2 * middle + down) / h**2, gamma, rtol=1e-4, atol=1e-6)
    up, down = each(spot, volatility + 1e-5), each(spot, volatility - 1e-5)
    np.testing.assert_allclose((up - down) / 2e-5, vega, rtol=1e-5, atol=1e-4)


@given(numbers)
def test_parity_bounds_and_symmetry(row: tuple[float, float, float, float, float]):
    """Call − put = D·(F − K); within the intrinsic value and its bound; call(F, K) = put(K, F)."""
    _, forward, strike, volatility, years = row
    with jax.enable_x64(True):
        call, put, swapped = (
            float(black_scholes.value(*arguments, volatility, years, 0.9))
            for arguments in ((1.0, forward, strike), (-1.0, forward, strike), (-1.0, strike, forward))
        )
    assert call - put == pytest.approx(0.9 * (forward - strike), abs=1e-13)
    assert call == pytest.approx(swapped, abs=1e-13)
    assert 0.9 * max(forward - strike, 0.0) - 1e-14 <= call <= 0.9 * forward
    assert 0.9 * max(strike - forward, 0.0) - 1e-14 <= put <= 0.9 * strike


@given(numbers)
def test_monotone_and_convex(row: tuple[float, float, float, float, float]):
    """Worth more with more volatility or time; convex in the strike."""
    sign, forward, strike, volatility, years = row
    with jax.enable_x64(True):

        def value(strike: float, volatility: float, years: float) -> float:
            return float(black_scholes.value(sign, forward, strike, volatility, years))

        here = value(strike, volatility, years)
        assert value(strike, 1.1 * volatility, years) >= here - 1e-14
        assert value(strike, volatility, 1.1 * years) >= here - 1e-14
        assert 0.5 * (value(0.9 * strike, volatility, years) + value(1.1 * strike, volatility, years)) >= here - 1e-14


@pytest.mark.parametrize("precision", [False, True], ids=["single", "double"])
def test_expired_options_are_worth_their_intrinsic_value(precision: bool):
    strike = np.array([80.0, 99.999, 100.0, 100.001, 125.0])
    with jax.enable_x64(precision):
        for sign in (1.0, -1.0):
            found = black_scholes.value(sign, 100.0, strike, 0.2, 0.0, 0.97)
            exact = 0.97 * np.maximum(sign * (100.0 - strike), 0.0)
            np.testing.assert_allclose(found, exact, atol=2e-5)
            delta = black_scholes.delta(sign, 100.0, strike, 0.2, 0.0, spot=100.0)
            sides = sign * np.where(strike == 100.0, 0.5, sign * (100.0 - strike) > 0)
            away = np.abs(strike - 100.0) > 0.01
            np.testing.assert_allclose(delta[away], sides[away], atol=1e-6)
            assert float(delta[2]) == pytest.approx(sign * 0.5, abs=1e-3)
        vega = black_scholes.vega(100.0, strike, 0.2, 0.0)
        np.testing.assert_array_equal(vega, 0.0)


def everything(forward: Array, strike: Array, volatility: Array, years: Array) -> Array:
    """The value of call and put, both deltas, gamma and vega."""
    terms = (forward, strike, volatility, years)
    found = [black_scholes.value(sign, *terms, 0.9) for sign in (1.0, -1.0)]
    found += [black_scholes.delta(sign, *terms, spot=forward) for sign in (1.0, -1.0)]
    return jnp.stack([*found, black_scholes.gamma(*terms, spot=forward), black_scholes.vega(*terms)])


slopes_of_everything = jax.jit(jax.vmap(jax.jacrev(everything, argnums=(0, 1, 2, 3))))


@pytest.mark.parametrize("precision", [False, True], ids=["single", "double"])
@pytest.mark.parametrize("years", [0.0, 1e-12, 1e-6, 1.0])
@pytest.mark.parametrize("volatility", [0.0, 1e-6, 0.2, 3.0])
def test_no_derivative_is_ever_not_a_number(precision: bool, years: float, volatility: float):
    """Of the value and of every Greek, by every argument: at the money, in deep wings, without time or volatility."""
    with jax.enable_x64(precision):
        forward = jnp.array([1e-4, 0.5, 1.0, 1.0000001, 2.0, 1e4])
        arguments = (forward, jnp.ones(6), jnp.full(6, volatility), jnp.full(6, years))
        assert bool(jnp.isfinite(everything(*arguments)).all())
        for slope in slopes_of_everything(*arguments):
            assert slope.shape == (6, 6)
            assert not bool(jnp.isnan(slope).any())
            assert bool(jnp.isfinite(slope[:, :4]).all())


def test_arguments_broadcast_and_keep_their_precision():
    sign, years = jnp.array([[1.0], [-1.0]]), jnp.array([0.1, 0.5, 1.0])
    found = black_scholes.value(sign, 100.0, 100.0, 0.2, years)
    assert found.shape == (2, 3)
    assert found.dtype == jnp.float32
    with jax.enable_x64(True):
        assert black_scholes.value(1.0, 100.0, 100.0, 0.2, 0.5).dtype == jnp.float64


def test_single_precision_is_good_to_single_precision():
    """At the forward's size; what the engine trains with."""
    found = black_scholes.value(SIGN, FORWARD, STRIKE, VOLATILITY, YEARS, DISCOUNT)
    with jax.enable_x64(True):
        exact = black_scholes.value(SIGN, FORWARD, STRIKE, VOLATILITY, YEARS, DISCOUNT)
    np.testing.assert_allclose(found, exact, atol=2e-6 * 140.0)
