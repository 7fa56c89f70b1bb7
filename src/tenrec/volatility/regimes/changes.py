"""Change points as they come to be known: Bayesian online detection on the log variance."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.special import gammaln, stdtr

Days = Float[np.ndarray, " days"]

NEGLIGIBLE = 15.0
"""Runs whose log probability lies so far below the likeliest's are given up."""
SINCE = 22
"""Days that count as recent."""
SURE, APART = 0.9, 5
"""Probability of a younger run at which a change is called, and the fewest days by which it has to be younger."""


@dataclass(frozen=True)
class Change:
    """A change of the law of the log variance.

    Args:
        began: first day of the new run, as seen when it was called. called: day on which it was.
        before, after: mean variance of the run that ended, and from `began` to `called`.
    """

    began: int
    called: int
    before: float
    after: float


@dataclass(frozen=True)
class RunLengths:
    """What was known of the last change after each day.

    Args:
        likeliest: days of the likeliest run, that day's among them.
        recent: probability that the last change lies at most 22 days back.
        tail: P(a value at least as unusual as the day's, both sides), given the days before; NaN on the first day.
        changes: those called, one after the other.
    """

    likeliest: np.ndarray
    recent: Days
    tail: Days
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class Lines:
    """For each run that may be under way, a normal–inverse-gamma law of y_t = a + b·y_{t−1} + s·ε.

    Args:
        precision: (runs, 2, 2) Λ. moment: (runs, 2) Λ·mean. shape, rate: of the inverse gamma.
        squares: sum of squared values and of the prior's.
    """

    precision: Float[np.ndarray, "runs 2 2"]
    moment: Float[np.ndarray, "runs 2"]
    shape: Float[np.ndarray, " runs"]
    squares: Float[np.ndarray, " runs"]

    def predict(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Centre, scale and degrees of freedom of the next value's t law, by run."""
        mean = np.linalg.solve(self.precision, self.moment[..., None])[..., 0]
        rate = np.maximum(0.5 * (self.squares - np.sum(mean * self.moment, axis=1)), 1e-12)
        spread = 1.0 + np.einsum("i,rij,j->r", x, np.linalg.inv(self.precision), x)
        return mean @ x, np.sqrt(rate / self.shape * spread), 2.0 * self.shape

    def learn(self, x: np.ndarray, y: float) -> "Lines":
        """After one more day."""
        return Lines(self.precision + np.outer(x, x), self.moment + x * y, self.shape + 0.5, self.squares + y**2)


def prior_line(centre: float, slope: float, variance: float, strength: float = 25.0) -> Lines:
    """One run of no days: values about `centre`, drawn back to it by `slope`, with the variance of their shocks."""
    # The level is free to move by a standard deviation or two of the values; the slope is nearly known.
    precision = np.diag([0.05, strength])
    mean = np.array([0.0, slope])
    shape = 0.5 * strength
    return Lines(
        precision[None],
        (precision @ mean)[None],
        np.array([shape]),
        np.array([2.0 * shape * variance + mean @ precision @ mean]),
    )


def run_lengths(values: Days, *, hazard: float = 1.0 / 252, learn_days: int = 252) -> RunLengths:
    """Probabilities of the days since the last change, updated day by day.

    Within a run today's value is a line in yesterday's, with normal shocks; the lines have a conjugate prior whose
    scale comes from the first `learn_days` days. Nothing of a day's result depends on later days.

    Args:
        values: log variances; finite. hazard: probability of a change on any day. learn_days: days that set the prior.

    Source: Adams and MacKay (2007), "Bayesian online changepoint detection", algorithm 1; the line in yesterday's
    value, since volatility that merely persists would otherwise be taken for change after change.
    """
    first = values[: min(learn_days, len(values))]
    centre = float(first.mean())
    y = values - centre
    slope = float(np.clip(np.corrcoef(first[1:], first[:-1])[0, 1], 0.0, 0.95))
    prior = prior_line(0.0, slope, float(np.var(first)) * (1 - slope**2))
    lines, log = prior, np.zeros(1)
    ages = np.zeros(1, int)
    began, changes = 0, []
    likeliest, recent, tail = np.zeros(len(y), int), np.zeros(len(y)), np.full(len(y), np.nan)
    for day in range(1, len(y)):
        x = np.array([1.0, y[day - 1]])
        mean, scale, freedom = lines.predict(x)
        z = (y[day] - mean) / scale
        weight = np.exp(log)
        tail[day] = float(min(2.0 * weight @ np.minimum(stdtr(freedom, z), stdtr(freedom, -z)), 1.0))
        density = gammaln((freedom + 1) / 2) - gammaln(freedom / 2) - 0.5 * np.log(freedom * np.pi) - np.log(scale)
        density -= (freedom + 1) / 2 * np.log1p(z**2 / freedom)
        grown = log + density + np.log1p(-hazard)
        new = np.logaddexp.reduce(log + density) + np.log(hazard)
        learned = lines.learn(x, float(y[day]))
        log = np.concatenate([[new], grown])
        kept = log > log.max() - NEGLIGIBLE
        log = log[kept] - np.logaddexp.reduce(log[kept])
        lines = Lines(*(np.concatenate([getattr(prior, n), getattr(learned, n)])[kept] for n in FIELDS))
        ages = np.concatenate([[0], ages + 1])[kept]
        likeliest[day] = ages[int(np.argmax(log))]
        recent[day] = float(np.exp(log[ages <= SINCE]).sum())
        younger = (ages > 0) & (ages < day - began - APART)
        if np.exp(log[younger]).sum() > SURE:
            start = day + 1 - int(ages[younger][np.argmax(log[younger])])
            changes.append(_change(values, began, start, day))
            began = start
    return RunLengths(likeliest, recent, tail, tuple(changes))


FIELDS = ("precision", "moment", "shape", "squares")


def _change(values: Days, began: int, start: int, called: int) -> Change:
    before, after = np.exp(values[began:start]).mean(), np.exp(values[start : called + 1]).mean()
    return Change(start, called, float(before), float(after))
