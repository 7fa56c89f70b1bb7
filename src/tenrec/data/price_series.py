"""One price through time, read from a file and checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from tenrec.core.errors import DataError
from tenrec.data import cells, parsing
from tenrec.data.columns import SERIES_ALIASES, match_columns, missing_columns
from tenrec.data.refusals import raise_first, refuse_repeats, refuse_rows
from tenrec.data.source import Source, read_source

NUMBERS = ("price", "bid", "ask", "funding", "implied_vol")
LAYOUT = ("time", *NUMBERS, "masked")


@dataclass(frozen=True)
class PriceSeries:
    """A price through time in one layout, whatever the file called its columns.

    Args:
        name: file name.
        table: one row a time, strictly increasing: `time` (Datetime, UTC where the file states an offset), `price`,
            `bid`, `ask` (quote currency), `funding` (decimal per interval), `implied_vol` (annualised decimal) as
            Float64, null where there is none; `masked` (why a row has no usable price, else null).
        columns: role → column of the file.
    """

    name: str
    table: pl.DataFrame
    columns: dict[str, str]

    @property
    def masked(self) -> dict[str, int]:
        """Why rows are masked → number of rows."""
        return cells.count_reasons(self.table["masked"])


def read_price_series(path: str | Path, *, columns: Mapping[str, str] | None = None) -> PriceSeries:
    """Read a price series from Parquet or CSV.

    Required: time and price. A table of a time and one number is read as that number's series. An empty price is
    masked, never filled; so are absent rows, which `tenrec.data.check` counts.

    Args:
        path: the file.
        columns: role → column, where the names differ from the usual ones (`tenrec.data.columns.SERIES_ALIASES`).

    Raises:
        DataError: names the file, row and column of the first thing that cannot be used: an unreadable or non-finite
            number, a price that is not positive, bid above ask, a time that is missing, repeated or out of order.
    """
    series, refusals = parse_price_series(read_source(path), columns)
    raise_first(refusals)
    if series is None:
        raise DataError(f"{Path(path).name} is not a price series.")
    return series


def parse_price_series(source: Source, given: Mapping[str, str] | None = None) -> tuple[PriceSeries | None, list[str]]:
    """The series of a source, and a sentence for each kind of trouble in it; no series where columns are missing."""
    columns = _only_number(source, match_columns(source, SERIES_ALIASES, given))
    needed = {"time": "the time or date", "price": "the price (or close)"}
    absent = missing_columns(source, columns, needed, "a price series")
    if absent:
        return None, absent
    time, refusals = parsing.times(source, columns["time"])
    parsed = {"time": time}
    for role in [role for role in NUMBERS if role in columns]:
        parsed[role], refused = parsing.numbers(source, columns[role])
        refusals += refused
    table = pl.DataFrame(parsed)
    refusals += _refuse_times(source, columns, table) + _refuse_prices(source, columns, table)
    laid_out = _lay_out(table)
    refusals += [] if refusals else cells.refuse_all_masked(source, laid_out["masked"])
    return PriceSeries(source.name, laid_out, columns), refusals


def _only_number(source: Source, columns: dict[str, str]) -> dict[str, str]:
    """In a table of a time and one more column, that column is the price."""
    others = [name for name in source.table.columns if name != columns.get("time")]
    if "time" in columns and "price" not in columns and len(others) == 1:
        return {"time": columns["time"], "price": others[0]}
    return columns


def _refuse_times(source: Source, columns: Mapping[str, str], table: pl.DataFrame) -> list[str]:
    """Several series in one file, and times that are empty, repeated or out of order."""
    column, time = columns["time"], table["time"]
    if "symbol" in columns and source.table[columns["symbol"]].n_unique() > 1:
        symbols = source.table[columns["symbol"]]
        return [
            f"{source.name} column {columns['symbol']}: {symbols.n_unique()} series in one file, where one is needed; "
            f"keep the rows of one of them, for example {symbols[0]}."
        ]
    refusals = cells.refuse_empty(source, column, time, "a time")
    earlier = time < time.fill_null(strategy="forward").shift(1)
    refusals += refuse_rows(source, earlier, column, "is earlier than the row before", "sort the file by time")
    keys = pl.DataFrame({"index": pl.Series(range(time.len()), dtype=pl.Int64), "time": time})
    return refusals + refuse_repeats(source, keys, [column])


def _refuse_prices(source: Source, columns: Mapping[str, str], table: pl.DataFrame) -> list[str]:
    refusals = cells.refuse_prices(source, columns["price"], table["price"])
    for role in [role for role in ("bid", "ask") if role in columns]:
        refusals += cells.refuse_prices(source, columns[role], table[role], zero=True)
    if "bid" in columns and "ask" in columns:
        refusals += cells.refuse_crossed(source, columns["bid"], columns["ask"], table["bid"], table["ask"])
    if "implied_vol" in columns:
        refusals += cells.refuse_negative(source, columns["implied_vol"], table["implied_vol"], "implied vol")
    return refusals


def _lay_out(table: pl.DataFrame) -> pl.DataFrame:
    absent = [pl.lit(None, pl.Float64).alias(role) for role in NUMBERS if role not in table.columns]
    reason = pl.when(pl.col("price").is_null()).then(pl.lit("no price"))
    unknown = [pl.col(role).fill_nan(None) for role in NUMBERS if role in table.columns]
    return table.with_columns(absent).with_columns(*unknown, masked=reason).select(LAYOUT)
