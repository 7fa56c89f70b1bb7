"""Networks over many paths at once, a column for each path: the layout in which training is fastest on a CPU."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.custom_batching import custom_vmap
from jaxtyping import Array, Float

from tenrec.nets.mlp import ACTIVATIONS, Network

THIN = 8
"""Up to so many inputs, a layer is a few multiply-adds that fuse with its activation; a matrix product does not."""

Part = Float[Array, "_ paths"]


class ColumnNetwork(Network):
    """A network that, under `jax.vmap`, works on columns (inputs, paths) instead of rows (paths, inputs).

    Values and gradients are those of `Network`, to rounding. Differentiate the mapped function: a gradient inside the
    `vmap`, path by path, is not supported. Inputs that come as numbers, one for each feature, need no transposition.
    """

    def __call__(self, *parts: Float[Array, ""] | Float[Array, " _"]) -> Float[Array, " outputs"]:
        """Outputs for one row of inputs, given whole or in parts."""
        weights, rest = eqx.partition(Network(self.layers, self.activation), eqx.is_array)

        @custom_vmap
        def one(weights: Any, parts: tuple[Array, ...]) -> Array:
            return eqx.combine(weights, rest)(*parts)

        @one.def_vmap
        def many(size: int, batched: Sequence[Any], weights: Any, parts: tuple[Array, ...]) -> tuple[Array, bool]:
            if any(jax.tree.leaves(batched[0])):
                axes = jax.tree.map(lambda own: 0 if own else None, tuple(batched))
                return jax.vmap(lambda own, row: eqx.combine(own, rest)(*row), in_axes=axes)(weights, parts), True
            wide = [part if own else _repeat(part, size) for part, own in zip(parts, batched[1], strict=True)]
            return _forward(eqx.combine(weights, rest), _columns(wide)).T, True

        return one(weights, parts)


def columnar(tree: Any) -> Any:
    """The tree with every network in it exchanged for one that works on columns under `jax.vmap`.

    Example:
        >>> from tenrec.nets import make_network
        >>> network = make_network(4, [64, 32], 1, key=jax.random.key(0))
        >>> jax.vmap(columnar(network))(jnp.zeros((10, 4))).shape
        (10, 1)
    """

    def exchange(node: Any) -> Any:
        return ColumnNetwork(node.layers, node.activation) if isinstance(node, Network) else node

    return jax.tree.map(exchange, tree, is_leaf=lambda node: isinstance(node, Network))


def _repeat(part: Array, size: int) -> Array:
    return jnp.broadcast_to(part, (size, *part.shape))


def _columns(parts: Sequence[Float[Array, "paths *_"]]) -> list[Part]:
    """The parts as columns; neighbouring numbers are stacked into one."""
    stacked: list[Part] = []
    for rank, group in groupby(parts, key=jnp.ndim):
        members = list(group)
        stacked.extend([jnp.stack(members)] if rank == 1 else [part.T for part in members])
    return stacked


def _forward(network: Network, parts: list[Part]) -> Float[Array, "outputs paths"]:
    activation = ACTIVATIONS[network.activation]
    for layer in network.layers[:-1]:
        parts = [activation(_affine(layer, parts))]
    return _whole(_affine(network.layers[-1], parts))


@jax.custom_vjp
def _whole(x: Array) -> Array:
    """The identity, whose slope is worked out once instead of wherever it is used."""
    return x


_whole.defvjp(lambda x: (x, None), lambda _, slope: (jax.lax.optimization_barrier(slope),))


def _affine(layer: eqx.nn.Linear, parts: list[Part]) -> Float[Array, "outputs paths"]:
    assert layer.bias is not None
    if sum(part.shape[0] for part in parts) <= THIN:
        return _thin(layer.weight, layer.bias, tuple(parts))
    return layer.weight @ jnp.concatenate(parts) + layer.bias[:, None]


@jax.custom_vjp
def _thin(
    weight: Float[Array, "outputs inputs"], bias: Float[Array, " outputs"], parts: tuple[Part, ...]
) -> Float[Array, "outputs paths"]:
    """Wx + b as a sum over the few columns of W."""
    total = bias[:, None]
    for column, row in zip(weight.T, [row for part in parts for row in part], strict=True):
        total = total + column[:, None] * row
    return total


def _thin_forwards(weight: Array, bias: Array, parts: tuple[Part, ...]) -> tuple[Array, tuple[Array, tuple[Part, ...]]]:
    return _thin(weight, bias, parts), (weight, parts)


def _thin_backwards(kept: tuple[Array, tuple[Part, ...]], slope: Array) -> tuple[Array, Array, tuple[Part, ...]]:
    """One product for weight and bias; the slopes of the parts apart, so that those nobody asks for are left out."""
    weight, parts = kept
    both = slope @ jnp.concatenate([*parts, jnp.ones_like(parts[0][:1])]).T
    rows, start = [], 0
    for part in parts:
        rows.append(weight.T[start : start + part.shape[0]] @ slope)
        start += part.shape[0]
    return both[:, :-1], both[:, -1], tuple(rows)


_thin.defvjp(_thin_forwards, _thin_backwards)
