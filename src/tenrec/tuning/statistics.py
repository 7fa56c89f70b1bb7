"""Whether a tuned result holds: the deflated Sharpe ratio and the probability of backtest overfitting."""

import itertools
import math

import numpy as np
from scipy.stats import norm, rankdata

EULER = 0.5772156649015329


def expected_maximum_sharpe(variance: float, trials: int) -> float:
    """Sharpe ratio (of one interval) that the best of `trials` worthless sets is expected to show.

    √V·((1 − γ)·Φ⁻¹(1 − 1/N) + γ·Φ⁻¹(1 − 1/(N·e))), V the variance of the ratio over the trials.

    Source: Bailey and López de Prado (2014), "The deflated Sharpe ratio", J. Portfolio Management 40, eq. 1.
    """
    if trials < 2:
        return 0.0
    high, low = norm.ppf(1.0 - 1.0 / trials), norm.ppf(1.0 - 1.0 / (trials * math.e))
    return float(math.sqrt(variance) * ((1.0 - EULER) * high + EULER * low))


def deflated_sharpe(
    ratio: float, *, benchmark: float, intervals: float, skewness: float = 0.0, kurtosis: float = 3.0
) -> float:
    """Probability that the true Sharpe ratio is above `benchmark`, both of one interval.

    Φ((SR − SR₀)·√(T − 1)/√(1 − γ₃·SR + (γ₄ − 1)/4·SR²))

    Source: as `expected_maximum_sharpe`, eq. 2.

    Example:
        The paper's numerical example: annual ratio 2.5, five years of days, skewness −3, kurtosis 10, 100 trials.

        >>> least = expected_maximum_sharpe(0.5 / 250, 100)
        >>> round(least, 4)
        0.1132
        >>> round(deflated_sharpe(2.5 / 250**0.5, benchmark=least, intervals=1250, skewness=-3, kurtosis=10), 4)
        0.9004
    """
    spread = 1.0 - skewness * ratio + 0.25 * (kurtosis - 1.0) * ratio**2
    return float(norm.cdf((ratio - benchmark) * math.sqrt(max(intervals - 1.0, 1.0)) / math.sqrt(max(spread, 1e-12))))


def overfitting_probability(performance: np.ndarray, splits: int = 10) -> float:
    """Probability of backtest overfitting by combinatorially symmetric cross-validation.

    The rows of `performance` (times, sets) are cut into `splits` parts; for every half of them, the set with the best
    Sharpe ratio there is ranked in the other half. The probability is the share of halves in which it comes in the
    lower half of the ranks.

    Source: Bailey, Borwein, López de Prado and Zhu (2017), "The probability of backtest overfitting", J. Computational
    Finance 20.

    Example:
        >>> noise = np.random.default_rng(0).standard_normal((2000, 40))
        >>> overfitting_probability(noise + 0.2 * (np.arange(40) == 7))
        0.0
    """
    size = len(performance) // splits
    parts = performance[: size * splits].reshape(splits, size, -1)
    first, second = parts.sum(axis=1), (parts**2).sum(axis=1)
    below = total = 0
    for half in itertools.combinations(range(splits), splits // 2):
        inside = np.isin(np.arange(splits), half)
        seen, unseen = (_ratio(first[rows], second[rows], size) for rows in (inside, ~inside))
        best = int(np.argmax(seen))
        rank = rankdata(unseen)[best] / (unseen.size + 1)
        below, total = below + (rank <= 0.5), total + 1
    return float(below / total)


def _ratio(first: np.ndarray, second: np.ndarray, size: int) -> np.ndarray:
    count = size * len(first)
    mean = first.sum(axis=0) / count
    variance = second.sum(axis=0) / count - mean**2
    return mean / np.sqrt(np.maximum(variance, 1e-30))
