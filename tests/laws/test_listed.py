"""The laws of the engine where a listed option is held that expires, is rolled, and is listed no more."""

import dataclasses
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array

from tenrec.contracts import EuropeanBook
from tenrec.core.listed import GOES_ON, GONE
from tenrec.core.paths import RANK, MarketPaths, select
from tenrec.hedging.assess import Sample
from tenrec.hedging.breakdown import breakdowns
from tenrec.hedging.policies import AbstractPolicy
from tests.conformance.policies import WITH_OPTIONS
from tests.laws.cases import PATHS, STEPS, make_book, make_paths, make_terms
from tests.laws.ledgers import growth_to_the_end, hedged, policy_for, times, usual_terms
from tests.laws.listed import OPTIONS

pytestmark = pytest.mark.usefixtures("x64")

every_policy = pytest.mark.parametrize("name", WITH_OPTIONS)
TERMS = "spot_and_option"
MONEY = ("spot", "price", "carry", "half_spread")


# One record, book and set of shapes for nearly all, so that each policy is compiled once.
def world(name: str, key: Array) -> tuple[AbstractPolicy, MarketPaths, EuropeanBook]:
    """A policy with paths, each of which has its own dates, rates, volatilities, gaps and end, and with its book."""
    paths, contract = make_paths("recorded", "spot_and_option"), make_book("book", "recorded")
    return policy_for(name, paths, contract, key), paths, contract


def with_listed(paths: MarketPaths, **leaves: Any) -> MarketPaths:
    assert paths.listed is not None
    return dataclasses.replace(paths, listed=dataclasses.replace(paths.listed, **leaves))


@every_policy
def test_the_option_is_held_where_it_should_be(name: str, key: Array):
    policy, paths, contract = world(name, key)
    held = hedged(policy, paths, contract, usual_terms(TERMS)).position[..., 1]
    assert held.any() == (name != "black_scholes_delta")
    assert not held[:, OPTIONS[-1][1] :].any()


@pytest.mark.parametrize("name", ["delta_gamma", "delta_vega"])
@pytest.mark.parametrize("multiple", [-1.0, 250.0])
def test_the_ledger_scales_with_the_quantity(name: str, multiple: float, key: Array):
    policy, paths, contract = world(name, key)
    paths, terms = dataclasses.replace(paths, half_spread=0.0 * paths.half_spread), usual_terms(TERMS, free=True)
    one = hedged(policy, paths, contract, terms, premium=0.1)
    many = hedged(policy, paths, times(contract, multiple), terms, premium=multiple * 0.1)
    for line in ("position", "trade", "closed", "cash", "carry", "flow"):
        expected = multiple * getattr(one, line)
        np.testing.assert_allclose(getattr(many, line), expected, rtol=1e-10, atol=1e-9 * abs(multiple))


@every_policy
def test_the_unit_of_account_does_not_matter(name: str, key: Array):
    """Spot, strikes and option prices in cents: as many units, and a hundred times the cash."""
    policy, paths, contract = world(name, key)
    cents = dataclasses.replace(paths, **{part: 100.0 * getattr(paths, part) for part in MONEY})
    listed = paths.listed
    assert listed is not None
    cents = with_listed(cents, strike=100.0 * listed.strike, closing=100.0 * listed.closing)
    dear = eqx.tree_at(lambda book: book.strike, contract, 100.0 * contract.strike)
    whole = hedged(policy, paths, contract, usual_terms(TERMS), 0.1)
    scaled = hedged(policy, cents, dear, usual_terms(TERMS), 10.0)
    np.testing.assert_allclose(scaled.position, whole.position, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(scaled.cash, 100.0 * whole.cash, rtol=1e-6, atol=1e-5)


@every_policy
def test_nothing_but_cost_and_payoff_where_prices_stand_still(name: str, key: Array):
    """The option too is worth the same from its listing to its end, whatever is rolled into what."""
    policy, paths, contract = world(name, key)
    still = jnp.stack([jnp.full_like(paths.spot, 2.05), jnp.full_like(paths.spot, 0.04)], axis=-1)
    flat = dataclasses.replace(paths, spot=still[..., 0], price=still, rate=0.0 * paths.rate, carry=0.0 * paths.carry)
    lines = hedged(policy, with_listed(flat, closing=still), contract, usual_terms(TERMS))
    np.testing.assert_allclose(lines.cash[:, -1], lines.flow.sum(axis=1) - lines.cost.sum(axis=1), atol=1e-12)
    assert lines.cost.any()


@every_policy
def test_what_cannot_be_traded_is_not_hedged(name: str, key: Array):
    """No trade, no cost: neither at a roll nor at an expiry."""
    policy, paths, contract = world(name, key)
    closed = dataclasses.replace(paths, tradable=jnp.zeros_like(paths.tradable))
    lines = hedged(policy, closed, contract, usual_terms(TERMS), premium=0.05)
    assert not lines.position.any()
    assert not lines.cost.any()
    grown = growth_to_the_end(paths)
    expected = 0.05 * grown[:, 0] + np.sum(lines.flow * grown, axis=1)
    np.testing.assert_allclose(lines.cash[:, -1], expected, rtol=1e-12)


@every_policy
def test_paths_do_not_know_of_each_other(name: str, key: Array):
    policy, paths, contract = world(name, key)
    order = np.array([3, 0, 4, 1, 2])
    mixed = hedged(policy, select(paths, order), jax.tree.map(lambda leaf: leaf[order], contract), usual_terms(TERMS))
    straight = hedged(policy, paths, contract, usual_terms(TERMS))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b[order], rtol=1e-12, atol=1e-14), mixed, straight)


@every_policy
@pytest.mark.parametrize("date", [2, 5])
def test_no_look_ahead(name: str, date: int, key: Array):
    """Another future, in which the options that are listed later have other strikes, changes nothing before it."""
    policy, paths, contract = world(name, key)
    later = (jnp.arange(STEPS + 1) > date)[:, None]
    factor = jnp.where(later, 1.3, 1.0)
    other = dataclasses.replace(
        paths,
        price=paths.price * factor,
        spot=paths.spot * factor[:, 0],
        volatility=paths.volatility * jnp.where(later[:, 0], 2.0, 1.0),
    )
    listed = paths.listed
    assert listed is not None
    other = with_listed(other, strike=listed.strike * jnp.where(later, 0.8, 1.0), closing=listed.closing * factor)
    known, changed = (hedged(policy, one, contract, usual_terms(TERMS)) for one in (paths, other))
    for line in ("position", "trade", "cash", "cost", "closed"):
        before = slice(None, date + 1)
        np.testing.assert_array_equal(getattr(changed, line)[:, before], getattr(known, line)[:, before])
    assert np.abs(changed.cash[:, -1] - known.cash[:, -1]).min() > 1e-4


@every_policy
@pytest.mark.parametrize("date", [2, 3, 5])
def test_a_date_that_is_told_twice_changes_nothing(name: str, date: int, key: Array):
    """A date is split in two, on the second of which no time has passed and nothing is traded; 3 and 5 end options."""
    policy, paths, contract = world(name, key)
    split = told_twice(paths, date)
    moved = eqx.tree_at(lambda book: book.expiry, contract, contract.expiry + (contract.expiry > date))
    short, long = (
        hedged(policy, one, book, usual_terms(TERMS), premium=0.1) for one, book in ((paths, contract), (split, moved))
    )
    kept = np.delete(np.arange(STEPS + 2), date + 1)
    for line in ("position", "trade", "cash", "cost", "closed", "flow"):
        np.testing.assert_allclose(getattr(long, line)[:, kept], getattr(short, line), rtol=1e-9, atol=1e-12)
    assert not long.trade[:, date + 1].any()


@pytest.mark.parametrize("unwind", [False, True])
def test_gains_and_costs_of_the_instruments_make_up_the_ledger(unwind: bool, key: Array):
    """Costs sum to each line's; gains, premium, flows and interest less costs are what is left at the end."""
    policy, paths, contract = world("delta_gamma", key)
    terms = make_terms(TERMS, "all", unwind=unwind)
    free = dataclasses.replace(terms, funding=None, borrow=None)
    still = dataclasses.replace(paths, rate=0.0 * paths.rate, carry=0.0 * paths.carry)
    lines = hedged(policy, still, contract, free, premium=0.1)
    own = breakdowns(lines, Sample(still, contract, jnp.asarray(0.1)), free)
    np.testing.assert_allclose(own.cost.sum(axis=-1), lines.cost, rtol=1e-10, atol=1e-15)
    assert (np.abs(np.asarray(own.cost)).sum(axis=(0, 1)) > 0.0).all()
    left = 0.1 + own.gain.sum(axis=(1, 2)) + lines.flow.sum(axis=1) - own.cost.sum(axis=(1, 2))
    np.testing.assert_allclose(left, lines.cash[:, -1], rtol=1e-10)


def told_twice(paths: MarketPaths, date: int) -> MarketPaths:
    """The same paths with a date after `date` that repeats it."""
    twice = np.insert(np.arange(STEPS + 1), date, date)
    again = np.arange(STEPS + 2) == date + 1
    found = {}
    for name in RANK:
        leaf = getattr(paths, name)
        if name in ("dt", "rate", "dividend_yield"):
            found[name] = jnp.insert(jnp.broadcast_to(leaf, (PATHS, STEPS)), date, 0.0, axis=-1)
        elif name != "listed":
            found[name] = jnp.take(leaf, twice, axis=-RANK[name])
    listed = jax.tree.map(lambda leaf: jnp.take(leaf, twice, axis=-2), paths.listed)
    life = jnp.where(again[:, None] & (listed.life != GONE), GOES_ON, listed.life)
    found["carry"] = jnp.where(again[:, None], 0.0, found["carry"])
    found["tradable"] = found["tradable"] & ~again
    told = dataclasses.replace(paths, **found, listed=listed)
    return with_listed(told, life=life, closing=jnp.where(again[:, None], told.price, listed.closing))
