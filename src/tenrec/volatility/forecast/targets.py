"""What is forecast, and when what may be learned: the one place that keeps the future out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from tenrec.core.errors import DataError

Days = Float[np.ndarray, " days"]


def trailing_mean(values: Days, window: int) -> Days:
    """Mean of the last `window` values; NaN where there are fewer, or one of them is NaN.

    Example:
        >>> trailing_mean(np.array([1.0, 2.0, 3.0]), 2).tolist()
        [nan, 1.5, 2.5]
    """
    if window == 1:
        return values
    means = np.full(len(values), np.nan)
    if len(values) >= window:
        means[window - 1 :] = np.lib.stride_tricks.sliding_window_view(values, window).mean(-1)
    return means


def future_mean(values: Days, horizon: int) -> Days:
    """Mean of the *next* `horizon` values: the target of a forecast made at each day's close; NaN at the end.

    Example:
        >>> future_mean(np.array([1.0, 2.0, 4.0]), 2).tolist()
        [3.0, nan, nan]
    """
    means = np.full(len(values), np.nan)
    means[: max(len(values) - horizon, 0)] = trailing_mean(values, horizon)[horizon:]
    return means


@dataclass(frozen=True)
class Schedule:
    """When models are fitted again: at the close of day `start`, and every so many days after.

    Args:
        days: length of the record. start: first day whose close makes a forecast. every: days between fits.
    """

    days: int
    start: int
    every: int

    @property
    def cutoffs(self) -> np.ndarray:
        """Days at whose close a model is fitted, on nothing later."""
        return np.arange(self.start, self.days, self.every)

    def block(self, cutoff: int) -> slice:
        """The days that forecast with the model fitted at `cutoff`."""
        return slice(int(cutoff), min(int(cutoff) + self.every, self.days))


def learnable(target: Days, cutoff: int, horizon: int) -> Days:
    """The target as it was known at the close of `cutoff`: NaN for days whose horizon ends later."""
    known = target.copy()
    known[max(cutoff - horizon + 1, 0) :] = np.nan
    return known


def require_days(days: int, needed: int, what: str) -> None:
    """Raise DataError where a record is too short."""
    if days < needed:
        raise DataError(f"the record has {days:,} days; {what} needs {needed:,}: give a longer record.")


def horizons_of(horizons: Sequence[int]) -> tuple[int, ...]:
    """Checked horizons, in days."""
    if not horizons or any(h < 1 or h > 66 for h in horizons) or len(set(horizons)) < len(horizons):
        raise DataError(f"horizons are {list(horizons)}; different whole numbers from 1 to 66 days are needed.")
    return tuple(int(h) for h in horizons)
