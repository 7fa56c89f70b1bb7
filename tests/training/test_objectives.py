"""What training minimises is what the engine's ledger says, and minimising it works."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array

from tenrec.contracts import european
from tenrec.core.paths import concatenate, select
from tenrec.hedging.assess import Sample, assess, ledgers, marks, views
from tenrec.hedging.costs import ProportionalCost
from tenrec.hedging.engine import Terms
from tenrec.hedging.policies import AbstractPolicy, BlackScholesDelta, make_feed_forward
from tenrec.markets import BlackScholesMarket
from tenrec.nets import FitSettings, best_models, fit, start
from tenrec.risk import AbstractRisk
from tenrec.training import local_objective, loss_per_spot, ridge, terminal_objective
from tests.conformance.policies import make_policy
from tests.laws.cases import PATHS, make_book, make_paths, make_terms
from tests.risk.members import MEMBERS

WEIGHTS = np.array([1.0, 0.0, 2.0, 0.5, 1.5])
TERMS = make_terms("spot", "both", unwind=True)


@pytest.fixture
def sample() -> Sample:
    """Recorded paths with contracts and premiums of their own."""
    return Sample(make_paths("recorded", "spot"), make_book("book", "recorded"), jnp.linspace(0.05, 0.1, PATHS))


@pytest.fixture
def policy(sample: Sample, key: Array) -> AbstractPolicy:
    return make_policy("band_network", views(sample), key)


def test_loss_is_minus_the_pnl_in_units_of_the_first_spot(sample: Sample, policy: AbstractPolicy):
    pnl = assess({"it": policy}, sample, TERMS)["it"].pnl
    expected = -np.asarray(pnl) / np.asarray(sample.paths.spot)[:, 0]
    np.testing.assert_allclose(eqx.filter_jit(loss_per_spot)(policy, sample, TERMS), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("measure", MEMBERS.values(), ids=MEMBERS)
@pytest.mark.parametrize("weights", [None, jnp.asarray(WEIGHTS)], ids=["equal", "weighted"])
def test_terminal_objective(measure: AbstractRisk, weights: Array | None, sample: Sample):
    """The risk of the losses, in percent; path for path from the ledger."""
    pnl = assess({"it": BlackScholesDelta()}, sample, TERMS)["it"].pnl
    expected = 100.0 * measure(-pnl / sample.paths.spot[:, 0], weights)
    found = terminal_objective(measure, TERMS)(BlackScholesDelta(), sample, weights)
    np.testing.assert_allclose(found, expected, rtol=1e-4)


@pytest.mark.parametrize("weights", [None, jnp.asarray(WEIGHTS)], ids=["equal", "weighted"])
def test_local_objective(weights: Array | None, sample: Sample, policy: AbstractPolicy):
    """The root of the mean over paths of the summed squared changes of the marked P&L, in percent."""
    lines = ledgers({"it": policy}, sample, TERMS)["it"]
    marked = np.asarray(marks(lines, sample, TERMS)) / np.asarray(sample.paths.spot)[:, :1]
    summed = np.sum(np.diff(marked, axis=1) ** 2, axis=1)
    expected = 100.0 * np.sqrt(np.average(summed, weights=weights))
    objective = eqx.filter_jit(local_objective(TERMS))
    np.testing.assert_allclose(objective(policy, sample, weights), expected, rtol=1e-4)


@pytest.mark.parametrize("kind", ["terminal", "local"])
def test_weights_count_paths(kind: str, sample: Sample, policy: AbstractPolicy):
    """A weight of two is the path twice, a weight of zero is the path left out."""
    objective = terminal_objective(MEMBERS["entropic"], TERMS) if kind == "terminal" else local_objective(TERMS)
    weights = jnp.array([1.0, 0.0, 2.0, 1.0, 1.0])
    index = np.array([0, 2, 2, 3, 4])
    contract = jax.tree.map(lambda leaf: leaf[index], sample.contract)
    repeated = Sample(select(concatenate([sample.paths]), index), contract, sample.premium[index])
    weighted = eqx.filter_jit(objective)(policy, sample, weights)
    np.testing.assert_allclose(weighted, eqx.filter_jit(objective)(policy, repeated, None), rtol=1e-5)


@pytest.mark.parametrize("kind", ["terminal", "local"])
def test_gradients_are_finite_on_a_record_with_gaps_and_padding(kind: str, sample: Sample, policy: AbstractPolicy):
    objective = terminal_objective(MEMBERS["entropic"], TERMS) if kind == "terminal" else local_objective(TERMS)
    slope = eqx.filter_jit(eqx.filter_grad(objective))(policy, sample, None)
    leaves = jax.tree.leaves(slope.network)
    assert all(bool(jnp.isfinite(leaf).all()) for leaf in leaves)
    assert any(bool(jnp.any(leaf != 0)) for leaf in leaves)


def test_ridge(policy: AbstractPolicy):
    leaves = jax.tree.leaves(eqx.filter(policy.network, eqx.is_array))
    expected = 0.01 * sum(float(np.sum(np.asarray(leaf) ** 2)) for leaf in leaves)
    np.testing.assert_allclose(ridge(policy, 0.01), expected, rtol=1e-5)
    assert ridge(policy, 0.0) == 0.0
    assert ridge(BlackScholesDelta(), 0.01) == 0.0


def test_learning_comes_near_the_black_scholes_delta_where_that_is_best(key: Array):
    """Without costs, a few hundred updates bring a small network from far off close to the delta's risk."""
    market = BlackScholesMarket(spot=1.0, volatility=0.2, dt=np.full(6, 5 / 365))
    contract, terms = european("call", strike=1.0, expiry=6), Terms(costs=(ProportionalCost(jnp.asarray(0.0)),))
    objective = terminal_objective(MEMBERS["mean_std"], terms)

    def sample(key: Array, count: int) -> Sample:
        return Sample(market.simulate(key, count), contract, jnp.zeros(()))

    validation = sample(jax.random.key(1), 1000)
    untrained = make_feed_forward(
        views(validation),
        features=("standardised_moneyness", "sqrt_time_to_maturity"),
        hidden=(16,),
        activation="silu",
        standardise=True,
        key=key,
    )
    settings = FitSettings(updates=150, per_dispatch=75, learning_rate=0.02)
    models = jax.tree.map(lambda leaf: leaf[None] if eqx.is_array(leaf) else leaf, untrained)
    fitted = fit(
        start(models, settings),
        lambda policy, key, _: objective(policy, sample(key, 256), None),
        lambda policy, _: objective(policy, validation, None),
        settings,
    )
    learned = jax.tree.map(lambda leaf: leaf[0] if eqx.is_array(leaf) else leaf, best_models(fitted))
    before, after, delta = (objective(one, validation, None) for one in (untrained, learned, BlackScholesDelta()))
    assert float(after) < float(delta) + 0.1 * float(before - delta)
    assert float(before) > 1.1 * float(delta)


def test_the_quantity_sets_the_sign(sample: Sample):
    """Selling and holding the same contract have opposite losses without cost."""
    free = dataclasses.replace(sample.paths, half_spread=0.0 * sample.paths.half_spread)
    terms = Terms()
    sold = Sample(free, sample.contract, sample.premium)
    mirrored = eqx.tree_at(lambda book: book.quantity, sample.contract, -sample.contract.quantity)
    held = Sample(free, mirrored, -sample.premium)
    ours, theirs = (loss_per_spot(BlackScholesDelta(), one, terms) for one in (sold, held))
    np.testing.assert_allclose(ours, -theirs, atol=1e-6)
