"""What the tests of the engine's laws share: a policy, and its ledger in NumPy."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from tenrec.contracts import EuropeanBook
from tenrec.core.paths import MarketPaths
from tenrec.hedging.assess import Sample, views
from tenrec.hedging.engine import Entry, Terms, over_paths, run
from tenrec.hedging.policies import AbstractPolicy
from tests.conformance.policies import make_policy
from tests.laws.cases import make_terms

# Compiled once for all tests that share the shapes, so most tests use the same record, book and terms.
_hedged = eqx.filter_jit(functools.partial(over_paths, run))


def hedged(
    policy: AbstractPolicy, paths: MarketPaths, contract: EuropeanBook, terms: Terms, premium: float = 0.0
) -> Entry:
    """The ledger of every path."""
    return jax.tree.map(np.asarray, _hedged(policy, paths, contract, terms, jnp.asarray(premium, float)))


def usual_terms(instrument: str = "spot", *, free: bool = False) -> Terms:
    """A commission and the half-spread, charged at the end too; `free` leaves the commission at nothing."""
    terms = make_terms(instrument, "both", unwind=True)
    return eqx.tree_at(lambda one: one.costs[0].rate, terms, replace_fn=jnp.zeros_like) if free else terms


def policy_for(name: str, paths: MarketPaths, contract: EuropeanBook, key: Array) -> AbstractPolicy:
    """A policy made for what it will see."""
    return make_policy(name, views(Sample(paths, contract, jnp.zeros(()))), key)


def times(contract: EuropeanBook, multiple: float) -> EuropeanBook:
    """So many of the book."""
    return eqx.tree_at(lambda book: book.quantity, contract, multiple * contract.quantity)


def growth_to_the_end(paths: MarketPaths) -> np.ndarray:
    """What one unit of cash at each date has become at the last date, shape (dates,) or (paths, dates)."""
    earned = np.asarray(paths.rate * paths.dt)
    return np.exp(np.concatenate([np.cumsum(earned[..., ::-1], axis=-1)[..., ::-1], 0.0 * earned[..., :1]], axis=-1))
