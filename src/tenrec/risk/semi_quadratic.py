"""The semi-quadratic risk: the mean square of the losses alone."""

from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Float

from tenrec.risk.base import AbstractRisk, Losses, Scalar, weighted_mean


class SemiQuadraticRisk(AbstractRisk):
    """E max(ℓ, 0)²; gains are neither punished nor rewarded, and the premium decides what is one.

    Source: Carbonneau and Godin (2021), "Equal risk pricing of derivatives with deep hedging", Quantitative Finance 21.

    Example:
        >>> float(SemiQuadraticRisk()(jnp.array([3.0, -4.0])))
        4.5
    """

    cash_invariant: ClassVar[bool] = False
    monotone: ClassVar[bool] = True
    positively_homogeneous: ClassVar[bool] = False
    auxiliaries: ClassVar[int | None] = 0

    def __call__(self, loss: Losses, weights: Losses | None = None) -> Scalar:
        """The risk of a sample."""
        return weighted_mean(jnp.maximum(loss, 0.0) ** 2, weights)

    def initial_auxiliary(self, loss: Losses, weights: Losses | None = None) -> Float[Array, " 0"]:
        """Nothing is learned."""
        return jnp.zeros(0, loss.dtype)

    def per_path(self, loss: Losses, auxiliary: Float[Array, " 0"]) -> Losses:
        """max(ℓ, 0)²."""
        return jnp.maximum(loss, 0.0) ** 2
