"""How unusual a day was: one number from several moves, against a robust picture of the days before."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import stats

from tenrec.volatility.forecast.targets import trailing_mean
from tenrec.volatility.record import VarianceRecord
from tenrec.volatility.spikes.features import MONTH, lagged

Days = Float[np.ndarray, " days"]
Moves = Float[np.ndarray, "days moves"]

PAST, LEAST_PAST, EVERY = 756, 252, 22
"""Days that the picture is drawn from, the fewest, and days between drawings."""
NORMAL = 1.4826
"""Median absolute deviations of a normal law's standard deviation."""
KEPT = 0.75
"""Share of the days that the robust covariance rests on."""


@dataclass(frozen=True)
class Location:
    """Centre and inverse covariance of the ordinary days."""

    centre: Float[np.ndarray, " moves"]
    inverse: Float[np.ndarray, "moves moves"]

    def squared_distance(self, moves: Moves) -> Days:
        """Mahalanobis distance, squared."""
        gap = moves - self.centre
        return np.einsum("ti,ij,tj->t", gap, self.inverse, gap)


def robust_location(moves: Moves, kept: float = KEPT, steps: int = 50) -> Location:
    """Mean and covariance of the share of rows that lie closest together, scaled to be consistent for normal rows.

    From the medians and median deviations, mean and covariance of the closest rows are taken again and again until
    they no longer change: each step lowers the determinant.

    Source: Rousseeuw and Van Driessen (1999), "A fast algorithm for the minimum covariance determinant estimator",
    theorem 1, from one robust start; the factor of Croux and Haesbroeck (1999).
    """
    count, size = moves.shape
    centre = np.median(moves, axis=0)
    spread = NORMAL * np.median(np.abs(moves - centre), axis=0)
    covariance = np.diag(np.where(spread > 0, spread, moves.std(0) + 1e-12) ** 2)
    rows, before = max(int(kept * count), size + 1), None
    limit = stats.chi2.ppf(kept, size)
    factor = kept / stats.chi2.cdf(limit, size + 2)
    for _ in range(steps):
        distance = Location(centre, np.linalg.inv(covariance)).squared_distance(moves)
        closest = np.sort(np.argpartition(distance, rows - 1)[:rows])
        if before is not None and np.array_equal(closest, before):
            break
        before, centre = closest, moves[closest].mean(0)
        covariance = factor * np.cov(moves[closest].T).reshape(size, size) + 1e-12 * np.diag(np.ones(size))
    return Location(centre, np.linalg.inv(covariance))


@dataclass(frozen=True)
class Anomalies:
    """A score for every day.

    Args:
        labels: of the moves. moves: return in units of the month's volatility, and changes of logarithms.
        distance: Mahalanobis distance from the ordinary days before, NaN where there are too few.
        rank: share of the earlier distances below the day's; NaN likewise.
        largest: the move that stands out most on its own, by place.
    """

    labels: tuple[str, ...]
    moves: Moves
    distance: Days
    rank: Days
    largest: np.ndarray


def score_moves(record: VarianceRecord, signals: Mapping[str, Days] | None = None) -> Anomalies:
    """Score each day's moves together: return, change of the variance, of the implied volatility, and of any signal.

    Returns are taken in units of the volatility of the month before, so that a crisis is not one long anomaly.

    Args:
        record: the days. signals: further positive daily series on its dates (points of a surface, futures …).
    """
    made: dict[str, Days] = {}
    if np.isfinite(record.returns).mean() > 0.5:
        made["return"] = record.returns / lagged(np.sqrt(trailing_mean(record.variance, MONTH)), 1)
    made["variance"] = _log_change(record.variance)
    if record.implied is not None:
        made["implied volatility"] = _log_change(record.implied)
    made |= {name: _log_change(series) for name, series in (signals or {}).items()}
    moves = np.column_stack(list(made.values()))
    distance = np.full(len(record), np.nan)
    largest = np.zeros(len(record), int)
    known = np.all(np.isfinite(moves), axis=1)
    for cutoff in range(LEAST_PAST, len(record), EVERY):
        past = moves[max(cutoff - PAST, 0) : cutoff]
        past = past[np.isfinite(past).all(1)]
        block = slice(cutoff, min(cutoff + EVERY, len(record)))
        if len(past) < LEAST_PAST // 2:
            continue
        location = robust_location(past)
        own = np.where(known[block, None], moves[block], location.centre)
        distance[block] = np.where(known[block], np.sqrt(location.squared_distance(own)), np.nan)
        alone = np.abs(own - location.centre) * np.sqrt(1.0 / np.diag(np.linalg.inv(location.inverse)))
        largest[block] = alone.argmax(1)
    return Anomalies(tuple(made), moves, distance, _ranks(distance), largest)


def _log_change(values: Days) -> Days:
    log = np.log(np.where(values > 0, values, np.nan))
    return np.diff(log, prepend=np.nan)


def _ranks(distance: Days) -> Days:
    """Share of the earlier known values below each."""
    rank, past = np.full(len(distance), np.nan), []
    for day in np.flatnonzero(np.isfinite(distance)):
        if len(past) >= 100:
            rank[day] = np.searchsorted(past, distance[day]) / len(past)
        past.insert(int(np.searchsorted(past, distance[day])), float(distance[day]))
    return rank
