"""Log densities of a standardised shock (mean 0, variance 1), and their parameters without bounds."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jax.scipy.special import gammaln
from jaxtyping import Array

LEAST_FREEDOM, MOST_FREEDOM = 2.05, 500.0
"""Below, the variance of a t is hardly finite; above, the t is a normal. The bounds are those of the arch package."""
SIX = math.log((6.0 - LEAST_FREEDOM) / (MOST_FREEDOM - 6.0))
"""Six degrees of freedom, unbounded."""


@dataclass(frozen=True)
class Density:
    """A family of standardised shocks.

    Args:
        names: of the parameters. start: where their unbounded values start.
        bounded: unbounded values → parameters. log: (shock, parameters) → log density.
    """

    names: tuple[str, ...]
    start: tuple[float, ...]
    bounded: Callable[[Array], Array]
    log: Callable[[Array, Array], Array]


def _normal(z: Array, _: Array) -> Array:
    return -0.5 * (math.log(2.0 * math.pi) + z**2)


def _freedom(free: Array) -> Array:
    return LEAST_FREEDOM + (MOST_FREEDOM - LEAST_FREEDOM) * jax.nn.sigmoid(free)


def _student(z: Array, parameters: Array) -> Array:
    nu = parameters[0]
    scale = gammaln((nu + 1) / 2) - gammaln(nu / 2) - 0.5 * jnp.log(math.pi * (nu - 2))
    return scale - (nu + 1) / 2 * jnp.log1p(z**2 / (nu - 2))


def _skewed(z: Array, parameters: Array) -> Array:
    """Hansen (1994), "Autoregressive conditional density estimation", equation (10)."""
    nu, skew = parameters
    log_c = gammaln((nu + 1) / 2) - gammaln(nu / 2) - 0.5 * jnp.log(math.pi * (nu - 2))
    a = 4 * skew * jnp.exp(log_c) * (nu - 2) / (nu - 1)
    b = jnp.sqrt(1 + 3 * skew**2 - a**2)
    side = jnp.where(z < -a / b, 1 - skew, 1 + skew)
    return jnp.log(b) + log_c - (nu + 1) / 2 * jnp.log1p(((b * z + a) / side) ** 2 / (nu - 2))


DENSITIES = {
    "normal": Density((), (), lambda free: free, _normal),
    "t": Density(("nu",), (SIX,), _freedom, _student),
    "skewt": Density(
        ("nu", "lambda"),
        (SIX, 0.0),
        lambda free: jnp.stack([_freedom(free[0]), jnp.tanh(free[1])]),
        _skewed,
    ),
}
