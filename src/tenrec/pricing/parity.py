"""Forward and discount factor of an expiry by put–call parity, robustly.

    C(K) − P(K) = D·(F − K),

a straight line in the strike, fitted by Huber's M-estimator (iteratively reweighted, tuning constant 1.345), weighted
by the quotes' spreads. It starts from Theil and Sen's line, the median of all slopes, since a wrong pair at the edge of
the strikes pulls a least-squares start to itself. Standard errors are those of the weighted regression;
F = −intercept/slope by the delta method.

Source: Huber (1964), "Robust estimation of a location parameter", Ann. Math. Statist. 35; Sen (1968),
"Estimates of the regression coefficient based on Kendall's tau", J. Amer. Statist. Assoc. 63.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

HUBER = 1.345
SWEEPS = 50


class Parity(NamedTuple):
    """Forward and discount factor with standard errors (quote currency, and none), and the pairs used."""

    forward: float
    discount: float
    forward_error: float
    discount_error: float
    pairs: int


def fit_parity(
    strike: Float[np.ndarray, " pairs"],
    difference: Float[np.ndarray, " pairs"],
    spread: Float[np.ndarray, " pairs"] | None = None,
) -> Parity:
    """Fit the line to call less put; `spread` is the sum of both quotes' spreads. At least three pairs are needed.

    Example:
        >>> strike = np.array([90.0, 95.0, 100.0, 105.0, 110.0])
        >>> found = fit_parity(strike, 0.99 * (101.0 - strike) + np.array([0.0, 0.0, 0.0, 0.0, 3.0]))
        >>> round(found.forward, 2), round(found.discount, 3)
        (101.0, 0.99)
    """
    centre = float(np.median(strike))
    scale = float(np.ptp(strike)) or 1.0
    line = np.stack([np.ones_like(strike), (strike - centre) / scale], axis=1)
    base = np.ones_like(strike) if spread is None else 1.0 / np.maximum(spread, np.median(spread) * 0.1 + 1e-12) ** 2
    base = base / base.mean()
    beta = _median_line(line[:, 1], difference)
    weight = base * _weights((difference - line @ beta) * np.sqrt(base), scale)
    for _ in range(SWEEPS):
        root = np.sqrt(weight)
        beta, before = np.linalg.lstsq(line * root[:, None], difference * root, rcond=None)[0], beta
        weight = base * _weights((difference - line @ beta) * np.sqrt(base), scale)
        if np.allclose(beta, before, rtol=1e-12, atol=0.0):
            break
    miss = difference - line @ beta
    variance = float(np.sum(weight * miss**2)) / max(strike.size - 2, 1)
    covariance = variance * np.linalg.pinv(line.T @ (line * weight[:, None]))
    discount = -beta[1] / scale
    forward = centre + beta[0] / discount
    slope = np.array([1.0 / discount, beta[0] / discount**2 / scale])
    return Parity(
        float(forward),
        float(discount),
        float(np.sqrt(max(slope @ covariance @ slope, 0.0))),
        float(np.sqrt(max(covariance[1, 1], 0.0)) / scale),
        int(strike.size),
    )


def _median_line(x: Float[np.ndarray, " pairs"], y: Float[np.ndarray, " pairs"]) -> Float[np.ndarray, " 2"]:
    """Theil and Sen's intercept and slope."""
    first, second = np.triu_indices(x.size, 1)
    apart = x[first] != x[second]
    slope = float(np.median((y[second] - y[first])[apart] / (x[second] - x[first])[apart])) if apart.any() else 0.0
    return np.array([np.median(y - slope * x), slope])


def _weights(miss: Float[np.ndarray, " pairs"], scale: float) -> Float[np.ndarray, " pairs"]:
    """Huber's: 1 within 1.345 standard deviations, told by the median, and falling as 1/|miss| beyond."""
    deviation = 1.4826 * float(np.median(np.abs(miss)))
    size = np.abs(miss) / max(deviation, 1e-12 * scale)
    return np.minimum(1.0, HUBER / np.maximum(size, 1e-12))
