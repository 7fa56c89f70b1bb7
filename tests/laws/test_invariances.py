"""Laws of the engine that hold for every policy: who holds what, how many, in which unit, and when nothing happens."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array
from scipy.stats import norm

from tenrec.contracts import european, european_book
from tenrec.hedging.engine import Terms
from tenrec.hedging.policies import BlackScholesDelta
from tenrec.markets import BlackScholesMarket
from tests.conformance.policies import POLICIES
from tests.laws.cases import PATHS, STEPS, make_book, make_paths, make_terms, tile
from tests.laws.ledgers import growth_to_the_end, hedged, policy_for, times, usual_terms

pytestmark = pytest.mark.usefixtures("x64")

# Positions of these are proportional to the quantity, whatever its sign.
LINEAR = ["black_scholes_delta", "black_scholes_delta_entry", "minimum_variance_delta", "no_hedge", "state_delta"]


@pytest.mark.parametrize("name", LINEAR)
@pytest.mark.parametrize("multiple", [-1.0, 250.0])
def test_the_ledger_scales_with_the_quantity(name: str, multiple: float, key: Array):
    """−1 turns a sold book into a held one: every line changes its sign. A multiplier scales every line."""
    paths, contract = make_paths("recorded", "spot"), make_book("book", "recorded")
    paths, terms = dataclasses.replace(paths, half_spread=0.0 * paths.half_spread), usual_terms(free=True)
    policy = policy_for(name, paths, contract, key)
    one = hedged(policy, paths, contract, terms, premium=0.1)
    many = hedged(policy, paths, times(contract, multiple), terms, premium=multiple * 0.1)
    for name_of_line in ("position", "trade", "cash", "carry", "flow"):
        expected = multiple * getattr(one, name_of_line)
        np.testing.assert_allclose(getattr(many, name_of_line), expected, rtol=1e-10, atol=1e-9 * abs(multiple))


@pytest.mark.parametrize("market", ["black_scholes", "recorded"])
@pytest.mark.parametrize("instrument", ["spot", "future"])
def test_the_premium_grows_with_the_rate(market: str, instrument: str):
    paths, contract = make_paths(market, instrument), make_book("sold_call", market)
    terms = make_terms(instrument, "both", unwind=True)
    without = hedged(BlackScholesDelta(), paths, contract, terms)
    paid = hedged(BlackScholesDelta(), paths, contract, terms, premium=0.3)
    grown = np.broadcast_to(growth_to_the_end(paths), paid.cash.shape)[:, 0]
    assert (grown > 1.0005).all()
    np.testing.assert_allclose(paid.cash[:, -1] - without.cash[:, -1], 0.3 * grown, rtol=1e-12)
    np.testing.assert_array_equal(paid.position, without.position)


@pytest.mark.parametrize("instrument", ["spot", "future", "spot_and_future", "spot_and_option"])
def test_a_cost_is_cash_that_is_gone_when_it_is_paid(instrument: str, key: Array):
    """A delta trades the same whatever that costs, so the P&L falls by each cost with its interest."""
    paths, contract = make_paths("recorded", instrument), make_book("sold_call", "recorded")
    policy = policy_for("feed_forward", paths, contract, key)
    policy = policy if "_and_" in instrument else BlackScholesDelta()
    free = hedged(policy, paths, contract, make_terms(instrument, "none", unwind=True))
    charged = hedged(policy, paths, contract, make_terms(instrument, "both", unwind=True))
    lost = np.sum(charged.cost * growth_to_the_end(paths), axis=1)
    assert (lost > 1e-4).all()
    np.testing.assert_allclose(free.cash[:, -1] - charged.cash[:, -1], lost, rtol=1e-9)


def test_unwinding_charges_the_last_position_and_nothing_else():
    paths, contract = make_paths("black_scholes", "spot"), make_book("held_put", "black_scholes")
    kept = hedged(BlackScholesDelta(), paths, contract, make_terms("spot", "proportional", unwind=False))
    sold = hedged(BlackScholesDelta(), paths, contract, make_terms("spot", "proportional", unwind=True))
    last = 0.002 * np.abs(kept.position[:, -2, 0]) * np.asarray(paths.price)[:, -1, 0]
    np.testing.assert_allclose(kept.cash[:, -1] - sold.cash[:, -1], last, rtol=1e-9, atol=1e-14)
    np.testing.assert_array_equal(kept.cash[:, :-1], sold.cash[:, :-1])


@pytest.mark.parametrize("name", POLICIES)
def test_nothing_but_cost_and_payoff_where_prices_stand_still(name: str, key: Array):
    paths, contract = make_paths("recorded", "spot"), make_book("book", "recorded")
    still = {part: jnp.full_like(getattr(paths, part), 2.05) for part in ("spot", "price")}
    flat = dataclasses.replace(paths, **still, rate=0.0 * paths.rate, carry=0.0 * paths.carry)
    lines = hedged(policy_for(name, paths, contract, key), flat, contract, usual_terms())
    np.testing.assert_allclose(lines.cash[:, -1], lines.flow.sum(axis=1) - lines.cost.sum(axis=1), atol=1e-12)
    assert lines.cost.any() == (name != "no_hedge")


@pytest.mark.parametrize("name", POLICIES)
def test_what_cannot_be_traded_is_not_hedged(name: str, key: Array):
    """With no date to trade on, every policy is no hedge at all."""
    paths, contract = make_paths("recorded", "spot"), make_book("book", "recorded")
    closed = dataclasses.replace(paths, tradable=jnp.zeros_like(paths.tradable))
    lines = hedged(policy_for(name, paths, contract, key), closed, contract, usual_terms(), premium=0.05)
    assert not lines.position.any()
    assert not lines.cost.any()
    grown = growth_to_the_end(paths)
    expected = 0.05 * grown[:, 0] + np.sum(lines.flow * grown, axis=1)
    np.testing.assert_allclose(lines.cash[:, -1], expected, rtol=1e-12)


@pytest.mark.parametrize("name", POLICIES)
def test_padding_is_neutral(name: str, key: Array):
    """Dates after the end, on which no time passes and nothing can be traded, change nothing."""
    paths, contract = make_paths("recorded", "spot"), make_book("book", "recorded")
    policy = policy_for(name, paths, contract, key)
    terms = usual_terms()
    short = hedged(policy, paths, contract, terms, premium=0.1)
    long = hedged(policy, tile(paths, 3), contract, terms, premium=0.1)
    assert long.cash.shape == (PATHS, STEPS + 4)
    np.testing.assert_allclose(long.cash[:, -1], short.cash[:, -1], rtol=1e-12)
    np.testing.assert_array_equal(long.position[:, :STEPS], short.position[:, :STEPS])
    np.testing.assert_array_equal(long.flow[:, : STEPS + 1], short.flow)


@pytest.mark.parametrize("name", POLICIES)
def test_the_unit_of_account_does_not_matter(name: str, key: Array):
    paths, contract = make_paths("recorded", "spot"), make_book("book", "recorded")
    policy = policy_for(name, paths, contract, key)
    money = {part: 100.0 * getattr(paths, part) for part in ("spot", "price", "carry", "half_spread")}
    cents = dataclasses.replace(paths, **money)
    dear = eqx.tree_at(lambda book: book.strike, contract, 100.0 * contract.strike)
    terms = usual_terms()
    whole, scaled = hedged(policy, paths, contract, terms, 0.1), hedged(policy, cents, dear, terms, 10.0)
    np.testing.assert_allclose(scaled.position, whole.position, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(scaled.cash, 100.0 * whole.cash, rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize("market", ["black_scholes", "heston", "bootstrap", "arrays"])
def test_a_forward_is_replicated_exactly(market: str):
    """A sold call with a held put of its strike is a sold forward; its delta is one share, in every market.

    What is left is K − S₀·growth, known from the start.
    """
    paths = make_paths(market, "spot")
    still = dataclasses.replace(paths, dividend_yield=0.0 * paths.dividend_yield, carry=0.0 * paths.carry)
    forward = european_book(["call", "put"], strikes=[2.1, 2.1], expiries=[STEPS, STEPS], quantities=[-1.0, 1.0])
    lines = hedged(BlackScholesDelta(), still, forward, make_terms("spot", "none", unwind=False))
    np.testing.assert_allclose(lines.position[:, :-1], 1.0, rtol=1e-12)
    expected = 2.1 - np.asarray(still.spot)[:, 0] * growth_to_the_end(still)[0]
    np.testing.assert_allclose(lines.cash[:, -1], expected, rtol=1e-12)


@pytest.mark.parametrize("hedge_with", ["spot", "future"])
def test_the_hedging_error_of_a_delta_vanishes_with_the_period(hedge_with: str, key: Array):
    """Its deviation falls with the square root of the number of dates, to a mean of the Black–Scholes price."""
    deviation = {}
    for steps in (16, 64):
        market = BlackScholesMarket(
            spot=1.0,
            volatility=0.2,
            dt=np.full(steps, 0.25 / steps),
            rate=0.05,
            dividend_yield=0.02,
            hedge_with=hedge_with,
        )
        contract = european("call", strike=1.02, expiry=steps)
        terms = Terms(margined=market.margined)
        pnl = hedged(BlackScholesDelta(), market.simulate(key, 2000), contract, terms).cash[:, -1]
        deviation[steps] = pnl.std()
        price = float(np.mean(-pnl) * np.exp(-0.05 * 0.25))
        assert price == pytest.approx(black_scholes_merton(), abs=4.0 * pnl.std() / 2000**0.5 + 1e-4)
    assert deviation[16] / deviation[64] == pytest.approx(2.0, rel=0.15)


def black_scholes_merton() -> float:
    """Merton (1973): a call on a share with a dividend yield; S = 1, K = 1.02, T = 0.25, r = 5 %, y = 2 %, σ = 20 %."""
    total = 0.2 * 0.25**0.5
    upper = (np.log(1.0 / 1.02) + (0.05 - 0.02) * 0.25) / total + total / 2
    return float(np.exp(-0.02 * 0.25) * norm.cdf(upper) - 1.02 * np.exp(-0.05 * 0.25) * norm.cdf(upper - total))


def test_batched_and_shared_fields_mean_the_same(key: Array):
    """A record that repeats what is shared for every path gives the ledger of the record that shares it."""
    paths, contract = make_paths("black_scholes", "spot"), make_book("book", "black_scholes")
    wide = jax.tree.map(
        lambda leaf: leaf if leaf.shape[0] == PATHS else jnp.broadcast_to(leaf, (PATHS, *leaf.shape)), paths
    )
    own = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (PATHS, *leaf.shape)), contract)
    policy = policy_for("band_network", paths, contract, key)
    shared = hedged(policy, paths, contract, make_terms("spot", "both", unwind=True))
    each = hedged(policy, wide, own, make_terms("spot", "both", unwind=True))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14), shared, each)
    assert (wide.dt.ndim, paths.dt.ndim) == (2, 1)
