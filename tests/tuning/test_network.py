"""The trained rival: it starts as Whalley and Wilmott's band, its loss is the ledger's, and training lowers it."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tenrec.hedging.engine import Terms
from tenrec.hedging.policies import TickBandNetwork, make_tick_band_network
from tenrec.tuning.network import Course, NetworkSettings, _loss_of, course, train
from tenrec.tuning.rivals import Rival, acts_on, score_rivals, whalley_wilmott
from tenrec.tuning.scoring import Window, replay
from tenrec.tuning.ticks import thinned
from tests.tuning.desk import costs, ticks_of, walk, window_of

RATE, NOTIONAL, AVERSION = 6e-4, 1e6, 10.0
SETTINGS = NetworkSettings((1.0, AVERSION), NOTIONAL, RATE, hidden=(4,), updates=48, seeds=2, seed=3)


@pytest.fixture(scope="module")
def windows() -> list[Window]:
    return [window_of(ticks_of(walk(240, seed, scale=4e-3), interval=900.0)) for seed in range(6)]


@pytest.fixture(scope="module")
def courses(windows: list[Window]) -> list[Course]:
    return [course(window) for window in windows]


@pytest.fixture(scope="module")
def trained(courses: list[Course]) -> list[Rival]:
    return train(courses, costs(RATE), SETTINGS)


def network_rival(policy: TickBandNetwork) -> Rival:
    return Rival("network", "network", policy, aversion=AVERSION / NOTIONAL)


def test_untrained_it_is_whalley_and_wilmott_s_band(windows: list[Window]):
    policy = make_tick_band_network(cost=RATE, aversion=AVERSION, hidden=(4,), key=jax.random.key(0))
    rivals = [network_rival(policy), whalley_wilmott(AVERSION, RATE, NOTIONAL)]
    own, classical = score_rivals(rivals, windows[0], costs(RATE))
    # The network's widths pass through single precision.
    assert float(own.tally.wealth) == pytest.approx(float(classical.tally.wealth), rel=1e-4)
    assert float(own.tally.cost) == pytest.approx(float(classical.tally.cost), rel=1e-3)


def test_the_loss_is_cost_and_squared_net_delta_of_the_ledger(windows: list[Window], courses: list[Course]):
    """Σ (net delta·ΔS)² from the positions alone: for a linear hedge, the deviation from the ideal one, squared."""
    policy = make_tick_band_network(cost=RATE, aversion=AVERSION, hidden=(4,), key=jax.random.key(0))
    window, a = windows[1], AVERSION
    lines = replay(policy, window, costs(RATE), acts_on(network_rival(policy), window))
    spot, delta = (np.asarray(leaf).reshape(-1) for leaf in (window.known.spot, window.known.delta))
    net = delta + lines.position[:, 0]
    wanted = lines.cost.sum() + 0.5 * a / NOTIONAL * np.sum((net[:-1] * np.diff(spot)) ** 2)
    one = jax.tree.map(jnp.asarray, courses[1])
    terms = Terms((True,), costs(RATE))
    got = _loss_of(policy.network, one, jnp.float32(a), jnp.float32(RATE), terms)
    assert float(got) == pytest.approx(wanted, rel=2e-3)


def test_its_gradient_is_the_finite_difference(courses: list[Course]):
    with jax.enable_x64(True):
        one = jax.tree.map(lambda leaf: jnp.asarray(leaf, float) if leaf.dtype == np.float32 else leaf, courses[0])
        terms = Terms((True,), jax.tree.map(lambda leaf: jnp.asarray(leaf, float), costs(RATE)))
        policy = make_tick_band_network(cost=RATE, aversion=10.0, hidden=(4,), key=jax.random.key(1))
        network = jax.tree.map(
            lambda leaf: jnp.asarray(leaf, float) + 0.1 if eqx.is_array(leaf) else leaf, policy.network
        )

        @eqx.filter_jit
        def loss(shift: jax.Array) -> jax.Array:
            moved = eqx.tree_at(lambda whole: whole.layers[-1].bias, network, network.layers[-1].bias + shift)
            return _loss_of(moved, one, jnp.asarray(10.0), jnp.asarray(RATE), terms)

        slope = jax.jit(jax.grad(loss))(jnp.zeros(3))
        for axis in range(3):
            step = 1e-6 * jnp.eye(3)[axis]
            assert float(slope[axis]) == pytest.approx(float(loss(step) - loss(-step)) / 2e-6, rel=1e-3)


def test_training_lowers_the_loss_and_repeats_itself(courses: list[Course], trained: list[Rival]):
    assert [(rival.seed, rival.aversion) for rival in trained] == [
        (seed, a / NOTIONAL) for seed in range(2) for a in SETTINGS.aversions
    ]
    terms = Terms((True,), costs(RATE))
    many = jax.tree.map(lambda *leaves: jnp.stack(leaves), *courses)

    @eqx.filter_jit
    def mean_loss(policy: TickBandNetwork) -> jax.Array:
        a, c = policy.aversion.astype(jnp.float32), policy.cost.astype(jnp.float32)
        return jnp.mean(jax.vmap(lambda week: _loss_of(policy.network, week, a, c, terms))(many))

    for rival in trained:
        policy = rival.policy
        assert isinstance(policy, TickBandNetwork)
        blank = eqx.tree_at(
            lambda p: p.network.layers[-1].weight, policy, jnp.zeros_like(policy.network.layers[-1].weight)
        )
        blank = eqx.tree_at(lambda p: p.network.layers[-1].bias, blank, jnp.zeros(3, jnp.float32))
        assert float(mean_loss(policy)) < 0.999 * float(mean_loss(blank))
    again = train(courses, costs(RATE), SETTINGS)
    for one, other in zip(trained, again, strict=True):
        jax.tree.map(np.testing.assert_array_equal, *(eqx.filter(r.policy, eqx.is_array) for r in (one, other)))


def test_thinned_ticks_keep_their_ends_and_their_funding():
    ticks = ticks_of(walk(500), funding=np.random.default_rng(0).normal(size=500))
    some = thinned(ticks, 40)
    assert len(some.time) == 40
    assert (some.spot[0], some.spot[-1]) == (ticks.spot[0], ticks.spot[-1])
    assert some.funding.sum() == pytest.approx(ticks.funding.sum())
    assert thinned(some, 40) is some
