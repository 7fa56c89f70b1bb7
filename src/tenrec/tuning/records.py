"""Recorded ticks: a regular clock with its gaps masked, a volatility known at the time, and funding."""

import math
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path

import numpy as np
import polars as pl
from scipy.signal import lfilter

from tenrec.core.errors import DataError
from tenrec.data import read_price_series
from tenrec.tuning.generator import TickModel, autoregression, spread_events
from tenrec.tuning.ticks import DAY, Ticks, check_ticks

HALF_LIVES = (1.0, 7.0, 30.0)
"""Days of the three averages of realised variance, as in the heterogeneous model of Corsi (2009)."""
SAMPLING = 1800.0
"""Seconds of the returns that realised variance is taken from; shorter ones measure the bounce of the quotes too."""
WARM_UP = 7.0
"""Days of record that the volatility model has seen before its first use."""
GRID_SHARE = 0.8
"""Ticks are put on a regular clock where at least this share of them keep to it."""


def read_ticks(
    path: str | Path,
    *,
    columns: Mapping[str, str] | None = None,
    since: date | None = None,
    until: date | None = None,
    volatility_premium: float = 0.0,
    day_count: float = 365.0,
) -> Ticks:
    """Ticks of a Parquet or CSV file with time, price and optionally implied vol, funding, bid, ask.

    Where a file has no implied volatility, one is made from the returns before each tick (`realised_volatility`), which
    costs the first week. `since` and `until` are dates (until counts); the volatility still sees what lies before.

    Raises:
        DataError: the file cannot be used, or nothing lies between the dates.
    """
    table = read_price_series(path, columns=dict(columns) if columns else None).table.filter(pl.col("masked").is_null())
    if table.height < 2:
        raise DataError(f"{Path(path).name} has {table.height} usable prices; at least two are needed.")
    stamps = table["time"].cast(pl.Datetime("us"))
    zero = stamps[0]
    seconds = (stamps - zero).dt.total_microseconds().to_numpy() / 1e6
    ticks = on_clock(seconds, table, zero, day_count, volatility_premium)
    first = 0.0 if "recorded" in ticks.about["volatility"] else WARM_UP * DAY
    low = max(first, _seconds(zero, since)) if since is not None else first
    high = _seconds(zero, until) + DAY if until is not None else math.inf
    begin, end = np.searchsorted(ticks.time, [low, high])
    if end - begin < 2:
        raise DataError(
            f"{Path(path).name} has {end - begin} ticks between {since or 'its start'} and {until or 'its end'} "
            f"(the first {first / DAY:g} days serve the volatility model); give more of the record."
        )
    kept = ticks.part(int(begin), int(end))
    check_ticks(kept)
    return kept


def _seconds(zero: datetime, day: date) -> float:
    return (datetime(day.year, day.month, day.day) - zero).total_seconds()


def on_clock(seconds: np.ndarray, table: pl.DataFrame, start: datetime, day_count: float, premium: float) -> Ticks:
    """The rows on a regular clock, gaps masked; rows without a common clock stay as they are."""
    interval = float(np.median(np.diff(seconds)))
    place = np.round(seconds / interval)
    regular = np.mean(np.abs(np.diff(seconds) % interval) < 1e-6 * interval + 1e-6) > GRID_SHARE
    if regular and (np.diff(place) > 0).all():
        row = np.searchsorted(place, np.arange(int(place[-1]) + 1), side="right") - 1
        time = np.arange(len(row)) * interval
        traded = place[row] == np.arange(len(row))
    else:
        row, time, traded = np.arange(len(seconds)), seconds, np.ones(len(seconds), bool)
    spot = table["price"].to_numpy()[row]
    about = {"price": "recorded", "funding": "none"}
    quoted = table["implied_vol"]
    if quoted.null_count() < quoted.len():
        volatility = quoted.fill_null(strategy="forward").fill_null(strategy="backward").to_numpy()[row]
        about["volatility"] = "recorded"
    else:
        volatility = realised_volatility(time, spot, day_count) * (1.0 + premium)
        about["volatility"] = "realised-volatility model (no implied volatility in the record)"
    half = np.zeros(len(row))
    if table["bid"].null_count() + table["ask"].null_count() == 0:
        half = (0.5 * (table["ask"] - table["bid"])).to_numpy()[row]
    funding = np.zeros(len(row))
    if table["funding"].null_count() < table.height:
        funding = np.where(traded, table["funding"].fill_null(0.0).to_numpy()[row], 0.0)
        about["funding"] = "recorded with the ticks"
    return Ticks(time, spot, volatility, funding, half, traded, start, about)


def realised_volatility(time: np.ndarray, spot: np.ndarray, day_count: float = 365.0) -> np.ndarray:
    """Annualised volatility known at each tick: √ of the mean of three exponential averages of realised variance.

    Squared half-hour returns, taken at every tick, are averaged with half-lives of a day, a week and a month; nothing
    after a tick is used for it.

    Source: the horizons of Corsi (2009), "A simple approximate long-memory model of realized volatility", J. Financial
    Econometrics 7, with equal weights.
    """
    interval = float(np.median(np.diff(time)))
    lag = max(round(SAMPLING / interval), 1)
    lag = min(lag, len(spot) - 1)
    log = np.log(spot)
    moved = np.concatenate([np.full(lag, np.nan), log[lag:] - log[:-lag]])
    moved[:lag] = log[:lag] - log[0]
    elapsed = np.maximum(time - np.concatenate([np.full(lag, time[0]), time[:-lag]]), interval)
    rate = moved**2 / (elapsed / (day_count * DAY))
    variance = np.zeros_like(rate)
    for half_life in HALF_LIVES:
        decay = 0.5 ** (interval / (half_life * DAY))
        weight = 1.0 - decay ** np.arange(1, len(rate) + 1)
        variance += lfilter([1.0 - decay], [1.0, -decay], rate) / weight / len(HALF_LIVES)
    return np.sqrt(np.maximum(variance, 1e-4))


def with_funding(ticks: Ticks, path: str | Path, *, symbol: str, exchange: str, seed: int) -> Ticks:
    """The ticks with funding from a table of rates: real ones where the dates overlap, else drawn from their law.

    The law is a first-order autoregression with the mean, deviation and persistence of the recorded rates.

    Raises:
        DataError: the file has no rates of this symbol on this exchange.
    """
    try:
        table = pl.read_parquet(path)
        chosen = table.filter(pl.col("Symbol") == symbol, pl.col("exchange") == exchange).sort("time_utc")
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(f"{Path(path).name} cannot be read as funding rates ({type(error).__name__}).") from None
    chosen = (
        chosen.select("time_utc", pl.col("Funding Rate").alias("rate")).drop_nulls().unique("time_utc").sort("time_utc")
    )
    if chosen.height < 10 or ticks.start is None:
        raise DataError(f"{Path(path).name} has {chosen.height} rates of {symbol} on {exchange}; ten are needed.")
    events = (chosen["time_utc"].cast(pl.Datetime("us")) - ticks.start).dt.total_microseconds().to_numpy() / 1e6
    rates = chosen["rate"].to_numpy()
    inside = (events >= ticks.time[0]) & (events <= ticks.time[-1])
    if inside.any():
        funding = np.zeros(len(ticks.time))
        at = np.minimum(np.searchsorted(ticks.time, events[inside]), len(funding) - 1)
        np.add.at(funding, at, rates[inside])
        covered = (min(events[inside][-1], ticks.time[-1]) - max(events[inside][0], ticks.time[0])) / ticks.seconds
        said = f"recorded rates of {symbol} on {exchange} ({covered:.0%} of the time)"
    else:
        model = fit_funding(rates)
        rng = np.random.default_rng([seed, 8])
        funding = spread_events(
            ticks.time - ticks.time[0],
            lambda count: model.funding_mean + autoregression(rng, model.funding_sd, model.funding_persistence, count),
        )
        said = f"generated from the distribution of {symbol} on {exchange}: no recorded rate overlaps the ticks"
    columns = (ticks.time, ticks.spot, ticks.volatility, funding, ticks.half_spread, ticks.tradable)
    return Ticks(*columns, start=ticks.start, about={**ticks.about, "funding": said})


def fit_funding(rates: np.ndarray, model: TickModel | None = None) -> TickModel:
    """The model with mean, deviation and persistence of these rates of eight hours."""
    from dataclasses import replace

    persistence = float(np.clip(np.corrcoef(rates[:-1], rates[1:])[0, 1], 0.0, 0.99))
    return replace(
        model or TickModel(),
        funding_mean=float(rates.mean()), funding_sd=float(rates.std(ddof=1)), funding_persistence=persistence,
    )  # fmt: skip


def fit_model(ticks: Ticks, model: TickModel, *, threshold: float = 8.0) -> TickModel:
    """The model with the volatility, clustering and jumps of recorded ticks.

    Jumps are single-tick returns beyond `threshold` deviations of the realised volatility before them. Clustering is
    that of the logarithm of daily realised volatility without them: its autocorrelations at one and five days give the
    persistence, free of the noise of each day's estimate, and with it the deviation.

    Raises:
        DataError: less than 30 days.
    """
    from dataclasses import replace

    log = np.log(ticks.spot)
    year = model.day_count * DAY
    elapsed = np.diff(ticks.time)
    moves = np.diff(log)
    before = realised_volatility(ticks.time, ticks.spot, model.day_count)[:-1]
    jumped = np.abs(moves) > threshold * before * np.sqrt(elapsed / year)
    days = ((ticks.time[1:] - ticks.time[0]) // DAY).astype(int)
    if days[-1] < 30:
        raise DataError(f"The record to fit covers {days[-1]} days; at least 30 are needed.")
    seconds = np.bincount(days, elapsed)
    squared = np.bincount(days, np.where(jumped, 0.0, moves) ** 2)
    whole = seconds > 0.5 * DAY
    daily = 0.5 * np.log(np.maximum(squared[whole] / seconds[whole] * year, 1e-8))
    centred = daily - daily.mean()
    variance, one, five = (float(np.mean(centred[lag:] * centred[: len(centred) - lag])) for lag in (0, 1, 5))
    persistence = float(np.clip((five / one) ** 0.25, 0.5, 0.995)) if one > 0 and five > 0 else 0.5
    deviation = math.sqrt(min(max(one / persistence, 0.0), variance))
    sizes = moves[jumped]
    return replace(
        model,
        volatility=float(np.exp(np.median(daily))),
        volatility_sd=deviation,
        half_life_days=math.log(0.5) / math.log(persistence),
        jumps_per_year=float(len(sizes) / (ticks.seconds / year)),
        jump_mean=float(sizes.mean()) if len(sizes) else 0.0,
        jump_sd=float(sizes.std()) if len(sizes) else 0.0,
    )
