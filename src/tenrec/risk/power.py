"""The power risk: a norm of the losses alone."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from tenrec.core.checks import as_array, require
from tenrec.risk.base import AbstractRisk, Losses, Scalar, weighted_mean

SMALLEST_NORM = 1e-8
"""Below this the logarithm of the norm, a learned number, is held."""


class PowerRisk(AbstractRisk):
    """(E max(ℓ, 0)^p)^{1/p} = min over s of E[(max(ℓ, 0)/s)^p·s/p + s·(p − 1)/p]; log s is what is learned.

    p = 1 is the expected loss, p = 2 the root of the semi-quadratic risk, a large p nears the worst loss.

    Args:
        exponent: p ≥ 1.

    Source: the semi-Lᵖ penalties of Carbonneau and Godin (2023), "Deep equal risk pricing of financial derivatives
    with non-translation invariant risk measures", Risks 11, with the root taken.

    Example:
        >>> round(float(PowerRisk(exponent=3.0)(jnp.array([2.0, -5.0]))), 6)
        1.587401
    """

    cash_invariant: ClassVar[bool] = False
    monotone: ClassVar[bool] = True
    positively_homogeneous: ClassVar[bool] = True
    auxiliaries: ClassVar[int | None] = 1

    exponent: Scalar = eqx.field(converter=as_array)

    def __check_init__(self) -> None:
        require("exponent", self.exponent, lambda numbers: np.asarray(numbers >= 1), "a number of at least 1")

    def __call__(self, loss: Losses, weights: Losses | None = None) -> Scalar:
        """The risk of a sample."""
        exponent = self.exponent.astype(loss.dtype)
        lost = jnp.maximum(loss, 0.0)
        # In units of the worst loss, so that no power of it over- or underflows.
        unit = jax.lax.stop_gradient(jnp.max(lost))
        some = unit > 0.0
        safe = jnp.where(some, unit, 1.0)
        mean = weighted_mean((lost / safe) ** exponent, weights)
        positive = mean > 0.0
        return jnp.where(positive, safe * jnp.where(positive, mean, 1.0) ** (1.0 / exponent), 0.0)

    def initial_auxiliary(self, loss: Losses, weights: Losses | None = None) -> Float[Array, " 1"]:
        """Logarithm of the norm."""
        return jnp.log(jnp.maximum(self(loss, weights), SMALLEST_NORM))[None]

    def per_path(self, loss: Losses, auxiliary: Float[Array, " 1"]) -> Losses:
        """(max(ℓ, 0)/s)^p·s/p + s·(p − 1)/p."""
        exponent, norm = self.exponent.astype(loss.dtype), jnp.exp(auxiliary[0])
        return norm * ((jnp.maximum(loss, 0.0) / norm) ** exponent + exponent - 1.0) / exponent
