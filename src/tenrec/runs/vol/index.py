"""The recipe of `tenrec vol index`: volatility indices and fair strikes of a chain, by day and maturity."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from tenrec.core.errors import ConfigError, DataError
from tenrec.reporting.volatility.index_page import write_index_report
from tenrec.runs.files import write_atomically, write_json
from tenrec.runs.progress import Reporter
from tenrec.runs.vol.chains import METRICS, read_terms, result_folder
from tenrec.volatility.variance import ChainTerms, Term, fit_smiles, forward_variance, index, term_table, weekly
from tenrec.volatility.variance.index import between

KIND = "vol_index"
DAYS = (30.0,)
ALSO = (9.0, 91.0, 182.0, 365.0)
"""Maturities shown beside the one asked for, where the expiries bracket them."""


def index_chain(
    chain: Path | None,
    *,
    reporter: Reporter,
    out: Path | None = None,
    days: Sequence[float] = (),
    date: str | None = None,
    every: bool = False,
    columns: Mapping[str, str] | None = None,
    underlying: str | None = None,
    style: str | None = None,
    rate: float | None = None,
) -> dict[str, Any]:
    """Index, variance swap and volatility swap of every day and maturity, a folder and a report; returns the metrics.

    Args:
        days: calendar days of the indices; 30 without any. every: use every expiry, not the last of each week.

    Raises:
        DataError, ConfigError: what was given cannot be used; nothing is left behind.
    """
    for one in days:
        if not 0 < one < 3651:
            raise ConfigError(f"--days is {one:g}; between 1 and 3,650 days are needed.")
    terms = read_terms(chain, date=date, columns=columns, underlying=underlying, style=style, rate=rate)
    folder = result_folder(out, KIND, terms.name)
    asked = tuple(dict.fromkeys(days)) or DAYS
    chosen = {day: own if every else weekly(own) for day, own in terms.days.items()}
    required = _indices(terms.name, chosen, asked, required=True)
    also = () if days else ALSO
    flat = [term for own in chosen.values() for term in own]
    reporter.start("fitting smiles", len(flat))
    smiles = fit_smiles(flat, lambda done, total: reporter.advance(done, f"{done:,} of {total:,} expiries"))
    table = term_table(flat, smiles)
    rows = {id(term): row for term, row in zip(flat, table.iter_rows(named=True), strict=True)}
    series = _series(required + _indices(terms.name, chosen, also, required=False), rows)
    metrics = _metrics(terms, chosen, asked, series, table, every)
    write_atomically(folder / "terms.parquet", table.write_parquet)
    write_atomically(folder / "index.parquet", series.write_parquet)
    write_json(folder / METRICS, metrics)
    last = [(term, smile) for term, smile in zip(flat, smiles, strict=True) if term.day == flat[-1].day and smile]
    report = write_index_report(metrics, series, table, last, folder / "report.html")
    return {"run": str(folder), "report": str(report), **metrics}


Found = list[tuple[np.datetime64, Any]]


def _indices(name: str, chosen: Mapping[np.datetime64, list[Term]], days: Sequence[float], *, required: bool) -> Found:
    """Every index that can be had; with `required`, each maturity must be had on one day at least."""
    found: Found = []
    for one in days:
        own, problem = [], None
        for day, terms in chosen.items():
            dated = name if str(day) == "1970-01-01" else f"{name} on {day}"
            try:
                own.append((day, index(terms, one, what=dated)))
            except DataError as error:
                problem = error
        if not own and required and problem is not None:
            raise problem
        found += own
    return found


def _series(found: Found, rows: Mapping[int, dict[str, Any]]) -> pl.DataFrame:
    made = []
    for day, value in found:
        swaps = between(rows[id(value.near)], rows[id(value.next)], value)
        skew = value.skew if np.isfinite(value.skew) else None
        made.append({"date": day.item(), "days": value.days, "index": value.value, "skew_index": skew, **swaps,
                     "near": value.near.expiry.item(), "next": value.next.expiry.item()})  # fmt: skip
    return pl.DataFrame(made, infer_schema_length=None).sort("date", "days")


def _metrics(
    terms: ChainTerms,
    chosen: Mapping[np.datetime64, list[Term]],
    asked: Sequence[float],
    series: pl.DataFrame,
    table: pl.DataFrame,
    every: bool,
) -> dict[str, Any]:
    says = list(terms.assumptions)
    if not every and any(len(chosen[day]) < len(own) for day, own in terms.days.items()):
        says.append("Of each week the last expiry is used, as the exchange does; --every-expiry uses all.")
    missing = {f"{one:g}": len(chosen) - series.filter(pl.col("days") == one).height for one in asked}
    for one, count in missing.items():
        if count:
            says.append(f"On {count:,} of {len(chosen):,} days no two expiries lie around {one} days: no index there.")
    last = series["date"].max()
    latest = series.filter(pl.col("date") == last)
    own = table.filter((pl.col("date") == last) & pl.col("variance_swap").is_not_null()).sort("maturity")
    variance = own["variance_swap"].to_numpy() ** 2
    forward = forward_variance(own["maturity"].to_numpy(), variance) if own.height else np.empty(0)
    structure = [
        {"expiry": str(row["expiry"]), "days": row["days"], "index": row["index"],
         "variance_swap": row["variance_swap"],
         "volatility_swap": row["volatility_swap"], "at_the_money": row["at_the_money"], "strikes": row["strikes"],
         "beyond_quotes": row["beyond_quotes"], "risk_reversal": row["risk_reversal"],
         "forward_volatility": float(np.sqrt(ahead)) if ahead > 0 else None}
        for row, ahead in zip(own.iter_rows(named=True), forward, strict=True)
    ]  # fmt: skip
    return {
        "kind": KIND,
        "chain": terms.name,
        "first": str(series["date"].min()),
        "last": str(last),
        "days": len(chosen),
        "asked": list(asked),
        "assumptions": says,
        "left_out": terms.left_out,
        "latest": [{**row, "date": str(row["date"]), "near": str(row["near"]), "next": str(row["next"])}
                   for row in latest.iter_rows(named=True)],
        "term_structure": structure,
        "over_days": {
            f"{one:g}": {"mean": part["index"].mean(), "low": part["index"].min(), "high": part["index"].max()}
            for one in asked if (part := series.filter(pl.col("days") == one)).height
        },
    }  # fmt: skip
