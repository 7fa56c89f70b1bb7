"""What every risk measure is: one number for a sample of losses."""

import abc
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

Losses = Float[Array, " paths"]
Scalar = Float[Array, ""]


class AbstractRisk(eqx.Module):
    """A risk of the loss ℓ = −P&L_T / S₀, in units of the initial spot; larger is worse.

    Each measure is also the least value, over some auxiliary numbers w, of a mean over paths,

        risk(ℓ) = min_w E[per_path(ℓ, w)],

    so that w can be learned along with a policy in small batches. Its minimiser gives the influence of each path,
    per_path(ℓ, w*) − risk(ℓ), whose spread is the standard error. A measure that is no such least mean (`least_mean`
    false) is still the mean of its terms at w*, and they give its influence.

    Fields (of the class):
        cash_invariant: risk(ℓ + c) = risk(ℓ) + c, so that the risk of a position is its price.
        monotone: a larger loss on every path never has a smaller risk.
        positively_homogeneous: risk(cℓ) = c·risk(ℓ) for c > 0.
        auxiliaries: how many numbers w holds; None where that depends on the parameters.
        least_mean: the risk is the least of the means over w, not only the mean at w*.
        regular: the risk of a large sample is normally distributed around the true one.
    """

    cash_invariant: ClassVar[bool]
    monotone: ClassVar[bool]
    positively_homogeneous: ClassVar[bool]
    auxiliaries: ClassVar[int | None]
    least_mean: ClassVar[bool] = True
    regular: ClassVar[bool] = True

    @abc.abstractmethod
    def __call__(self, loss: Losses, weights: Losses | None = None) -> Scalar:
        """The risk of a sample; `weights` are relative probabilities of the paths, equal where None."""

    @abc.abstractmethod
    def initial_auxiliary(self, loss: Losses, weights: Losses | None = None) -> Float[Array, " auxiliaries"]:
        """The minimiser w* for a sample."""

    @abc.abstractmethod
    def per_path(self, loss: Losses, auxiliary: Float[Array, " auxiliaries"]) -> Losses:
        """The numbers whose mean is the risk at w*, and not below it at any other w."""

    def influence(self, loss: Losses) -> Losses:
        """How far each path moves the risk: mean zero to rounding; its standard deviation / √paths is the error."""
        terms = self.per_path(loss, self.initial_auxiliary(loss))
        return terms - jnp.mean(terms)


def probabilities(loss: Losses, weights: Losses | None) -> Losses:
    """Weights that sum to one; equal ones where None."""
    return jnp.full_like(loss, 1.0 / loss.shape[0]) if weights is None else weights / jnp.sum(weights)


def weighted_mean(values: Losses, weights: Losses | None) -> Scalar:
    """The mean of a sample; `weights` are relative probabilities."""
    return jnp.mean(values) if weights is None else jnp.sum(values * probabilities(values, weights))


def weighted_variance(values: Losses, weights: Losses | None) -> Scalar:
    """The variance of a sample under its weights, without a correction for the estimated mean."""
    return weighted_mean((values - weighted_mean(values, weights)) ** 2, weights)
