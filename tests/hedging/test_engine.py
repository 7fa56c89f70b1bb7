"""The engine: numbers by hand, the same numbers by every way of calling it, gradients and memory."""

import dataclasses
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array

from tenrec.contracts import european
from tenrec.core.errors import ConfigError
from tenrec.core.paths import MarketPaths, market_paths, select
from tenrec.hedging import engine
from tenrec.hedging.assess import Sample, assess, views
from tenrec.hedging.costs import HalfSpreadCost, ProportionalCost
from tenrec.hedging.engine import Account, Quote, Terms, over_paths, run, step, terminal_pnl
from tenrec.hedging.policies import (
    AbstractPolicy,
    AbstractPositionPolicy,
    BlackScholesDelta,
    Own,
    make_band_network,
    make_feed_forward,
)
from tenrec.hedging.view import MarketView
from tenrec.markets import BlackScholesMarket
from tests.conformance.policies import make_policy
from tests.laws.cases import make_book, make_paths, make_terms


def quote(**changes: object) -> Quote:
    market = {
        "price": jnp.array([110.0, 50.0]),
        "change": jnp.array([10.0, -2.0]),
        "growth": jnp.asarray(1.01),
        "carry": jnp.array([0.5, 0.0]),
        "half_spread": jnp.array([0.1, 0.2]),
        "flow": jnp.asarray(-7.0),
        "tradable": jnp.asarray(True),
    }
    return Quote(**{**market, **changes})


class Given(AbstractPositionPolicy):
    """Holds what it was told for each date, of the only instrument."""

    units: Array

    def inputs(self, view: object) -> Array:
        return self.units[:, None]

    def target(self, known: Array, position: Array) -> Array:
        return known


class Remembers(AbstractPolicy):
    """Buys what it is told first, and then holds what its wealth was at the date before: its only memory."""

    def inputs(self, view: MarketView) -> Array:
        return view.spot

    def start(self) -> Array:
        return jnp.asarray(0.5)

    def act(self, known: Array, own: Own) -> tuple[Array, Array]:
        return own.memory[None], own.wealth


hedged = eqx.filter_jit(over_paths)
"""Compiled once for all tests that share the shapes."""


def test_one_step_by_hand():
    """A share and a future are held; 2 shares are bought and 3 futures sold, at 0.1 % and the half-spread."""
    account = Account(jnp.array([1.0, 4.0]), jnp.asarray(1000.0))
    terms = Terms(margined=(False, True), costs=(ProportionalCost(jnp.asarray(0.001)), HalfSpreadCost()))
    after, entry = step(account, jnp.array([3.0, 1.0]), quote(), terms)
    cost = 0.001 * (2 * 110 + 3 * 50) + 2 * 0.1 + 3 * 0.2
    assert float(entry.cost) == pytest.approx(cost, rel=1e-6)
    assert float(entry.carry) == pytest.approx(0.5)
    cash = 1000 * 1.01 + 0.5 + 4 * -2.0 - 7.0 - 2 * 110 - cost
    assert float(after.cash) == pytest.approx(cash, rel=1e-6)
    assert after.position.tolist() == [3.0, 1.0]
    assert entry.trade.tolist() == [2.0, -3.0]
    free, _ = step(account, jnp.array([3.0, 1.0]), quote(), terms, charged=False)
    assert float(free.cash) == pytest.approx(cash + cost, rel=1e-6)


def test_a_whole_ledger_by_hand():
    """Three dates, a sold call at 100: buy half a share, buy the other half, give it up at 120 against the payoff."""
    with jax.enable_x64(True):
        paths = market_paths(
            spot=jnp.array([[100.0, 110.0, 120.0]]),
            dt=jnp.array([0.5, 0.25]),
            rate=jnp.array([0.02, 0.04]),
            volatility=0.2,
            carry=jnp.array([[0.0], [1.0], [2.0]]),
        )
        terms = Terms(costs=(ProportionalCost(jnp.asarray(0.01)),), unwind=True)
        lines = over_paths(
            run, Given(jnp.array([0.5, 1.0])), paths, european("call", strike=100.0, expiry=2), terms, jnp.asarray(9.0)
        )
        first = 9.0 - 0.5 * 100 - 0.5
        second = first * np.exp(0.01) + 0.5 * 1.0 - 0.5 * 110 - 0.55
        third = second * np.exp(0.01) + 1.0 * 2.0 - 20.0 + 120.0 - 1.2
        np.testing.assert_allclose(lines.cash, [[first, second, third]], rtol=1e-14)
        np.testing.assert_allclose(lines.cost, [[0.5, 0.55, 1.2]], rtol=1e-14)
        np.testing.assert_allclose(lines.carry, [[0.0, 0.5, 2.0]], rtol=1e-14)
        np.testing.assert_array_equal(lines.flow, [[0.0, 0.0, -20.0]])
        np.testing.assert_array_equal(lines.position[0, :, 0], [0.5, 1.0, 0.0])


@pytest.mark.parametrize("margined", [False, True])
@pytest.mark.usefixtures("x64")
def test_a_policy_sees_its_wealth_before_it_trades_and_keeps_a_memory(margined: bool):
    """Wealth is cash plus, where it was paid for, the position at mid: the last trade's cost is in, the next is not."""
    paths = market_paths(
        spot=jnp.array([[100.0, 110.0, 120.0, 90.0]]),
        dt=jnp.array([0.5, 0.25, 0.25]),
        rate=jnp.array([0.02, 0.04, 0.0]),
        volatility=0.2,
        carry=jnp.array([[0.0], [1.0], [2.0], [0.0]]),
    )
    terms = Terms(margined=(margined,), costs=(ProportionalCost(jnp.asarray(0.01)),))
    lines = over_paths(run, Remembers(), paths, european("call", strike=100.0, expiry=3), terms, jnp.asarray(9.0))
    # Margined: only the change of the price is settled, and all cash earns interest.
    second = 8.5 * np.exp(0.01) + 0.5 + 5.0 if margined else (8.5 - 50.0) * np.exp(0.01) + 0.5 + 55.0
    np.testing.assert_allclose(lines.position[0, :3, 0], [0.5, 9.0, second], rtol=1e-14)


@pytest.mark.parametrize("name", ["band_network", "feed_forward", "leland", "zakamouline"])
@pytest.mark.parametrize("instrument", ["spot", "spot_and_future"])
def test_terminal_pnl_is_the_last_line_bit_for_bit(name: str, instrument: str, key: Array):
    paths, contract = make_paths("recorded", instrument), make_book("book", "recorded")
    terms, premium = make_terms(instrument, "both", unwind=True), jnp.linspace(0.0, 0.1, paths.count)
    policy = make_policy(name, views(Sample(paths, contract, premium)), key)
    full = hedged(run, policy, paths, contract, terms, premium)
    short = hedged(terminal_pnl, policy, paths, contract, terms, premium)
    np.testing.assert_array_equal(np.asarray(short), np.asarray(full.cash[:, -1]))


@pytest.mark.usefixtures("x64")
def test_one_path_at_a_time_gives_what_all_at_once_give(key: Array):
    paths, contract = make_paths("recorded", "spot"), make_book("book", "recorded")
    terms, premium = make_terms("spot", "both", unwind=True), jnp.linspace(0.0, 0.1, paths.count)
    policy = make_policy("band_network", views(Sample(paths, contract, premium)), key)
    at_once = hedged(run, policy, paths, contract, terms, premium)
    one = eqx.filter_jit(run)
    for index in range(paths.count):
        own = jax.tree.map(lambda leaf, i=index: leaf[i], contract)
        alone = one(policy, select(paths, index), own, terms, premium[index])
        for whole, single in zip(jax.tree.leaves(at_once), jax.tree.leaves(alone), strict=True):
            np.testing.assert_allclose(whole[index], single, rtol=1e-12, atol=1e-14)


def test_a_policy_sees_no_further_than_the_date():
    """Changing everything that the market does after a date leaves the ledger up to that date as it was."""
    paths, contract = make_paths("recorded", "spot"), make_book("book", "recorded")
    terms, premium, date = make_terms("spot", "both", unwind=True), jnp.zeros(paths.count), 3
    policy = make_policy("band_network", views(Sample(paths, contract, premium)), jax.random.key(3))
    changed = {
        name: getattr(paths, name).at[:, date + 1 :].multiply(1.7)
        for name in ("spot", "price", "volatility", "carry", "half_spread", "signals")
    }
    before = hedged(run, policy, paths, contract, terms, premium)
    after = hedged(run, policy, dataclasses.replace(paths, **changed), contract, terms, premium)
    for name in ("position", "trade", "cash", "cost", "carry"):
        np.testing.assert_array_equal(getattr(before, name)[:, : date + 1], getattr(after, name)[:, : date + 1])
    assert bool(jnp.any(before.cash[:, -1] != after.cash[:, -1]))


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("name", ["feed_forward", "band_network", "state_delta"])
def test_gradients_are_those_of_finite_differences(name: str, key: Array):
    """Of the mean square of the P&L, along a random direction of all weights."""
    paths, contract = make_paths("recorded", "spot"), make_book("book", "recorded")
    terms, premium = make_terms("spot", "both", unwind=True), jnp.asarray(0.1)
    policy = make_policy(name, views(Sample(paths, contract, premium)), key)
    weights, rest = eqx.partition(policy, lambda leaf: eqx.is_inexact_array(leaf) and leaf.ndim > 0)

    @jax.jit
    def loss(weights: AbstractPolicy) -> Array:
        policy = eqx.combine(weights, rest)
        return jnp.mean(over_paths(terminal_pnl, policy, paths, contract, terms, premium) ** 2)

    if name != "state_delta":  # what standardises the features is not learned
        weights = eqx.tree_at(lambda policy: policy.features, weights, replace=None)
        rest = eqx.tree_at(lambda policy: policy.features, rest, policy.features, is_leaf=lambda leaf: leaf is None)
    leaves, tree = jax.tree.flatten(weights)
    keys = jax.random.split(key, len(leaves))
    direction = tree.unflatten([jax.random.normal(k, leaf.shape) for k, leaf in zip(keys, leaves, strict=True)])

    def along(h: float) -> Array:
        return loss(jax.tree.map(lambda leaf, slope: leaf + h * slope, weights, direction))

    h = 1e-6
    numeric = (along(h) - along(-h)) / (2.0 * h)
    gradient = jax.grad(loss)(weights)
    exact = sum(jnp.vdot(g, d) for g, d in zip(jax.tree.leaves(gradient), jax.tree.leaves(direction), strict=True))
    assert abs(float(exact)) > 1e-6
    np.testing.assert_allclose(exact, numeric, rtol=1e-6)


@pytest.mark.usefixtures("x64")
def test_costs_and_prices_can_be_differentiated():
    """The P&L falls with the cost rate by what is traded, and rises with the premium by its growth."""
    paths, contract = make_paths("black_scholes", "spot"), make_book("sold_call", "black_scholes")

    def pnl(rate: Array, premium: Array) -> Array:
        terms = Terms(costs=(ProportionalCost(rate),))
        return jnp.mean(over_paths(terminal_pnl, BlackScholesDelta(), paths, contract, terms, premium))

    slope, growth = jax.jit(jax.grad(pnl, argnums=(0, 1)))(jnp.asarray(0.001), jnp.asarray(0.1))
    lines = over_paths(run, BlackScholesDelta(), paths, contract, Terms(), jnp.asarray(0.1))
    left = np.cumsum(np.append(0.0, np.asarray(paths.rate * paths.dt)[::-1]))[::-1]
    traded = np.abs(lines.trade[:, :-1, 0]) * np.asarray(paths.price)[:, :-1, 0] * np.exp(left)[:-1]
    np.testing.assert_allclose(slope, -np.mean(np.sum(traded, axis=1)), rtol=1e-10)
    np.testing.assert_allclose(growth, np.exp(left[0]), rtol=1e-12)


def test_settlement_must_be_told_for_each_instrument():
    paths, contract = make_paths("recorded", "spot_and_future"), make_book("sold_call", "recorded")
    with pytest.raises(ConfigError, match="1 entries for 2 hedging instruments; give one for each"):
        over_paths(run, BlackScholesDelta(), paths, contract, Terms(), jnp.zeros(()))


def test_outcomes_are_sums_of_the_ledger(key: Array):
    paths, contract = make_paths("recorded", "spot_and_future"), make_book("book", "recorded")
    terms, premium = make_terms("spot_and_future", "both", unwind=True), jnp.zeros(())
    sample = Sample(paths, contract, premium)
    policies = {name: make_policy(name, views(sample), key) for name in ("feed_forward", "no_hedge")}
    found = assess(policies, sample, terms)
    lines = hedged(run, policies["feed_forward"], paths, contract, terms, premium)
    price, trade = np.asarray(paths.price)[:, :-1], np.asarray(lines.trade)[:, :-1]
    np.testing.assert_allclose(found["feed_forward"].pnl, lines.cash[:, -1], rtol=1e-6)
    np.testing.assert_allclose(found["feed_forward"].cost, np.sum(lines.cost, axis=1), rtol=1e-5)
    np.testing.assert_allclose(found["feed_forward"].traded, np.sum(np.abs(trade) * price, axis=(1, 2)), rtol=1e-5)
    np.testing.assert_array_equal(found["feed_forward"].trades, np.sum(np.any(trade != 0, axis=2), axis=1))
    for leaf in (found["no_hedge"].cost, found["no_hedge"].traded, found["no_hedge"].trades):
        assert not leaf.any()


PATHS, STEPS = 64, 250
BYTES = 4e9 / (100_000 * 250)
"""What a path and step may take if training 100,000 paths × 250 steps is to stay under 4 GB."""


@pytest.mark.parametrize("kind", ["feed_forward", "band_network"])
def test_memory_of_training_does_not_grow_with_the_network(kind: str, key: Array):
    """The step is rematerialised: no activation is kept from one date to the next.

    benchmarks/memory.py measures the whole at full size.
    """
    taken = {width: bytes_of_gradient(kind, width, key) / (PATHS * STEPS) for width in (16, 64)}
    activations = 2 * (64 - 16) * 4
    assert taken[64] - taken[16] < 0.2 * activations
    assert taken[64] < 0.6 * BYTES


def bytes_of_gradient(kind: str, width: int, key: Array) -> int:
    """Temporary memory of the compiled gradient of a mean square P&L."""
    spot = jnp.exp(0.01 * jax.random.normal(key, (PATHS, STEPS + 1)))
    paths = market_paths(spot=spot, dt=jnp.full(STEPS, 1 / 365), volatility=0.2)
    contract, terms = european("call", strike=1.0, expiry=STEPS), Terms(costs=(ProportionalCost(jnp.asarray(0.001)),))
    common = {"hidden": (width, width), "activation": "relu", "standardise": True, "key": key}
    view = views(Sample(paths, contract, jnp.zeros(())))
    names = ["log_moneyness", "time_to_maturity", "volatility"]
    if kind == "feed_forward":
        policy: AbstractPolicy = make_feed_forward(view, features=[*names, "position"], **common)
    else:
        policy = make_band_network(view, features=names, cost=0.001, aversion=20.0, **common)

    def loss(policy: AbstractPolicy, paths: MarketPaths) -> Array:
        return jnp.mean(over_paths(terminal_pnl, policy, paths, contract, terms, jnp.zeros(())) ** 2)

    compiled = eqx.filter_jit(eqx.filter_grad(loss)).lower(policy, paths).compile()
    return compiled.compiled.memory_analysis().temp_size_in_bytes


@pytest.mark.usefixtures("x64")
def test_blocks_of_paths_give_what_all_at_once_give(monkeypatch: pytest.MonkeyPatch, key: Array):
    """Premiums and a future's prices of each path's own, a contract for all: ledger and gradient do not notice."""
    market = BlackScholesMarket(spot=1.0, volatility=0.2, dt=jnp.full(3, 0.1), hedge_with="future")
    paths = market.simulate(key, 30)
    sample = Sample(paths, european("call", strike=1.0, expiry=3), jnp.linspace(0.0, 0.1, 30))
    terms = Terms(margined=(True,), costs=(ProportionalCost(jnp.asarray(0.01)),))
    policy = make_policy("feed_forward", views(sample), key)

    def both(policy: AbstractPolicy) -> tuple[Any, Any]:
        def total(policy: AbstractPolicy) -> tuple[Array, Any]:
            lines = over_paths(run, policy, paths, sample.contract, terms, sample.premium)
            return jnp.sum(lines.cash[:, -1] ** 2), lines

        return eqx.filter_grad(total, has_aux=True)(policy)

    whole = both(policy)
    monkeypatch.setattr(engine, "SMALLEST_BLOCK", 4)
    monkeypatch.setattr(engine, "LARGEST_BLOCK", 12)
    assert [engine._block_size(count) for count in (12, 30, 31)] == [12, 10, 31]
    for one, other in zip(jax.tree.leaves(both(policy)), jax.tree.leaves(whole), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-14)
