"""What every policy promises: a pure, finite, vectorised map from what is known and held to what to hold next."""

import inspect
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array

from tenrec.contracts import EuropeanBook, european, european_book
from tenrec.hedging import policies as package
from tenrec.hedging.policies import AbstractBandPolicy, AbstractPolicy, Own
from tenrec.hedging.view import MarketView
from tests.conformance.policies import BANDS, FREE, LEARNED, POLICIES, TRAINED, make_policy, states

every_policy = pytest.mark.parametrize("name", POLICIES)
every_band = pytest.mark.parametrize("name", BANDS)
BOOKS = {
    "sold_call": european("call", strike=100.0, expiry=30),
    "held_put": european("put", strike=100.0, expiry=30, quantity=2.0),
    "straddle_and_wing": european_book(
        ["call", "put", "call"], strikes=[100.0, 100.0, 130.0], expiries=[30, 30, 30], quantities=[-1.0, -1.0, 2.0]
    ),
}
every_book = pytest.mark.parametrize("book", BOOKS.values(), ids=BOOKS)


inputs_of = eqx.filter_jit(lambda policy, view: policy.inputs(view))
inputs_alone = eqx.filter_jit(lambda policy, view: jax.vmap(policy.inputs)(view))
edges_of = eqx.filter_jit(lambda policy, known: jax.vmap(policy.edges)(known))


@eqx.filter_jit
def held_next(policy: AbstractPolicy, known: Any, held: Array) -> Array:
    """What is held next, of a hedger whose wealth is zero and who remembers nothing yet."""

    def alone(known: Any, position: Array) -> Array:
        return policy.act(known, Own(position, jnp.zeros_like(position[0]), policy.start()))[0]

    return jax.vmap(alone)(known, held)


def targets(policy: AbstractPolicy, view: MarketView, position: Array | np.ndarray | float) -> Array:
    """What the policy holds next in every state, shape (states, instruments)."""
    held = jnp.broadcast_to(jnp.asarray(position, view.spot.dtype), view.price.shape)
    return held_next(policy, inputs_of(policy, view), held)


def test_every_policy_of_the_package_is_held_to_this(key: Array):
    policies = {item for item in vars(package).values() if inspect.isclass(item) and issubclass(item, AbstractPolicy)}
    concrete = {item for item in policies if not inspect.isabstract(item)}
    assert concrete == {type(make_policy(name, states(), key)) for name in POLICIES}
    bands = {name for name in POLICIES if isinstance(make_policy(name, states(), key), AbstractBandPolicy)}
    assert bands == set(BANDS)


@every_policy
@every_book
def test_shapes_precision_and_finite_numbers(name: str, book: EuropeanBook, key: Array):
    view = states(book)
    policy = make_policy(name, view, key)
    for leaf in jax.tree.leaves(inputs_of(policy, view)):
        assert leaf.shape[:1] == view.spot.shape
        assert leaf.dtype == jnp.float32
        assert bool(jnp.isfinite(leaf).all())
    for position in (-3.0, 0.0, 0.4, 100.0):
        wanted = targets(policy, view, position)
        assert wanted.shape == (*view.spot.shape, 1)
        assert wanted.dtype == jnp.float32
        assert not wanted.weak_type
        assert bool(jnp.isfinite(wanted).all())


@every_policy
@pytest.mark.usefixtures("x64")
def test_double_precision(name: str, key: Array):
    view = states()
    assert targets(make_policy(name, view, key), view, 0.3).dtype == jnp.float64


@every_policy
def test_pure_and_vectorised(name: str, key: Array):
    """The inputs of many states at once are those of each state alone, and asking changes nothing."""
    view = states(BOOKS["straddle_and_wing"])
    policy = make_policy(name, view, key)
    before = jax.tree.map(np.array, eqx.filter((policy, view), eqx.is_array))
    whole, again = inputs_of(policy, view), inputs_of(policy, view)
    jax.tree.map(np.testing.assert_array_equal, whole, again)
    alone = inputs_alone(policy, view)
    folded = inputs_of(policy, jax.tree.map(lambda leaf: leaf.reshape(7, 18, *leaf.shape[1:]), view))
    for leaf, other, reshaped in zip(*map(jax.tree.leaves, (whole, alone, folded)), strict=True):
        assert reshaped.shape == (7, 18, *leaf.shape[1:])
        np.testing.assert_allclose(other, leaf, rtol=2e-5, atol=1e-5)
        np.testing.assert_allclose(reshaped.reshape(leaf.shape), leaf, rtol=2e-5, atol=1e-5)
    jax.tree.map(np.testing.assert_array_equal, before, eqx.filter((policy, view), eqx.is_array))


@every_policy
def test_only_bands_and_networks_that_ask_for_it_look_at_the_position(name: str, key: Array):
    view = states(years=np.array([0.1]))
    policy = make_policy(name, view, key)
    moved = bool(jnp.any(targets(policy, view, -5.0) != targets(policy, view, 5.0)))
    assert moved == (name in BANDS or name in TRAINED)


@every_band
@every_book
def test_a_band_clips(name: str, book: EuropeanBook, key: Array):
    """Inside nothing is traded, outside the nearer edge is taken, and what is held then is held again."""
    view = states(book)
    policy = make_policy(name, view, key)
    lower, upper = edges_of(policy, inputs_of(policy, view))
    assert bool(jnp.all(lower <= upper))
    middle = jnp.clip(0.3 * lower + 0.7 * upper, lower, upper)
    np.testing.assert_array_equal(targets(policy, view, middle), middle)
    width = upper - lower
    # The edges come from a program of their own, which may round a network's last bits otherwise.
    np.testing.assert_allclose(targets(policy, view, lower - width - 1.0), lower, rtol=2e-6, atol=1e-7)
    np.testing.assert_allclose(targets(policy, view, upper + width + 1.0), upper, rtol=2e-6, atol=1e-7)
    for position in (-2.0, 0.5, 3.0):
        once = targets(policy, view, position)
        np.testing.assert_array_equal(targets(policy, view, once), once)


@pytest.mark.parametrize("name", sorted({*BANDS} - {"band_ensemble", "band_network"}))
def test_a_band_holds_the_delta_of_its_policy_without_cost(name: str, key: Array):
    """The classical widths vanish with the cost; that of a network is learned."""
    view = states(spot=100.0 * np.array([0.9, 1.0, 1.1]), years=np.array([0.05, 0.1]))
    free = eqx.tree_at(lambda policy: policy.cost, make_policy(name, view, key), jnp.asarray(1e-12))
    delta = make_policy("black_scholes_delta", view, key)
    np.testing.assert_allclose(targets(free, view, 7.0), targets(delta, view, 7.0), atol=1e-3)


@pytest.mark.parametrize("name", sorted({*POLICIES} - {"leland", "zakamouline", *TRAINED}))
def test_mirrored_book(name: str, key: Array):
    """A held option is hedged by the opposite of a sold one; what pays for trading or is learned knows the side."""
    sold, held = states(BOOKS["sold_call"]), states(european("call", strike=100.0, expiry=30, quantity=1.0))
    policy = make_policy(name, sold, key)
    np.testing.assert_allclose(targets(policy, sold, 0.4), -targets(policy, held, -0.4), atol=1e-6)


@pytest.mark.parametrize(
    "name",
    sorted(
        {*POLICIES}
        - {"no_hedge", "minimum_variance_delta", "greeks_regression", "premium_adjusted", "shrunk", *TRAINED}
    ),
)
def test_put_call_parity(name: str, key: Array):
    """A put is hedged like the call less one forward, exp(−yτ) units of the spot, wherever only gamma is priced in.

    Not where the premium counts, which is another for the put, nor where wings have shares of their own.
    """
    rates = {"rate": 0.03, "dividend_yield": 0.02, "years": np.array([1e-3, 0.1, 2.0])}
    call, put = (states(european(kind, strike=100.0, expiry=30), **rates) for kind in ("call", "put"))
    policy = make_policy(name, call, key)
    forward = jnp.exp(-0.02 * call.time_to_maturity)[:, None]
    np.testing.assert_allclose(
        targets(policy, call, 0.4), targets(policy, put, 0.4 - forward) + forward, atol=1e-5, rtol=1e-5
    )


@every_policy
def test_units_of_account_do_not_matter(name: str, key: Array):
    """The same market in cents instead of units of account is hedged with as many units."""
    large = states(european("call", strike=100.0, expiry=30), initial_spot=100.0)
    small = states(european("call", strike=1.0, expiry=30), initial_spot=1.0)
    policy = make_policy(name, large, key)
    np.testing.assert_allclose(targets(policy, large, 0.4), targets(policy, small, 0.4), rtol=2e-3, atol=2e-5)


@pytest.mark.parametrize("name", sorted({*POLICIES} - FREE))
@pytest.mark.usefixtures("x64")
def test_a_future_is_held_in_units_of_the_same_value(name: str, key: Array):
    """Units of a future at price F carry the exposure of F/S units of the spot; a feed-forward network learns that."""
    spot_view = states()
    ratio = 1.05
    future = eqx.tree_at(lambda view: view.price, spot_view, spot_view.price * ratio)
    policy = make_policy(name, spot_view, key)
    np.testing.assert_allclose(
        targets(policy, spot_view, 0.4), ratio * targets(policy, future, 0.4 / ratio), rtol=1e-5, atol=1e-6
    )


@every_policy
def test_further_instruments(name: str, key: Array):
    """Classical policies hold the first instrument only; a feed-forward network has an output for each."""
    view = states()
    wide = eqx.tree_at(lambda view: view.price, view, jnp.concatenate([view.price, 0.5 * view.price], axis=-1))
    policy = make_policy(name, wide, key)
    wanted = targets(policy, wide, jnp.array([0.4, 0.0]))
    assert wanted.shape == (*view.spot.shape, 2)
    if name in FREE:
        assert bool(jnp.all(wanted[:, 1] != 0.0))
    else:
        np.testing.assert_array_equal(wanted[:, 1], 0.0)
        # Fixed units are as many as there are instruments.
        alone = make_policy(name, view, key) if name == "static_delta" else policy
        np.testing.assert_allclose(wanted[:, :1], targets(alone, view, 0.4), rtol=1e-6)


@pytest.mark.parametrize("name", LEARNED)
def test_gradients_of_the_weights_are_finite_everywhere(name: str, key: Array):
    view = states(BOOKS["straddle_and_wing"])
    policy = make_policy(name, view, key)

    def total(policy: AbstractPolicy, held: float) -> Array:
        position = jnp.full_like(view.price, held)
        return jnp.sum(held_next(policy, policy.inputs(view), position) ** 2)

    slope = eqx.filter_jit(eqx.filter_grad(total))
    gradients = [slope(policy, held) for held in (-5.0, 5.0)]
    for gradient in gradients:
        leaves = jax.tree.leaves(gradient)
        assert all(bool(jnp.isfinite(leaf).all()) for leaf in leaves)
    moved = [any(bool(jnp.any(leaf != 0)) for leaf in jax.tree.leaves(part.network)) for part in gradients]
    assert all(moved)
