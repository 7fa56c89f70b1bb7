"""The realised kernel: a variance that microstructure noise does not inflate."""

import math

import numpy as np
from jaxtyping import Float

from tenrec.volatility.realised.measures import Returns, known, realised_variance

BEST_PARZEN = 3.5134
"""c* of the Parzen kernel: ((12)²/0.269)^(1/5)."""


def parzen(x: Float[np.ndarray, " lags"]) -> Float[np.ndarray, " lags"]:
    """Parzen's weight: 1 − 6x² + 6x³ up to 1/2, 2(1 − x)³ up to 1, nothing beyond."""
    x = np.abs(x)
    return np.where(x <= 0.5, 1 - 6 * x**2 + 6 * x**3, np.where(x <= 1, 2 * (1 - x) ** 3, 0.0))


def realised_kernel(returns: Returns, bandwidth: float | None = None) -> float:
    """K = Σ_{|h| ≤ H} k(h/(H+1))·Σ_j r_j r_{j−|h|}, positive by construction, with Parzen's k.

    Args:
        returns: the finest at hand, of one day.
        bandwidth: H; by default c*·ξ^{4/5}·n^{3/5} with ξ² = noise variance / √quarticity, both estimated from the day.

    Source: Barndorff-Nielsen, Hansen, Lunde and Shephard (2009), "Realized kernels in practice", equations (2) to (6).
    Their averaging of the end points needs ticks and is left out.

    Example:
        >>> r = np.array([0.01, -0.01, 0.02])
        >>> bool(np.isclose(realised_kernel(r, 0.0), np.sum(r**2)))
        True
    """
    r = known(returns)
    n = len(r)
    if n < 2:
        return math.nan
    H = math.ceil(best_bandwidth(r) if bandwidth is None else bandwidth)
    H = min(H, n - 1)
    covariance = np.array([np.dot(r[h:], r[: n - h]) for h in range(H + 1)])
    weight = parzen(np.arange(H + 1) / (H + 1))
    return float(covariance[0] + 2.0 * np.sum(weight[1:] * covariance[1:]))


def best_bandwidth(returns: Returns) -> float:
    """H* = c*·ξ^{4/5}·n^{3/5}; ξ² = ω²/√IQ, with ω² the variance of the noise and √IQ ≈ a sparse realised variance."""
    n = len(returns)
    sparse = max(n // 20, 1)
    total = np.concatenate([[0.0], np.cumsum(returns)])
    integrated = np.mean([realised_variance(np.diff(total[start::sparse])) for start in range(sparse)])
    noise = realised_variance(returns) / (2.0 * n)
    return BEST_PARZEN * (noise / integrated) ** 0.4 * n**0.6 if integrated > 0 else 0.0
