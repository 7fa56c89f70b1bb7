"""What a spike probability looks at: named numbers, each known at its day's close."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from tenrec.volatility.forecast.targets import trailing_mean
from tenrec.volatility.record import VarianceRecord

Days = Float[np.ndarray, " days"]

WEEK, MONTH = 5, 22


@dataclass(frozen=True)
class Feature:
    """One input.

    Args:
        name: key. label: for readers, such that a larger value reads as "more of it".
        make: record → values. needs: parts of the record without which it cannot be had.
    """

    name: str
    label: str
    make: Callable[[VarianceRecord], Days]
    needs: tuple[str, ...] = ()

    def available(self, record: VarianceRecord) -> bool:
        """Whether the record has what it needs."""
        parts = [getattr(record, part) for part in self.needs]
        return all(part is not None and bool(np.isfinite(part).mean() > 0.5) for part in parts)


@dataclass(frozen=True)
class Inputs:
    """The inputs of a record.

    Args:
        names, labels: of the columns. values: NaN where an input is not known yet.
    """

    names: tuple[str, ...]
    labels: tuple[str, ...]
    values: Float[np.ndarray, "days features"]


def spike_inputs(record: VarianceRecord, signals: Mapping[str, Days] | None = None) -> Inputs:
    """Every input that the record allows, and three of each further signal: level, week's change, ratio to the implied.

    Args:
        signals: name → daily values on the record's dates (VIX3M, VVIX, a future …), positive; NaN where unknown.
    """
    made = {feature.name: (feature.label, feature.make(record)) for feature in FEATURES if feature.available(record)}
    for name, series in (signals or {}).items():
        log = np.log(np.where(series > 0, series, np.nan))
        made[f"{name}_level"] = (f"{name}", log)
        made[f"{name}_change"] = (f"{name}, change over the week", log - lagged(log, WEEK))
        if record.implied is not None:
            made[f"{name}_slope"] = (f"{name} over the implied volatility", log - np.log(record.implied))
    columns = [np.where(np.isfinite(values), values, np.nan) for _, values in made.values()]
    return Inputs(tuple(made), tuple(label for label, _ in made.values()), np.column_stack(columns))


def lagged(values: Days, days: int) -> Days:
    """The values of so many days before; NaN at the start.

    Example:
        >>> lagged(np.array([1.0, 2.0, 3.0]), 1).tolist()
        [nan, 1.0, 2.0]
    """
    return np.concatenate([np.full(min(days, len(values)), np.nan), values[: max(len(values) - days, 0)]])


def trailing_max(values: Days, window: int) -> Days:
    """Largest of the last `window` values; NaN where there are fewer."""
    largest = np.full(len(values), np.nan)
    if len(values) >= window:
        largest[window - 1 :] = np.lib.stride_tricks.sliding_window_view(values, window).max(-1)
    return largest


def _log_mean(record: VarianceRecord, window: int) -> Days:
    return np.log(trailing_mean(record.variance, window))


def _log_implied(record: VarianceRecord) -> Days:
    """Log of the implied variance of a day."""
    assert record.implied is not None
    return np.log(record.implied**2 / record.days_per_year)


def _spread(changes: Days, window: int) -> Days:
    """Log of the root mean square of the last changes; a change of 0.01 % stands for none."""
    return 0.5 * np.log(trailing_mean(changes**2, window) + 1e-8)


def _day_to_month(record: VarianceRecord) -> Days:
    return np.log(record.variance) - _log_mean(record, MONTH)


def _week_to_month(record: VarianceRecord) -> Days:
    return _log_mean(record, WEEK) - _log_mean(record, MONTH)


def _largest_to_month(record: VarianceRecord) -> Days:
    return np.log(trailing_max(record.variance, MONTH)) - _log_mean(record, MONTH)


def _variance_restlessness(record: VarianceRecord) -> Days:
    return _spread(np.log(record.variance) - _log_mean(record, MONTH), MONTH)


def _move(record: VarianceRecord, window: int) -> Days:
    """Return over the window in units of the volatility that was expected for it."""
    expected = np.exp(0.5 * (_log_implied(record) if record.implied is not None else _log_mean(record, MONTH)))
    return np.sqrt(window) * trailing_mean(record.returns, window) / expected


def _fall(window: int) -> Callable[[VarianceRecord], Days]:
    return lambda record: np.maximum(-_move(record, window), 0.0)


def _falling_share(record: VarianceRecord) -> Days:
    assert record.down is not None
    return trailing_mean(np.clip(record.down / record.variance, 0.0, 1.0), WEEK)


def _implied_to_month(record: VarianceRecord) -> Days:
    return _log_implied(record) - _log_mean(record, MONTH)


def _implied_to_own_month(record: VarianceRecord) -> Days:
    return _log_implied(record) - trailing_mean(_log_implied(record), MONTH)


def _implied_week(record: VarianceRecord) -> Days:
    return _log_implied(record) - lagged(_log_implied(record), WEEK)


def _implied_restlessness(record: VarianceRecord) -> Days:
    log = _log_implied(record)
    return _spread(log - lagged(log, 1), MONTH)


def _friday(record: VarianceRecord) -> Days:
    weekday = (record.dates.astype("datetime64[D]").astype(int) + 3) % 7
    return (weekday == 4).astype(float)


FEATURES = (
    Feature("day_to_month", "variance of the day over the month’s", _day_to_month),
    Feature("week_to_month", "variance of the week over the month’s", _week_to_month),
    Feature("largest_to_month", "largest day of the month over its mean", _largest_to_month),
    Feature("variance_restlessness", "how unevenly the month’s variance fell on its days", _variance_restlessness),
    Feature("falling_share", "share of the week’s variance from falling prices", _falling_share, needs=("down",)),
    Feature("fall_day", "fall of the day", _fall(1), needs=("returns",)),
    Feature("fall_week", "fall over the week", _fall(WEEK), needs=("returns",)),
    Feature("fall_month", "fall over the month", _fall(MONTH), needs=("returns",)),
    Feature("implied_to_realised", "implied over realised variance", _implied_to_month, needs=("implied",)),
    Feature("implied_to_month", "implied over its month’s mean", _implied_to_own_month, needs=("implied",)),
    Feature("implied_week", "rise of the implied over the week", _implied_week, needs=("implied",)),
    Feature("implied_restlessness", "volatility of the implied volatility", _implied_restlessness, needs=("implied",)),
    Feature("friday", "a Friday", _friday),
)
"""Every input, in the order of reports.

All compare days with their own month. Levels, and the month against its year, did worse on the S&P 500 before 2012: one
crisis spoke for all.
"""
