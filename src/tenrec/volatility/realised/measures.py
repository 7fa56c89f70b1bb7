"""Sums of powers of intraday returns; a NaN is a masked return and counts nowhere.

All are variances (or squared variances) over the time that the returns span, in the square of the returns' unit.
"""

import math

import numpy as np
from jaxtyping import Float

Returns = Float[np.ndarray, " intervals"]

MU_1 = math.sqrt(2.0 / math.pi)
"""E|Z| of a standard normal."""
MU_43 = 2.0 ** (2.0 / 3.0) * math.gamma(7.0 / 6.0) / math.gamma(0.5)
"""E|Z|^(4/3)."""


def known(returns: Returns) -> Float[np.ndarray, " known"]:
    """The returns that are not masked."""
    return returns[np.isfinite(returns)]


def realised_variance(returns: Returns) -> float:
    """RV = Σ r_i² (Andersen, Bollerslev, Diebold and Labys, 2003).

    Example:
        >>> round(realised_variance(np.array([0.01, np.nan, -0.02])), 6)
        0.0005
    """
    return float(np.sum(known(returns) ** 2))


def bipower_variation(returns: Returns) -> float:
    """BV = (π/2)·n/(n−1)·Σ |r_i||r_{i−1}|, which jumps leave alone (Barndorff-Nielsen and Shephard, 2004).

    Example:
        >>> round(bipower_variation(np.array([0.01, -0.01, 0.01])) / 3e-4, 4)
        1.5708
    """
    r = np.abs(known(returns))
    n = len(r)
    return float(MU_1**-2 * n / (n - 1) * np.sum(r[1:] * r[:-1])) if n > 1 else math.nan


def realised_quarticity(returns: Returns) -> float:
    """RQ = (n/3)·Σ r_i⁴, an estimate of ∫σ⁴ over a unit of time (Barndorff-Nielsen and Shephard, 2002)."""
    r = known(returns)
    return float(len(r) / 3.0 * np.sum(r**4))


def tripower_quarticity(returns: Returns) -> float:
    """TQ = n·n/(n−2)·μ_{4/3}⁻³·Σ |r_i r_{i−1} r_{i−2}|^{4/3}: as `realised_quarticity`, but robust to jumps."""
    r = np.abs(known(returns)) ** (4.0 / 3.0)
    n = len(r)
    return float(n * n / (n - 2) * MU_43**-3 * np.sum(r[2:] * r[1:-1] * r[:-2])) if n > 2 else math.nan


def semivariances(returns: Returns) -> tuple[float, float]:
    """Sums of the squared negative and of the squared positive returns (Barndorff-Nielsen and others, 2010).

    Example:
        >>> [round(part, 6) for part in semivariances(np.array([0.01, -0.02]))]
        [0.0004, 0.0001]
    """
    r = known(returns)
    return float(np.sum(r[r < 0] ** 2)), float(np.sum(r[r > 0] ** 2))
