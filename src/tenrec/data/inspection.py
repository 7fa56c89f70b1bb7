"""`tenrec data check FILE`: what a file is understood as, and what in it cannot be used."""

import dataclasses
import datetime as dt
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import polars as pl

from tenrec.core.errors import DataError
from tenrec.data import arrays
from tenrec.data.chain_columns import ROLES, plain_name
from tenrec.data.chain_summary import ChainSummary, summarise_chain
from tenrec.data.columns import OPTION_ALIASES, SERIES_ALIASES
from tenrec.data.gaps import Gaps, find_gaps
from tenrec.data.option_panel import OptionPanel, parse_option_panel
from tenrec.data.price_series import PriceSeries, parse_price_series
from tenrec.data.report import DataReport
from tenrec.data.source import Source, existing_file, read_source

LONG, MOST_ROWS = 200_000_000, 2_000_000
"""Bytes of a CSV file, and rows of a Parquet file, beyond which it is only read as a stream, as a chain."""


def check(
    path: str | Path, *, columns: Mapping[str, str] | None = None, implied_vol_percent: bool = False
) -> DataReport:
    """Say what a Parquet, CSV, npy or npz file is understood as, and list everything in it that would be refused.

    What is wrong *inside* a file stands in `report.refusals`; nothing is raised for it. A table with strikes is looked
    at both ways: as the panel of quotes that is hedged, and as the chain that is priced; a folder as a chain.

    Args:
        path: the file, or a folder of chains.
        columns: role → column, where the names differ from the usual ones.
        implied_vol_percent: the file gives implied volatilities in percent.

    Raises:
        DataError: the file is missing, empty or a folder, or `columns` names what does not exist.
    """
    if Path(path).is_dir():
        return _chain_alone(Path(path), columns)
    file = existing_file(path)
    if _is_long(file):
        return _chain_alone(file, columns)
    try:
        if file.suffix.lower() in arrays.ARRAY_SUFFIXES:
            return _check_arrays(file)
        source = read_source(file)
    except DataError as error:
        return DataReport(file=file.name, kind="unknown", rows=0, refusals=(str(error),))
    if _looks_like_options(source, columns or {}):
        chain, said = _as_chain(file, columns)
        try:
            panel, refusals = parse_option_panel(source, columns, implied_vol_percent=implied_vol_percent)
        except DataError as error:
            if chain is None:
                raise
            panel, refusals = None, [str(error)]
        if refusals and chain is not None:
            return _chain_report(source.name, chain, tuple(refusals[:1]))
        if panel is None and said and "no column" not in said:
            refusals = [said]
        report = _panel_report(source, panel, refusals)
        return dataclasses.replace(report, chain=chain)
    series, refusals = parse_price_series(source, columns)
    return _series_report(source, series, refusals)


def _looks_like_options(source: Source, given: Mapping[str, str]) -> bool:
    """A strike makes an option panel, as does naming a column for a role that only option panels have."""
    names = {name.lower() for name in source.table.columns}
    plain = {plain_name(name) for name in names}
    strikes = not names.isdisjoint(OPTION_ALIASES["strike"]) or not plain.isdisjoint(("strike", "strikeprice"))
    return strikes or not set(given).isdisjoint(set(OPTION_ALIASES) - set(SERIES_ALIASES))


def _is_long(file: Path) -> bool:
    if file.suffix.lower() != ".parquet":
        return file.suffix.lower() not in arrays.ARRAY_SUFFIXES and file.stat().st_size > LONG
    try:
        return int(pl.scan_parquet(file).select(pl.len()).collect().item()) > MOST_ROWS
    except (pl.exceptions.PolarsError, OSError):
        return False


def _as_chain(path: Path, columns: Mapping[str, str] | None) -> tuple[ChainSummary | None, str]:
    """The summary, or why there is none; roles that only a panel has are left out."""
    try:
        given = {role: name for role, name in (columns or {}).items() if role in ROLES}
        return summarise_chain(path, given), ""
    except DataError as error:
        return None, str(error)


def _chain_alone(path: Path, columns: Mapping[str, str] | None) -> DataReport:
    chain, said = _as_chain(path, columns)
    if chain is None:
        return DataReport(file=path.name, kind="unknown", rows=0, refusals=(said,))
    return _chain_report(path.name, chain, ())


def _chain_report(name: str, chain: ChainSummary, notes: tuple[str, ...]) -> DataReport:
    days = [dt.datetime.fromisoformat(day) for day in chain.days]
    return DataReport(
        file=name,
        kind="option chain",
        rows=chain.total,
        columns=chain.columns,
        first=days[0] if days else None,
        last=days[-1] if days else None,
        gaps=find_gaps(pl.Series(days, dtype=pl.Datetime("us"))) if len(days) > 1 else Gaps(),
        chain=chain,
        notes=notes,
    )


def _panel_report(source: Source, panel: OptionPanel | None, refusals: list[str]) -> DataReport:
    if panel is None:
        return DataReport(file=source.name, kind="unknown", rows=source.table.height, refusals=tuple(refusals))
    table = panel.table
    contracts = table.select("expiry", "kind", "strike").n_unique()
    return DataReport(
        file=source.name,
        kind="option panel",
        rows=table.height,
        columns=panel.columns,
        **_range(table["time"]),
        gaps=find_gaps(table["date"].cast(pl.Datetime("us"))),
        contents={
            "dates": table["date"].n_unique(),
            "expiries": table["expiry"].n_unique(),
            "contracts (expiry, kind, strike)": contracts,
        },
        masked=panel.masked,
        flagged=panel.flagged,
        refusals=tuple(refusals),
    )


def _series_report(source: Source, series: PriceSeries | None, refusals: list[str]) -> DataReport:
    if series is None:
        return DataReport(file=source.name, kind="unknown", rows=source.table.height, refusals=tuple(refusals))
    time, price = series.table["time"], series.table["price"].drop_nulls()
    contents = {"price range": f"{price.min():.6g} to {price.max():.6g}"} if price.len() else {}
    return DataReport(
        file=source.name,
        kind="price series",
        rows=series.table.height,
        columns=series.columns,
        **_range(time),
        gaps=find_gaps(time),
        contents=contents,
        masked=series.masked,
        refusals=tuple(refusals),
    )


def _check_arrays(file: Path) -> DataReport:
    """A two-dimensional .npy is taken for price paths; anything else for named arrays, which need to be finite."""
    if file.suffix.lower() == ".npy":
        values = arrays.read_numeric(file)
        contents = {"shape": " × ".join(map(str, values.shape)), "type": str(values.dtype)}
        refusals = tuple(arrays.refuse_price_paths(file.name, values))
        return DataReport(
            file.name, "price paths", rows=len(np.atleast_1d(values)), contents=contents, refusals=refusals
        )
    named = arrays.load_named(file)
    contents = {key: f"{' × '.join(map(str, values.shape))} {values.dtype}" for key, values in named.items()}
    rows = max((len(np.atleast_1d(values)) for values in named.values()), default=0)
    refusals = tuple(arrays.refuse_arrays(file.name, named))
    return DataReport(file.name, "arrays", rows=rows, contents=contents, refusals=refusals)


def _range(time: pl.Series) -> dict:
    return {"first": time.min(), "last": time.max()}
