"""Mean and standard deviation of the loss."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from tenrec.core.checks import as_array, require
from tenrec.risk.base import AbstractRisk, Losses, Scalar, weighted_mean, weighted_variance

SMALLEST_DEVIATION = 1e-8
"""Below this the logarithm of the standard deviation, a learned number, is held."""


class MeanStandardDeviationRisk(AbstractRisk):
    """E ℓ + k·std ℓ = min over m, s of E[ℓ + k((ℓ − m)²/(2s) + s/2)]; log s is what is learned.

    The gradient of a sample without spread is that of its mean.

    Args:
        multiple: k ≥ 0.

    Example:
        >>> float(MeanStandardDeviationRisk(multiple=2.0)(jnp.array([0.0, 1.0])))
        1.5
    """

    cash_invariant: ClassVar[bool] = True
    monotone: ClassVar[bool] = False
    positively_homogeneous: ClassVar[bool] = True
    auxiliaries: ClassVar[int | None] = 2

    multiple: Scalar = eqx.field(converter=as_array)

    def __check_init__(self) -> None:
        require("multiple", self.multiple, lambda numbers: np.asarray(numbers >= 0), "a number of at least 0")

    def __call__(self, loss: Losses, weights: Losses | None = None) -> Scalar:
        """The risk of a sample."""
        return weighted_mean(loss, weights) + self.multiple.astype(loss.dtype) * _deviation(loss, weights)

    def initial_auxiliary(self, loss: Losses, weights: Losses | None = None) -> Float[Array, " 2"]:
        """Mean, and logarithm of the standard deviation."""
        deviation = jnp.maximum(_deviation(loss, weights), SMALLEST_DEVIATION)
        return jnp.stack([weighted_mean(loss, weights), jnp.log(deviation)])

    def per_path(self, loss: Losses, auxiliary: Float[Array, " 2"]) -> Losses:
        """ℓ + k((ℓ − m)²/(2s) + s/2)."""
        deviation = jnp.exp(auxiliary[1])
        spread = (loss - auxiliary[0]) ** 2 / (2.0 * deviation) + 0.5 * deviation
        return loss + self.multiple.astype(loss.dtype) * spread


def _deviation(loss: Losses, weights: Losses | None) -> Scalar:
    """Standard deviation, with a zero gradient where there is no spread instead of an infinite one."""
    variance = weighted_variance(loss, weights)
    spread = variance > 0.0
    return jnp.where(spread, jnp.sqrt(jnp.where(spread, variance, 1.0)), 0.0)
