"""Lookbacks, American puts, forward starts, cliquets and realised swaps against QuantLib, SciPy and paths."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import gammaln

from tenrec.contracts import (
    AbstractExotic,
    AmericanPut,
    Cliquet,
    ForwardStart,
    LaterSale,
    LookbackOption,
    RealisedSwap,
    mixed_book,
)
from tenrec.core.paths import MarketPaths, market_paths
from tenrec.hedging.sensitivities import book_value
from tenrec.hedging.view import observe
from tenrec.markets import BlackScholesMarket
from tenrec.pricing import realised
from tenrec.pricing.american import american_put, exercised_put
from tenrec.pricing.lookback import lookback

ql = pytest.importorskip("QuantLib")
pytestmark = pytest.mark.usefixtures("x64")

RATE, YIELD, VOL, DAYS = 0.08, 0.04, 0.25, 182
TIME = DAYS / 365
FORWARD, DISCOUNT = 100.0 * np.exp((RATE - YIELD) * TIME), np.exp(-RATE * TIME)


@pytest.fixture(scope="module")
def process() -> object:
    today = ql.Date(2, 1, 2020)
    ql.Settings.instance().evaluationDate = today
    counter = ql.Actual365Fixed()
    curves = [ql.YieldTermStructureHandle(ql.FlatForward(today, rate, counter)) for rate in (YIELD, RATE)]
    smile = ql.BlackVolTermStructureHandle(ql.BlackConstantVol(today, ql.NullCalendar(), VOL, counter))
    return ql.BlackScholesMertonProcess(ql.QuoteHandle(ql.SimpleQuote(100.0)), *curves, smile)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_lookbacks_watched_all_the_time(process: object, sign: float):
    """Goldman–Sosin–Gatto and Conze–Viswanathan, as QuantLib writes them; extremes at the spot and beyond it."""
    side = ql.Option.Call if sign > 0 else ql.Option.Put
    expiry = ql.EuropeanExercise(ql.Date(2, 1, 2020) + DAYS)
    for beyond in (0.0, 9.0):
        extreme = 100.0 - sign * beyond
        option = ql.ContinuousFloatingLookbackOption(extreme, ql.FloatingTypePayoff(side), expiry)
        option.setPricingEngine(ql.AnalyticContinuousFloatingLookbackEngine(process))
        found = lookback(sign, 100.0, FORWARD, 1.0, VOL, TIME, 0.0, extreme, DISCOUNT, floating=True)
        assert float(found) == pytest.approx(option.NPV(), rel=1e-11)
        for strike in (90.0, 100.0, 115.0):
            extreme = 100.0 + sign * beyond
            option = ql.ContinuousFixedLookbackOption(extreme, ql.PlainVanillaPayoff(side, strike), expiry)
            option.setPricingEngine(ql.AnalyticContinuousFixedLookbackEngine(process))
            found = lookback(sign, 100.0, FORWARD, strike, VOL, TIME, 0.0, extreme, DISCOUNT, floating=False)
            assert float(found) == pytest.approx(option.NPV(), rel=1e-11)


def test_lookback_of_a_price_that_does_not_drift():
    """Where the closed form divides by r − y = 0; its limit (Haug, 2007) at a maximum that is the spot."""
    total = 0.2
    density, up = np.exp(-0.125 * total**2) / np.sqrt(2 * np.pi), 0.5 * total
    exact = 100.0 * (total * (density + up * _phi(up)) + _phi(up) - _phi(-up))
    found = lookback(1.0, 100.0, 100.0, 100.0, 0.2, 1.0, 0.0, 100.0, floating=False)
    assert float(found) == pytest.approx(exact, rel=1e-10)


def _phi(x: float) -> float:
    return float(jax.scipy.stats.norm.cdf(x))


@pytest.mark.parametrize("strike", [90.0, 100.0, 110.0])
def test_american_put(process: object, strike: float):
    """On dates: QuantLib's finite differences with the same exercise dates. The formula: QuantLib's own of it."""
    today = ql.Date(2, 1, 2020)
    payoff = ql.PlainVanillaPayoff(ql.Option.Put, strike)
    weekly = [today + day for day in range(7, DAYS + 1, 7)]
    option = ql.VanillaOption(payoff, ql.BermudanExercise(weekly))
    option.setPricingEngine(ql.FdBlackScholesVanillaEngine(process, 728, 800))
    best = exercised_put(100.0, strike, VOL, np.full(26, 7 / 365), RATE, YIELD)
    assert best.value == pytest.approx(option.NPV(), abs=1e-3)
    assert (np.diff(best.boundary) > 0).all()
    for factor in (0.95, 1.03):
        moved = exercised_put(100.0, strike, VOL, np.full(26, 7 / 365), RATE, YIELD, boundary=factor * best.boundary)
        assert moved.value < best.value
    option = ql.VanillaOption(payoff, ql.AmericanExercise(today, today + DAYS))
    option.setPricingEngine(ql.BaroneAdesiWhaleyApproximationEngine(process))
    found = american_put(100.0, strike, VOL, TIME, RATE, YIELD)
    assert float(found) == pytest.approx(option.NPV(), abs=2e-4)
    option.setPricingEngine(ql.QdFpAmericanEngine(process))
    assert float(found) == pytest.approx(option.NPV(), abs=1e-3 * strike)


def test_realised_volatility():
    """With nothing realised yet the root is that of a chi-square number: its mean by the gamma function."""
    for dates in (2, 5, 30):
        known = np.exp(gammaln((dates + 1) / 2) - gammaln(dates / 2)) * np.sqrt(2.0)
        step = jnp.asarray(0.2 / np.sqrt(365))
        # No growth of the logarithm: the forward makes up for −σ²/2.
        forward = jnp.asarray(100.0 * np.exp(0.5 * 0.04 / 365 * dates))
        terms = (forward, jnp.asarray(100.0), jnp.asarray(0.2), 1 / 365, jnp.asarray(float(dates)))
        found = float(realised.realised_volatility(*terms, jnp.asarray(0.0)) / step)
        assert found == pytest.approx(float(known), rel=2e-6), dates


DATES, COUNT, EVERY = 30, 2**16, 10


def terms(strike: float, sign: float) -> tuple[Any, Any, Any, Any]:
    return jnp.asarray(strike), jnp.asarray(sign), jnp.asarray(np.int32(DATES)), jnp.asarray(1.0)


def numbers(*values: float) -> tuple[Any, ...]:
    return tuple(jnp.asarray(value) for value in values)


START = jnp.asarray(np.int32(12))
LOCAL = (100.0, -0.02, 0.03)
# The contract, and how far its value may be from the mean of paths beyond three standard errors, as a share of it.
CASES: dict[str, tuple[AbstractExotic, float]] = {
    "lookback_call": (LookbackOption(*terms(101.0, 1.0), floating=False), 1e-2),
    "lookback_put": (LookbackOption(*terms(100.0, -1.0), floating=False), 1e-2),
    "floating_call": (LookbackOption(*terms(1.0, 1.0), floating=True), 1e-2),
    "floating_put": (LookbackOption(*terms(1.0, -1.0), floating=True), 1e-2),
    "forward_start": (ForwardStart(*terms(100.0, 1.0), START, jnp.asarray(1.01)), 0.0),
    "later_sale": (LaterSale(*terms(100.0, -1.0), START, *numbers(1.0, 0.01)), 0.0),
    "cliquet": (Cliquet(*terms(1.0, 1.0), *numbers(*LOCAL, -1e4, 1e4), every=10, collar=False, at_resets=False), 0.0),
    "at_resets": (Cliquet(*terms(1.0, 1.0), *numbers(*LOCAL, -1e4, 1e4), every=10, collar=False, at_resets=True), 0.0),
    "collared": (Cliquet(*terms(1.0, 1.0), *numbers(*LOCAL, 0.01, 0.05), every=10, collar=True, at_resets=False), 1e-3),
    "variance_swap": (RealisedSwap(*terms(1.0, 1.0), *numbers(1.0, 0.15, DATES / 365), root=False), 0.0),
    "volatility_swap": (RealisedSwap(*terms(1.0, 1.0), *numbers(1.0, 0.15, DATES / 365), root=True), 1e-3),
}


@functools.cache
def simulated() -> tuple[BlackScholesMarket, MarketPaths]:
    with jax.enable_x64(True):
        market = BlackScholesMarket(spot=100.0, volatility=0.2, dt=np.full(DATES, 1 / 365), rate=0.05)
        return market, market.simulate(jax.random.key(4), COUNT, sampling="antithetic")


@pytest.mark.parametrize("name", CASES)
def test_values_are_the_means_of_paths_on_the_same_dates(name: str):
    """At the start, and from the middle of one path on, where the contract has a past."""
    exotic, bias = CASES[name]
    market, paths = simulated()
    book = mixed_book(None, (exotic,))
    for date in (0, 17):
        past = paths.spot[5, : date + 1]
        spots = jnp.concatenate(
            [jnp.broadcast_to(past, (COUNT, date + 1)), past[-1] * paths.spot[:, 1 : DATES - date + 1] / 100.0], axis=1
        )
        still_to_come = jax.jit(jax.vmap(exotic.flows))(spots)[:, date + 1 :]
        paid = np.asarray(still_to_come @ np.exp(-0.05 * np.arange(1, DATES - date + 1) / 365))
        pairs = paid.reshape(2, -1).mean(axis=0)
        view = observe(market_paths(spot=spots[0], dt=market.dt, volatility=0.2, rate=0.05), book)
        found = float(jax.jit(book_value)(view, view.volatility)[date])
        error = 3.0 * pairs.std() / np.sqrt(pairs.size) + bias * abs(found)
        assert abs(found - pairs.mean()) < error, (name, date, found, pairs.mean(), error)


def test_a_put_exercised_at_the_best_boundary_is_worth_what_the_dates_say():
    """The contract's own flows on paths, discounted from when it is exercised."""
    market, paths = simulated()
    best = exercised_put(100.0, 102.0, 0.2, np.asarray(market.dt), 0.05)
    option = AmericanPut(*terms(102.0, -1.0), jnp.asarray(best.boundary))
    paid = np.asarray(jax.vmap(option.flows)(paths.spot) @ np.exp(-0.05 * np.arange(DATES + 1) / 365))
    pairs = paid.reshape(2, -1).mean(axis=0)
    assert abs(best.value - pairs.mean()) < 3.0 * pairs.std() / np.sqrt(pairs.size)
