"""The quadratic risk: the mean squared replication error."""

from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Float

from tenrec.risk.base import AbstractRisk, Losses, Scalar, weighted_mean


class QuadraticRisk(AbstractRisk):
    """E ℓ²; it punishes gains like losses, and depends on the premium.

    Example:
        >>> float(QuadraticRisk()(jnp.array([3.0, -4.0])))
        12.5
    """

    cash_invariant: ClassVar[bool] = False
    monotone: ClassVar[bool] = False
    positively_homogeneous: ClassVar[bool] = False
    auxiliaries: ClassVar[int | None] = 0

    def __call__(self, loss: Losses, weights: Losses | None = None) -> Scalar:
        """The risk of a sample."""
        return weighted_mean(loss**2, weights)

    def initial_auxiliary(self, loss: Losses, weights: Losses | None = None) -> Float[Array, " 0"]:
        """Nothing is learned."""
        return jnp.zeros(0, loss.dtype)

    def per_path(self, loss: Losses, auxiliary: Float[Array, " 0"]) -> Losses:
        """ℓ²."""
        return loss**2
