"""Networks that work on columns: the values and gradients of the plain network, whatever is mapped over."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array

from tenrec.nets import Network, columnar, make_network

pytestmark = pytest.mark.usefixtures("x64")
PATHS = 7


def network(inputs: int, key: Array, activation: str = "relu") -> Network:
    """A network with random biases, in double precision."""
    made = make_network(inputs, [6, 5], 2, key=key, activation=activation)
    biases = [
        0.3 * jax.random.normal(jax.random.fold_in(key, n), layer.bias.shape) for n, layer in enumerate(made.layers)
    ]
    return eqx.tree_at(lambda whole: [layer.bias for layer in whole.layers], made, biases)


def inputs(count: int, key: Array) -> tuple[Array, ...]:
    """Numbers for each path, then one for all paths, then a row of two for each path."""
    numbers = tuple(jax.random.normal(key, (count - 3, PATHS)))
    return (*numbers, jnp.asarray(0.7), jax.random.normal(jax.random.fold_in(key, 1), (PATHS, 2)))


def squares(net: Network, parts: tuple[Array, ...]) -> Array:
    """A number that depends on all outputs of all paths."""
    axes = tuple(0 if part.ndim else None for part in parts)
    return jnp.sum(jax.vmap(lambda *row: net(*row) ** 2 + net(*row), in_axes=axes)(*parts))


def assert_same(mine: Any, theirs: Any) -> None:
    for one, other in zip(jax.tree.leaves(mine), jax.tree.leaves(theirs), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("count", [4, 8, 9, 20], ids=lambda count: f"{count}_inputs")
@pytest.mark.parametrize("activation", ["relu", "silu"])
def test_values_and_gradients_are_those_of_the_plain_network(count: int, activation: str, key: Array):
    plain, parts = network(count, key, activation), inputs(count, key)
    assert_same(squares(columnar(plain), parts), squares(plain, parts))

    def slopes(net: Network) -> Any:
        return eqx.filter_grad(lambda both: squares(columnar(both[0]), both[1]))((net, parts))

    assert_same(slopes(plain), eqx.filter_grad(lambda both: squares(*both))((plain, parts)))


def test_one_row_alone(key: Array):
    plain = network(4, key)
    row = jnp.arange(4.0)
    assert_same(columnar(plain)(row), plain(row))
    assert_same(plain(*row), plain(row))
    single = network(1, key)
    assert_same(single(row[2]), single(row[2:3]))
    assert_same(jax.vmap(columnar(single))(row), jax.vmap(single)(row))


def test_weights_may_be_mapped_over_too(key: Array):
    """Several networks, each with its own row; all with the same; and a batch of networks outside a batch of paths."""
    many = eqx.filter_vmap(lambda one: network(4, one))(jax.random.split(key, 3))
    rows = jax.random.normal(key, (3, 4))
    assert_same(eqx.filter_vmap(lambda net, row: columnar(net)(row))(many, rows), jax.vmap(_apply)(many, rows))
    shared = eqx.filter_vmap(lambda net, row: columnar(net)(row), in_axes=(eqx.if_array(0), None))(many, rows[0])
    assert_same(shared, jax.vmap(_apply, in_axes=(0, None))(many, rows[0]))
    parts = inputs(4, key)
    seeds = eqx.filter_vmap(eqx.filter_grad(lambda net: squares(columnar(net), parts)))(many)
    assert_same(seeds, eqx.filter_vmap(eqx.filter_grad(lambda net: squares(net, parts)))(many))


def _apply(net: Network, row: Array) -> Array:
    return net(row)
