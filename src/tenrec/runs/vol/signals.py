"""Daily series beside a record: further inputs of `tenrec vol`, and the named signals that a hedge sees."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float

from tenrec.core.errors import DataError
from tenrec.data import parsing
from tenrec.data.columns import SERIES_ALIASES, listed, match_columns
from tenrec.data.refusals import FIX, raise_first, refuse_repeats
from tenrec.data.source import Source, read_source
from tenrec.runs.files import write_atomically

Days = Float[np.ndarray, " days"]
LONGEST_CARRY = "5d"
"""Days over which the last value is carried, as over a holiday of one of two exchanges."""
LONGEST_STAND = "10d"
"""Days for which a signal stands where a hedge sees it, as a forecast does: over the longest holiday."""
HINDSIGHT = "tenrec.hindsight"
"""Key in a Parquet file's metadata: columns that know what came later."""


@dataclass(frozen=True)
class SignalSource:
    """Where a named signal stands: a table with a column of dates, and the column.

    Args:
        file: path. column: None takes the close, or the only column beside the dates.
        lag: calendar days after a row's date on which it is known: 0 where it was made by that day's close, 1 for a
            market that shuts later than the one that is hedged.
    """

    file: str
    column: str | None = None
    lag: int = 0

    @classmethod
    def of(cls, text: str) -> "SignalSource":
        """FILE:COLUMN, or FILE alone.

        Example:
            >>> SignalSource.of("runs/spikes.parquet:p")
            SignalSource(file='runs/spikes.parquet', column='p', lag=0)
        """
        file, colon, column = text.rpartition(":")
        return cls(file, column) if colon and "/" not in column else cls(text)


@dataclass(frozen=True)
class NamedSignal:
    """A daily file's column as it was known at each of the closes asked for; NaN where nothing was."""

    values: Days
    source: SignalSource

    def about(self, dates: np.ndarray) -> dict[str, Any]:
        """What a run tells of it: file, column, lag, the first of the closes with a value, the share of them."""
        known = np.isfinite(self.values)
        told = {"file": Path(self.source.file).name, "column": self.source.column, "lag": self.source.lag}
        return told | {"first": str(dates[int(np.argmax(known))]), "share": float(known.mean())}


def named_signals(sources: Mapping[str, SignalSource], dates: np.ndarray) -> dict[str, NamedSignal]:
    """The value of every source that was known at each close: the last one dated `lag` days before it or earlier.

    A value stands for ten days.

    Args:
        dates: datetime64[D], the closes, increasing.

    Raises:
        DataError: no such column, a column that knows what came later, a date twice, or no date in common.
    """
    found = {}
    for name, source in sources.items():
        table = _table(source.file, [] if source.column is None else [source.column])
        columns, file = table.columns[1:], Path(source.file).name
        if len(columns) > 1:
            raise DataError(
                f"signal {name}: {file} has the columns {listed(columns)}; say which, as in "
                f"{name}: {file}:{columns[0]}."
            )
        values = _on(table, columns[0], dates, lag=source.lag, longest=LONGEST_STAND)
        if not np.isfinite(values).any():
            days = table.drop_nulls()["date"].sort()
            span = f"runs from {days[0]} to {days[-1]}" if len(days) else "holds no number"
            raise DataError(
                f"signal {name}: {file} {span} and the closes that are hedged from {dates[0]} to {dates[-1]}; give a "
                "file of these days."
            )
        found[name] = NamedSignal(values, source)
    return found


def write_known(table: pl.DataFrame, path: Path, hindsight: Sequence[str] = ()) -> None:
    """Write a table by date and say which columns know what came later, so that no signal can be made of them."""
    write_atomically(path, lambda part: table.write_parquet(part, metadata={HINDSIGHT: json.dumps(list(hindsight))}))


def read_signals(files: Sequence[str], dates: np.ndarray) -> dict[str, Days]:
    """Name → values on the dates; NaN where there is none.

    A file with a close gives one series by the file's name, any other file one for each of its columns; FILE:A,B keeps
    columns A and B.

    Raises:
        DataError: no dates, no numbers, a date twice, two series of one name, or no day in common.
    """
    found: dict[str, Days] = {}
    for file in files:
        path, _, named = (file, "", "") if Path(file).exists() else file.rpartition(":")
        table = _table(path or file, [name for name in named.split(",") if name])
        for name in table.columns[1:]:
            if name in found:
                raise DataError(f"two series are called {name}; rename one of the columns or files.")
            found[name] = _on(table, name, dates)
            if not np.isfinite(found[name]).any():
                file = Path(path or file).name
                raise DataError(f"{file} has no day of {name} in common with the prices; give those days.")
    return found


def _on(table: pl.DataFrame, column: str, dates: np.ndarray, *, lag: int = 0, longest: str = LONGEST_CARRY) -> Days:
    """The last value known on each date; NaN where there is none."""
    own = table.select(pl.col("date").dt.offset_by(f"{lag}d"), column).drop_nulls().sort("date")
    days = pl.DataFrame({"date": dates}).with_columns(pl.col("date").cast(pl.Date))
    return days.join_asof(own, on="date", tolerance=longest)[column].to_numpy().astype(float)


def _table(path: str, named: Sequence[str]) -> pl.DataFrame:
    """Dates and the named columns, by default the close under the file's name, else all that knew no future."""
    source = read_source(path)
    roles = match_columns(source, SERIES_ALIASES)
    if "time" not in roles:
        raise DataError(f"{source.name} has no column of dates; name one `date`.")
    columns = _columns(source, Path(path), roles, named)
    time, refused = parsing.times(source, roles["time"])
    keys = pl.DataFrame({"index": pl.Series(range(time.len()), dtype=pl.Int64), "time": time.dt.date()})
    several = {"event", "horizon"} & set(source.table.columns)
    fix = "give the file of one row a day that the command's --save writes" if several else FIX
    refused += refuse_repeats(source, keys, [roles["time"]], fix)
    table = pl.DataFrame({"date": time.dt.date()})
    for name, column in columns.items():
        values, more = parsing.numbers(source, column)
        refused += more
        table = table.with_columns(values.fill_nan(None).alias(name))
    raise_first(refused)
    return table


def _columns(source: Source, path: Path, roles: dict[str, str], named: Sequence[str]) -> dict[str, str]:
    """Name of each series → its column."""
    late = _hindsight(path)
    known = [name for name in source.table.columns if name not in late and name != roles["time"]]
    for name in named:
        if name in late:
            raise DataError(
                f"{source.name}: {name!r} knows what came later, so no decision may use it; choose from "
                f"{listed(known)}."
            )
        if name not in source.table.columns:
            its = [column for column in source.table.columns if column not in late]
            raise DataError(f"{source.name} has no column {name!r}; it has {listed(its)}.")
    if named:
        return {name: name for name in named}
    if "price" in roles:
        return {path.stem: roles["price"]}
    if not known:
        raise DataError(f"{source.name} has no column beside its dates; give a daily series.")
    return {name: name for name in known}


def _hindsight(path: Path) -> list[str]:
    """The columns that a Parquet file says know what came later."""
    if path.suffix.lower() != ".parquet":
        return []
    return json.loads(pl.read_parquet_metadata(path).get(HINDSIGHT, "[]"))
