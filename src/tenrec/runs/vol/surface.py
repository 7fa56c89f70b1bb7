"""The recipe of `tenrec vol surface`: a chain's volatility surface over days."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from tenrec.core.errors import ConfigError, DataError
from tenrec.reporting.volatility.surface_page import write_surface_report
from tenrec.runs.files import write_atomically, write_json
from tenrec.runs.progress import Reporter
from tenrec.runs.vol.chains import METRICS, read_terms, result_folder
from tenrec.volatility.variance import fit_smiles, term_table, weekly
from tenrec.volatility.variance.days import arbitrage_shares, constant_maturities, joint_smiles, refitted

KIND = "vol_surface"
MODELS = ("svi", "essvi")


def surface_chain(
    chain: Path | None,
    *,
    reporter: Reporter,
    model: str = "svi",
    out: Path | None = None,
    date: str | None = None,
    every: bool = False,
    columns: Mapping[str, str] | None = None,
    underlying: str | None = None,
    style: str | None = None,
    rate: float | None = None,
) -> dict[str, Any]:
    """Fit every day's slices, write the folder (surface.parquet, days.parquet, report.html); returns the metrics.

    Args:
        model: "svi", each expiry on its own, or "essvi", each day's expiries together without arbitrage.

    Raises:
        DataError, ConfigError: what was given cannot be used; nothing is left behind.
    """
    if model not in MODELS:
        raise ConfigError(f"--model is {model!r}; svi or essvi is needed.")
    terms = read_terms(chain, date=date, columns=columns, underlying=underlying, style=style, rate=rate)
    folder = result_folder(out, KIND, terms.name)
    flat = [term for own in terms.days.values() for term in (own if every else weekly(own))]
    reporter.start("fitting slices", len(flat))
    smiles = fit_smiles(flat, lambda done, total: reporter.advance(done, f"{done:,} of {total:,} expiries"))
    table = term_table(flat, smiles)
    if model == "essvi":
        reporter.start("joining slices", len(terms.days))
        smiles = joint_smiles(flat, smiles, lambda done, total: reporter.advance(done, f"{done:,} of {total:,} days"))
        table = refitted(table, flat, smiles)
    table = table.drop_nulls("at_the_money")
    if table.is_empty():
        raise DataError(
            f"{terms.name} has no expiry with four quotes to fit a slice to; give a chain with more strikes."
        )
    constant = constant_maturities(table)
    metrics = _metrics(terms.name, model, table, constant) | {
        "assumptions": list(terms.assumptions), "left_out": terms.left_out,
    }  # fmt: skip
    write_atomically(folder / "surface.parquet", table.write_parquet)
    write_atomically(folder / "days.parquet", constant.write_parquet)
    write_json(folder / METRICS, metrics)
    last = [
        (term, smile)
        for term, smile in zip(flat, smiles, strict=True)
        if smile is not None and term.day == flat[-1].day
    ]
    report = write_surface_report(metrics, table, constant, last, folder / "report.html")
    return {"run": str(folder), "report": str(report), **metrics}


def _metrics(name: str, model: str, table: pl.DataFrame, constant: pl.DataFrame) -> dict[str, Any]:
    last = table["date"].max()
    latest = constant.filter(pl.col("date") == last)
    moves = {
        f"{days[0]:g}": {
            "at_the_money_mean": part["at_the_money"].mean(),
            "at_the_money_daily_move": part["at_the_money"].diff().std(),
            "skew_mean": part["skew"].mean(),
            "curvature_mean": part["curvature"].mean(),
        }
        for days, part in constant.group_by("days", maintain_order=True)
    }
    return {
        "kind": KIND,
        "chain": name,
        "model": model,
        "first": str(table["date"].min()),
        "last": str(last),
        "days": table["date"].n_unique(),
        "slices": table.height,
        "fit_error": table["fit_error"].median(),
        "arbitrage": arbitrage_shares(table),
        "latest": [{**row, "date": str(row["date"])} for row in latest.iter_rows(named=True)],
        "over_days": moves,
    }
