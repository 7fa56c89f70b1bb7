"""The heterogeneous autoregressions: tomorrow's variance as a line in yesterday's, last week's and last month's."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from tenrec.volatility.forecast.targets import Schedule, future_mean, learnable, trailing_mean
from tenrec.volatility.record import VarianceRecord

Days = Float[np.ndarray, " days"]
Design = Float[np.ndarray, "days regressors"]

DAY, WEEK, MONTH = 1, 5, 22
UNIT = 1e4
"""Variances are regressed in percent squared, so that coefficients have the size that the papers print."""


@dataclass(frozen=True)
class LinearModel:
    """A regression of the mean variance over the horizon, or of its logarithm.

    Args:
        name: key. label: for readers. source: the paper.
        design: record → regressors known at each close, without the constant; NaN where one is unknown.
        log: regress the logarithm; the forecast is exp(line) × the mean of exp(residual) (Duan's smearing).
        needs: parts of the record without which the model cannot be had.
    """

    name: str
    label: str
    source: str
    design: Callable[[VarianceRecord], Design]
    log: bool = False
    needs: tuple[str, ...] = ()

    def available(self, record: VarianceRecord) -> bool:
        """Whether the record has what the model needs."""
        parts = [getattr(record, part) for part in self.needs]
        return all(part is not None and bool(np.isfinite(part).mean() > 0.5) for part in parts)


@dataclass(frozen=True)
class LinearFit:
    """Coefficients, the constant first; `smear` is 1 for a regression in levels.

    Args:
        low, high: 5 % quantile (or a tenth of the mean, where that is more: squared returns come near zero) and largest
            of the targets seen; a forecast in levels outside is brought back to them.
            Gentler than the insanity filter of Bollerslev, Patton and Quaedvlieg (2016), which takes the mean there.
    """

    coefficients: Float[np.ndarray, " regressors"]
    smear: float
    low: float
    high: float
    r_squared: float
    log: bool

    def predict(self, design: Design) -> Days:
        """Forecast in percent squared."""
        line = self.coefficients[0] + design @ self.coefficients[1:]
        return np.exp(line) * self.smear if self.log else np.clip(line, self.low, self.high)


def fit_linear(design: Design, target: Days, *, log: bool = False) -> LinearFit:
    """Least squares over the rows where target and regressors are known.

    Args:
        design: regressors without the constant. target: percent squared, NaN where it is not to be learned from.
    """
    rows = np.isfinite(target) & np.isfinite(design).all(1)
    X, y = np.column_stack([np.ones(rows.sum()), design[rows]]), target[rows]
    z = np.log(y) if log else y
    size = np.sqrt(np.mean(X**2, axis=0)) + 1e-300
    # Normal equations with scaled columns: thousands of fits of a few regressors; the ridge only guards ties.
    gram = (X / size).T @ (X / size)
    coefficients = np.linalg.solve(gram + 1e-10 * len(z) * np.eye(len(size)), (X / size).T @ z) / size
    fitted = X @ coefficients
    residual = z - fitted
    spread = float(np.sum((z - z.mean()) ** 2))
    return LinearFit(
        coefficients=coefficients,
        smear=float(np.mean(np.exp(residual))) if log else 1.0,
        low=float(max(np.quantile(y, 0.05), 0.1 * y.mean())),
        high=float(y.max()),
        r_squared=1.0 - float(np.sum(residual**2)) / spread if spread > 0 else 0.0,
        log=log,
    )


def walk_linear(model: LinearModel, record: VarianceRecord, horizon: int, schedule: Schedule) -> Days:
    """Forecasts of the mean daily variance over the next `horizon` days; decimals, NaN before the schedule starts."""
    design = model.design(record)
    target = future_mean(record.variance, horizon) * UNIT
    forecast = np.full(len(record), np.nan)
    for cutoff in schedule.cutoffs:
        first = np.searchsorted(np.isfinite(design).all(1).cumsum(), 1)
        rows = slice(int(first), int(cutoff) + 1)
        fit = fit_linear(design[rows], learnable(target, int(cutoff), horizon)[rows], log=model.log)
        block = schedule.block(int(cutoff))
        forecast[block] = fit.predict(design[block]) / UNIT
    return forecast


def har(record: VarianceRecord) -> Design:
    """Variance of the day, the week and the month."""
    v = record.variance * UNIT
    return np.column_stack([trailing_mean(v, window) for window in (DAY, WEEK, MONTH)])


def log_har(record: VarianceRecord) -> Design:
    """Their logarithms."""
    return np.log(har(record))


def falls(record: VarianceRecord) -> Design:
    """Mean negative return of the day, the week and the month, percent."""
    down = np.minimum(record.returns, 0.0) * 100.0
    return np.column_stack([trailing_mean(down, window) for window in (DAY, WEEK, MONTH)])


def har_leverage(record: VarianceRecord) -> Design:
    """HAR and falls."""
    return np.column_stack([har(record), falls(record)])


def harq(record: VarianceRecord) -> Design:
    """HAR whose daily coefficient falls where the day's variance is measured badly: with √RQ·RV."""
    assert record.quarticity is not None
    v = record.variance * UNIT
    return np.column_stack([har(record), np.sqrt(record.quarticity * UNIT**2) * v])


def shar(record: VarianceRecord) -> Design:
    """HAR with the day's variance split into the parts of falling and of rising prices."""
    assert record.down is not None
    down = record.down * UNIT
    return np.column_stack([down, record.variance * UNIT - down, har(record)[:, 1:]])


def log_har_leverage(record: VarianceRecord) -> Design:
    """Log-HAR and falls."""
    return np.column_stack([log_har(record), falls(record)])


def implied_log_variance(record: VarianceRecord) -> Days:
    """Log of the implied variance of a day, percent squared."""
    assert record.implied is not None
    return np.log(record.implied**2 / record.days_per_year * UNIT)


def log_har_implied(record: VarianceRecord) -> Design:
    """Log-HAR, falls and the implied variance."""
    return np.column_stack([log_har_leverage(record), implied_log_variance(record)])


def har_implied(record: VarianceRecord) -> Design:
    """HAR, falls and the implied variance, in levels."""
    return np.column_stack([har_leverage(record), np.exp(implied_log_variance(record))])


def surprises(record: VarianceRecord) -> Design:
    """Falls and rises over the day, the week and the month in units of the volatility that was expected: bounded in a
    crash, where a fall in percent is not.

    r_n/(√n·σ), split by sign; σ is the implied volatility of a day, or that of the past month where none is known.
    """
    if record.implied is not None:
        expected = np.exp(0.5 * implied_log_variance(record))
    else:
        expected = np.sqrt(trailing_mean(record.variance * UNIT, MONTH))
    columns = []
    for window in (DAY, WEEK, MONTH):
        move = 100.0 * np.sqrt(window) * trailing_mean(record.returns, window) / expected
        columns += [np.minimum(move, 0.0), np.maximum(move, 0.0)]
    return np.column_stack(columns)


def log_har_surprises(record: VarianceRecord) -> Design:
    """Log-HAR and surprises; with an implied volatility also its level, its change and its week's and month's mean."""
    columns = [log_har(record), surprises(record)]
    if record.implied is not None:
        implied = implied_log_variance(record)
        change = np.diff(implied, prepend=np.nan)
        columns += [implied, change, trailing_mean(implied, WEEK), trailing_mean(implied, MONTH)]
    return np.column_stack(columns)


def log_har_inputs(record: VarianceRecord) -> Design:
    """Log-HAR and surprises, and of every further series the level and the week's change.

    A longer implied volatility beside the shorter one is the slope of the term structure, and the implied variance
    beside the month's mean the premium over the realised one: lines in logarithms hold them.
    """
    assert record.others is not None
    weeks = record.others - np.concatenate([np.full((WEEK, record.others.shape[1]), np.nan), record.others[:-WEEK]])
    return np.column_stack([log_har_surprises(record), record.others, weeks])


LINEAR = (
    LinearModel("har", "HAR", "Corsi (2009)", har),
    LinearModel("har_leverage", "HAR, leverage", "Corsi and Renò (2012)", har_leverage, needs=("returns",)),
    LinearModel("harq", "HARQ", "Bollerslev, Patton and Quaedvlieg (2016)", harq, needs=("quarticity",)),
    LinearModel("shar", "SHAR", "Patton and Sheppard (2015)", shar, needs=("down",)),
    LinearModel("har_implied", "HAR, leverage, implied", "", har_implied, needs=("returns", "implied")),
    LinearModel("log_har", "log-HAR", "Corsi (2009)", log_har, log=True),
    LinearModel("log_har_leverage", "log-HAR, leverage", "", log_har_leverage, log=True, needs=("returns",)),
    LinearModel(
        "log_har_implied", "log-HAR, falls, implied", "", log_har_implied, log=True, needs=("returns", "implied")
    ),
    LinearModel("log_har_surprises", "log-HAR, surprises", "", log_har_surprises, log=True, needs=("returns",)),
    LinearModel("log_har_inputs", "log-HAR, inputs", "", log_har_inputs, log=True, needs=("returns", "others")),
)
