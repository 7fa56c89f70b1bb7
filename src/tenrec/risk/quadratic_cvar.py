"""The quadratic CVaR: a tail measure that also counts how uneven the tail is."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from tenrec.core.checks import as_array, require
from tenrec.risk.base import AbstractRisk, Losses, Scalar, weighted_mean
from tenrec.risk.mean_std import SMALLEST_DEVIATION
from tenrec.risk.roots import falling_root


class QuadraticConditionalValueAtRisk(AbstractRisk):
    """min_q q + λ·‖max(ℓ − q, 0)‖₂ = min over q, s of E[q + λ(max(ℓ − q, 0)²/(2s) + s/2)]; log s is learned.

    With the first in the place of the second norm it would be CVaR at level 1 − 1/λ. λ > 1; a larger one looks further
    into the tail. The loss that the tail starts from solves λ²·P·u² = V + u² in the mean distance u of the losses
    beyond it, their share P and their variance V.

    Args:
        multiple: λ > 1.

    Source: Krokhmal (2007), "Higher moment coherent risk measures", Quantitative Finance 7, with p = 2.

    Example:
        >>> round(float(QuadraticConditionalValueAtRisk(multiple=1.25)(jnp.array([0.0, 1.0]))), 6)
        0.875
    """

    cash_invariant: ClassVar[bool] = True
    monotone: ClassVar[bool] = True
    positively_homogeneous: ClassVar[bool] = True
    auxiliaries: ClassVar[int | None] = 2

    multiple: Scalar = eqx.field(converter=as_array)

    def __check_init__(self) -> None:
        require("multiple", self.multiple, lambda numbers: numbers > 1, "a number above 1")

    def __call__(self, loss: Losses, weights: Losses | None = None) -> Scalar:
        """The risk of a sample."""
        start, worst = self._start(loss, weights), _worst(loss, weights)
        spread = _norm_beyond(loss, start, weights)
        risk = start + self.multiple.astype(loss.dtype) * spread
        # Where the tail is one value, it is the worst one, and moves with it.
        return jnp.where(start >= worst, worst, risk)

    @eqx.filter_jit  # outside of compiled code the bisection would be compiled anew for every sample
    def initial_auxiliary(self, loss: Losses, weights: Losses | None = None) -> Float[Array, " 2"]:
        """The start of the tail, and the logarithm of the root mean square beyond it."""
        start = self._start(loss, weights)
        spread = jnp.maximum(_norm_beyond(loss, start, weights), SMALLEST_DEVIATION)
        return jnp.stack([start, jnp.log(spread)])

    def per_path(self, loss: Losses, auxiliary: Float[Array, " 2"]) -> Losses:
        """q + λ(max(ℓ − q, 0)²/(2s) + s/2)."""
        start, spread = auxiliary[0], jnp.exp(auxiliary[1])
        beyond = jnp.maximum(loss - start, 0.0) ** 2 / (2.0 * spread) + 0.5 * spread
        return start + self.multiple.astype(loss.dtype) * beyond

    def _start(self, loss: Losses, weights: Losses | None) -> Scalar:
        """The minimising q; a bisection finds the tail's members, which then give it in closed form."""
        loss = jax.lax.stop_gradient(loss)
        multiple = self.multiple.astype(loss.dtype)
        worst = _worst(loss, weights)
        mean = weighted_mean(loss, weights)
        deviation = jnp.sqrt(weighted_mean((loss - mean) ** 2, weights))
        low = mean - deviation / jnp.sqrt(multiple**2 - 1.0)

        def slack(start: Scalar) -> Scalar:
            beyond = jnp.maximum(loss - start, 0.0)
            return multiple * weighted_mean(beyond, weights) - _norm_beyond(loss, start, weights)

        found = falling_root(slack, low, worst)
        member = (loss > found).astype(loss.dtype)
        share = weighted_mean(member, weights)
        inside = jnp.maximum(share, jnp.finfo(loss.dtype).tiny)
        centre = weighted_mean(member * loss, weights) / inside
        variance = weighted_mean(member * (loss - centre) ** 2, weights) / inside
        room = multiple**2 * share - 1.0
        exact = centre - jnp.sqrt(variance / jnp.where(room > 0.0, room, 1.0))
        return jax.lax.stop_gradient(jnp.where((room > 0.0) & (variance > 0.0), exact, worst))


def _worst(loss: Losses, weights: Losses | None) -> Scalar:
    return jnp.max(loss) if weights is None else jnp.max(jnp.where(weights > 0.0, loss, -jnp.inf))


def _norm_beyond(loss: Losses, start: Scalar, weights: Losses | None) -> Scalar:
    """‖max(ℓ − q, 0)‖₂, with a zero gradient where nothing lies beyond."""
    square = weighted_mean(jnp.maximum(loss - start, 0.0) ** 2, weights)
    some = square > 0.0
    return jnp.where(some, jnp.sqrt(jnp.where(some, square, 1.0)), 0.0)
