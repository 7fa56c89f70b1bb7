"""The learned policies: where they start, what they are bound to, and what they look at."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array
from scipy.stats import norm

from tenrec.contracts import european
from tenrec.core.errors import ConfigError
from tenrec.hedging.policies import (
    BlackScholesDelta,
    StateDelta,
    Zakamouline,
    make_band_network,
    make_feed_forward,
    make_state_delta,
)
from tenrec.hedging.view import MarketView
from tests.conformance.policies import AVERSION, BOUND, COST, FEATURES, make_policy, states, stirred

NETWORK = {"hidden": (8, 8), "activation": "silu"}
SIGNALS = ("trend", "skew")


def delta(view: MarketView) -> Array:
    return BlackScholesDelta().inputs(view)


def signalled(signals: Array | None = None, **more: object) -> MarketView:
    """States with two signals, by default neutral."""
    view = states(signal_names=SIGNALS, **more)
    return view if signals is None else eqx.tree_at(lambda view: view.signals, view, signals)


def test_a_state_delta_starts_as_the_black_scholes_delta(key: Array):
    view = signalled(jax.random.normal(key, (126, 2)))
    untrained = make_state_delta(features=SIGNALS, key=key, **NETWORK)
    np.testing.assert_allclose(untrained.inputs(view), delta(view), atol=1e-7)


def test_a_state_delta_is_the_black_scholes_delta_in_a_neutral_state(key: Array):
    view = signalled()
    np.testing.assert_allclose(make_policy("state_delta", view, key).inputs(view), delta(view), atol=1e-7)


@pytest.mark.parametrize("size", [0.1, 3.0, 1e6])
def test_a_state_delta_stays_within_its_bound_and_is_odd(size: float, key: Array):
    """Never further from the delta than b·φ(d₁)·√(τ/30 d); the opposite state moves it as far the other way."""
    signals = size * jax.random.normal(key, (126, 2))
    view = signalled(signals)
    policy = make_policy("state_delta", view, key)
    policy = eqx.tree_at(lambda p: p.network, policy, jax.tree.map(lambda leaf: 10.0 * leaf, policy.network))
    moved = np.asarray(policy.inputs(view) - delta(view))[:, 0]
    years, volatility = np.asarray(view.time_to_maturity), np.asarray(view.volatility)
    total = np.maximum(volatility * np.sqrt(years), 1e-12)
    upper = np.log(np.asarray(view.spot) / 100.0) / total + total / 2
    most = BOUND * norm.pdf(upper) * np.sqrt(years / (30 / 365))
    assert (np.abs(moved) <= most * (1 + 1e-4) + 1e-6).all()
    assert np.abs(moved).max() > 0.02
    opposite = np.asarray(policy.inputs(signalled(-signals)) - delta(view))[:, 0]
    np.testing.assert_allclose(opposite, -moved, atol=1e-5)


def test_a_state_delta_does_not_learn_its_bound(key: Array):
    view = signalled(jax.random.normal(key, (126, 2)))
    policy = make_policy("state_delta", view, key)
    slope = eqx.filter_grad(lambda policy: jnp.sum(policy.inputs(view) ** 2))(policy)
    assert isinstance(slope, StateDelta)
    assert float(slope.bound) == 0.0
    assert any(bool(jnp.any(leaf != 0)) for leaf in jax.tree.leaves(slope.network))


def test_a_band_network_starts_as_the_classical_band(key: Array):
    view = states()
    policy = make_band_network(
        view, features=FEATURES, standardise=True, cost=COST, aversion=AVERSION, key=key, **NETWORK
    )
    known = Zakamouline(jnp.asarray(COST), jnp.asarray(AVERSION)).inputs(view)
    for mine, theirs in zip(jax.vmap(policy.edges)(policy.inputs(view)), known, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-5)


def test_a_band_network_can_be_any_band(key: Array):
    """Outputs (m, l, h) are read as c + H·(m − e^l) and c + H·(m + e^h), c ± H the classical band."""
    view = states(spot=np.array([100.0]), years=np.array([0.1]))
    policy = make_policy("band_network", view, key)
    lowest, highest = (edge[:, 0] for edge in Zakamouline(jnp.asarray(COST), jnp.asarray(AVERSION)).inputs(view))
    centre, half = 0.5 * (lowest + highest), 0.5 * (highest - lowest)

    def says(*outputs: float) -> tuple[Array, Array]:
        silent = jax.tree.map(jnp.zeros_like, policy.network)
        network = eqx.tree_at(lambda n: n.layers[-1].bias, silent, jnp.array(outputs))
        fixed = eqx.tree_at(lambda p: p.network, policy, network)
        lower, upper = jax.vmap(fixed.edges)(fixed.inputs(view))
        return lower[:, 0], upper[:, 0]

    lower, upper = says(0.3, -0.5, 0.7)
    np.testing.assert_allclose(lower, centre + half * (0.3 - np.exp(-0.5)), rtol=1e-4)
    np.testing.assert_allclose(upper, centre + half * (0.3 + np.exp(0.7)), rtol=1e-4)
    narrow, wide = says(0.0, -20.0, -20.0), says(0.0, 80.0, 80.0)
    np.testing.assert_allclose(narrow[0], narrow[1], atol=1e-6)
    assert bool(jnp.isfinite(wide[1]).all())


def test_a_band_network_ignores_the_position_among_its_features(key: Array):
    view = states()
    common = {"standardise": True, "cost": COST, "aversion": AVERSION, "key": key, **NETWORK}
    with_it = make_band_network(view, features=(*FEATURES, "position"), **common)
    without = make_band_network(view, features=FEATURES, **common)
    jax.tree.map(np.testing.assert_array_equal, with_it.inputs(view), without.inputs(view))


def test_a_feed_forward_network_sees_the_position_only_if_asked(key: Array):
    view = states(years=np.array([0.1]))
    common = {"standardise": False, "key": key, **NETWORK}
    blind = make_feed_forward(view, features=FEATURES, **common)
    seeing = make_feed_forward(view, features=("position", *FEATURES), **common)
    assert blind.network.layers[0].in_features == len(FEATURES)
    assert seeing.network.layers[0].in_features == len(FEATURES) + 1
    row = tuple(column[0] for column in blind.inputs(view))
    assert blind.target(row, jnp.array([0.0])) == blind.target(row, jnp.array([1.0]))
    assert seeing.target(row, jnp.array([0.0])) != seeing.target(row, jnp.array([1.0]))


def test_a_feed_forward_network_works_per_option(key: Array):
    """A contract multiplier scales what is held, not what the network sees."""
    one, many = (states(european("call", strike=100.0, expiry=30, quantity=units)) for units in (-1.0, -10_000.0))
    common = {"features": (*FEATURES, "position"), "standardise": True, "key": key, **NETWORK}
    small, large = make_feed_forward(one, **common), make_feed_forward(many, **common)
    held = jax.vmap(small.target)(small.inputs(one), jnp.full_like(one.price, 0.4))
    scaled = jax.vmap(large.target)(large.inputs(many), jnp.full_like(one.price, 4000.0))
    np.testing.assert_allclose(scaled, 10_000.0 * held, rtol=1e-4, atol=0.1)


@pytest.mark.parametrize("make", [make_feed_forward, make_band_network])
def test_a_network_needs_something_to_see(make: object, key: Array):
    cost = {"cost": COST, "aversion": AVERSION} if make is make_band_network else {}
    with pytest.raises(ConfigError, match="names nothing"):
        make(states(), features=("position",), standardise=True, key=key, **cost, **NETWORK)


def test_the_same_key_makes_the_same_policy(key: Array):
    view = states()
    first, again = (make_policy("band_network", view, key) for _ in range(2))
    jax.tree.map(np.testing.assert_array_equal, eqx.filter(first, eqx.is_array), eqx.filter(again, eqx.is_array))
    other = make_policy("band_network", view, jax.random.key(1))
    assert bool(jnp.any(other.network.layers[0].weight != first.network.layers[0].weight))
    assert stirred(first, key).network.activation == first.network.activation
