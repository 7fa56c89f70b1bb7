"""Conditional value at risk: the mean of the worst losses."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from tenrec.core.checks import as_array, require
from tenrec.risk.base import AbstractRisk, Losses, Scalar, probabilities


class ConditionalValueAtRisk(AbstractRisk):
    """The mean of the worst 1 − level share of losses = min_q q + E[max(ℓ − q, 0)]/(1 − level).

    Where the share does not fall on a whole number of paths, the path at its edge counts in part.

    Args:
        level: in [0, 1); 0.95 averages the worst 5 %, 0 is the mean.

    Source: Rockafellar and Uryasev (2002), "Conditional value-at-risk for general loss distributions", J. Banking &
    Finance 26, theorem 10 and proposition 8.

    Example:
        >>> float(ConditionalValueAtRisk(level=0.5)(jnp.array([1.0, 4.0, 2.0, 3.0])))
        3.5
    """

    cash_invariant: ClassVar[bool] = True
    monotone: ClassVar[bool] = True
    positively_homogeneous: ClassVar[bool] = True
    auxiliaries: ClassVar[int | None] = 1

    level: Scalar = eqx.field(converter=as_array)

    def __check_init__(self) -> None:
        require("level", self.level, lambda numbers: (numbers >= 0) & (numbers < 1), "a number from 0 to below 1")

    def __call__(self, loss: Losses, weights: Losses | None = None) -> Scalar:
        """The risk of a sample, from its sorted losses."""
        worst_first = jnp.argsort(-loss)
        counted = self._counted(loss, None if weights is None else weights[worst_first])
        return jnp.sum(counted * loss[worst_first]) / jnp.sum(counted)

    def initial_auxiliary(self, loss: Losses, weights: Losses | None = None) -> Float[Array, " 1"]:
        """The value at risk: the loss of the path at the edge of the tail."""
        worst_first = jnp.argsort(-loss)
        reached = jnp.cumsum(probabilities(loss, weights)[worst_first])
        edge = jnp.searchsorted(reached, 1.0 - self.level.astype(loss.dtype))
        return loss[worst_first][jnp.minimum(edge, loss.shape[0] - 1)][None]

    def per_path(self, loss: Losses, auxiliary: Float[Array, " 1"]) -> Losses:
        """q + max(ℓ − q, 0)/(1 − level)."""
        return auxiliary[0] + jnp.maximum(loss - auxiliary[0], 0.0) / (1.0 - self.level.astype(loss.dtype))

    def _counted(self, loss: Losses, weights: Losses | None) -> Losses:
        """How much of each path, the worst first, lies in the tail: all, then a part of one, then nothing."""
        tail = 1.0 - self.level.astype(loss.dtype)
        if weights is None:
            # In paths rather than in shares: whole numbers stay exact in single precision.
            count = loss.shape[0]
            return jnp.clip(tail * count - jnp.arange(count, dtype=loss.dtype), 0.0, 1.0)
        share = probabilities(loss, weights)
        return jnp.clip(tail - (jnp.cumsum(share) - share), 0.0, share)
