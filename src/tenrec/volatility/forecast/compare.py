"""Is one forecast better than another, or was it luck?"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import stats

Days = Float[np.ndarray, " days"]


@dataclass(frozen=True)
class DieboldMariano:
    """Mean loss difference, its statistic and the two-sided p-value; negative where the first forecast is better."""

    difference: float
    statistic: float
    p_value: float


def long_run_variance(values: Days, lags: int) -> float:
    """γ₀ + 2·Σ_{l ≤ L} (1 − l/(L+1))·γ_l, positive by construction (Newey and West, 1987)."""
    centred, n = values - values.mean(), len(values)
    covariances = np.array([np.dot(centred[lag:], centred[: n - lag]) / n for lag in range(lags + 1)])
    weight = 1.0 - np.arange(lags + 1) / (lags + 1)
    return float(covariances[0] + 2.0 * np.sum(weight[1:] * covariances[1:]))


def diebold_mariano(first: Days, second: Days, horizon: int = 1) -> DieboldMariano:
    """Test of equal mean loss of two forecasts, with a variance that overlap and clustering do not fool.

    Args:
        first, second: losses on the same days. horizon: days ahead; the variance takes the larger of h − 1 and
            4·(n/100)^{2/9} lags.

    Source: Diebold and Mariano (1995), equation (1); the lags of Newey and West (1994).
    """
    gap, n = first - second, len(first)
    lags = max(horizon - 1, int(4 * (n / 100.0) ** (2.0 / 9.0)))
    variance = long_run_variance(gap, lags)
    mean = float(gap.mean())
    if variance <= 0:
        return DieboldMariano(mean, 0.0, 1.0)
    statistic = mean / math.sqrt(variance / n)
    return DieboldMariano(mean, statistic, float(2 * stats.norm.sf(abs(statistic))))


def stationary_bootstrap(days: int, block: float, count: int, seed: int) -> np.ndarray:
    """(count, days) indices of resamples in blocks of geometric length, mean `block` (Politis and Romano, 1994)."""
    rng = np.random.default_rng(seed)
    index = rng.integers(0, days, (count, days))
    fresh = rng.random((count, days)) < 1.0 / block
    fresh[:, 0] = True
    origin = np.maximum.accumulate(np.where(fresh, np.arange(days), 0), axis=1)
    return (np.take_along_axis(index, origin, axis=1) + np.arange(days) - origin) % days


def model_confidence_set(
    losses: Float[np.ndarray, "days models"], *, block: float = 22.0, count: int = 1000, seed: int = 0
) -> Float[np.ndarray, " models"]:
    """P-value of each model: those above 5 % are a set that holds the best one with 95 % confidence.

    The worst by T_max = max_i t_i is left out as long as equality is tested; a model's p-value is the largest so far.

    Args:
        losses: of every model on the same days. block: mean length of the resampled blocks, days. count: resamples.

    Source: Hansen, Lunde and Nason (2011), "The model confidence set", sections 3.1.2 and 4, with T_max.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> p = model_confidence_set(rng.random((500, 2)) + np.array([0.0, 1.0]))
        >>> p[0] == 1.0 and p[1] < 0.05
        np.True_
    """
    days, models = losses.shape
    index = stationary_bootstrap(days, block, count, seed)
    mean = losses.mean(0)
    resampled = np.stack([losses[rows].mean(0) for rows in index]) - mean
    p_values, left, largest = np.ones(models), list(range(models)), 0.0
    while len(left) > 1:
        gap = mean[left] - mean[left].mean()
        drawn = resampled[:, left] - resampled[:, left].mean(1, keepdims=True)
        spread = np.sqrt(np.mean(drawn**2, axis=0))
        spread = np.where(spread > 0, spread, np.inf)
        statistic = gap / spread
        largest = max(largest, float(np.mean((drawn / spread).max(1) >= statistic.max())))
        worst = left[int(np.argmax(statistic))]
        p_values[worst] = largest
        left.remove(worst)
    return p_values


def log_quantile_shares(
    variance: Days, forecast: Days, spread: Days, levels: tuple[float, ...] = (0.05, 0.25, 0.5, 0.75, 0.95)
) -> dict[float, float]:
    """Share of days whose variance fell below each forecast quantile; calibrated where share and level agree.

    Args:
        spread: standard deviation of the log forecast error as known when the forecast was made; quantiles are
            f·exp(s·Φ⁻¹(level) − s²/2), lognormal around the mean f.
    """
    z = (np.log(variance / forecast) + 0.5 * spread**2) / spread
    return {level: float(np.mean(z <= stats.norm.ppf(level))) for level in levels}
