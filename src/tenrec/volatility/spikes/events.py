"""What a volatility spike is, and on which days one was about to come."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from tenrec.core.errors import ConfigError, DataError
from tenrec.volatility.forecast.targets import trailing_mean
from tenrec.volatility.record import VarianceRecord

Days = Float[np.ndarray, " days"]
Measure = Literal["variance", "implied"]


def future_max(values: Days, horizon: int) -> Days:
    """Largest of the *next* `horizon` values; NaN at the end, where they are not all known.

    Example:
        >>> future_max(np.array([1.0, 5.0, 2.0, 3.0]), 2).tolist()
        [5.0, 3.0, nan, nan]
    """
    largest = np.full(len(values), np.nan)
    if len(values) > horizon:
        largest[: len(values) - horizon] = np.lib.stride_tricks.sliding_window_view(values[1:], horizon).max(-1)
    return largest


@dataclass(frozen=True)
class SpikeEvent:
    """One of the next `horizon` days lies `factor` times above where volatility stands today.

    Args:
        measure: "variance", whose level is the mean of the last `window` daily variances, today's with them; or
            "implied", whose level is today's close.
        factor: least multiple of the level. horizon: days ahead. window: days of the mean variance.

    Example:
        >>> SpikeEvent("implied", 1.2).sentence()
        'the implied volatility closes at least 1.20 times above today’s within 5 days'
    """

    measure: Measure
    factor: float
    horizon: int = 5
    window: int = 22

    def __post_init__(self) -> None:
        if not 1.0 < self.factor < 1000.0:
            raise ConfigError(f"the factor of a spike is {self.factor:g}; give a number above 1, such as 2.5 or 1.2.")
        if not 1 <= self.horizon <= 66 or self.window < 1:
            raise ConfigError(
                f"a spike within {self.horizon} days of a mean over {self.window}; from 1 to 66 days are needed."
            )

    def ratio(self, record: VarianceRecord) -> Days:
        """Largest value of the coming days over today's level; NaN where it is not known.

        Raises:
            DataError: the record has no implied volatility.
        """
        values = self._of(record)
        return future_max(values, self.horizon) / self.level(record)

    def level(self, record: VarianceRecord) -> Days:
        """What the coming days are compared with, known at each close."""
        return trailing_mean(self._of(record), self.window if self.measure == "variance" else 1)

    def outcome(self, record: VarianceRecord) -> Days:
        """1 on days after which a spike came, 0 where none came, NaN where it is not known."""
        ratio = self.ratio(record)
        # "exceeds" for the variance and "at least" for the implied volatility differ on no day that prices can make.
        return np.where(np.isfinite(ratio), (ratio >= self.factor) * 1.0, np.nan)

    def days_until(self, record: VarianceRecord) -> Days:
        """Days from each day to the first that passes its threshold; NaN where none does within the horizon."""
        values, threshold = self._of(record), self.factor * self.level(record)
        until = np.full(len(record), np.nan)
        for ahead in range(self.horizon, 0, -1):
            passed = values[ahead:] >= threshold[: len(values) - ahead]
            until[: len(values) - ahead] = np.where(passed, ahead, until[: len(values) - ahead])
        return until

    def sentence(self) -> str:
        """What comes, in words."""
        days = "the next day" if self.horizon == 1 else f"{self.horizon} days"
        if self.measure == "implied":
            return f"the implied volatility closes at least {self.factor:.2f} times above today’s within {days}"
        return f"a day’s variance exceeds {self.factor:g} times the mean of {self.window} days within {days}"

    def _of(self, record: VarianceRecord) -> Days:
        if self.measure == "variance":
            return record.variance
        if record.implied is None:
            raise DataError("the record has no implied volatility; give one (--vix FILE) to watch its spikes.")
        return record.implied


VARIANCE_SPIKE = SpikeEvent("variance", 2.5)
"""The largest daily variance of the next five days exceeds 2.5 times the mean of the last 22."""
IMPLIED_SPIKE = SpikeEvent("implied", 1.2)
"""The largest close of the implied volatility over the next five days is at least 1.2 times today's."""
