"""A volatility forecaster's view of a recorded panel: one more signal of the market, known at each close."""

import dataclasses

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Shaped

from tenrec.backtest.augment import MarketHistory
from tenrec.backtest.panel import DAYS_PER_YEAR, Panel
from tenrec.backtest.record import Record
from tenrec.backtest.signals import REFERENCE_DAYS
from tenrec.core.errors import DataError
from tenrec.hedging.policies import FORECAST_SIGNAL
from tenrec.volatility.forecast.forecaster import Forecaster


def forecast_to_implied(
    history: MarketHistory, forecaster: Forecaster
) -> tuple[Float[np.ndarray, " closes"], Shaped[np.ndarray, " closes"]]:
    """log(forecast / implied) volatility of the next 30 calendar days at each close, and whether it is known.

    Where no forecast had been made the signal is 0, neutral: the implied volatility stands.
    """
    sessions = REFERENCE_DAYS / DAYS_PER_YEAR * forecaster.days_per_year
    forecast = forecaster.volatility(history.dates, sessions)
    known = np.isfinite(forecast)
    return np.where(known, np.log(np.where(known, forecast, 1.0) / history.volatility), 0.0), known


def with_forecasts(record: Record, forecaster: Forecaster) -> tuple[Record, float]:
    """The record with the signal `forecast_to_implied`, and the share of its closes that have a forecast.

    Resampled days keep their signal; paths of a calibrated model have the neutral one.

    Raises:
        DataError: no close of the record has a forecast.
    """
    signal, known = forecast_to_implied(record.history, forecaster)
    if not known.any():
        raise DataError(
            f"the forecaster's closes run from {forecaster.dates[0]} to {forecaster.dates[-1]} and the panel's from "
            f"{record.history.dates[0]} to {record.history.dates[-1]}; give one that was made for these days."
        )
    history = dataclasses.replace(
        record.history,
        signals=np.column_stack([record.history.signals, signal]),
        signal_names=(*record.history.signal_names, FORECAST_SIGNAL),
    )
    panel = _on_panel(record.panel, record.history.dates, signal)
    return dataclasses.replace(record, panel=panel, history=history), float(known.mean())


def _on_panel(panel: Panel, closes: np.ndarray, signal: np.ndarray) -> Panel:
    place = np.searchsorted(closes, panel.dates, side="right") - 1
    column = np.where(place >= 0, signal[np.maximum(place, 0)], 0.0)
    paths = panel.paths
    signals = jnp.concatenate([paths.signals, jnp.asarray(column[..., None], paths.signals.dtype)], axis=-1)
    names = (*paths.signal_names, FORECAST_SIGNAL)
    return dataclasses.replace(panel, paths=dataclasses.replace(paths, signals=signals, signal_names=names))
