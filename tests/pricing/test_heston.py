"""Heston prices: laws and limits. Accuracy against an independent engine stands in tests/accuracy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tenrec.pricing import black_scholes, heston

pytestmark = pytest.mark.usefixtures("x64")

PARAMETERS = {
    "initial_variance": 0.04,
    "mean_reversion": 1.5,
    "long_run_variance": 0.06,
    "vol_of_vol": 0.7,
    "correlation": -0.6,
}
STRIKES = np.array([60.0, 80.0, 95.0, 100.0, 105.0, 130.0, 180.0])


def test_parity_and_bounds():
    discount = 0.97
    call = heston.value(1.0, 100.0, STRIKES, 0.7, discount=discount, **PARAMETERS)
    put = heston.value(-1.0, 100.0, STRIKES, 0.7, discount=discount, **PARAMETERS)
    np.testing.assert_allclose(call - put, discount * (100.0 - STRIKES), atol=1e-9)
    assert (call > discount * np.maximum(100.0 - STRIKES, 0.0)).all()
    assert (call < discount * 100.0).all()


def test_calls_fall_and_are_convex_in_the_strike():
    call = heston.value(1.0, 100.0, np.linspace(50.0, 200.0, 61), 0.3, **PARAMETERS)
    assert (np.diff(call) < 0).all()
    assert (np.diff(call, n=2) > -1e-10).all()


@pytest.mark.parametrize("vol_of_vol", [1e-2, 1e-4, 1e-8])
def test_tends_to_black_as_the_variance_turns_certain(vol_of_vol: float):
    # With v₀ = θ the variance stays put; the price differs from Black's by something of the order of ξ.
    parameters = {**PARAMETERS, "initial_variance": 0.06, "vol_of_vol": vol_of_vol}
    call = heston.value(1.0, 100.0, STRIKES, 0.5, **parameters)
    black = black_scholes.value(*map(jnp.asarray, (1.0, 100.0, STRIKES, np.sqrt(0.06), 0.5)))
    assert np.max(np.abs(call - black)) < 4.0 * vol_of_vol + 1e-11


def test_expired_options_are_worth_their_intrinsic_value():
    call = heston.value(1.0, 100.0, STRIKES, 0.0, **PARAMETERS)
    np.testing.assert_array_equal(call, np.maximum(100.0 - STRIKES, 0.0))
    assert np.isfinite(jax.grad(lambda f: heston.value(1.0, f, 90.0, 0.0, **PARAMETERS))(100.0))


def test_arguments_broadcast():
    sign, time = jnp.array([[1.0], [-1.0]]), jnp.array([0.1, 0.5, 1.0])
    assert heston.value(sign, 100.0, 100.0, time, **PARAMETERS).shape == (2, 3)


def test_price_scales_with_forward_and_strike():
    call = heston.value(1.0, 100.0, STRIKES, 0.7, **PARAMETERS)
    np.testing.assert_allclose(heston.value(1.0, 1.0, STRIKES / 100.0, 0.7, **PARAMETERS), call / 100.0, atol=1e-12)


@pytest.mark.parametrize("name", ["forward", "time_to_expiry", *PARAMETERS])
def test_derivatives_are_those_of_finite_differences(name: str):
    at = {"forward": 100.0, "time_to_expiry": 0.5, **PARAMETERS}

    def price(x: float) -> jax.Array:
        return heston.value(1.0, strike=95.0, **{**at, name: x})

    h = 1e-5 * max(abs(at[name]), 0.1)
    numeric = (price(at[name] + h) - price(at[name] - h)) / (2.0 * h)
    np.testing.assert_allclose(jax.grad(price)(at[name]), numeric, rtol=1e-6)
