"""A generated record with its implied volatility, and VIX futures on a curve that does not move."""

import datetime as dt

import numpy as np
import polars as pl

from tenrec.volatility.record import VarianceRecord


def made_record(days=1400, seed=3):
    rng = np.random.default_rng(seed)
    log = np.zeros(days)
    for day in range(1, days):
        log[day] = 0.97 * log[day - 1] + 0.15 * rng.standard_normal()
    sigma = 0.16 * np.exp(log - log.mean())
    returns = sigma / np.sqrt(252) * rng.standard_normal(days)
    dates = np.busday_offset(np.datetime64("2010-01-04"), np.arange(days))
    implied = 1.15 * sigma * np.exp(0.05 * rng.standard_normal(days))
    return VarianceRecord(dates, np.maximum(returns**2, 1e-8), returns, implied=implied)


def made_futures(start="2012-01-03", days=420, contango=0.5, slots=4):
    """Slots as the exchange publishes them: VIX 20, and a curve of `contango` points a month above it."""
    dates = np.busday_offset(np.datetime64(start), np.arange(days))
    fridays = [dt.date(2012, 4, 6), dt.date(2013, 3, 29)]
    dates = dates[~np.isin(dates, np.array(fridays, "datetime64[D]"))]
    wave = 20.0 + 2.0 * np.sin(np.arange(len(dates)) / 15.0)
    columns = {"DATE": dates, "VIX": wave}
    columns |= {f"VX{slot}": wave + contango * slot for slot in range(1, slots + 1)}
    return pl.DataFrame(columns).with_columns(pl.col("DATE").cast(pl.Date))
