"""Hagan's formula against QuantLib's, and its derivatives against differences and a limit."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tenrec.pricing import black_scholes, sabr

ql = pytest.importorskip("QuantLib")

# level (as a volatility at F = 100), elasticity, vol of vol, correlation
SMILES = {
    "equity": (0.2, 1.0, 0.8, -0.6),
    "rates": (0.3, 0.5, 0.4, -0.2),
    "normal": (0.15, 0.0, 0.3, 0.4),
    "almost flat": (0.25, 0.7, 1e-6, 0.0),
    "steep": (0.35, 1.0, 2.5, -0.95),
}
STRIKES = np.array([60.0, 90.0, 99.9, 99.99999, 100.0, 100.00001, 100.3, 110.0, 150.0])


def smile(name: str) -> dict[str, float]:
    volatility, beta, nu, rho = SMILES[name]
    level = volatility * 100.0 ** (1.0 - beta)
    return {"level": level, "elasticity": beta, "vol_of_vol": nu, "correlation": rho}


@pytest.mark.parametrize("name", SMILES)
@pytest.mark.usefixtures("x64")
def test_volatility_is_that_of_an_independent_implementation(name: str):
    own = smile(name)
    found = sabr.implied_volatility(100.0, STRIKES, 0.25, **own)
    numbers = [own[key] for key in ("level", "elasticity", "vol_of_vol", "correlation")]
    expected = [ql.sabrVolatility(strike, 100.0, 0.25, *numbers) for strike in STRIKES]
    # QuantLib takes a second-order series below |z| = 1.5e-7 and cancels just above it: 1e-9 is its own accuracy there.
    np.testing.assert_allclose(found, expected, rtol=2e-9)


@pytest.mark.parametrize("name", SMILES)
@pytest.mark.usefixtures("x64")
def test_response_is_a_finite_difference(name: str):
    own, step = smile(name), 1e-5
    nu, rho, beta = own["vol_of_vol"], own["correlation"], own["elasticity"]
    for moves in (False, True):
        shifted = []
        for sign in (1.0, -1.0):
            forward = 100.0 * np.exp(sign * step)
            level = own["level"] + moves * rho * nu / 100.0**beta * (forward - 100.0)
            shifted.append(sabr.implied_volatility(forward, STRIKES, 0.25, **{**own, "level": level}))
        expected = (shifted[0] - shifted[1]) / (2.0 * step)
        found = sabr.response(100.0, STRIKES, 0.25, **own, level_moves=moves)
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", SMILES)
@pytest.mark.usefixtures("x64")
def test_bartlett_follows_the_slope_of_a_short_smile(name: str):
    """In a diffusion the level of a short smile moves by twice its slope for each move of log F, whatever the model, so
    that the volatility of a fixed strike moves by the slope (Bergomi, 2016, Stochastic Volatility Modeling, ch. 9)."""
    own = smile(name)

    def at(log_strike: jax.Array) -> jax.Array:
        return sabr.implied_volatility(100.0, 100.0 * jnp.exp(log_strike), 1e-9, **own)

    slope = jax.grad(at)(jnp.zeros(()))
    found = sabr.response(100.0, 100.0, 1e-9, **own)
    np.testing.assert_allclose(found, slope, rtol=1e-7, atol=1e-12)


@pytest.mark.usefixtures("x64")
def test_delta_is_the_derivative_of_the_price():
    own, time = smile("rates"), 0.5

    def price(forward: float, sign: float) -> float:
        volatility = sabr.implied_volatility(forward, 95.0, time, **own)
        return float(black_scholes.value(sign, forward, 95.0, volatility, time))

    for sign in (1.0, -1.0):
        expected = (price(100.01, sign) - price(99.99, sign)) / 0.02
        found = float(sabr.delta(sign, 100.0, 95.0, time, **own, level_moves=False))
        assert found == pytest.approx(expected, abs=1e-7)
    # Bartlett's hardly depends on the elasticity where the smile is the same: Hagan's does.
    wide = {"level": 0.2, "elasticity": 1.0, "vol_of_vol": 0.6, "correlation": -0.5}
    narrow = {"level": 0.2 * 10.0, "elasticity": 0.5, "vol_of_vol": 0.5, "correlation": -0.4}
    gaps = [
        abs(
            float(
                sabr.delta(1.0, 100.0, 105.0, 0.25, **wide, level_moves=m)
                - sabr.delta(1.0, 100.0, 105.0, 0.25, **narrow, level_moves=m)
            )
        )
        for m in (True, False)
    ]
    assert gaps[0] < 0.25 * gaps[1]
