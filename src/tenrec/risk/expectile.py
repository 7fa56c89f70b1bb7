"""The expectile: where losses beyond it, weighted more, balance those below."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from tenrec.core.checks import as_array, require
from tenrec.risk.base import AbstractRisk, Losses, Scalar, weighted_mean
from tenrec.risk.roots import falling_root


class ExpectileRisk(AbstractRisk):
    """The number e with level·E max(ℓ − e, 0) = (1 − level)·E max(e − ℓ, 0).

    The only coherent measure that a score function elicits by itself; level ½ is the mean. Its root is not a least
    mean, but with β = level/(1 − level) and d = 1 + (β − 1)·P(ℓ > e) it is the mean of e + [(ℓ − e) + (β − 1)·
    max(ℓ − e, 0)]/d, whose derivatives are the right ones.

    Args:
        level: in [½, 1).

    Source: Bellini, Klar, Müller and Rosazza Gianin (2014), "Generalized quantiles as risk measures", Insurance:
    Mathematics and Economics 54.

    Example:
        >>> round(float(ExpectileRisk(level=0.75)(jnp.array([0.0, 1.0]))), 6)
        0.75
    """

    cash_invariant: ClassVar[bool] = True
    monotone: ClassVar[bool] = True
    positively_homogeneous: ClassVar[bool] = True
    auxiliaries: ClassVar[int | None] = 2
    least_mean: ClassVar[bool] = False

    level: Scalar = eqx.field(converter=as_array)

    def __check_init__(self) -> None:
        require("level", self.level, lambda numbers: (numbers >= 0.5) & (numbers < 1), "a number from 0.5 to below 1")

    def __call__(self, loss: Losses, weights: Losses | None = None) -> Scalar:
        """The risk of a sample."""
        return weighted_mean(self.per_path(loss, self.initial_auxiliary(loss, weights)), weights)

    @eqx.filter_jit  # outside of compiled code the bisection would be compiled anew for every sample
    def initial_auxiliary(self, loss: Losses, weights: Losses | None = None) -> Float[Array, " 2"]:
        """The expectile, and the slope d of its balance there."""
        extra = self._extra(loss)

        def balance(place: Scalar) -> Scalar:
            return weighted_mean((loss - place) + extra * jnp.maximum(loss - place, 0.0), weights)

        place = falling_root(balance, jnp.min(loss), jnp.max(loss))
        slope = 1.0 + extra * weighted_mean((loss > place).astype(loss.dtype), weights)
        return jnp.stack([place, slope])

    def per_path(self, loss: Losses, auxiliary: Float[Array, " 2"]) -> Losses:
        """e + [(ℓ − e) + (β − 1)·max(ℓ − e, 0)]/d."""
        away = loss - auxiliary[0]
        return auxiliary[0] + (away + self._extra(loss) * jnp.maximum(away, 0.0)) / auxiliary[1]

    def _extra(self, loss: Losses) -> Scalar:
        """β − 1: how much more a unit of loss beyond the expectile weighs."""
        level = self.level.astype(loss.dtype)
        return level / (1.0 - level) - 1.0
