"""Small fully connected networks."""

from collections.abc import Callable, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from tenrec.core.errors import ConfigError

ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "elu": jax.nn.elu,
    "gelu": jax.nn.gelu,
    "relu": jax.nn.relu,
    "silu": jax.nn.silu,
    "softplus": jax.nn.softplus,
    "tanh": jnp.tanh,
}


class Network(eqx.Module):
    """x → W_L·a(… a(W₁x + b₁) …) + b_L, with a linear output.

    Example:
        >>> network = make_network(4, [64, 32], 1, key=jax.random.key(0))
        >>> network(jnp.zeros(4)).shape
        (1,)
    """

    layers: tuple[eqx.nn.Linear, ...]
    activation: str = eqx.field(static=True)

    def __call__(self, *parts: Float[Array, ""] | Float[Array, " _"]) -> Float[Array, " outputs"]:
        """Outputs for one row of inputs, given whole or in parts: numbers and rows, joined in their order."""
        x = jnp.concatenate([jnp.atleast_1d(part) for part in parts])
        for layer in self.layers[:-1]:
            x = ACTIVATIONS[self.activation](layer(x))
        return self.layers[-1](x)


def make_network(
    inputs: int,
    hidden: Sequence[int],
    outputs: int,
    *,
    key: PRNGKeyArray,
    activation: str = "silu",
    output_scale: float = 1.0,
) -> Network:
    """A network with He-initialised hidden layers; `output_scale` shrinks the first outputs (0 starts at zero)."""
    if inputs < 1:
        raise ConfigError("policy.features names nothing that the network could see; give at least one feature.")
    if activation not in ACTIVATIONS:
        raise ConfigError(f"policy.activation is {activation!r}; choose from {', '.join(ACTIVATIONS)}.")
    sizes = [inputs, *hidden, outputs]
    layers = []
    for index, layer_key in enumerate(jax.random.split(key, len(sizes) - 1)):
        fan_in, fan_out = sizes[index], sizes[index + 1]
        last = index == len(sizes) - 2
        layer = eqx.nn.Linear(fan_in, fan_out, key=layer_key)
        deviation = output_scale / fan_in**0.5 if last else (2.0 / fan_in) ** 0.5
        weight = deviation * jax.random.normal(layer_key, (fan_out, fan_in))
        layers.append(eqx.tree_at(lambda made: (made.weight, made.bias), layer, (weight, jnp.zeros(fan_out))))
    return Network(tuple(layers), activation)
