"""Trading dates as an integer grid: the only place where days become years."""

import datetime
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tenrec.core.errors import ConfigError

Calendar = Literal["every_day", "weekdays"]
FRIDAY, WEEK = 4, 7


@dataclass(frozen=True)
class TimeGrid:
    """Trading dates 0..steps over `days` days: equally spaced, or the weekdays of a calendar.

    On weekdays there are two clocks. Interest and dividends run by the calendar, so that a weekend is as long as it is.
    Variance runs slower on Saturdays and Sundays, each of which counts as `weekend_weight` of a weekday; the clock is
    set so that a whole week still takes a week, and volatilities keep their annual meaning.

    Args:
        days: length of the grid in days of the calendar.
        steps: number of periods N; the dates are 0..N, trades happen on 0..N−1.
        day_count: days in a year (365, 252, 250, …).
        calendar: "every_day" for equal periods, "weekdays" for the weekdays after `start`.
        weekend_weight: variance of a Saturday or Sunday over that of a weekday, from 0 to 1.
        start: the first date, a weekday; the weekdays need it.

    Example:
        >>> grid = TimeGrid(days=30, steps=30, day_count=365)
        >>> round(grid.maturity, 6), grid.steps
        (0.082192, 30)
        >>> grid = TimeGrid(7, 5, calendar="weekdays", weekend_weight=0.25, start=datetime.date(2024, 1, 5))
        >>> (grid.elapsed * 365).round(2).tolist(), (grid.dt * 365).round(2).tolist()
        ([3.0, 1.0, 1.0, 1.0, 1.0], [1.91, 1.27, 1.27, 1.27, 1.27])
    """

    days: float
    steps: int
    day_count: float = 365.0
    calendar: Calendar = "every_day"
    weekend_weight: float = 1.0
    start: datetime.date | None = None

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ConfigError(f"grid.steps is {self.steps}; at least one step is needed, for example 30.")
        if not self.days > 0:
            raise ConfigError(f"contract.days is {self.days}; a positive number of days is needed, for example 30.")
        if not self.day_count > 0:
            raise ConfigError(f"grid.day_count is {self.day_count}; a positive number is needed, for example 365.")
        if not 0 <= self.weekend_weight <= 1:
            raise ConfigError(
                f"grid.weekend_weight is {self.weekend_weight:g}; a number from 0 to 1 is needed, for example 0.3."
            )
        if self.calendar == "weekdays":
            _check_weekdays(self)
        elif self.weekend_weight != 1 or self.start is not None:
            raise ConfigError(
                "grid.weekend_weight and grid.start are for grid.calendar: weekdays; set that, or leave them out."
            )

    @property
    def maturity(self) -> float:
        """Length of the grid in years of the calendar."""
        return self.days / self.day_count

    @property
    def offsets(self) -> np.ndarray:
        """Days of the calendar from the start to each date, shape (steps + 1,)."""
        if self.start is None:
            return np.arange(self.steps + 1) * (self.days / self.steps)
        return _weekdays(self.start, self.days).astype(float)

    @property
    def elapsed(self) -> np.ndarray:
        """Length of each period in years of the calendar, by which interest runs, shape (steps,)."""
        if self.start is None:
            return self.dt
        return np.diff(self.offsets) / self.day_count

    @property
    def dt(self) -> np.ndarray:
        """Length of each period in years, by which variance runs, shape (steps,)."""
        if self.start is None:
            return np.full(self.steps, self.maturity / self.steps)
        gone = np.diff(self.offsets)
        weekday = WEEK / (5.0 + 2.0 * self.weekend_weight)
        return weekday * (1.0 + (gone - 1.0) * self.weekend_weight) / self.day_count

    @property
    def times(self) -> np.ndarray:
        """Dates in years from the start on the clock of `dt`, shape (steps + 1,)."""
        if self.start is None:
            return np.arange(self.steps + 1) * (self.maturity / self.steps)
        return np.concatenate([[0.0], np.cumsum(self.dt)])


def _weekdays(start: datetime.date, days: float) -> np.ndarray:
    """Days from the start, itself included, that are weekdays."""
    after = np.arange(int(days) + 1)
    return after[(start.weekday() + after) % WEEK <= FRIDAY]


def _check_weekdays(grid: TimeGrid) -> None:
    """A start, and weekdays at both ends and as many as there are steps."""
    if grid.start is None:
        raise ConfigError("grid.calendar is weekdays without a start; give grid.start, for example 2024-01-05.")
    if grid.start.weekday() > FRIDAY:
        raise ConfigError(f"grid.start is {grid.start}, a {grid.start:%A}; give a weekday.")
    if grid.days != int(grid.days):
        raise ConfigError(f"contract.days is {grid.days:g}; with grid.calendar: weekdays give a whole number.")
    end = grid.start + datetime.timedelta(days=int(grid.days))
    if end.weekday() > FRIDAY:
        raise ConfigError(
            f"contract.days is {grid.days:g}, which ends on {end}, a {end:%A}; give days that end on a weekday."
        )
    count = len(_weekdays(grid.start, grid.days)) - 1
    if grid.steps != count:
        raise ConfigError(
            f"grid.steps is {grid.steps}, and {grid.days:g} days from {grid.start} hold {count} weekdays; set "
            f"grid.steps to {count}."
        )
