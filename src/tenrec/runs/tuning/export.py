"""The tuned rule as production reads it: one YAML and one JSON file of the same content."""

import json
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import numpy as np
import polars as pl
import yaml

from tenrec.runs.files import write_text
from tenrec.runs.tuning.build import Desk
from tenrec.runs.tuning.folder import TuneFolder
from tenrec.tuning.search import NOTEBOOK

YAML_FILE, JSON_FILE = "hedging_config_optimized.yml", "hedging_config_optimized.json"
FILES = ("file", "fit", "funding_file")
"""Keys of the ticks' section that name a file."""
PERFORMANCE = {
    "net_pnl_usd": "net_pnl",
    "max_drawdown_usd": "drawdown",
    "hedge_count_per_week": "hedges",
    "transaction_costs_usd": "cost",
}


def exported(desk: Desk, metrics: dict[str, Any], windows: pl.DataFrame) -> dict[str, Any]:
    """The content of the exported files: what to run, where it comes from, and what to expect of a week.

    Each expectation is the mean over the out-of-sample weeks (the tuned ones where there are no others); its
    `…_out_of_sample_range` holds the 5 % and 95 % quantiles of single weeks, where there are two or more.
    """
    config, rule = desk.config, metrics["rule"]
    return {
        "hedging": {name: rule[name] for name in NOTEBOOK},
        "optimization_metadata": {
            "best_score": metrics["best"]["score"],
            "n_trials": metrics["trials"],
            "optimization_date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "market_data_duration_hours": round(metrics["market"]["hours"], 3),
            "data_hash": metrics["data_hash"],
            "seed": config.search.seed,
            "version": version("tenrec"),
        },
        "expected_performance": _performance(windows.filter(pl.col("rival") == "tuned")),
        "book": config.book.model_dump(mode="json", exclude_none=True),
        "costs": config.costs.model_dump(mode="json"),
        "rule": {**config.rule.model_dump(mode="json"), **rule},
        "ticks": _ticks(desk),
        "out_of_sample": config.out_of_sample,
    }


def _ticks(desk: Desk) -> dict[str, Any]:
    """The ticks' section, its files named so that they are found from anywhere."""
    section = desk.config.ticks.model_dump(mode="json", exclude_none=True)
    files = {name: str((desk.base / section[name]).resolve()) for name in FILES if name in section}
    return {**section, **files}


def _performance(tuned: pl.DataFrame) -> dict[str, Any]:
    later = tuned.filter(pl.col("sample") == "out")
    shown = later if later.height else tuned
    found: dict[str, Any] = {}
    for name, column in PERFORMANCE.items():
        values = shown[column].to_numpy()
        found[name] = round(float(values.mean()), 2)
        limits = [round(float(bound), 2) for bound in np.quantile(values, [0.05, 0.95])] if later.height > 1 else None
        found[f"{name}_out_of_sample_range"] = limits
    return {**found, "out_of_sample_weeks": later.height}


def write_exports(folder: TuneFolder, content: dict[str, Any]) -> None:
    """Write both files."""
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120)
    write_text(folder.path / YAML_FILE, text)
    write_text(folder.path / JSON_FILE, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
