"""The Black–Scholes market against closed forms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array

from tenrec.core.errors import ConfigError
from tenrec.markets import BlackScholesMarket, Sampling
from tenrec.pricing import black_scholes

DT = np.full(30, 1 / 365)


def numbers(*values: float) -> list[Array]:
    return [jnp.asarray(value) for value in values]


@pytest.mark.usefixtures("x64")
def test_call_by_simulation_is_the_closed_form(key: Array):
    market = BlackScholesMarket(spot=100.0, volatility=0.3, dt=DT, rate=0.05, dividend_yield=0.02)
    final = np.asarray(market.simulate(key, 2**16).spot[:, -1])
    maturity = 30 / 365
    discount = np.exp(-0.05 * maturity)
    for strike in (95.0, 100.0, 108.0):
        payoff = discount * np.maximum(final - strike, 0.0)
        forward = 100.0 * np.exp(0.03 * maturity)
        exact = float(black_scholes.value(*numbers(1.0, forward, strike, 0.3, maturity, discount)))
        assert abs(payoff.mean() - exact) < 3.0 * payoff.std() / 2**8


@pytest.mark.usefixtures("x64")
def test_steps_are_independent_and_exact(key: Array):
    """Returns over uneven periods have the mean and variance of their period, and no memory."""
    dt = np.array([1.0, 3.0, 1.0, 7.0]) / 365
    market = BlackScholesMarket(spot=1.0, volatility=0.25, dt=dt, drift=0.1)
    returns = np.diff(np.log(market.simulate(key, 2**16).spot), axis=1)
    np.testing.assert_allclose(returns.var(axis=0), 0.25**2 * dt, rtol=0.03)
    error = 0.25 * np.sqrt(dt) / 2**8
    assert (np.abs(returns.mean(axis=0) - (0.1 - 0.5 * 0.25**2) * dt) < 4.0 * error).all()
    correlation = np.corrcoef(returns.T)
    assert np.abs(correlation - np.eye(4)).max() < 4.0 / 2**8


def test_drift_leaves_the_hedge_instrument_to_the_rate(key: Array):
    """The future is priced by no arbitrage, off today's spot, whatever the real drift."""
    market = BlackScholesMarket(spot=1.0, volatility=0.2, dt=DT, rate=0.03, drift=0.4, hedge_with="future")
    paths = market.simulate(key, 3)
    np.testing.assert_allclose(paths.price[:, 0, 0], np.exp(0.03 * 30 / 365), rtol=1e-6)
    np.testing.assert_allclose(paths.price[:, -1, 0], paths.spot[:, -1], rtol=1e-6)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(("sampling", "gain"), [("antithetic", 1.3), ("sobol", 20.0)])
def test_better_points_estimate_better(sampling: Sampling, gain: float):
    """Root mean squared error of a call's price over repetitions, against pseudo-random paths."""
    market = BlackScholesMarket(spot=1.0, volatility=0.2, dt=DT)
    exact = float(black_scholes.value(*numbers(1.0, 1.0, 1.0, 0.2, 30 / 365)))

    def error(kind: Sampling) -> float:
        finals = [market.simulate(jax.random.key(seed), 1024, sampling=kind).spot[:, -1] for seed in range(30)]
        return float(np.sqrt(np.mean([(np.maximum(f - 1.0, 0.0).mean() - exact) ** 2 for f in finals])))

    assert gain * error(sampling) < error("pseudo")


def test_vega_through_the_paths_is_that_of_the_formula(key: Array):
    with jax.enable_x64(True):

        def price(volatility: Array) -> Array:
            market = BlackScholesMarket(spot=1.0, volatility=volatility, dt=DT)
            return jnp.mean(jnp.maximum(market.simulate(key, 2**14).spot[:, -1] - 1.0, 0.0))

        exact = float(black_scholes.vega(*numbers(1.0, 1.0, 0.2, 30 / 365)))
        assert float(jax.grad(price)(jnp.asarray(0.2))) == pytest.approx(exact, rel=0.04)


@pytest.mark.parametrize(("name", "number"), [("spot", 0.0), ("volatility", -0.2), ("volatility", float("inf"))])
def test_impossible_numbers_are_refused(name: str, number: float):
    with pytest.raises(ConfigError, match=f"{name} is "):
        BlackScholesMarket(**{"spot": 1.0, "volatility": 0.2, "dt": DT, name: number})


def test_a_bad_period_is_named():
    with pytest.raises(ConfigError, match="dt is -1"):
        BlackScholesMarket(spot=1.0, volatility=0.2, dt=np.array([1.0, -1.0]))
