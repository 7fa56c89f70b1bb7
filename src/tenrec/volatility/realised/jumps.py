"""Did the price jump today?"""

import math

from scipy.special import ndtr

from tenrec.volatility.realised.measures import (
    Returns,
    bipower_variation,
    known,
    realised_variance,
    tripower_quarticity,
)

SPREAD = math.pi**2 / 4.0 + math.pi - 5.0


def jump_statistic(returns: Returns) -> tuple[float, float]:
    """Ratio test for jumps within a day: its statistic, standard normal without jumps, and the one-sided p-value.

        z = (1 − BV/RV) / √((π²/4 + π − 5)·max(1, TQ/BV²)/n)

    Source: Huang and Tauchen (2005), "The relative contribution of jumps to total price variance", equation (13).
    NaN for both where fewer than four returns are known or none of them moves.

    Example:
        >>> import numpy as np
        >>> calm = np.tile([0.001, -0.001], 39)
        >>> jump_statistic(np.append(calm, 0.02))[1] < 1e-6
        True
    """
    n, variance = len(known(returns)), realised_variance(returns)
    if n < 4 or variance <= 0:
        return math.nan, math.nan
    bipower = bipower_variation(returns)
    ratio = tripower_quarticity(returns) / bipower**2 if bipower > 0 else 1.0
    z = (1.0 - bipower / variance) / math.sqrt(SPREAD * max(1.0, ratio) / n)
    return z, float(ndtr(-z))
