"""Closed forms of exotic options against QuantLib, and against paths watched on the same dates."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tenrec.contracts import AsianOption, BarrierOption, DigitalOption, OneTouch, mixed_book
from tenrec.core.paths import market_paths
from tenrec.hedging.sensitivities import book_value
from tenrec.hedging.view import observe
from tenrec.markets import BlackScholesMarket
from tenrec.pricing import exotics

ql = pytest.importorskip("QuantLib")
pytestmark = pytest.mark.usefixtures("x64")

RATE, YIELD, VOL, DAYS = 0.08, 0.04, 0.25, 182
TIME = DAYS / 365
FORWARD, DISCOUNT = 100.0 * np.exp((RATE - YIELD) * TIME), np.exp(-RATE * TIME)


@pytest.fixture
def process() -> object:
    today = ql.Date(2, 1, 2020)
    ql.Settings.instance().evaluationDate = today
    counter = ql.Actual365Fixed()
    curves = [ql.YieldTermStructureHandle(ql.FlatForward(today, rate, counter)) for rate in (YIELD, RATE)]
    smile = ql.BlackVolTermStructureHandle(ql.BlackConstantVol(today, ql.NullCalendar(), VOL, counter))
    return ql.BlackScholesMertonProcess(ql.QuoteHandle(ql.SimpleQuote(100.0)), *curves, smile)


def expiry() -> object:
    return ql.Date(2, 1, 2020) + DAYS


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("level", [85.0, 95.0, 105.0, 115.0])
def test_barriers(process: object, sign: float, level: float):
    """All eight kinds by in-out parity, strikes on both sides of the barrier (AnalyticBarrierEngine)."""
    direction = 1.0 if level > 100.0 else -1.0
    kind = ql.Barrier.UpIn if direction > 0 else ql.Barrier.DownIn
    side = ql.Option.Call if sign > 0 else ql.Option.Put
    for strike in (80.0, 90.0, 100.0, 110.0, 120.0):
        payoff = ql.PlainVanillaPayoff(side, strike)
        option = ql.BarrierOption(kind, level, 0.0, payoff, ql.EuropeanExercise(expiry()))
        option.setPricingEngine(ql.AnalyticBarrierEngine(process))
        found = exotics.knock_in(sign, direction, 100.0, FORWARD, strike, level, VOL, TIME, DISCOUNT)
        assert float(found) == pytest.approx(option.NPV(), abs=1e-10)


@pytest.mark.parametrize("level", [90.0, 97.0, 104.0, 120.0])
def test_one_touch(process: object, level: float):
    direction = 1.0 if level > 100.0 else -1.0
    side = ql.Option.Call if direction > 0 else ql.Option.Put
    exercise = ql.AmericanExercise(ql.Date(2, 1, 2020), expiry(), True)
    option = ql.VanillaOption(ql.CashOrNothingPayoff(side, level, 1.0), exercise)
    option.setPricingEngine(ql.AnalyticDigitalAmericanEngine(process))
    found = exotics.touch(direction, 100.0, FORWARD, level, VOL, TIME, DISCOUNT)
    assert float(found) == pytest.approx(option.NPV(), abs=1e-10)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_digital_value_delta_and_gamma(process: object, sign: float):
    side = ql.Option.Call if sign > 0 else ql.Option.Put
    option = ql.VanillaOption(ql.CashOrNothingPayoff(side, 103.0, 1.0), ql.EuropeanExercise(expiry()))
    option.setPricingEngine(ql.AnalyticEuropeanEngine(process))

    def value(spot: float) -> jax.Array:
        return exotics.digital(sign, spot * FORWARD / 100.0, 103.0, VOL, TIME, DISCOUNT)

    assert float(value(100.0)) == pytest.approx(option.NPV(), abs=1e-12)
    assert float(jax.grad(value)(100.0)) == pytest.approx(option.delta(), abs=1e-12)
    assert float(jax.grad(jax.grad(value))(100.0)) == pytest.approx(option.gamma(), abs=1e-12)


@pytest.mark.parametrize("done", [0, 60])
def test_asian(process: object, done: int):
    """Geometric: exact. Arithmetic: within 0.05 % of the Turnbull–Wakeman engine (both match two moments)."""
    dates = [ql.Date(2, 1, 2020) + day for day in range(1, DAYS + 1)]
    so_far = 98.0
    for geometric in (True, False):
        kind = ql.Average.Geometric if geometric else ql.Average.Arithmetic
        gathered = (so_far**done if geometric else so_far * done) if done else (1.0 if geometric else 0.0)
        payoff = ql.PlainVanillaPayoff(ql.Option.Call, 100.0)
        option = ql.DiscreteAveragingAsianOption(kind, gathered, done, dates, payoff, ql.EuropeanExercise(expiry()))
        engine = ql.AnalyticDiscreteGeometricAveragePriceAsianEngine if geometric else ql.TurnbullWakemanAsianEngine
        option.setPricingEngine(engine(process))
        found = exotics.asian(
            1.0, 100.0, FORWARD, 100.0, VOL, 1 / 365, DAYS + done, DAYS, so_far, DISCOUNT, geometric=geometric
        )
        assert float(found) == pytest.approx(option.NPV(), rel=1e-9 if geometric else 5e-4), geometric


def test_values_are_the_means_of_paths_on_the_same_dates():
    """30 daily dates, the book's own payoffs; the barrier correction is good to half a percent, the rest to noise."""
    days, count = 30, 2**16
    market = BlackScholesMarket(spot=100.0, volatility=0.2, dt=np.full(days, 1 / 365), rate=0.03)
    paths = market.simulate(jax.random.key(4), count, sampling="antithetic")

    def terms(strike: float, sign: float) -> tuple:
        return tuple(jnp.asarray(x) for x in (strike, sign, np.int32(days), 1.0))

    one = jnp.asarray(1.0)
    cases = {
        "digital": DigitalOption(*terms(101.0, 1.0), one),
        "touch": OneTouch(*terms(104.0, 1.0), one),
        "up_and_out_call": BarrierOption(*terms(98.0, 1.0), jnp.asarray(107.0), one, knocks_in=False),
        "down_and_in_put": BarrierOption(*terms(100.0, -1.0), jnp.asarray(96.0), -one, knocks_in=True),
        "asian": AsianOption(*terms(100.0, 1.0), geometric=False),
        "geometric": AsianOption(*terms(100.0, -1.0), geometric=True),
    }
    for name, exotic in cases.items():
        paid = np.exp(-0.03 * days / 365) * np.asarray(jax.vmap(exotic.payoff)(paths.spot))
        pairs = paid.reshape(2, -1).mean(axis=0)
        first = market_paths(spot=paths.spot[0], dt=market.dt, volatility=0.2, rate=0.03)
        view = observe(first, mixed_book(None, (exotic,)))
        found = float(book_value(view, view.volatility)[0])
        bias = 5e-3 * found if name not in ("digital", "geometric") else 0.0
        assert abs(found - pairs.mean()) < 3.0 * pairs.std() / np.sqrt(pairs.size) + bias, name
