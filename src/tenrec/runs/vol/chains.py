"""A chain as terms, for the commands that look at its volatility: one day or all of them."""

import dataclasses
import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import polars as pl

from tenrec.core.errors import ConfigError
from tenrec.data import shanghai_options
from tenrec.data.chain import read_chain, read_chain_days
from tenrec.volatility.variance import ChainTerms, chain_terms

SHANGHAI_RATE = 0.025
STANDARD = 10_000
"""Shares per contract; others were adjusted for a dividend and are left out, as the official index does."""
METRICS = "metrics.json"


def read_terms(
    chain: Path | None,
    *,
    date: str | None = None,
    columns: Mapping[str, str] | None = None,
    underlying: str | None = None,
    style: str | None = None,
    rate: float | None = None,
) -> ChainTerms:
    """Strips of a file or folder, or of the bundled Shanghai 50ETF options; of one day where `date` is given.

    Raises:
        DataError: see `read_chain` and `chain_terms`. ConfigError: a style or a date that is none.
    """
    if style not in (None, "european", "american"):
        raise ConfigError(f"--style is {style!r}; european or american is needed.")
    if date is not None:
        _checked_date(date)
    if chain is None:
        options = shanghai_options().filter(pl.col("multiplier") == STANDARD)
        terms = chain_terms(
            read_chain_days(options, name="Shanghai 50ETF"), rate=SHANGHAI_RATE if rate is None else rate
        )
        return terms if date is None else _on_day(terms, date)
    if date is not None:
        return chain_terms(read_chain(chain, columns=columns, date=date, underlying=underlying, style=style), rate=rate)
    return chain_terms(read_chain_days(chain, columns=columns, underlying=underlying, style=style), rate=rate)


def _checked_date(date: str) -> np.datetime64:
    try:
        return np.datetime64(dt.date.fromisoformat(date))
    except ValueError:
        raise ConfigError(f"--date is {date!r}; a day such as 2021-12-31 is needed.") from None


def _on_day(terms: ChainTerms, date: str) -> ChainTerms:
    day = _checked_date(date)
    if day not in terms.days:
        near = min(terms.days, key=lambda own: abs(own - day))
        raise ConfigError(
            f"{terms.name} has no quotes of {day}; the nearest of its {len(terms.days):,} days is {near}."
        )
    return dataclasses.replace(terms, days={day: terms.days[day]})


def result_folder(out: Path | None, kind: str, name: str) -> Path:
    """The folder of a result: `out` or runs/KIND_NAME, if it is new, empty or holds an earlier result of that kind."""
    plain = Path(name).stem.lower().replace(" ", "_")
    path = out or Path("runs") / f"{kind}_{plain}"
    if not path.exists() or (path.is_dir() and not any(path.iterdir())):
        return path
    try:
        earlier = json.loads((path / METRICS).read_text(encoding="utf-8")).get("kind") == kind
    except (OSError, ValueError, AttributeError):
        earlier = False
    if not earlier:
        command = kind.replace("_", " ")
        raise ConfigError(
            f"--out {path} exists and is not of an earlier `tenrec {command}`; give a new or empty folder."
        )
    return path
