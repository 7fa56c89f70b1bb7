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


def past_ranks(errors: Days, past: int, delay: int) -> Days:
    """Share of the `past` errors known at each day that lie below the day's own; NaN where too few are known.

    An error is known `delay` days after its forecast was made. Ranks that are uniform on [0, 1] mean that the quantiles
    of past errors are those of the next one (Rosenblatt, 1952).

    Example:
        >>> past_ranks(np.array([1.0, 2.0, 4.0, 3.0]), past=2, delay=1).tolist()
        [nan, nan, 1.0, 0.5]
    """
    ranks = np.full(len(errors), np.nan)
    if len(errors) >= past + delay:
        windows = np.lib.stride_tricks.sliding_window_view(errors, past)[: len(errors) - past - delay + 1]
        own = errors[past + delay - 1 :, None]
        known = np.isfinite(windows).all(1) & np.isfinite(own[:, 0])
        ranks[past + delay - 1 :] = np.where(known, np.mean(windows < own, axis=1), np.nan)
    return ranks
