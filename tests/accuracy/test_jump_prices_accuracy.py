"""Prices under jumps against a series, a published value and QuantLib."""

from math import exp, factorial, sqrt

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tenrec.pricing import black_scholes, heston, jumps

ql = pytest.importorskip("QuantLib")
pytestmark = pytest.mark.usefixtures("x64")

MERTON = {"volatility": 0.2, "jump_intensity": 1.0, "jump_mean": -0.1, "jump_deviation": 0.15}
KOU = {"volatility": 0.16, "jump_intensity": 1.0, "up_probability": 0.4, "up_rate": 10.0, "down_rate": 5.0}
HESTON = {
    "initial_variance": 0.04,
    "mean_reversion": 1.5,
    "long_run_variance": 0.06,
    "vol_of_vol": 0.7,
    "correlation": -0.6,
}
JUMPS = {"jump_intensity": 0.8, "jump_mean": -0.08, "jump_deviation": 0.12}
MODELS = {"merton": (jumps.merton, MERTON), "kou": (jumps.kou, KOU), "bates": (jumps.bates, HESTON | JUMPS)}
every_model = pytest.mark.parametrize(("value", "parameters"), MODELS.values(), ids=MODELS)


def series(strike: float, time: float) -> float:
    """Merton (1976), eq. 16: Black's value for every number of jumps, weighed by its Poisson probability."""
    sigma, rate, mean, deviation = MERTON.values()
    compensator, total = exp(mean + deviation**2 / 2) - 1.0, 0.0
    for count in range(60):
        forward = 100.0 * exp(-rate * compensator * time + count * (mean + deviation**2 / 2))
        volatility = sqrt(sigma**2 + count * deviation**2 / time)
        weight = exp(-rate * time) * (rate * time) ** count / factorial(count)
        total += weight * float(black_scholes.value(1.0, forward, strike, volatility, time))
    return total


@pytest.mark.parametrize("time", [1 / 365, 30 / 365, 0.5, 10.0])
def test_merton_is_its_series(time: float):
    for strike in (80.0, 100.0, 120.0):
        assert float(jumps.merton(1.0, 100.0, strike, time, **MERTON)) == pytest.approx(series(strike, time), abs=1e-9)


def test_kou_is_the_published_value():
    """Kou (2002), section 5: S = 100, K = 98, r = 5 %, half a year: 9.14732."""
    found = jumps.kou(1.0, 100.0 * exp(0.025), 98.0, 0.5, discount=exp(-0.025), **KOU)
    assert float(found) == pytest.approx(9.14732, abs=5e-6)


@pytest.mark.parametrize("days", [7, 30, 365, 3650])
def test_bates_is_that_of_an_independent_engine(days: int):
    today = ql.Date(2, 1, 2020)
    ql.Settings.instance().evaluationDate = today
    counter = ql.Actual365Fixed()
    none = ql.YieldTermStructureHandle(ql.FlatForward(today, 0.0, counter))
    spot = ql.QuoteHandle(ql.SimpleQuote(100.0))
    process = ql.BatesProcess(none, none, spot, *HESTON.values(), *JUMPS.values())
    engine = ql.BatesEngine(ql.BatesModel(process), 1e-11, 1_000_000)
    for strike in (80.0, 100.0, 125.0):
        option = ql.VanillaOption(ql.PlainVanillaPayoff(ql.Option.Call, strike), ql.EuropeanExercise(today + days))
        option.setPricingEngine(engine)
        found = float(jumps.bates(1.0, 100.0, strike, days / 365, **HESTON, **JUMPS))
        assert found == pytest.approx(option.NPV(), abs=2e-7)


@every_model
def test_parity_intrinsic_value_and_finite_greeks(value: object, parameters: dict):
    call, put = (value(sign, 100.0, 90.0, 0.3, discount=0.98, **parameters) for sign in (1.0, -1.0))
    assert float(call - put) == pytest.approx(0.98 * 10.0, abs=1e-9)
    assert float(value(1.0, 100.0, 90.0, 0.0, **parameters)) == 10.0
    times, forwards = (grid.ravel() for grid in np.meshgrid([0.0, 1e-8, 1 / 365], [80.0, 100.0, 120.0]))

    def total(forward: jax.Array) -> jax.Array:
        return jnp.sum(value(1.0, forward, 100.0, times, **parameters))

    delta, gamma = jax.jvp(jax.grad(total), (jnp.asarray(forwards),), (jnp.ones(forwards.size),))
    assert np.isfinite(delta).all()
    assert np.isfinite(gamma).all()


def test_without_jumps_they_are_the_models_without_jumps():
    still = {"jump_intensity": 0.0, "jump_mean": -0.1, "jump_deviation": 0.1}
    plain = float(heston.value(1.0, 100.0, 105.0, 0.5, **HESTON))
    assert float(jumps.bates(1.0, 100.0, 105.0, 0.5, **HESTON, **still)) == pytest.approx(plain, abs=1e-8)
    black = float(black_scholes.value(1.0, 100.0, 105.0, 0.2, 0.5))
    assert float(jumps.merton(1.0, 100.0, 105.0, 0.5, volatility=0.2, **still)) == pytest.approx(black, abs=1e-10)
