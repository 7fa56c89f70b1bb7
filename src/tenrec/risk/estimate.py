"""Standard errors and confidence intervals of risks, single and paired, of independent or clustered paths."""

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float
from scipy.special import stdtrit

from tenrec.core.errors import InputError
from tenrec.risk.base import AbstractRisk

Labels = ArrayLike | Sequence[int] | Sequence[str]


@dataclass(frozen=True)
class Estimate:
    """A number from a sample, its standard error, and the degrees of freedom behind that error.

    Example:
        >>> low, high = Estimate(1.0, 0.1, 10_000).interval()
        >>> round(low, 2), round(high, 2)
        (0.8, 1.2)
    """

    value: float
    standard_error: float
    degrees_of_freedom: int

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """The confidence interval of Student's law: value ∓ t·standard error."""
        reach = float(stdtrit(self.degrees_of_freedom, 0.5 + 0.5 * level)) * self.standard_error
        return self.value - reach, self.value + reach


def estimate(risk: AbstractRisk, loss: ArrayLike, clusters: Labels | None = None) -> Estimate:
    """The risk of a sample of losses, in double precision.

    Args:
        loss: (paths,) loss per unit of initial spot.
        clusters: (paths,) labels; paths of one label (one expiry, an antithetic pair) may depend on each other.
            None: independent paths.

    Raises:
        InputError: no path, a loss that is not finite, labels that do not fit, or fewer than two clusters.

    Example:
        >>> from tenrec.risk import MeanVarianceRisk
        >>> found = estimate(MeanVarianceRisk(weight=0.0), np.array([1.0, 2.0, 3.0]))
        >>> found.value, round(found.standard_error, 4)
        (2.0, 0.5774)
    """
    with jax.enable_x64(True):
        losses = _checked(loss)
        value, influence = float(risk(losses)), np.asarray(risk.influence(losses))
    return Estimate(value, *standard_error(influence, clusters))


def paired_difference(
    risk: AbstractRisk, loss: ArrayLike, other: ArrayLike, clusters: Labels | None = None
) -> Estimate:
    """risk(loss) − risk(other) for two policies on the same paths (row i of both is path i); arguments as above."""
    with jax.enable_x64(True):
        first, second = _checked(loss), _checked(other)
        if first.shape != second.shape:
            raise InputError(f"{first.shape[0]} and {second.shape[0]} losses are paired; give both on the same paths.")
        value = float(risk(first)) - float(risk(second))
        influence = np.asarray(risk.influence(first) - risk.influence(second))
    return Estimate(value, *standard_error(influence, clusters))


def standard_error(influence: Float[np.ndarray, " paths"], clusters: Labels | None = None) -> tuple[float, int]:
    """The standard error that an influence function gives, and its degrees of freedom.

        √(G/(G − 1)·Σ_g (Σ_{i∈g} ψ_i)²)/paths,    G clusters, G − 1 degrees of freedom

    Source: Cameron and Miller (2015), "A practitioner's guide to cluster-robust inference", J. Human Resources 50.
    """
    paths = influence.shape[0]
    if clusters is None:
        sums = influence
    else:
        labels = np.asarray(clusters)
        if labels.shape != (paths,):
            raise InputError(f"{labels.size} cluster labels are given for {paths} paths; one for each is needed.")
        _, index = np.unique(labels, return_inverse=True)
        sums = np.bincount(index, weights=influence)
    groups = sums.shape[0]
    if groups < 2:
        raise InputError(f"a standard error is asked of {groups} independent group; at least 2 are needed.")
    return float(np.sqrt(groups / (groups - 1) * np.sum(sums**2)) / paths), groups - 1


def _checked(loss: ArrayLike) -> Float[Array, " paths"]:
    losses = jnp.asarray(loss, jnp.float64)
    if losses.ndim != 1 or losses.shape[0] < 1:
        raise InputError(f"losses of shape {losses.shape} are given; one number for each path is needed.")
    bad = int(jnp.sum(~jnp.isfinite(losses)))
    if bad:
        raise InputError(f"{bad} of {losses.shape[0]} losses are not finite; look at the ledger of those paths.")
    return losses
