"""Mean and variance of the loss."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from tenrec.core.checks import as_array, require
from tenrec.risk.base import AbstractRisk, Losses, Scalar, weighted_mean, weighted_variance


class MeanVarianceRisk(AbstractRisk):
    """E ℓ + (λ/2)·Var ℓ = min_m E[ℓ + (λ/2)(ℓ − m)²].

    Args:
        weight: λ ≥ 0, per unit of loss over initial spot.

    Example:
        >>> float(MeanVarianceRisk(weight=2.0)(jnp.array([0.0, 1.0])))
        0.75
    """

    cash_invariant: ClassVar[bool] = True
    monotone: ClassVar[bool] = False
    positively_homogeneous: ClassVar[bool] = False
    auxiliaries: ClassVar[int | None] = 1

    weight: Scalar = eqx.field(converter=as_array)

    def __check_init__(self) -> None:
        require("weight", self.weight, lambda numbers: np.asarray(numbers >= 0), "a number of at least 0")

    def __call__(self, loss: Losses, weights: Losses | None = None) -> Scalar:
        """The risk of a sample."""
        return weighted_mean(loss, weights) + 0.5 * self.weight.astype(loss.dtype) * weighted_variance(loss, weights)

    def initial_auxiliary(self, loss: Losses, weights: Losses | None = None) -> Float[Array, " 1"]:
        """The mean loss."""
        return jnp.atleast_1d(weighted_mean(loss, weights))

    def per_path(self, loss: Losses, auxiliary: Float[Array, " 1"]) -> Losses:
        """ℓ + (λ/2)(ℓ − m)²."""
        return loss + 0.5 * self.weight.astype(loss.dtype) * (loss - auxiliary[0]) ** 2
