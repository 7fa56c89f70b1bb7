"""Markets of `market.model: history`: an index as it was, sale by sale."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import jax.numpy as jnp
import numpy as np

from tenrec.backtest.windows import FEWEST, Windows, index_windows
from tenrec.core.errors import ConfigError
from tenrec.core.grid import TimeGrid
from tenrec.data.source import read_source
from tenrec.markets import ArraysMarket
from tenrec.markets.base import HedgeWith
from tenrec.runs.path_specs import HistorySpec
from tenrec.runs.vol.reading import read_prices
from tenrec.volatility.variance.futures import futures_from_table


def read_windows(spec: HistorySpec, days: int, base: Path) -> Windows:
    """The sales that the files of a specification give; relative names are looked up from `base`."""
    record = read_prices(base / spec.file, implied=base / spec.implied).record
    futures = None
    if spec.futures is not None:
        source = read_source(base / spec.futures)
        futures = futures_from_table(source.table, source.name)
    return index_windows(record, days, spec.every, futures)


def split_windows(windows: Windows, until: dt.date) -> tuple[Windows, Windows]:
    """Sales that ended by a date, and those made after it.

    Raises:
        ConfigError: too few on one side.
    """
    day = np.datetime64(until)
    parts = windows.take(windows.end <= day), windows.take(windows.start > day)
    few = [len(part) for part in parts if len(part) < FEWEST]
    if few:
        raise ConfigError(
            f"market.train_until is {until} and leaves {len(parts[0])} sales to learn from and {len(parts[1])} to be "
            f"judged on, from {windows.start[0]} to {windows.end[-1]}; {FEWEST} of each are needed."
        )
    return parts


def history_market(
    spec: HistorySpec, windows: Windows, grid: TimeGrid, hedge_with: HedgeWith, further: Sequence[str]
) -> ArraysMarket:
    """The sales as a market; prices in units of `spot` at the sale, a VIX future at spot·points/100 a unit."""
    future = None
    if "vix_future" in further and windows.future is not None:
        future = jnp.asarray(spec.spot * windows.future[..., None])
    return ArraysMarket(
        prices=jnp.asarray(spec.spot * windows.spot),
        dt=grid.dt,
        volatility=jnp.asarray(windows.implied),
        rate=spec.rate,
        hedge_with=hedge_with,
        variance_swap="variance_swap" in further,
        further=future,
    )


def quarters(windows: Windows) -> np.ndarray:
    """Number of the quarter in which each sale was made: sales of one overlap and are resampled together."""
    return windows.start.astype("datetime64[M]").astype(int) // 3
