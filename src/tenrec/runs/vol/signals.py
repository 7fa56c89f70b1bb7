"""Further daily series beside a record: term structure, volatility of volatility, futures."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
from jaxtyping import Float

from tenrec.core.errors import DataError
from tenrec.data import parsing
from tenrec.data.columns import SERIES_ALIASES, listed, match_columns
from tenrec.data.refusals import raise_first, refuse_repeats
from tenrec.data.source import Source, read_source

Days = Float[np.ndarray, " days"]
LONGEST_CARRY = "5d"
"""Days over which the last value is carried, as over a holiday of one of two exchanges."""


def read_signals(files: Sequence[str], dates: np.ndarray) -> dict[str, Days]:
    """Name → values on the dates; NaN where there is none.

    A file with a close gives one series by the file's name, any other file one for each of its columns; FILE:A,B keeps
    columns A and B.

    Raises:
        DataError: no dates, no numbers, a date twice, two series of one name, or no day in common.
    """
    found: dict[str, Days] = {}
    for file in files:
        for name, values in _series(file, dates).items():
            if name in found:
                raise DataError(f"two series are called {name}; rename one of the columns or files.")
            found[name] = values
    return found


def _series(file: str, dates: np.ndarray) -> dict[str, Days]:
    path, _, named = (file, "", "") if Path(file).exists() else file.rpartition(":")
    source = read_source(path or file)
    roles = match_columns(source, SERIES_ALIASES)
    if "time" not in roles:
        raise DataError(f"{source.name} has no column of dates; name one `date`.")
    columns = _columns(source, Path(path or file).stem, roles, [name for name in named.split(",") if name])
    time, refused = parsing.times(source, roles["time"])
    keys = pl.DataFrame({"index": pl.Series(range(time.len()), dtype=pl.Int64), "time": time.dt.date()})
    refused += refuse_repeats(source, keys, [roles["time"]])
    table = pl.DataFrame({"date": time.dt.date()})
    for name, column in columns.items():
        values, more = parsing.numbers(source, column)
        refused += more
        table = table.with_columns(values.fill_nan(None).alias(name))
    raise_first(refused)
    days = pl.DataFrame({"date": dates}).with_columns(pl.col("date").cast(pl.Date))
    out = {}
    for name in columns:
        own = table.select("date", name).drop_nulls().sort("date")
        values = days.join_asof(own, on="date", tolerance=LONGEST_CARRY)[name].to_numpy().astype(float)
        if not np.isfinite(values).any():
            raise DataError(f"{source.name} has no day of {name} in common with the prices; give those days.")
        out[name] = values
    return out


def _columns(source: Source, stem: str, roles: dict[str, str], named: list[str]) -> dict[str, str]:
    """Name of each series → its column."""
    absent = [name for name in named if name not in source.table.columns]
    if absent:
        raise DataError(f"{source.name} has no column {absent[0]!r}; it has {listed(source.table.columns)}.")
    if named:
        return {name: name for name in named}
    if "price" in roles:
        return {stem: roles["price"]}
    columns = {name: name for name in source.table.columns if name != roles["time"]}
    if not columns:
        raise DataError(f"{source.name} has no column beside its dates; give a daily series.")
    return columns
