"""A model's forecasts by day, as a hedge takes them: at each close the one that was made by then."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Shaped

from tenrec.volatility.forecast.walk import LABELS, Walk

LONGEST_WAIT = 10
"""Calendar days for which a forecast stands where the record has no later close."""


@dataclass(frozen=True)
class Forecaster:
    """Walk-forward forecasts of one model; no row knows anything later than its own close.

    Args:
        model: a name of `LABELS`. prices: what was forecast, for readers. days_per_year: trading days.
        dates: datetime64[D], the closes at which forecasts were made, increasing.
        horizons: days ahead, increasing.
        variance: mean daily variance over each horizon, decimal.
    """

    model: str
    prices: str
    days_per_year: float
    dates: Shaped[np.ndarray, " closes"]
    horizons: tuple[int, ...]
    variance: Float[np.ndarray, "closes horizons"]

    @property
    def label(self) -> str:
        """The model's name for readers."""
        return LABELS[self.model]

    def about(self, share: float) -> dict[str, Any]:
        """What a run tells of it: model, prices, the first close, and the share of the run's closes with a forecast."""
        return {"model": self.label, "prices": self.prices, "first": str(self.dates[0]), "share": share}

    def volatility(
        self, dates: Shaped[np.ndarray, " asked"], sessions: float | Float[np.ndarray, " asked"]
    ) -> Float[np.ndarray, " asked"]:
        """Annualised volatility expected over the next `sessions` trading days, as known at the close of each date.

        The sum of variances is linear between the horizons; beyond the longest one its mean stands. NaN where no
        forecast was made within the ten days before.

        Example:
            >>> made = Forecaster("har", "x", 250.0, np.array(["2024-01-02"], "datetime64[D]"), (1, 5),
            ...                   np.array([[1e-4, 3e-4]]))
            >>> made.volatility(np.array(["2024-01-01", "2024-01-05"], "datetime64[D]"), 3.0).round(4).tolist()
            [nan, 0.2582]
        """
        asked = dates.astype("datetime64[D]")
        place = np.searchsorted(self.dates, asked, side="right") - 1
        row = np.maximum(place, 0)
        known = (place >= 0) & ((asked - self.dates[row]).astype(int) <= LONGEST_WAIT)
        at = np.array(self.horizons, float)
        ahead = np.clip(np.broadcast_to(np.asarray(sessions, float), asked.shape), at[0], at[-1])
        total = self.variance[row] * at
        upper = np.clip(np.searchsorted(at, ahead), 1, max(len(at) - 1, 1))
        if len(at) == 1:
            mean = self.variance[row, 0]
        else:
            index = np.arange(len(row))
            share = (ahead - at[upper - 1]) / (at[upper] - at[upper - 1])
            mean = (total[index, upper - 1] * (1 - share) + total[index, upper] * share) / ahead
        return np.where(known, np.sqrt(mean * self.days_per_year), np.nan)


def forecaster_of(walk: Walk, model: str, prices: str) -> Forecaster:
    """The forecasts of one model of a walk, from its first one on."""
    rows, horizons = slice(walk.start, None), tuple(sorted(walk.horizons))
    variance = np.column_stack([walk.forecasts[model][horizon][rows] for horizon in horizons])
    return Forecaster(model, prices, walk.record.days_per_year, walk.record.dates[rows], horizons, variance)
