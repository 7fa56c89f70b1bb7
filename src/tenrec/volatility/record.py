"""What is known about a price's variance, day by day: the record that every model here learns from."""

import dataclasses
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

Days = Float[np.ndarray, " days"]


@dataclass(frozen=True)
class VarianceRecord:
    """One row a trading day, known at its close; decimals per day.

    Args:
        dates: datetime64[D], increasing.
        variance: the measure of the day's variance that is forecast; positive.
        returns: log return of the day.
        down: the part of the variance that fell prices made (negative semivariance), if it is known.
        quarticity: estimate of the day's ∫σ⁴, if it is known.
        implied: option-implied volatility at the close, annualised decimal, if it is known.
        price: the close, if it is known.
        others: logarithms of further series known at the close (volatility of volatility, skew, longer maturities).
    """

    dates: np.ndarray
    variance: Days
    returns: Days
    down: Days | None = None
    quarticity: Days | None = None
    implied: Days | None = None
    price: Days | None = None
    others: Float[np.ndarray, "days inputs"] | None = None

    def __len__(self) -> int:
        return len(self.dates)

    @property
    def days_per_year(self) -> float:
        """Trading days in a year of this record: about 252 on an exchange, 365 where trade never stops."""
        years = (self.dates[-1] - self.dates[0]).astype(float) / 365.25
        return float(len(self) - 1) / years

    def take(self, rows: slice | np.ndarray) -> "VarianceRecord":
        """Some of the days."""
        taken = {
            field.name: value[rows]
            for field in dataclasses.fields(self)
            if (value := getattr(self, field.name)) is not None
        }
        return dataclasses.replace(self, **taken)
