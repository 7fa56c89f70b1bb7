"""Heston prices against QuantLib's engine, and simulated paths against the prices."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tenrec.markets import HestonMarket, HestonParameters
from tenrec.pricing import heston

ql = pytest.importorskip("QuantLib")

# Names of the parameters as in Andersen (2008), table 1: his three test cases are long-dated and violate Feller.
CASES = {
    "fx": HestonParameters(0.04, 0.5, 0.04, 1.0, -0.9),
    "rates": HestonParameters(0.04, 0.3, 0.04, 0.9, -0.5),
    "equity": HestonParameters(0.09, 1.0, 0.09, 1.0, -0.3),
    "index": HestonParameters(0.03, 3.0, 0.06, 0.6, -0.7),
    "calm": HestonParameters(0.01, 5.0, 0.09, 0.1, 0.5),
}


def oracle(strike: float, days: int, parameters: HestonParameters, rate: float = 0.0, spot: float = 100.0) -> float:
    """A call by QuantLib's AnalyticHestonEngine with adaptive integration."""
    today = ql.Date(2, 1, 2020)
    ql.Settings.instance().evaluationDate = today
    counter = ql.Actual365Fixed()
    interest, none = (ql.YieldTermStructureHandle(ql.FlatForward(today, r, counter)) for r in (rate, 0.0))
    v0, kappa, theta, xi, rho = parameters
    process = ql.HestonProcess(interest, none, ql.QuoteHandle(ql.SimpleQuote(spot)), v0, kappa, theta, xi, rho)
    option = ql.VanillaOption(ql.PlainVanillaPayoff(ql.Option.Call, strike), ql.EuropeanExercise(today + days))
    option.setPricingEngine(ql.AnalyticHestonEngine(ql.HestonModel(process), 1e-11, 1_000_000))
    return option.NPV()


@pytest.mark.parametrize("name", CASES)
@pytest.mark.usefixtures("x64")
def test_price_is_that_of_an_independent_engine(name: str):
    parameters = CASES[name]
    level = max(parameters.initial_variance, parameters.long_run_variance)
    for days in (7, 30, 365, 3650):
        time = days / 365
        strikes = 100.0 * np.exp(np.array([-1.5, -0.5, 0.0, 0.5, 1.5]) * np.sqrt(level * time))
        found = heston.value(1.0, 100.0, strikes, time, **parameters._asdict())
        np.testing.assert_allclose(found, [oracle(k, days, parameters) for k in strikes], atol=2e-8)


@pytest.mark.usefixtures("x64")
def test_price_with_interest():
    parameters = CASES["index"]
    time, rate = 1.0, 0.05
    found = heston.value(
        1.0, 100.0 * np.exp(rate * time), 110.0, time, discount=np.exp(-rate * time), **parameters._asdict()
    )
    assert float(found) == pytest.approx(oracle(110.0, 365, parameters, rate), abs=1e-8)


def simulated(parameters: HestonParameters, maturity: float, steps: int, *, substeps: int = 1) -> np.ndarray:
    """Final spots, antithetic, in double precision."""
    market = HestonMarket(spot=100.0, dt=np.full(steps, maturity / steps), substeps=substeps, **parameters._asdict())
    paths = market.simulate(jax.random.key(42), 2**16, sampling="antithetic")
    return np.asarray(paths.spot[:, -1])


def assert_prices(final: np.ndarray, parameters: HestonParameters, maturity: float, bias: float) -> None:
    """Calls by simulation are within 3.5 standard errors of the formula, plus the scheme's known bias."""
    for strike in (70.0, 100.0, 140.0):
        payoff = np.maximum(final - strike, 0.0)
        pairs = payoff.reshape(2, -1).mean(axis=0)
        error = pairs.std() / np.sqrt(pairs.size)
        exact = float(heston.value(1.0, 100.0, strike, maturity, **parameters._asdict()))
        assert abs(pairs.mean() - exact) < 3.5 * error + bias, strike


@pytest.mark.parametrize(("name", "maturity"), [("fx", 10.0), ("rates", 15.0), ("equity", 5.0)])
@pytest.mark.usefixtures("x64")
def test_paths_price_calls_where_feller_is_violated(name: str, maturity: float):
    """Andersen's cases at 8 steps a year, where 0.02 on a spot of 100 is allowed for the bias of the scheme."""
    parameters = CASES[name]
    assert 2.0 * parameters.mean_reversion * parameters.long_run_variance < parameters.vol_of_vol**2
    assert_prices(simulated(parameters, maturity, int(8 * maturity)), parameters, maturity, bias=0.02)


@pytest.mark.parametrize("name", ["index", "fx"])
@pytest.mark.usefixtures("x64")
def test_daily_paths_price_calls(name: str):
    assert_prices(simulated(CASES[name], 30 / 365, 30), CASES[name], 30 / 365, bias=1e-6)


@pytest.mark.usefixtures("x64")
def test_substeps_refine_long_periods():
    """Yearly periods in sixteen substeps each leave less than a third of the error that one step a year makes."""
    coarse, fine = (
        heston_error(simulated(CASES["fx"], 5.0, steps, substeps=substeps)) for steps, substeps in ((5, 1), (5, 16))
    )
    assert abs(fine) < abs(coarse) / 3.0


def heston_error(final: np.ndarray) -> float:
    exact = float(heston.value(1.0, 100.0, 100.0, 5.0, **CASES["fx"]._asdict()))
    return float(np.maximum(final - 100.0, 0.0).mean()) - exact


@pytest.mark.usefixtures("x64")
def test_moments_of_the_variance_are_exact():
    """E v and Var v of the square-root process after a step of a quarter, in both branches of the scheme."""
    for name in ("fx", "calm"):
        p = CASES[name]
        market = HestonMarket(spot=1.0, dt=jnp.array([0.25]), **p._asdict())
        variance = np.asarray(market.simulate(jax.random.key(3), 2**17, sampling="sobol").volatility[:, 1]) ** 2
        decay = np.exp(-p.mean_reversion * 0.25)
        mean = p.long_run_variance + (p.initial_variance - p.long_run_variance) * decay
        gone = (1.0 - decay) / p.mean_reversion
        spread = p.vol_of_vol**2 * gone * (p.initial_variance * decay + 0.5 * p.long_run_variance * (1.0 - decay))
        assert variance.mean() == pytest.approx(mean, rel=2e-4)
        assert variance.var() == pytest.approx(spread, rel=2e-3)


@pytest.mark.parametrize("correlation", [-0.9, 0.0, 0.6])
@pytest.mark.usefixtures("x64")
def test_long_steps_keep_the_martingale(correlation: float):
    """The correction makes E S exact even for yearly steps, with Feller violated."""
    parameters = CASES["equity"]._replace(correlation=correlation)
    market = HestonMarket(spot=1.0, dt=np.ones(2), **parameters._asdict())
    spot = np.asarray(market.simulate(jax.random.key(9), 2**17).spot)
    error = spot.std(axis=0)[1:] / np.sqrt(2**17)
    assert (np.abs(spot.mean(axis=0)[1:] - 1.0) < 4.0 * error).all()


@pytest.mark.usefixtures("x64")
def test_single_precision_paths_follow_double_precision_ones():
    """The same normals in both precisions; the scheme cancels terms of the size of ρv/ξ."""
    dt, parameters = np.full(30, 1 / 365), CASES["index"]._asdict()
    double = HestonMarket(spot=1.0, dt=dt, **parameters)
    with jax.enable_x64(False):
        single = HestonMarket(spot=1.0, dt=dt, **parameters)
        rough = np.asarray(single.simulate(jax.random.key(4), 256, sampling="sobol").spot)
    exact = np.asarray(double.simulate(jax.random.key(4), 256, sampling="sobol").spot)
    assert np.abs(rough - exact).max() < 2e-5


@pytest.mark.usefixtures("x64")
def test_delta_from_paths_is_that_of_the_formula():
    """Pathwise derivative of a simulated call in the spot, against the derivative of the Fourier price."""
    parameters = CASES["index"]._asdict()
    dt = jnp.full(12, 1 / 48)

    def price(spot: jax.Array) -> jax.Array:
        final = HestonMarket(spot=spot, dt=dt, **parameters).simulate(jax.random.key(8), 2**15).spot[:, -1]
        return jnp.mean(jnp.maximum(final - 100.0, 0.0))

    exact = jax.grad(lambda f: heston.value(1.0, f, 100.0, 0.25, **parameters))(100.0)
    assert float(jax.grad(price)(jnp.asarray(100.0))) == pytest.approx(float(exact), abs=0.012)
