"""The recipe of `tenrec vol regime`: read, fit, filter, write."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from tenrec.core.errors import ConfigError
from tenrec.reporting.volatility.regime_page import write_regime_report
from tenrec.runs.files import write_atomically, write_json
from tenrec.runs.progress import Reporter
from tenrec.runs.vol.bundled import shanghai_record
from tenrec.runs.vol.folder import METRICS, checked_folder
from tenrec.runs.vol.reading import read_prices
from tenrec.runs.vol.signals import read_signals
from tenrec.runs.vol.spikes import as_date
from tenrec.volatility.forecast.targets import require_days
from tenrec.volatility.realised.overnight import Overnight
from tenrec.volatility.record import VarianceRecord
from tenrec.volatility.regimes.anomalies import Anomalies, score_moves
from tenrec.volatility.regimes.changes import RunLengths, run_lengths
from tenrec.volatility.regimes.fit import Law
from tenrec.volatility.regimes.verdict import describe_regimes, regime_names
from tenrec.volatility.regimes.walk import LEAST_AHEAD, LEAST_DAYS, RegimeWalk, walk_regimes

KIND = "vol_regime"


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
) -> dict[str, Any]:
    """Fit, filter and write a folder with metrics.json, regimes.parquet and report.html; returns the metrics.

    Raises:
        DataError, ConfigError: what was given cannot be used; nothing is left behind.
    """
    began = time.perf_counter()
    if prices is None:
        reading, name = shanghai_record(), "Shanghai 50ETF"
    else:
        reading = read_prices(prices, implied=implied, minutes=minutes, overnight=overnight, session=session)
        name = prices.stem
    folder = checked_folder(out or Path("runs") / f"vol_regime_{name.lower().replace(' ', '_')}", KIND, "search")
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
    write_atomically(folder / "regimes.parquet", regime_table(record, walk, runs, anomalies).write_parquet)
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
    columns |= {f"hindsight_{name}": walk.smoothed[:, place] for place, name in enumerate(names)}
    return pl.DataFrame(columns).fill_nan(None)


def _start(record: VarianceRecord, since: str | None) -> int | None:
    date = as_date(since, "--from")
    if date is None:
        return None
    start = int(np.searchsorted(record.dates, date)) - 1
    if not LEAST_DAYS <= start <= len(record) - LEAST_AHEAD:
        earliest, latest = record.dates[LEAST_DAYS + 1], record.dates[len(record) - LEAST_AHEAD]
        raise ConfigError(f"--from is {since}; a date from {earliest} to {latest} leaves enough days on either side.")
    return start
