"""How far a variance forecast is off."""

import numpy as np
from jaxtyping import Float

Days = Float[np.ndarray, " days"]


def qlike(variance: Days, forecast: Days) -> Days:
    """y/f − log(y/f) − 1: zero where exact, robust to noise in y (Patton, 2011).

    Example:
        >>> qlike(np.array([1.0, 2.0]), np.array([1.0, 1.0])).round(4).tolist()
        [0.0, 0.3069]
    """
    ratio = variance / forecast
    return ratio - np.log(ratio) - 1.0


def squared_error(variance: Days, forecast: Days) -> Days:
    """(y − f)² in percent to the fourth."""
    return (1e4 * (variance - forecast)) ** 2


def mincer_zarnowitz(variance: Days, forecast: Days) -> tuple[float, float, float]:
    """Intercept (percent squared), slope and R² of y = a + b·f (Mincer and Zarnowitz, 1969).

    Example:
        >>> f = np.array([1e-4, 2e-4, 3e-4])
        >>> tuple(round(value, 6) for value in mincer_zarnowitz(1e-4 + 2 * f, f))
        (1.0, 2.0, 1.0)
    """
    y, f = 1e4 * variance, 1e4 * forecast
    spread = float(np.sum((f - f.mean()) ** 2))
    slope = float(np.sum((f - f.mean()) * (y - y.mean()))) / spread if spread > 0 else 0.0
    intercept = float(y.mean() - slope * f.mean())
    residual, total = y - intercept - slope * f, float(np.sum((y - y.mean()) ** 2))
    return intercept, slope, 1.0 - float(np.sum(residual**2)) / total if total > 0 else 0.0
