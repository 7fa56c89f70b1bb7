"""The entropic risk: the certainty equivalent of exponential utility."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jax.scipy.special import logsumexp
from jaxtyping import Array, Float

from tenrec.core.checks import as_array, require_positive
from tenrec.risk.base import AbstractRisk, Losses, Scalar, probabilities


class EntropicRisk(AbstractRisk):
    """(1/a)·log E exp(aℓ) = min_w w + E[exp(a(ℓ − w)) − 1]/a.

    Args:
        aversion: a > 0, per unit of loss over initial spot.

    Source: Föllmer and Schied (2016), Stochastic Finance, example 4.34.

    Example:
        >>> risk = EntropicRisk(aversion=2.0)
        >>> round(float(risk(jnp.array([0.0, 1.0]))), 4)
        0.7169
    """

    cash_invariant: ClassVar[bool] = True
    monotone: ClassVar[bool] = True
    positively_homogeneous: ClassVar[bool] = False
    auxiliaries: ClassVar[int | None] = 1

    aversion: Scalar = eqx.field(converter=as_array)

    def __check_init__(self) -> None:
        require_positive(aversion=self.aversion)

    def __call__(self, loss: Losses, weights: Losses | None = None) -> Scalar:
        """The risk of a sample."""
        aversion = self.aversion.astype(loss.dtype)
        return logsumexp(aversion * loss, b=probabilities(loss, weights)) / aversion

    def initial_auxiliary(self, loss: Losses, weights: Losses | None = None) -> Float[Array, " 1"]:
        """The certainty equivalent itself."""
        return self(loss, weights)[None]

    def per_path(self, loss: Losses, auxiliary: Float[Array, " 1"]) -> Losses:
        """w + (exp(a(ℓ − w)) − 1)/a."""
        aversion = self.aversion.astype(loss.dtype)
        return auxiliary[0] + jnp.expm1(aversion * (loss - auxiliary[0])) / aversion
