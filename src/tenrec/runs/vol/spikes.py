"""The recipe of `tenrec vol spikes`: read, walk forward, judge, write."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from tenrec.core.errors import ConfigError
from tenrec.reporting.volatility.spikes_page import write_spikes_report
from tenrec.runs.files import write_json
from tenrec.runs.progress import Reporter
from tenrec.runs.vol.folder import METRICS
from tenrec.runs.vol.opening import as_date, open_record
from tenrec.runs.vol.signals import read_signals, write_known
from tenrec.volatility.forecast.walk import first_forecast
from tenrec.volatility.realised.overnight import Overnight
from tenrec.volatility.record import VarianceRecord
from tenrec.volatility.spikes.events import SpikeEvent
from tenrec.volatility.spikes.network import NetworkSettings, walk_network
from tenrec.volatility.spikes.probability import spike_probability
from tenrec.volatility.spikes.verdict import Watched, judge_spikes, level_probability

KIND = "vol_spikes"


def watch_spikes(
    prices: Path | None,
    *,
    out: Path | None,
    implied: Path | None,
    signals: Sequence[str],
    horizon: int,
    variance_factor: float,
    implied_factor: float,
    alarm: float | None,
    since: str | None,
    judge_from: str | None,
    seeds: int,
    seed: int,
    minutes: float,
    overnight: Overnight,
    session: str | None,
    reporter: Reporter,
    save: Path | None = None,
) -> dict[str, Any]:
    """Walk forward and write a folder with metrics.json, probabilities.parquet and report.html; returns the metrics.

    Args:
        save: a Parquet file of the probabilities by day, for `market.signals` of a hedge.

    Raises:
        DataError, ConfigError: what was given cannot be used; nothing is left behind.
    """
    began = time.perf_counter()
    opened = open_record(
        prices, kind=KIND, what="watch", out=out, save=save, implied=implied, minutes=minutes, overnight=overnight,
        session=session,
    )  # fmt: skip
    reading, name, folder = opened.reading, opened.name, opened.folder
    record = reading.record
    start = first_forecast(record, as_date(since, "--from"))
    judged = as_date(judge_from, "--judge-from")
    if judged is not None and not record.dates[start] < judged < record.dates[-200]:
        raise ConfigError(f"--judge-from is {judged}; give a date from {record.dates[start]} to {record.dates[-200]}.")
    events = [SpikeEvent("variance", variance_factor, horizon)]
    events += [SpikeEvent("implied", implied_factor, horizon)] if record.implied is not None else []
    series = read_signals(signals, record.dates)
    watched = {}
    for event in events:
        watched[event.measure] = _watch(record, event, start, series, NetworkSettings(seeds=seeds, seed=seed), reporter)
    by_event = {
        measure: judge_spikes(record, own, alarm=alarm, since=judge_from, seed=seed) for measure, own in watched.items()
    }
    metrics = {
        "kind": KIND,
        "prices": name,
        "read_as": reading.kind,
        "notes": [*reading.notes, *_left_out(record)],
        "days": len(record),
        "first": str(record.dates[0]),
        "forecast_from": str(record.dates[start]),
        "last": str(record.dates[-1]),
        "signals": list(series),
        "seeds": seeds,
        "seed": seed,
        "events": by_event,
        "seconds": time.perf_counter() - began,
    }
    write_known(probability_table(watched), folder / "probabilities.parquet", ["spike"])
    if save is not None:
        write_known(spike_signals(watched), save)
        metrics["saved"] = str(save)
    write_json(folder / METRICS, metrics)
    report = write_spikes_report(metrics, record, watched, folder / "report.html")
    return {"run": str(folder), "report": str(report), **metrics}


def _watch(
    record: VarianceRecord,
    event: SpikeEvent,
    start: int,
    series: dict[str, np.ndarray],
    settings: NetworkSettings,
    reporter: Reporter,
) -> Watched:
    reporter.start(f"{event.measure} spikes", 100)

    def tell(share: float, note: str) -> None:
        reporter.advance(round(100 * share), note)

    found = spike_probability(
        record, event, start=start, signals=series, tell=lambda done, total: tell(0.4 * done / total, "ridge logit")
    )
    probabilities = {
        "climatology": found.climatology,
        "level": level_probability(record, found),
        "logit": found.probability,
    }
    runs = np.empty((0, len(record)))
    if settings.seeds:
        runs = walk_network(found, settings, lambda done, total: tell(0.4 + 0.6 * done / total, "network"))
        probabilities["network"] = runs.mean(0)
    tell(1.0, "")
    return Watched(found, probabilities, runs)


def probability_table(watched: dict[str, Watched]) -> pl.DataFrame:
    """One row a day and event: date, event, spike (null if not known yet), every model's probability, and what each
    input added to the ridge logit's log odds (columns `why_…`)."""
    parts = []
    for measure, own in watched.items():
        found = own.found
        rows = slice(found.start, None)
        outcome = pl.Series(found.outcome[rows]).fill_nan(None) == 1
        columns = {name: probability[rows] for name, probability in own.probabilities.items()}
        reasons = {f"why_{name}": found.reasons[rows, place] for place, name in enumerate(found.inputs.names)}
        dates = pl.Series(found.dates[rows]).cast(pl.Date)
        part = pl.DataFrame({"date": dates, "spike": outcome, **columns, **reasons})
        parts.append(part.with_columns(pl.lit(measure).alias("event")))
    table = pl.concat(parts)
    return table.select("date", "event", pl.exclude("date", "event"))


def spike_signals(watched: dict[str, Watched]) -> pl.DataFrame:
    """One row a day: date, and `variance_spike_probability` and `implied_spike_probability` of the ridge logit."""
    parts = [
        pl.DataFrame(
            {
                "date": pl.Series(own.found.dates[own.found.start :]).cast(pl.Date),
                f"{measure}_spike_probability": own.found.probability[own.found.start :],
            }
        )
        for measure, own in watched.items()
    ]
    return pl.concat(parts, how="align").fill_nan(None)


def _left_out(record: VarianceRecord) -> list[str]:
    if record.implied is not None:
        return []
    return ["Without an implied volatility (--vix FILE) only spikes of the variance are watched."]
