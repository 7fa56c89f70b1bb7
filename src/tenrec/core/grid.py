"""Trading dates as an integer grid: the only place where days become years."""

from dataclasses import dataclass

import numpy as np

from tenrec.core.errors import ConfigError


@dataclass(frozen=True)
class TimeGrid:
    """Equally spaced trading dates 0..steps over `days` days.

    Args:
        days: length of the grid in days.
        steps: number of periods N; the dates are 0..N, trades happen on 0..N−1.
        day_count: days in a year (365, 252, 250, …).

    Example:
        >>> grid = TimeGrid(days=30, steps=30, day_count=365)
        >>> round(grid.maturity, 6), grid.steps
        (0.082192, 30)
    """

    days: float
    steps: int
    day_count: float = 365.0

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ConfigError(f"grid.steps is {self.steps}; at least one step is needed, for example 30.")
        if not self.days > 0:
            raise ConfigError(f"contract.days is {self.days}; a positive number of days is needed, for example 30.")
        if not self.day_count > 0:
            raise ConfigError(f"grid.day_count is {self.day_count}; a positive number is needed, for example 365.")

    @property
    def maturity(self) -> float:
        """Length of the grid in years."""
        return self.days / self.day_count

    @property
    def dt(self) -> np.ndarray:
        """Length of each period in years, shape (steps,)."""
        return np.full(self.steps, self.maturity / self.steps)

    @property
    def times(self) -> np.ndarray:
        """Dates in years from the start, shape (steps + 1,)."""
        return np.arange(self.steps + 1) * (self.maturity / self.steps)
