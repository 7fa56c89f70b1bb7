"""What a forecaster or any other daily file says, as further signals of a recorded panel, known at each close."""

import dataclasses
from collections.abc import Mapping

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Shaped

from tenrec.backtest.panel import DAYS_PER_YEAR
from tenrec.backtest.record import Record
from tenrec.backtest.signals import REFERENCE_DAYS
from tenrec.core.errors import DataError
from tenrec.hedging.policies import FORECAST_SIGNAL
from tenrec.volatility.forecast.forecaster import Forecaster

FEWEST_PAST = 60
"""Values of a signal after which its own past tells what is usual."""


def forecast_to_implied(
    dates: Shaped[np.ndarray, " closes"], implied: Float[np.ndarray, " closes"], forecaster: Forecaster
) -> tuple[Float[np.ndarray, " closes"], Shaped[np.ndarray, " closes"]]:
    """log(forecast / implied) volatility of the next 30 calendar days at each close, and whether it is known.

    Where no forecast had been made the signal is 0, neutral: the implied volatility stands.

    Args:
        dates: datetime64[D], increasing. implied: 30-day at-the-money implied volatility, annualised decimal.

    Raises:
        DataError: no close has a forecast.
    """
    sessions = REFERENCE_DAYS / DAYS_PER_YEAR * forecaster.days_per_year
    forecast = forecaster.volatility(dates, sessions)
    known = np.isfinite(forecast)
    if not known.any():
        raise DataError(
            f"the forecaster's closes run from {forecaster.dates[0]} to {forecaster.dates[-1]} and the panel's from "
            f"{dates[0]} to {dates[-1]}; give one that was made for these days."
        )
    return np.where(known, np.log(np.where(known, forecast, 1.0) / implied), 0.0), known


def with_forecasts(record: Record, forecaster: Forecaster) -> tuple[Record, float]:
    """The record with the signal `forecast_to_implied`, and the share of its closes that have a forecast.

    Resampled days keep their signal; paths of a calibrated model have the neutral one.

    Raises:
        DataError: no close of the record has a forecast.
    """
    signal, known = forecast_to_implied(record.history.dates, record.history.volatility, forecaster)
    return with_signals(record, {FORECAST_SIGNAL: signal}), float(known.mean())


def with_signals(record: Record, columns: Mapping[str, Float[np.ndarray, " closes"]]) -> Record:
    """The record with further signals of the market, each known at the closes of `record.history`.

    A contract's date without a close of its own has the value of the last close before it; resampled days keep theirs;
    paths of a calibrated model have 0.
    """
    values = np.column_stack(list(columns.values()))
    history = dataclasses.replace(
        record.history,
        signals=np.column_stack([record.history.signals, values]),
        signal_names=(*record.history.signal_names, *columns),
    )
    panel = record.panel
    place = np.searchsorted(record.history.dates, panel.dates, side="right") - 1
    seen = np.where((place >= 0)[..., None], values[np.maximum(place, 0)], 0.0)
    paths = panel.paths
    paths = dataclasses.replace(
        paths,
        signals=jnp.concatenate([paths.signals, jnp.asarray(seen, paths.signals.dtype)], axis=-1),
        signal_names=(*paths.signal_names, *columns),
    )
    return dataclasses.replace(record, panel=dataclasses.replace(panel, paths=paths), history=history)


def standardised_by_the_past(values: Float[np.ndarray, " closes"]) -> Float[np.ndarray, " closes"]:
    """Each value less the mean of all up to it, in their standard deviations: no unit, 0 is as usual.

    0 where a value is missing, or fewer than `FEWEST_PAST` are known.

    Example:
        >>> standardised_by_the_past(np.array([np.nan, *([0.0, 2.0] * 30), 4.0])).round(3)[[0, 59, 60, 61]].tolist()
        [0.0, 0.0, 1.0, 2.777]
    """
    known = np.isfinite(values)
    filled, count = np.where(known, values, 0.0), np.maximum(np.cumsum(known), 1)
    mean = np.cumsum(filled) / count
    spread = np.sqrt(np.maximum(np.cumsum(filled**2) / count - mean**2, 0.0))
    usable = known & (np.cumsum(known) >= FEWEST_PAST) & (spread > 1e-9 * (np.abs(mean) + 1e-9))
    return np.where(usable, (filled - mean) / np.where(usable, spread, 1.0), 0.0)
