"""The place where a falling function of one number turns negative, found inside compiled functions."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from tenrec.risk.base import Scalar


def falling_root(falling: Callable[[Scalar], Scalar], low: Scalar, high: Scalar) -> Scalar:
    """Bisection to some 1e-11 of the way; whoever asks puts one exact step on top. No derivative is taken of the place.

    Args:
        falling: at least 0 at `low`, at most 0 at `high`.

    Example:
        >>> round(float(falling_root(lambda x: 2.0 - x**3, jnp.asarray(0.0), jnp.asarray(2.0))), 5)
        1.25992
    """
    halvings = 36 if low.dtype == jnp.float64 else 24
    low, high = jax.lax.stop_gradient((low, high))

    def halve(_: Any, ends: tuple[Scalar, Scalar]) -> tuple[Scalar, Scalar]:
        middle = 0.5 * (ends[0] + ends[1])
        above = jax.lax.stop_gradient(falling(middle)) >= 0.0
        return jnp.where(above, middle, ends[0]), jnp.where(above, ends[1], middle)

    low, high = jax.lax.fori_loop(0, halvings, halve, (low, high))
    return 0.5 * (low + high)
