"""Checks of numbers where they enter; a value that JAX is tracing is not known yet and passes."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, ArrayLike

from tenrec.core.errors import ConfigError


def as_array(value: ArrayLike) -> Array:
    """A real number or numbers as a JAX array, in the precision in force unless it is one already."""
    return value if isinstance(value, jax.Array) else jnp.asarray(value, jnp.result_type(float))


def as_optional_array(value: ArrayLike | None) -> Array | None:
    """The same; None stays None."""
    return None if value is None else as_array(value)


def is_traced(value: object) -> bool:
    """Whether JAX is tracing the value, so that it has no number yet."""
    return isinstance(value, Tracer)


def require(name: str, value: ArrayLike | None, holds: Callable[[np.ndarray], np.ndarray], needed: str) -> None:
    """Raise ConfigError unless every number is finite and `holds`; None passes.

    Example:
        >>> require("volatility", 0.2, lambda x: x > 0, "a positive number")
        >>> require("volatility", -0.2, lambda x: x > 0, "a positive number")
        Traceback (most recent call last):
            ...
        tenrec.core.errors.ConfigError: volatility is -0.2; a positive number is needed.
    """
    if value is None or is_traced(value):
        return
    numbers = np.asarray(value)
    bad = ~(np.isfinite(numbers) & holds(numbers))
    if bad.any():
        raise ConfigError(f"{name} is {numbers[bad].flat[0]:.6g}; {needed} is needed.")


def require_positive(**values: ArrayLike | None) -> None:
    """Raise ConfigError for the first named value that is not positive and finite."""
    for name, value in values.items():
        require(name, value, lambda numbers: numbers > 0, "a positive number")


def require_finite(**values: ArrayLike | None) -> None:
    """Raise ConfigError for the first named value that is not finite."""
    for name, value in values.items():
        require(name, value, lambda numbers: np.full(numbers.shape, True), "a finite number")
