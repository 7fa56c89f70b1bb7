"""Options on several assets: flows, states, values against QuantLib and paths, hedges in every asset."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array

from tenrec.contracts import basket_option, european, mixed_book
from tenrec.core.errors import ConfigError
from tenrec.core.paths import market_paths
from tenrec.hedging.sensitivities import book_value, delta_hedge
from tenrec.hedging.view import MarketView, observe
from tenrec.pricing.basket import basket
from tenrec.runs.build import build_contract
from tenrec.runs.loading import load_config

START, VOLS, YIELDS, RATE = [100.0, 95.0, 40.0], [0.2, 0.3, 0.25], [0.01, 0.0, 0.03], 0.04
CORRELATION = [[1.0, 0.5, -0.2], [0.5, 1.0, 0.1], [-0.2, 0.1, 1.0]]
STEPS, TIME = 4, 0.5
KNOWN: dict[str, Any] = {
    "start": START,
    "volatilities": VOLS,
    "dividend_yields": YIELDS,
    "correlation": CORRELATION,
}
OPTIONS = {
    "basket": basket_option(1.0, 100.0, STEPS, -1.0, weights=[0.5, 0.3, 0.5], **KNOWN),
    "spread": basket_option(-1.0, 5.0, STEPS, 2.0, weights=[1.0, -0.6, -0.9], **KNOWN),
}


@pytest.fixture
def levels(key: Array) -> Array:
    moves = 0.1 * jax.random.normal(key, (STEPS + 1, 3)).at[0].set(0.0)
    return jnp.asarray(START) * jnp.exp(jnp.cumsum(moves, axis=0))


@pytest.mark.parametrize("name", OPTIONS)
def test_flows_and_states_read_all_assets_and_nothing_of_the_future(name: str, levels: Array):
    option = OPTIONS[name]
    worth = float(jnp.sum(option.weights * levels[-1])) - float(option.level)
    book = mixed_book(european("call", strike=99.0, expiry=2, quantity=3.0), (option,))
    expected = np.zeros(STEPS + 1)
    expected[2] = 3.0 * max(float(levels[2, 0]) - 99.0, 0.0)
    expected[STEPS] += float(option.quantity) * max(float(option.sign) * worth, 0.0)
    np.testing.assert_allclose(book.flows(levels), expected, rtol=1e-5, atol=1e-5)
    states = option.states(levels)
    np.testing.assert_array_equal(states[0], 0.0)
    np.testing.assert_array_equal(option.states(levels.at[3:].multiply(2.0))[:3], states[:3])


value = jax.jit(lambda view: book_value(view, view.volatility))
hedge_of = jax.jit(lambda view: delta_hedge(view, view.volatility))


def seen(option: Any, levels: Array) -> MarketView:
    paths = market_paths(
        spot=levels[:, 0],
        assets=levels,
        price=levels,
        dt=jnp.full(STEPS, TIME / STEPS),
        volatility=VOLS[0],
        rate=RATE,
        dividend_yield=YIELDS[0],
    )
    return observe(paths, mixed_book(None, (option,)))


@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.usefixtures("x64")
def test_the_hedge_is_minus_the_derivative_in_every_asset(name: str, levels: Array):
    option, levels = jax.tree.map(lambda leaf: jnp.asarray(leaf, float), OPTIONS[name]), levels.astype(float)
    option = jax.tree.map(lambda new, old: new.astype(old.dtype), option, OPTIONS[name])
    hedge, h = hedge_of(seen(option, levels)), 1e-2
    for asset in range(3):
        up, down = (value(seen(option, levels.at[2, asset].add(side * h)))[2] for side in (1.0, -1.0))
        assert float(hedge[2, asset]) == pytest.approx(-float(up - down) / (2 * h), rel=1e-4), asset


@pytest.mark.usefixtures("x64")
def test_values_against_quantlib():
    """Margrabe's exchange exactly; Kirk's spread, which agrees to first order in the strike."""
    ql = pytest.importorskip("QuantLib")
    today = ql.Date(2, 1, 2020)
    ql.Settings.instance().evaluationDate = today
    counter, days = ql.Actual365Fixed(), 182
    riskless = ql.YieldTermStructureHandle(ql.FlatForward(today, RATE, counter))

    def process(asset: int) -> Any:
        paid = ql.YieldTermStructureHandle(ql.FlatForward(today, YIELDS[asset], counter))
        smile = ql.BlackVolTermStructureHandle(ql.BlackConstantVol(today, ql.NullCalendar(), VOLS[asset], counter))
        return ql.BlackScholesMertonProcess(ql.QuoteHandle(ql.SimpleQuote(START[asset])), paid, riskless, smile)

    time, rho = days / 365, CORRELATION[0][1]
    forwards = jnp.asarray([START[a] * np.exp((RATE - YIELDS[a]) * time) for a in (0, 1)])
    terms = (jnp.asarray(VOLS[:2]), jnp.asarray([[1.0, rho], [rho, 1.0]]), time, np.exp(-RATE * time))
    option = ql.MargrabeOption(1, 1, ql.EuropeanExercise(today + days))
    option.setPricingEngine(ql.AnalyticEuropeanMargrabeEngine(process(0), process(1), rho))
    found = basket(1.0, forwards, jnp.asarray([1.0, -1.0]), 0.0, *terms)
    assert float(found) == pytest.approx(option.NPV(), rel=1e-8)
    payoff = ql.SpreadBasketPayoff(ql.PlainVanillaPayoff(ql.Option.Call, 5.0))
    spread = ql.BasketOption(payoff, ql.EuropeanExercise(today + days))
    spread.setPricingEngine(ql.KirkEngine(process(0), process(1), rho))
    found = basket(1.0, forwards, jnp.asarray([1.0, -1.0]), 5.0, *terms)
    assert float(found) == pytest.approx(spread.NPV(), rel=1e-2)


@pytest.mark.parametrize("name", OPTIONS)
def test_values_are_the_means_of_drawn_prices(name: str):
    """The exact lognormal law at expiry, drawn in NumPy; the matched moments are good to one percent."""
    option, rng = OPTIONS[name], np.random.default_rng(3)
    normals = rng.standard_normal((100_000, 3)) @ np.linalg.cholesky(np.asarray(CORRELATION)).T
    vols, growth = np.asarray(VOLS), RATE - np.asarray(YIELDS)
    found = float(value(seen(option, jnp.broadcast_to(jnp.asarray(START), (STEPS + 1, 3))))[0])
    paid = []
    for side in (1.0, -1.0):
        spots = np.asarray(START) * np.exp((growth - 0.5 * vols**2) * TIME + side * vols * TIME**0.5 * normals)
        worth = spots @ np.asarray(option.weights) - float(option.level)
        paid.append(np.exp(-RATE * TIME) * np.maximum(float(option.sign) * worth, 0.0))
    pairs = float(option.quantity) * np.mean(paid, axis=0)
    assert abs(found - pairs.mean()) < 3.0 * pairs.std() / np.sqrt(pairs.size) + 0.01 * abs(found)


MARKET: dict[str, Any] = {
    "model": "basket",
    "assets": [{"spot": 100.0}, {"spot": 95.0}],
    "correlation": [[1.0, 0.5], [0.5, 1.0]],
}
RUN: dict[str, Any] = {
    "policy": {"kind": "feed_forward"},
    "evaluate": {"against": ["no_hedge", "black_scholes_delta"]},
}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"market": {"spot": 100.0}}, "the market has one asset, which cannot pay it; set market.model to basket"),
        ({"contract": {"kind": "basket_call", "weights": [1.0, 1.0, 1.0]}}, "has 3 numbers for 2 assets"),
        ({"contract": {"kind": "basket_put", "weights": [-1.0, -1.0]}}, "at least one must be positive"),
        ({"policy": {"kind": "band_network"}}, "several assets need a feed_forward"),
        ({"evaluate": {}}, "names 'leland' and market.model is 'basket'"),
        ({"market": MARKET | {"correlation": [[1.0]]}}, "must have 2 rows of 2 numbers"),
        ({"market": MARKET | {"assets": [{"spot": 1.0}]}}, "at least one entry|at least 2"),
    ],
)
def test_what_cannot_be_is_refused(changes: dict[str, Any], problem: str):
    given = {"market": MARKET, "contract": {"kind": "spread_call", "strike": 5.0}, **RUN} | changes
    with pytest.raises(ConfigError, match=problem):
        build_contract(load_config(given))


def test_an_exchange_has_no_strike_and_even_weights():
    config = load_config({"market": MARKET, "contract": {"kind": "exchange", "days": 30}, **RUN})
    (option,) = build_contract(config).exotics
    levels = jnp.broadcast_to(jnp.asarray([103.0, 99.0]), (31, 2))
    assert float(option.payoff(levels)) == pytest.approx(4.0)
