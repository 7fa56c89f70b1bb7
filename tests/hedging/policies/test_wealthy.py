"""Policies that see the wealth: where they start, what they see, and that they come back from a run folder."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import ndtr

from tenrec.contracts import european
from tenrec.hedging.policies import Own, WealthBandNetwork, WealthFeedForward, Zakamouline
from tenrec.hedging.view import view_at
from tenrec.runs.advice import PolicyHandle
from tenrec.runs.config import HedgeConfig
from tenrec.runs.policies import load_policy, save_policy, untrained
from tenrec.runs.setting import build_setting

FEATURES = ("standardised_moneyness", "sqrt_time_to_maturity", "wealth")
SPOTS = np.linspace(0.9, 1.1, 7)


def config(kind: str) -> HedgeConfig:
    return HedgeConfig.model_validate({"policy": {"kind": kind, "features": FEATURES, "hidden": [8]}})


def seen():
    at = jnp.asarray(SPOTS, jnp.float32)
    return view_at(
        european("call", strike=1.0, expiry=30),
        spot=at,
        time_to_expiry=jnp.full((7, 1), 20 / 365),
        volatility=jnp.full(7, 0.2),
        maturity=30 / 365,
        period=1 / 365,
        initial_spot=1.0,
    )


def targets(policy, wealth: float) -> np.ndarray:
    def one(known):
        return policy.act(known, Own(jnp.zeros(1), jnp.asarray(wealth, jnp.float32)))[0][0]

    return np.asarray(jax.vmap(one)(policy.inputs(seen())))


def test_an_untrained_band_is_zakamoulines_whatever_the_wealth():
    policy = untrained(config("band_network").policy, seen(), config("band_network"), jax.random.key(0))
    assert isinstance(policy, WealthBandNetwork)
    classical = Zakamouline(jnp.asarray(0.001), jnp.asarray(20.0))
    lower, upper = classical.edges(classical.inputs(seen()))
    for wealth in (-0.05, 0.0, 0.05):
        assert targets(policy, wealth) == pytest.approx(np.clip(0.0, lower[:, 0], upper[:, 0]), abs=1e-5)


def test_the_wealth_is_seen_beside_the_black_scholes_value_of_the_book():
    policy = untrained(config("feed_forward").policy, seen(), config("feed_forward"), jax.random.key(0))
    assert isinstance(policy, WealthFeedForward)
    deviation = 0.2 * np.sqrt(20 / 365)
    d1 = np.log(SPOTS) / deviation + 0.5 * deviation
    call = SPOTS * ndtr(d1) - ndtr(d1 - deviation)
    scale = policy.scale
    found = jax.vmap(scale, in_axes=(0, None))(scale.marks(seen()), jnp.asarray(0.03))[:, 0]
    assert np.asarray(found) == pytest.approx((0.03 - call - float(scale.centre)) / float(scale.spread), abs=1e-3)
    # The wealth has no weight before training; given some, it counts.
    assert targets(policy, -0.02) == pytest.approx(targets(policy, 0.02))
    weight = policy.network.layers[0].weight
    aware = eqx.tree_at(lambda one: one.base.network.layers[0].weight, policy, weight.at[:, -1].set(0.5))
    assert not np.allclose(targets(aware, -0.02), targets(aware, 0.02), atol=1e-4)


@pytest.mark.parametrize("kind", ["band_network", "feed_forward"])
def test_it_comes_back_from_a_folder(kind, tmp_path):
    setting = config(kind)
    policy = untrained(setting.policy, seen(), setting, jax.random.key(3))
    save_policy(tmp_path, kind, policy)
    again = load_policy(tmp_path, kind, setting)
    assert eqx.tree_equal(policy, again)


def test_a_state_delta_refuses_the_wealth():
    with pytest.raises(ValueError, match="wealth"):
        config("state_delta")


def test_the_band_that_is_shown_is_the_one_that_is_traded():
    """`advise` shows the edges at the wealth it is told; a position outside is brought to the nearer one."""
    setting = config("band_network")
    plain = untrained(setting.policy, seen(), setting, jax.random.key(0))
    assert isinstance(plain, WealthBandNetwork)
    last = plain.base.network.layers[-1]
    noise = 0.3 * jax.random.normal(jax.random.key(1), last.weight.shape)
    policy = eqx.tree_at(lambda whole: whole.base.network.layers[-1].weight, plain, noise)
    handle = PolicyHandle(policy, build_setting(setting))
    asked = {"spot": SPOTS, "time_to_maturity": 20 / 365}
    for wealth in (-0.02, 0.02):
        edges = handle.band(**asked, wealth=wealth)
        assert edges is not None
        for position, edge in zip((-1e3, 1e3), edges, strict=True):
            assert handle.target(**asked, position=position, wealth=wealth) == pytest.approx(edge, rel=1e-4, abs=1e-5)
    assert not np.allclose(handle.band(**asked, wealth=0.02), handle.band(**asked, wealth=-0.02), atol=1e-3)
