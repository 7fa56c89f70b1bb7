"""The recipe of `tenrec vol strategy`: volatility sold on a record, plain and scaled by what was known."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from tenrec.backtest.positions import Held
from tenrec.backtest.variance_trades import (
    FUTURE_SPREAD,
    MONTH,
    SWAP_SPREAD,
    judge_trades,
    premium_scale,
    sell_variance,
    short_futures,
    spike_scale,
    variance_forecast,
)
from tenrec.core.errors import ConfigError, DataError
from tenrec.data.source import read_source
from tenrec.reporting.volatility.strategy_page import write_strategy_report
from tenrec.runs.files import write_atomically, write_json
from tenrec.runs.progress import Reporter
from tenrec.runs.vol.chains import METRICS, result_folder
from tenrec.runs.vol.reading import read_prices
from tenrec.runs.vol.saved import load_forecaster
from tenrec.runs.vol.signals import SignalSource, named_signals
from tenrec.volatility.record import VarianceRecord
from tenrec.volatility.spikes.probability import spike_probability
from tenrec.volatility.variance.futures import VixFutures, futures_from_table, held_to_expiry, roll_yield

KIND = "vol_strategy"
LEARN = 750
"""Days before the first trade, from which the forecast and the spike probability are learned."""
LEAST = 252
SCALES = {
    "plain": "always the same size",
    "forecast": "by the premium that a forecast leaves",
    "spike": "less when a spike is likely",
    "both": "forecast and spike",
}


def trade_volatility(
    prices: Path,
    *,
    implied: Path,
    reporter: Reporter,
    futures: Path | None = None,
    out: Path | None = None,
    since: str | None = None,
    forecast: Path | None = None,
    spikes: SignalSource | None = None,
    swap_spread: float = SWAP_SPREAD,
    future_spread: float = FUTURE_SPREAD,
    seed: int = 0,
) -> dict[str, Any]:
    """Sell a month's variance every month, and short 30-day VIX futures; writes a folder and a report.

    Args:
        prices: daily closes or bars of the index. implied: its 30-day implied volatility (the VIX). futures: a table
            with DATE, VIX, VX1, VX2 …
        forecast: a file of `tenrec vol forecast --save`; by default log-HAR, walked forward.
        spikes: a column of daily spike probabilities; by default those of `tenrec vol spikes` for the implied
            volatility. A file's usual probability is the mean of its own so far.
        swap_spread, future_spread: half-spreads, volatility points and points.

    Raises:
        DataError, ConfigError: what was given cannot be used; nothing is left behind.
    """
    reading = read_prices(prices, implied=implied)
    record = reading.record
    if len(record) < LEARN + LEAST:
        raise DataError(
            f"{prices.name} and {implied.name} have {len(record):,} days in common; {LEARN + LEAST:,} are needed, "
            f"{LEARN:,} to learn from and a year to trade."
        )
    start = _start(record, since)
    listed = None if futures is None else futures_from_table(read_source(futures).table, futures.name)
    folder = result_folder(out, KIND, prices.name)
    reporter.start("forecasts", 2)
    scales, notes = _scales(record, start, forecast, spikes)
    reporter.advance(2)
    held = {
        f"variance {name}": sell_variance(record, scale, start, spread=swap_spread) for name, scale in scales.items()
    }
    dates = dict.fromkeys(held, record.dates[start:])
    if listed is not None:
        own, first = _on_dates(record, listed, scales, max(start, LEARN), futures)
        for name, scale in own.items():
            held[f"futures {name}"] = short_futures(listed, scale, first, spread=future_spread)
            dates[f"futures {name}"] = listed.dates[first:]
    strategies = {
        name: {**dataclasses.asdict(judge_trades(one, record.days_per_year, seed=seed)),
               "first": str(dates[name][0]), "last": str(dates[name][-1])}
        for name, one in held.items()
    }  # fmt: skip
    metrics = {
        "kind": KIND,
        "prices": prices.name,
        "read_as": reading.kind,
        "notes": [*reading.notes, *notes],
        "spreads": {"swap_vol_points": swap_spread, "future_points": future_spread},
        "strategies": strategies,
        "premium": _premium(record, start),
        "futures": None if listed is None else _curve(listed),
    }
    table = _table(held, dates)
    write_atomically(folder / "wealth.parquet", table.write_parquet)
    write_json(folder / METRICS, metrics)
    report = write_strategy_report(metrics, table, folder / "report.html")
    return {"run": str(folder), "report": str(report), **metrics}


def _start(record: VarianceRecord, since: str | None) -> int:
    if since is None:
        return LEARN
    try:
        start = int(np.searchsorted(record.dates, np.datetime64(since, "D")))
    except ValueError:
        raise ConfigError(f"--from is {since!r}; write the date as 2006-01-01.") from None
    if not LEARN <= start <= len(record) - LEAST:
        span = f"{record.dates[LEARN]} to {record.dates[len(record) - LEAST]}"
        raise ConfigError(f"--from is {since}; a date from {span} leaves enough days on either side.")
    return start


def _scales(
    record: VarianceRecord, start: int, forecast: Path | None, spikes: SignalSource | None
) -> tuple[dict[str, np.ndarray], list[str]]:
    """Sizes by day, and where they come from if that is a file."""
    assert record.implied is not None
    notes = []
    if forecast is None:
        made = variance_forecast(record, LEARN)
    else:
        saved = load_forecaster(forecast)
        made = saved.volatility(record.dates, float(MONTH)) ** 2
        notes.append(_told(f"Forecasts are those of {saved.label} in {forecast.name}", made[start:], forecast.name))
    if spikes is None:
        own = spike_probability(record, start=LEARN)
        chance, usual = own.probability, own.climatology
    else:
        chance = named_signals({"spikes": spikes}, record.dates)["spikes"].values
        _refuse_no_probability(chance, spikes)
        usual = _mean_so_far(chance)
        column = "" if spikes.column is None else f", column {spikes.column}"
        name = Path(spikes.file).name
        notes.append(_told(f"Spike probabilities are those of {name}{column}", chance[start:], name))
    by_premium, by_spike = premium_scale(record.implied, made), spike_scale(chance, usual)
    plain = np.ones(len(record))
    return {"plain": plain, "forecast": by_premium, "spike": by_spike, "both": by_premium * by_spike}, notes


def _told(what: str, values: np.ndarray, name: str) -> str:
    """In words where the sizes come from; refused where the file is silent on all days that are traded."""
    known = int(np.isfinite(values).sum())
    if known == 0:
        raise DataError(f"{name} says nothing on any day that is traded; give a file of these days.")
    if known == len(values):
        return f"{what}."
    return (
        f"{what}; {len(values) - known:,} of the {len(values):,} days traded have none: without a forecast nothing is "
        "sold, without a probability the size is full."
    )


def _refuse_no_probability(chance: np.ndarray, spikes: SignalSource) -> None:
    known = chance[np.isfinite(chance)]
    if known.min() < 0.0 or known.max() > 1.0:
        raise DataError(
            f"{Path(spikes.file).name} runs from {known.min():.4g} to {known.max():.4g}; probabilities from 0 to 1 are "
            "needed, such as `tenrec vol spikes --save FILE` writes."
        )


def _mean_so_far(values: np.ndarray) -> np.ndarray:
    """Mean of what is known by each day; NaN before the first."""
    known = np.isfinite(values)
    count = np.cumsum(known)
    return np.where(count > 0, np.cumsum(np.where(known, values, 0.0)) / np.maximum(count, 1), np.nan)


def _on_dates(
    record: VarianceRecord, listed: VixFutures, scales: dict[str, np.ndarray], start: int, path: Path | None
) -> tuple[dict[str, np.ndarray], int]:
    """The scales on the futures' dates, the last known one over days that the record lacks; and the first row."""
    name = "the futures" if path is None else path.name
    rows = np.searchsorted(record.dates, listed.dates, side="right") - 1
    first = int(np.argmax(listed.dates >= record.dates[start]))
    if listed.dates[-1] < record.dates[start] or len(listed.dates) - first < LEAST:
        raise DataError(
            f"{name} ends on {listed.dates[-1]}, less than a year after trading may begin on {record.dates[start]}; "
            "give prices that begin earlier, or longer futures."
        )
    if rows[-1] < len(rows) and listed.dates[-1] - record.dates[rows[-1]] > np.timedelta64(10, "D"):
        raise DataError(f"{name} goes to {listed.dates[-1]}, the prices to {record.dates[-1]}; give prices as long.")
    return {kind: scale[np.maximum(rows, 0)] for kind, scale in scales.items()}, first


def _premium(record: VarianceRecord, start: int) -> dict[str, float]:
    """Implied less realised volatility of the month after, over all days from `start` on."""
    assert record.implied is not None
    realised = np.lib.stride_tricks.sliding_window_view(record.returns[start + 1 :] ** 2, 21).mean(-1)
    gap = record.implied[start : start + len(realised)] - np.sqrt(realised * record.days_per_year)
    return {"mean": float(gap.mean()), "share_above": float(np.mean(gap > 0))}


def _curve(listed: VixFutures) -> dict[str, Any]:
    basis = listed.nearest(0) - listed.index
    rolled = roll_yield(listed)
    return {
        "first": str(listed.dates[0]),
        "last": str(listed.dates[-1]),
        "basis_mean": float(np.mean(basis)),
        "contango_share": float(np.mean(rolled < 0)),
        "roll_yield_mean": float(np.mean(rolled)),
        "held_to_expiry": held_to_expiry(listed).to_dicts(),
    }


def _table(held: dict[str, Held], dates: dict[str, np.ndarray]) -> pl.DataFrame:
    """One row a strategy and date: date, strategy, wealth, cost."""
    parts = [
        pl.DataFrame({"date": pl.Series(dates[name]).cast(pl.Date), "wealth": one.wealth, "cost": one.cost})
        .with_columns(strategy=pl.lit(name))
        for name, one in held.items()
    ]  # fmt: skip
    return pl.concat(parts).select("date", "strategy", "wealth", "cost")
