"""One table as it lies in a file: text where the file holds text, with row numbers that a person can look up."""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from tenrec.core.errors import DataError

TABLE_SUFFIXES = (".parquet", ".csv")


@dataclass(frozen=True)
class Source:
    """A file's table before anything is parsed; CSV columns are all text, so that bad text keeps its place.

    Args:
        name: file name, for messages.
        table: the columns as they are.
        first_row: row number of the first record: 2 in CSV, where the header is row 1, and 1 in Parquet.
    """

    name: str
    table: pl.DataFrame
    first_row: int

    def row(self, index: int) -> str:
        """How a message names the record at `index`."""
        counted = "header counted" if self.first_row == 2 else "counted from 1"
        return f"row {index + self.first_row} ({counted})"


def read_source(path: str | Path) -> Source:
    """Read a Parquet or CSV file.

    Raises:
        DataError: the file is missing, empty, of another type, or not readable as a table.
    """
    path = existing_file(path)
    if path.suffix.lower() not in TABLE_SUFFIXES:
        raise DataError(f"{path.name} is not a table; a .parquet or .csv file is needed.")
    source = _read_csv(path) if path.suffix.lower() == ".csv" else _read_parquet(path)
    if source.table.height == 0:
        raise DataError(f"{path.name} holds no rows; a table with at least one row below its header is needed.")
    return source


def existing_file(path: str | Path) -> Path:
    """The path, if a file that is not empty stands there."""
    path = Path(path)
    if path.is_dir():
        raise DataError(f"{path} is a folder; give one file in it.")
    if not path.exists():
        raise DataError(f"{path} does not exist; check the path.")
    if path.stat().st_size == 0:
        raise DataError(f"{path.name} is empty; export it again.")
    return path


def _read_parquet(path: Path) -> Source:
    try:
        table = pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(f"{path.name} cannot be read as Parquet ({_first_line(error)}); write it again.") from error
    return Source(path.name, table, first_row=1)


def _read_csv(path: Path) -> Source:
    try:
        table = pl.read_csv(path, infer_schema=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = _uneven_row(path) or _first_line(error)
        raise DataError(f"{path.name} cannot be read as comma-separated text: {reason}; export it again.") from error
    if table.width == 1 and any(mark in table.columns[0] for mark in ";\t|"):
        raise DataError(f"{path.name} is not separated by commas (its header is {table.columns[0]!r}); export it so.")
    repeated = [name for name in table.columns if re.fullmatch(r".+_duplicated_\d+", name)]
    if repeated:
        name = repeated[0].rsplit("_duplicated_", 1)[0]
        raise DataError(f"{path.name} has more than one column {name!r}; give each column a name of its own.")
    return Source(path.name, _without_trailing_blanks(table), first_row=2)


def _without_trailing_blanks(table: pl.DataFrame) -> pl.DataFrame:
    """Blank lines at the end say nothing; one in the middle stays, so that it is refused and row numbers hold."""
    written = table.select(pl.any_horizontal(pl.all().is_not_null())).to_series().arg_true()
    return table.head(int(written[-1]) + 1 if written.len() else 0)


def _uneven_row(path: Path) -> str | None:
    """Which row has more or fewer fields than the header; None where that is not the trouble."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = csv.reader(file)
            width = len(next(rows))
            for number, row in enumerate(rows, start=2):
                if row and len(row) != width:
                    return f"row {number} (header counted) has {len(row)} fields where the header has {width}"
    except (UnicodeDecodeError, csv.Error, StopIteration) as error:
        return _first_line(error)
    return None


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
