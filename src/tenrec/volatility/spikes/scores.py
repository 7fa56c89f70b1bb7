"""How good probabilities are: do they rank, are they right on average, and might it be luck?"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy import stats

from tenrec.volatility.forecast.compare import stationary_bootstrap

Days = Float[np.ndarray, " days"]
Weights = Float[np.ndarray, "draws days"]

BLOCK = 44.0
"""Mean length of the resampled blocks, days: spikes cluster, and the windows of neighbouring days overlap."""


def area_under_curve(outcome: Days, probability: Days) -> float:
    """P(a spike day's probability is above a quiet day's), ties counted half: the area under the ROC curve.

    Source: Hanley and McNeil (1982); the Mann–Whitney statistic by mean ranks. NaN with one class only.

    Example:
        >>> area_under_curve(np.array([0.0, 0.0, 1.0, 1.0]), np.array([0.1, 0.4, 0.35, 0.8]))
        0.75
    """
    hits = float(outcome.sum())
    misses = len(outcome) - hits
    if hits == 0 or misses == 0:
        return float("nan")
    ranks = stats.rankdata(probability)
    return float((ranks[outcome == 1].sum() - hits * (hits + 1) / 2) / (hits * misses))


def average_precision(outcome: Days, probability: Days) -> float:
    """Σ (R_n − R_{n−1})·P_n over falling thresholds, days of equal probability taken together.

    Example:
        >>> round(average_precision(np.array([0.0, 0.0, 1.0, 1.0]), np.array([0.1, 0.4, 0.35, 0.8])), 4)
        0.8333
    """
    _, recall, precision = operating_points(outcome, probability)
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def operating_points(outcome: Days, probability: Days) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """False-alarm rate, hit rate (recall) and precision at every threshold, from the strictest down."""
    order = np.argsort(-probability, kind="stable")
    y, p = outcome[order], probability[order]
    last = np.append(np.diff(p) != 0, True)
    hits, alarms = np.cumsum(y)[last], np.flatnonzero(last) + 1
    spikes = max(float(y.sum()), 1e-300)
    quiet = max(len(y) - float(y.sum()), 1e-300)
    return (alarms - hits) / quiet, hits / spikes, hits / alarms


def brier(outcome: Days, probability: Days) -> float:
    """Mean squared error of the probability (Brier, 1950)."""
    return float(np.mean((outcome - probability) ** 2))


def brier_skill(outcome: Days, probability: Days, reference: Days) -> float:
    """1 − Brier/Brier of the reference: above zero where it is better."""
    return 1.0 - brier(outcome, probability) / brier(outcome, reference)


@dataclass(frozen=True)
class Reliability:
    """How often a spike came, by forecast probability.

    Args:
        probability: mean forecast of each group. frequency: share of its days after which a spike came. days: its size.
    """

    probability: Float[np.ndarray, " groups"]
    frequency: Float[np.ndarray, " groups"]
    days: Int[np.ndarray, " groups"]


def reliability(outcome: Days, probability: Days, groups: int = 8) -> Reliability:
    """Days in groups of about equal size by rising probability."""
    order = np.argsort(probability, kind="stable")
    parts = [part for part in np.array_split(order, groups) if len(part)]
    return Reliability(
        np.array([probability[part].mean() for part in parts]),
        np.array([outcome[part].mean() for part in parts]),
        np.array([len(part) for part in parts]),
    )


@dataclass(frozen=True)
class Interval:
    """A value and its 95 % block-bootstrap interval."""

    value: float
    low: float
    high: float

    def document(self) -> dict[str, float]:
        """For JSON."""
        return {"value": self.value, "low": self.low, "high": self.high}


@dataclass(frozen=True)
class Resamples:
    """How often each day is drawn in each resample of blocks; the same for all scores, so that they can be compared."""

    weights: Weights

    def interval(self, value: float, statistic: Callable[[Weights], Float[np.ndarray, " draws"]]) -> Interval:
        """Percentiles of a statistic of the weights."""
        drawn = statistic(self.weights)
        drawn = drawn[np.isfinite(drawn)]
        low, high = np.quantile(drawn, [0.025, 0.975]) if len(drawn) else (np.nan, np.nan)
        return Interval(value, float(low), float(high))

    def area(self, outcome: Days, probability: Days) -> Interval:
        """Interval of the area under the ROC curve."""
        return self.interval(
            area_under_curve(outcome, probability), lambda weights: weighted_areas(outcome, probability, weights)
        )

    def skill(self, outcome: Days, probability: Days, reference: Days) -> Interval:
        """Interval of the Brier skill."""
        own, other = (outcome - probability) ** 2, (outcome - reference) ** 2
        value = brier_skill(outcome, probability, reference)
        return self.interval(value, lambda weights: 1.0 - (weights @ own) / (weights @ other))


def resamples(days: int, *, count: int = 1000, block: float = BLOCK, seed: int = 0) -> Resamples:
    """Stationary bootstrap (Politis and Romano, 1994)."""
    rows = stationary_bootstrap(days, min(block, max(days / 4, 1.0)), count, seed)
    return Resamples(np.stack([np.bincount(row, minlength=days) for row in rows]).astype(float))


def weighted_areas(outcome: Days, probability: Days, weights: Weights) -> Float[np.ndarray, " draws"]:
    """The area under the curve of every resample: days count as often as they were drawn."""
    order = np.argsort(probability, kind="stable")
    y, p, w = outcome[order], probability[order], weights[:, order]
    starts = np.flatnonzero(np.append(True, np.diff(p) != 0))
    hits = np.add.reduceat(w * y, starts, axis=1)
    misses = np.add.reduceat(w * (1 - y), starts, axis=1)
    below = np.cumsum(misses, axis=1) - 0.5 * misses
    total = hits.sum(1) * misses.sum(1)
    return np.where(total > 0, np.sum(hits * below, axis=1) / np.where(total > 0, total, 1.0), np.nan)
