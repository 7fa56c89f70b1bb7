"""The recipe of `tenrec vol forecast`: read, walk forward, judge, write."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from tenrec.reporting.volatility.page import write_forecast_report
from tenrec.runs.files import write_json
from tenrec.runs.progress import Reporter
from tenrec.runs.vol.folder import METRICS
from tenrec.runs.vol.opening import as_date, open_record
from tenrec.runs.vol.reading import Reading
from tenrec.runs.vol.saved import save_forecaster
from tenrec.runs.vol.signals import write_known
from tenrec.volatility.forecast.forecaster import forecaster_of
from tenrec.volatility.forecast.hybrid import HybridSettings
from tenrec.volatility.forecast.targets import future_mean
from tenrec.volatility.forecast.verdict import judge
from tenrec.volatility.forecast.walk import Walk, first_forecast, walk_forward
from tenrec.volatility.realised.overnight import Overnight

KIND = "vol_forecast"


def forecast_prices(
    prices: Path | None,
    *,
    out: Path | None,
    implied: Path | None,
    horizons: Sequence[int],
    since: str | None,
    without: Sequence[str],
    only: Sequence[str] = (),
    save: Path | None = None,
    seeds: int,
    seed: int,
    also: Sequence[Path] = (),
    minutes: float,
    overnight: Overnight,
    session: str | None,
    reporter: Reporter,
) -> dict[str, Any]:
    """Forecast, judge and write a folder with metrics.json, forecasts.parquet and report.html; returns the metrics.

    Args:
        only: models to walk; the first is the reference, which `save` writes as a forecaster for a hedge.

    Raises:
        DataError, ConfigError: what was given cannot be used; nothing is left behind.
    """
    began = time.perf_counter()
    opened = open_record(
        prices, kind=KIND, what="forecast", out=out, save=save, implied=implied, minutes=minutes, overnight=overnight,
        session=session, also=also,
    )  # fmt: skip
    reading, name, folder = opened.reading, opened.name, opened.folder
    start = first_forecast(reading.record, as_date(since, "--from"))
    settings = HybridSettings(seeds=seeds, seed=seed)

    def tell(done: int, total: int, label: str) -> None:
        if done == 0:
            reporter.start("walk forward", total)
        reporter.advance(done, label)

    walk = walk_forward(
        reading.record, start=start, horizons=horizons, only=only, without=without, settings=settings, tell=tell
    )
    default = "hybrid" if "hybrid" in walk.forecasts else next(reversed(walk.forecasts))
    reference = only[0] if only and only[0] in walk.forecasts else default
    by_horizon = judge(walk, reference=reference, seed=seed)
    metrics = _metrics(name, reading, walk, reference, by_horizon) | {"seconds": time.perf_counter() - began}
    write_known(forecast_table(walk), folder / "forecasts.parquet", ["variance"])
    if save is not None:
        save_forecaster(forecaster_of(walk, reference, name), save)
        metrics["saved"] = str(save)
    write_json(folder / METRICS, metrics)
    report = write_forecast_report(metrics, walk, folder / "report.html")
    return {"run": str(folder), "report": str(report), **metrics}


def forecast_table(walk: Walk) -> pl.DataFrame:
    """One row a day and horizon from the first forecast on: date, horizon, variance (what came, null if not yet known),
    and each model's forecast; decimal variance a day."""
    rows = slice(walk.start, None)
    parts = []
    for horizon in walk.horizons:
        columns = {name: own[horizon][rows] for name, own in walk.forecasts.items()}
        came = future_mean(walk.record.variance, horizon)[rows]
        dates = pl.Series(walk.record.dates[rows]).cast(pl.Date)
        part = pl.DataFrame({"date": dates, "variance": came, **columns})
        parts.append(part.with_columns(pl.lit(horizon).alias("horizon"), pl.col("variance").fill_nan(None)))
    return pl.concat(parts).select("date", "horizon", "variance", *walk.forecasts)


def _metrics(name: str, reading: Reading, walk: Walk, reference: str, by_horizon: dict[str, Any]) -> dict[str, Any]:
    dates = reading.record.dates
    return {
        "kind": KIND,
        "prices": name,
        "read_as": reading.kind,
        "notes": [*reading.notes, *walk.notes],
        "days": len(dates),
        "first": str(dates[0]),
        "forecast_from": str(dates[walk.start]),
        "last": str(dates[-1]),
        "days_per_year": reading.record.days_per_year,
        "reference": reference,
        "horizons": by_horizon,
    }
