"""The record of paths: what is shared, what each path has of its own."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import TypeCheckError

from tenrec.core.paths import (
    RANK,
    MarketPaths,
    batch_axes,
    concatenate,
    dividend_carry,
    map_batched,
    market_paths,
    select,
)

STEPS, PATHS = 4, 3
DT = jnp.array([1.0, 3.0, 1.0, 1.0]) / 365


def record(**changes: object) -> MarketPaths:
    spot = 1.0 + 0.01 * jnp.arange(PATHS * (STEPS + 1), dtype=float).reshape(PATHS, STEPS + 1)
    return market_paths(**{"spot": spot, "dt": DT, "volatility": 0.2, **changes})


def test_defaults_are_neutral_and_shared():
    paths = record()
    assert (paths.count, paths.steps, paths.instruments) == (PATHS, STEPS, 1)
    np.testing.assert_array_equal(paths.price[..., 0], paths.spot)
    assert paths.volatility.tolist() == pytest.approx([0.2] * 5)
    for name in ("rate", "dividend_yield", "carry", "half_spread"):
        assert not getattr(paths, name).any()
    assert paths.tradable.tolist() == [True] * STEPS + [False]
    assert paths.signals.shape == (STEPS + 1, 0)
    batched = {name for name, axis in vars(batch_axes(paths)).items() if name in RANK and axis == 0}
    assert batched == {"spot", "price"}


def test_one_path_is_a_record_too():
    paths = market_paths(spot=jnp.ones(STEPS + 1), dt=DT, volatility=0.2, rate=0.01)
    assert (paths.count, paths.steps, paths.price.shape) == (1, STEPS, (STEPS + 1, 1))
    assert set(jax.tree.leaves(batch_axes(paths))) == set()


def test_batch_axes_map_each_path():
    own_rate = jnp.linspace(0.0, 0.1, PATHS)[:, None] * jnp.ones(STEPS)
    paths = record(rate=own_rate)
    grown = jax.vmap(lambda path: path.spot[-1] * jnp.exp(jnp.sum(path.rate * path.dt)), in_axes=(batch_axes(paths),))(
        paths
    )
    expected = np.asarray(paths.spot[:, -1]) * np.exp(np.sum(np.asarray(own_rate) * np.asarray(DT), axis=1))
    np.testing.assert_allclose(grown, expected, rtol=1e-6)


def test_select_takes_paths_and_leaves_what_is_shared():
    paths = record(
        half_spread=jnp.arange(PATHS * 5.0).reshape(PATHS, 5, 1), signal_names=("a",), signals=jnp.ones((5, 1))
    )
    chosen = select(paths, np.array([2, 0]))
    np.testing.assert_array_equal(chosen.spot, paths.spot[jnp.array([2, 0])])
    np.testing.assert_array_equal(chosen.half_spread, paths.half_spread[jnp.array([2, 0])])
    np.testing.assert_array_equal(chosen.signals, paths.signals)
    np.testing.assert_array_equal(select(paths, slice(1, 3)).spot, paths.spot[1:3])
    assert chosen.signal_names == ("a",)


def test_map_batched_touches_only_paths():
    doubled = map_batched(lambda leaf: 2 * leaf, record())
    np.testing.assert_array_equal(doubled.spot, 2 * record().spot)
    np.testing.assert_array_equal(doubled.volatility, record().volatility)


def test_concatenate_stacks_records_with_different_shared_parts():
    first, second = record(rate=0.01), record(rate=0.05, volatility=0.4)
    both = concatenate([first, second])
    assert both.count == 2 * PATHS
    assert all(getattr(both, name).ndim == rank + 1 for name, rank in RANK.items() if name != "listed")
    for index in range(PATHS):
        for source, place in ((first, index), (second, PATHS + index)):
            one = select(both, place)
            for name in {*RANK} - {"listed"}:
                leaf = getattr(source, name)
                np.testing.assert_array_equal(getattr(one, name), leaf[index] if leaf.ndim > RANK[name] else leaf)


def test_every_field_has_its_rank():
    fields = {field.name for field in dataclasses.fields(MarketPaths)}
    assert fields == {*RANK, "signal_names"}


def test_dividends_compound_to_the_yield():
    """Reinvesting the carry at the price of its date grows one share at the yield, whatever the path."""
    with jax.enable_x64(True):
        spot = jnp.array([1.0, 1.2, 0.9, 1.1])
        dt = jnp.array([0.1, 0.3, 0.2])
        carry = np.asarray(dividend_carry(spot, dt, 0.05))[:, 0]
        assert carry[0] == 0.0
        np.testing.assert_allclose(carry[1:] / spot[:-1], np.expm1(0.05 * np.asarray(dt)), rtol=1e-12)


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(TypeCheckError):
        record(half_spread=jnp.zeros((PATHS, STEPS, 1)))
