"""From the days known at a close to a calibrated probability of the next ones: a ridge logit.

Everything is decided on the days learned from. They are parted into blocks in time; every block is forecast by models
that saw the others less the days around it. On these forecasts the log odds are calibrated,

    log odds = c + s·(f − mean f),   0 ≤ s ≤ 1

Platt's line, with a slope that leaves one only as far as the days show that it should: the ridge has shrunk the model
towards climatology once already. Where it is worth nothing on days it has not seen, the slope goes to zero as days come
in, and climatology is left.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import expit, logit

from tenrec.volatility.spikes.logit import Logit, fit_logit

Rows = Float[np.ndarray, " rows"]
Design = Float[np.ndarray, "rows features"]

WIDEST = 4.0
"""Standard deviations to which inputs are cut, so that no day lies far outside of what was learned."""
LEAST_KNOWN = 500
"""Days on which an input must have been known to be learned from."""
FOLDS = 5
RIDGE = 100.0
"""Of standardised inputs. Chosen on the S&P 500 before 2012, where choosing it anew at every fit did worse."""


@dataclass(frozen=True)
class Scale:
    """How inputs are brought to one scale: mean, spread, and which of them were known long enough."""

    mean: Float[np.ndarray, " features"]
    spread: Float[np.ndarray, " features"]
    used: Bool[np.ndarray, " features"]

    def __call__(self, values: Design) -> Design:
        """Standardised and cut; an unknown value is an average one."""
        scaled = np.clip((values - self.mean) / self.spread, -WIDEST, WIDEST)
        return np.where(np.isfinite(scaled) & self.used, scaled, 0.0)


def fit_scale(values: Design) -> Scale:
    """The scale of the rows learned from."""
    known = np.isfinite(values)
    count = known.sum(0)
    total = np.where(known, values, 0.0)
    mean = total.sum(0) / np.maximum(count, 1)
    spread = np.sqrt(np.where(known, (values - mean) ** 2, 0.0).sum(0) / np.maximum(count, 1))
    used = (count >= min(LEAST_KNOWN, len(values) // 2)) & (spread > 1e-12)
    return Scale(mean, np.where(used, spread, 1.0), used)


def blocked_folds(days: np.ndarray, gap: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """(learned, judged) rows of each fold; days within `gap` of the judged block are left out of what is learned.

    Example:
        >>> learned, judged = blocked_folds(np.arange(10), gap=1)[1]
        >>> judged.tolist(), learned.tolist()
        ([2, 3], [0, 5, 6, 7, 8, 9])
    """
    folds = []
    for judged in np.array_split(np.arange(len(days)), FOLDS):
        low, high = days[judged[0]] - gap, days[judged[-1]] + gap
        folds.append((np.flatnonzero((days < low) | (days > high)), judged))
    return folds


def log_loss(outcome: Rows, log_odds: Rows) -> float:
    """Mean of −log p of what came."""
    return float(np.mean(np.logaddexp(0.0, log_odds) - outcome * log_odds))


@dataclass(frozen=True)
class Calibration:
    """Log odds f become `constant` + `slope`·(f − `centre`)."""

    constant: float
    slope: float
    centre: float

    def __call__(self, log_odds: Rows) -> Rows:
        """Calibrated log odds."""
        return self.constant + self.slope * (log_odds - self.centre)


PRIOR_DAYS = 1000.0
"""Strength of the pull of the slope to 1, in days of a probability of a half."""


def calibrate(outcome: Rows, log_odds: Rows) -> Calibration:
    """Platt's line on forecasts of days not learned from, the slope drawn to one and cut to 0…1.

    Source: Platt (1999), "Probabilistic outputs for support vector machines"; the shrinkage is that of a ridge.
    """
    centre = float(log_odds.mean())
    ridge = PRIOR_DAYS * 0.25 * float(np.var(log_odds))
    line = fit_logit((log_odds - centre)[:, None], outcome, ridge=ridge, centre=1.0)
    slope = float(np.clip(line.slopes[0], 0.0, 1.0))
    held = fit_logit(np.empty((len(outcome), 0)), outcome, offset=slope * (log_odds - centre))
    return Calibration(held.constant, slope, centre)


@dataclass(frozen=True)
class Learned:
    """A probability as a function of the inputs, calibrated.

    Args:
        scale: of the inputs. logit: on scaled inputs. calibration: of its log odds.
        climatology: share of the days learned from after which a spike came.
    """

    scale: Scale
    logit: Logit
    calibration: Calibration
    climatology: float

    def probability(self, values: Design) -> Rows:
        """Probability of a spike after each row of inputs."""
        return expit(self.calibration(self.logit.log_odds(self.scale(values))))

    def reasons(self, values: Design) -> Design:
        """What each input adds to the calibrated log odds, against an average day."""
        return self.calibration.slope * self.scale(values) * self.logit.slopes


def unseen(values: Design, outcome: Rows, days: np.ndarray, gap: int, ridge: float) -> Rows:
    """Log odds of every row by models that saw neither it nor its neighbours in time."""
    out = np.empty(len(outcome))
    for learned, judged in blocked_folds(days, gap):
        scale, own = fit_scale(values[learned]), outcome[learned]
        if own.min() == own.max():
            # A fold without a spike teaches nothing about spikes; half a spike keeps the odds finite.
            out[judged] = logit((own.sum() + 0.5) / (len(own) + 1.0))
        else:
            out[judged] = fit_logit(scale(values[learned]), own, ridge=ridge).log_odds(scale(values[judged]))
    return out


def learn(values: Design, outcome: Rows, days: np.ndarray, *, gap: int, ridge: float = RIDGE) -> Learned:
    """A calibrated ridge logit.

    Args:
        values: inputs of the days learned from, NaN where unknown. outcome: zeros and ones, both present.
        days: position of each row in the record. gap: days left out around a judged block.
    """
    scale = fit_scale(values)
    fit = fit_logit(scale(values), outcome, ridge=ridge)
    return Learned(scale, fit, calibrate(outcome, unseen(values, outcome, days, gap, ridge)), float(outcome.mean()))
