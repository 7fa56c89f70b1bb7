"""The recipe of `tenrec vol regime`: read, fit, filter, write."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from tenrec.core.errors import ConfigError
from tenrec.reporting.volatility.regime_page import write_regime_report
from tenrec.runs.files import write_json
from tenrec.runs.progress import Reporter
from tenrec.runs.vol.folder import METRICS
from tenrec.runs.vol.opening import as_date, open_record
from tenrec.runs.vol.signals import read_signals, write_known
from tenrec.volatility.forecast.targets import require_days
from tenrec.volatility.realised.overnight import Overnight
from tenrec.volatility.record import VarianceRecord
from tenrec.volatility.regimes.anomalies import Anomalies, score_moves
from tenrec.volatility.regimes.changes import RunLengths, run_lengths
from tenrec.volatility.regimes.fit import Law
from tenrec.volatility.regimes.verdict import describe_regimes, regime_names
from tenrec.volatility.regimes.walk import LEAST_AHEAD, LEAST_DAYS, RegimeWalk, walk_regimes

KIND = "vol_regime"
HINDSIGHT = "hindsight_"


def find_regimes(
    prices: Path | None,
    *,
    out: Path | None,
    implied: Path | None,
    signals: Sequence[str],
    regimes: int | None,
    law: Law,
    since: str | None,
    seed: int,
    minutes: float,
    overnight: Overnight,
    session: str | None,
    reporter: Reporter,
    save: Path | None = None,
) -> dict[str, Any]:
    """Fit, filter and write a folder with metrics.json, regimes.parquet and report.html; returns the metrics.

    Args:
        save: a Parquet file of what a hedge may see, for its `market.signals`.

    Raises:
        DataError, ConfigError: what was given cannot be used; nothing is left behind.
    """
    began = time.perf_counter()
    opened = open_record(
        prices, kind=KIND, what="search", out=out, save=save, implied=implied, minutes=minutes, overnight=overnight,
        session=session,
    )  # fmt: skip
    reading, name, folder = opened.reading, opened.name, opened.folder
    record = reading.record
    require_days(len(record), LEAST_DAYS + LEAST_AHEAD, "a walk through regimes")
    series = read_signals(signals, record.dates)
    start = _start(record, since)
    reporter.start("regimes", 100)
    walk = walk_regimes(
        record,
        regimes=regimes,
        start=start,
        law=law,
        seed=seed,
        tell=lambda share, note: reporter.advance(round(80 * share), note),
    )
    reporter.advance(80, "changes")
    runs = run_lengths(np.log(record.variance))
    reporter.advance(95, "unusual days")
    anomalies = score_moves(record, series)
    reporter.advance(100)
    metrics = {
        "kind": KIND,
        "prices": name,
        "read_as": reading.kind,
        "notes": list(reading.notes),
        "days": len(record),
        "first": str(record.dates[0]),
        "filtered_from": str(record.dates[walk.start]),
        "last": str(record.dates[-1]),
        "law": law,
        "signals": list(series),
        "seed": seed,
        "found": describe_regimes(record, walk, runs, anomalies),
        "seconds": time.perf_counter() - began,
    }
    table = regime_table(record, walk, runs, anomalies)
    write_known(table, folder / "regimes.parquet", [name for name in table.columns if name.startswith(HINDSIGHT)])
    if save is not None:
        write_known(regime_signals(table, walk, record.days_per_year), save)
        metrics["saved"] = str(save)
    write_json(folder / METRICS, metrics)
    report = write_regime_report(metrics, record, walk, runs, anomalies, folder / "report.html")
    return {"run": str(folder), "report": str(report), **metrics}


def regime_table(record: VarianceRecord, walk: RegimeWalk, runs: RunLengths, anomalies: Anomalies) -> pl.DataFrame:
    """One row a day: filtered probabilities (null before the first), expected volatility of the next day (decimal a
    day), days since the likeliest change, distance; and `hindsight_…`, which no decision may use."""
    names = [name.replace(" ", "_") for name in regime_names(walk.probabilities.shape[1])]
    columns: dict[str, Any] = {"date": pl.Series(record.dates).cast(pl.Date)}
    columns |= {name: walk.probabilities[:, place] for place, name in enumerate(names)}
    columns |= {
        "volatility": walk.volatility,
        "return_p": walk.surprise,
        "days_since_change": runs.likeliest,
        "change_within_a_month": runs.recent,
        "variance_p": runs.tail,
        "distance": anomalies.distance,
        "distance_rank": anomalies.rank,
    }
    columns |= {f"{HINDSIGHT}{name}": walk.smoothed[:, place] for place, name in enumerate(names)}
    return pl.DataFrame(columns).fill_nan(None)


def regime_signals(table: pl.DataFrame, walk: RegimeWalk, days_per_year: float) -> pl.DataFrame:
    """What a hedge may see of `regime_table`, from the first filtered day on: date, `regime_volatility` (expected for
    the next day, annualised), the regimes' probabilities, and how unusual the day was (`distance`, its `rank`)."""
    names = table.columns[1 : 1 + walk.probabilities.shape[1]]
    return table.slice(walk.start).select(
        "date",
        *names,
        "distance",
        "distance_rank",
        regime_volatility=pl.col("volatility") * days_per_year**0.5,
    )


def _start(record: VarianceRecord, since: str | None) -> int | None:
    date = as_date(since, "--from")
    if date is None:
        return None
    start = int(np.searchsorted(record.dates, date)) - 1
    if not LEAST_DAYS <= start <= len(record) - LEAST_AHEAD:
        earliest, latest = record.dates[LEAST_DAYS + 1], record.dates[len(record) - LEAST_AHEAD]
        raise ConfigError(f"--from is {since}; a date from {earliest} to {latest} leaves enough days on either side.")
    return start
