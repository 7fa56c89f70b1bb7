"""P&L explained: the parts sum to the total, and each part is what its name says."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array

from tenrec.contracts import european
from tenrec.core.paths import MarketPaths, market_paths
from tenrec.hedging.assess import Sample, marks
from tenrec.hedging.attribution import PARTS, Attribution, attributions
from tenrec.hedging.costs import ProportionalCost
from tenrec.hedging.engine import Entry, Terms, over_paths, run
from tenrec.hedging.policies import BlackScholesDelta, NoHedge
from tests.laws.cases import make_book, make_paths, make_terms

ql = pytest.importorskip("QuantLib")
pytestmark = pytest.mark.usefixtures("x64")


def explained(policy: object, sample: Sample, terms: Terms) -> tuple[Entry, Attribution]:
    lines = over_paths(run, policy, sample.paths, sample.contract, terms, sample.premium)
    return lines, attributions(lines, sample, terms)


@pytest.mark.parametrize("market", ["black_scholes", "heston", "recorded"])
@pytest.mark.parametrize("instrument", ["spot", "future", "spot_and_future"])
def test_the_parts_sum_to_the_pnl(market: str, instrument: str):
    paths = make_paths(market, instrument)
    sample = Sample(paths, make_book("book", market), jnp.linspace(0.0, 0.1, paths.count))
    terms = make_terms(instrument, "both", unwind=True)
    lines, parts = explained(BlackScholesDelta(), sample, terms)
    steps = jnp.diff(marks(lines, sample, terms), axis=-1, prepend=0.0)
    np.testing.assert_allclose(parts.total(), steps, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(jnp.sum(parts.total(), axis=-1), lines.cash[:, -1], rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(-jnp.sum(parts.cost, axis=-1), jnp.sum(lines.cost, axis=-1), rtol=1e-12)


def one_step(move: float, volatility_move: float, days: float) -> MarketPaths:
    """A path of two periods; the first is looked at."""
    return market_paths(
        spot=jnp.array([[100.0, 100.0 + move, 100.0 + move]]),
        dt=jnp.array([days / 365, 0.1]),
        volatility=jnp.array([[0.2, 0.2 + volatility_move, 0.2 + volatility_move]]),
        rate=0.03,
        dividend_yield=0.01,
    )


def first_step(paths: MarketPaths, policy: object) -> dict[str, float]:
    sample = Sample(paths, european("put", strike=98.0, expiry=2), jnp.asarray(2.0))
    _, parts = explained(policy, sample, Terms())
    return {name: float(getattr(parts, name)[0, 1]) for name in PARTS}


@pytest.mark.parametrize("part", ["gamma", "theta", "vega"])
def test_each_part_against_quantlib(part: str):
    """A sold put; QuantLib's Greeks times the move, its theta by revaluing a day later."""
    found = first_step(one_step(1.5, 0.01, 3.0), NoHedge())

    def option(left: float) -> object:
        payoff = ql.PlainVanillaPayoff(ql.Option.Put, 98.0)
        forward, discount = 100.0 * np.exp(0.02 * left), np.exp(-0.03 * left)
        return ql.BlackCalculator(payoff, forward, 0.2 * left**0.5, discount)

    left = 3 / 365 + 0.1
    now, later = option(left), option(0.1)
    expected = {
        "gamma": -0.5 * now.gamma(100.0) * 1.5**2,
        "theta": -(later.value() - now.value()),
        "vega": -now.vega(left) * 0.01,
    }[part]
    assert found[part] == pytest.approx(expected, rel=1e-9)


def test_a_perfect_delta_hedge_leaves_nothing_to_delta():
    hedged, naked = (first_step(one_step(1.5, 0.0, 1.0), policy) for policy in (BlackScholesDelta(), NoHedge()))
    assert hedged["delta"] == pytest.approx(0.0, abs=1e-12)
    assert abs(naked["delta"]) > 0.4
    assert hedged["gamma"] == pytest.approx(naked["gamma"], rel=1e-12)


def test_the_rest_is_of_third_order():
    """Halving a move of spot and of volatility together leaves a quarter of the cross term and less of the others."""
    large, small = (first_step(one_step(h, 0.002 * h, 1e-9), NoHedge())["rest"] for h in (0.1, 0.05))
    assert abs(large) > 0
    assert 3.5 < large / small < 4.5
    spot_only = [first_step(one_step(h, 0.0, 1e-9), NoHedge())["rest"] for h in (0.1, 0.05)]
    assert 7.0 < spot_only[0] / spot_only[1] < 9.0


def test_the_sale_and_the_first_trade_are_on_the_first_date():
    paths = one_step(1.0, 0.0, 1.0)
    sample = Sample(paths, european("put", strike=98.0, expiry=2), jnp.asarray(2.0))
    terms = Terms(costs=(ProportionalCost(jnp.asarray(0.01)),))
    lines, parts = explained(BlackScholesDelta(), sample, terms)
    assert float(parts.sale[0, 0]) == pytest.approx(
        float(marks(lines, sample, terms)[0, 0] + lines.cost[0, 0]), rel=1e-12
    )
    assert float(parts.cost[0, 0]) == pytest.approx(-0.01 * 100 * abs(float(lines.position[0, 0, 0])), rel=1e-12)
    rest = jax.tree.map(lambda leaf: float(leaf[0, 0]), parts)
    assert rest.delta == rest.gamma == rest.theta == rest.vega == rest.carry == 0.0
    assert rest.rest == pytest.approx(0.0, abs=1e-12)


def test_interest_and_dividends_are_carry(key: Array):
    del key
    found = first_step(one_step(0.0, 0.0, 10.0), BlackScholesDelta())
    sample = Sample(one_step(0.0, 0.0, 10.0), european("put", strike=98.0, expiry=2), jnp.asarray(2.0))
    lines, _ = explained(BlackScholesDelta(), sample, Terms())
    cash, held = float(lines.cash[0, 0]), float(lines.position[0, 0, 0])
    dividends = float(sample.paths.carry[0, 1, 0]) if sample.paths.carry.ndim == 3 else float(sample.paths.carry[1, 0])
    assert found["carry"] == pytest.approx(cash * np.expm1(0.03 * 10 / 365) + held * dividends, rel=1e-12)
