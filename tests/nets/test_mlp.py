"""Networks: their formula, how they start, and what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array

from tenrec.core.errors import ConfigError
from tenrec.nets import ACTIVATIONS, make_network


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_formula(activation: str, key: Array):
    """W₃·a(W₂·a(W₁x + b₁) + b₂) + b₃, in NumPy."""
    network = make_network(3, [5, 4], 2, key=key, activation=activation)
    shifted = jax.tree.map(lambda leaf: leaf + 0.1, network)
    x = np.array([0.3, -1.2, 0.7], np.float32)
    row = x
    for number, layer in enumerate(shifted.layers):
        row = np.asarray(layer.weight) @ row + np.asarray(layer.bias)
        row = np.asarray(ACTIVATIONS[activation](jnp.asarray(row))) if number < 2 else row
    np.testing.assert_allclose(shifted(jnp.asarray(x)), row, rtol=1e-5)


def test_without_hidden_layers_it_is_linear(key: Array):
    network = make_network(3, [], 1, key=key)
    x, y = jax.random.normal(key, (2, 3))
    np.testing.assert_allclose(network(x) + network(y), network(x + y), rtol=1e-5, atol=1e-6)


def test_starts_with_unit_scale_through_the_layers(key: Array):
    """He's initialisation keeps the mean square of a ReLU network's hidden signal."""
    network = make_network(64, [256, 256], 8, key=key, activation="relu")
    inputs = jax.random.normal(key, (500, 64))
    assert float(jnp.mean(jax.vmap(network)(inputs) ** 2)) == pytest.approx(1.0, rel=0.2)
    assert all(not layer.bias.any() for layer in network.layers)


def test_output_scale_and_key(key: Array):
    inputs = jnp.ones(4)
    assert not make_network(4, [8], 3, key=key, output_scale=0.0)(inputs).any()
    one, tenth = (make_network(4, [8], 3, key=key, output_scale=scale)(inputs) for scale in (1.0, 0.1))
    np.testing.assert_allclose(tenth, 0.1 * one, rtol=1e-5)
    np.testing.assert_array_equal(make_network(4, [8], 3, key=key)(inputs), one)
    assert bool(jnp.all(make_network(4, [8], 3, key=jax.random.key(1))(inputs) != one))


def test_double_precision(key: Array):
    with jax.enable_x64(True):
        assert make_network(4, [8], 3, key=key)(jnp.ones(4)).dtype == jnp.float64


def test_what_cannot_be_is_refused(key: Array):
    with pytest.raises(ConfigError, match=r"'swish'; choose from elu, gelu, relu"):
        make_network(4, [8], 1, key=key, activation="swish")
    with pytest.raises(ConfigError, match="give at least one feature"):
        make_network(0, [8], 1, key=key)
