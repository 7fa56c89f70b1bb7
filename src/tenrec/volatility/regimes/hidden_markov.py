"""A hidden Markov chain whose state sets the spread of the day's value: filtering, smoothing, looking ahead."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import stats

Days = Float[np.ndarray, " days"]
Probabilities = Float[np.ndarray, "days regimes"]
GAUSSIAN = 1e6
"""Degrees of freedom that stand for a normal law."""


@dataclass(frozen=True)
class Filtered:
    """What was known of the regimes.

    Args:
        probabilities: of each regime after each day, with nothing later. predicted: before each day.
        log_likelihood: log density of each day given the days before; 0 where the day has no value.
    """

    probabilities: Probabilities
    predicted: Probabilities
    log_likelihood: Days


@dataclass(frozen=True)
class HiddenMarkov:
    """x_t = m_i + s_i·ε with ε Student's t (ν degrees of freedom, of unit scale) in regime i, P(i → j) = A_ij.

    Args:
        initial: probabilities of the first day's regime. transition: A, rows sum to one.
        means, scales: m and s of each regime, from the quietest to the wildest. freedom: ν, the same for all.

    Source: Hamilton (1989), Econometrica 57.

    Example:
        >>> chain = HiddenMarkov(np.array([0.5, 0.5]), np.array([[0.99, 0.01], [0.05, 0.95]]), np.zeros(2),
        ...                      np.array([0.01, 0.03]), GAUSSIAN)
        >>> chain.durations.round().tolist(), chain.stationary.round(3).tolist()
        ([100.0, 20.0], [0.833, 0.167])
    """

    initial: Float[np.ndarray, " regimes"]
    transition: Float[np.ndarray, "regimes regimes"]
    means: Float[np.ndarray, " regimes"]
    scales: Float[np.ndarray, " regimes"]
    freedom: float

    @property
    def volatilities(self) -> Float[np.ndarray, " regimes"]:
        """Standard deviation of a day in each regime; that of the scale where ν ≤ 2."""
        return self.scales * (math.sqrt(self.freedom / (self.freedom - 2)) if self.freedom > 2 else 1.0)

    @property
    def durations(self) -> Float[np.ndarray, " regimes"]:
        """Mean length of a stay, days."""
        return 1.0 / np.maximum(1.0 - np.diag(self.transition), 1e-12)

    @property
    def stationary(self) -> Float[np.ndarray, " regimes"]:
        """Share of days spent in each regime in the long run."""
        size = len(self.scales)
        system = np.vstack([self.transition.T - np.eye(size), np.ones(size)])
        return np.linalg.lstsq(system, np.append(np.zeros(size), 1.0), rcond=None)[0]

    @property
    def parameters(self) -> int:
        """Number of free parameters, for information criteria."""
        size = len(self.scales)
        return size * (size - 1) + (size - 1) + 2 * size + (self.freedom < GAUSSIAN)

    def log_density(self, values: Days) -> Float[np.ndarray, "days regimes"]:
        """Log density of each value in each regime; 0 where it is not known."""
        z = (np.nan_to_num(values)[:, None] - self.means) / self.scales
        own = stats.norm.logpdf(z) if self.freedom >= GAUSSIAN else stats.t.logpdf(z, self.freedom)
        return np.where(np.isfinite(values)[:, None], own - np.log(self.scales), 0.0)

    def filter(self, values: Days) -> Filtered:
        """Regimes after each day, from that day and those before (Hamilton's filter)."""
        log = self.log_density(values)
        top = log.max(1)
        density = np.exp(log - top[:, None])
        after, before, scale = np.empty_like(log), np.empty_like(log), np.empty(len(log))
        state = self.initial
        for day, likelihood in enumerate(density):
            before[day] = state
            joint = state * likelihood
            scale[day] = joint.sum()
            after[day] = joint / scale[day]
            state = after[day] @ self.transition
        return Filtered(after, before, np.log(scale) + top)

    def smooth(self, values: Days) -> Probabilities:
        """Regimes on each day, from all days: for pictures of the past, never for decisions.

        Source: Kim (1994), J. of Econometrics 60, equation (2.20).
        """
        known = self.filter(values)
        smoothed = known.probabilities.copy()
        for day in range(len(values) - 2, -1, -1):
            ratio = smoothed[day + 1] / np.maximum(known.predicted[day + 1], 1e-300)
            smoothed[day] = known.probabilities[day] * (self.transition @ ratio)
        return smoothed / smoothed.sum(1, keepdims=True)

    def ahead(self, probabilities: Float[np.ndarray, " regimes"], days: int) -> Float[np.ndarray, " regimes"]:
        """Probabilities so many days later."""
        return probabilities @ np.linalg.matrix_power(self.transition, days)

    def tail(self, values: Days, predicted: Probabilities) -> Days:
        """P(a value at least as far out as the day's), both sides, given the days before; NaN if unknown."""
        z = (values[:, None] - self.means) / self.scales
        law = stats.norm if self.freedom >= GAUSSIAN else stats.t(self.freedom)
        below, above = np.sum(predicted * law.cdf(z), axis=1), np.sum(predicted * law.sf(z), axis=1)
        return np.minimum(2.0 * np.minimum(below, above), 1.0)
