"""Sentences that say which row and column of a file cannot be used, and what to do."""

from typing import Any

import polars as pl

from tenrec.core.errors import DataError
from tenrec.data.source import Source

FIX = "remove the rows or fix the export"


def refuse_rows(source: Source, bad: pl.Series, column: str, problem: str, fix: str = FIX) -> list[str]:
    """One sentence for the rows where `bad` is true (null counts as false); an empty list where there are none.

    Example:
        >>> source = Source("chain.csv", pl.DataFrame({"strike": ["1.0", "-3.0"]}), first_row=2)
        >>> refuse_rows(source, pl.Series([False, True]), "strike", "is not a positive price", "remove it")
        ['chain.csv row 3 (header counted), column strike: -3.0 is not a positive price; remove it.']
    """
    rows = bad.fill_null(False).arg_true()
    if rows.len() == 0:
        return []
    first = int(rows[0])
    value = describe(source.table[column][first])
    return [f"{source.name} {source.row(first)}, column {column}: {value} {problem}{and_more(rows.len())}; {fix}."]


def refuse_repeats(source: Source, keys: pl.DataFrame, columns: list[str], fix: str = FIX) -> list[str]:
    """One sentence for rows whose key stands in an earlier row; keys with a null in them are left alone.

    Args:
        source: the file.
        keys: one column a part of the key, and `index`, the position of the record in the file.
        columns: the columns of the file that the parts come from, for the message.
    """
    parts = [name for name in keys.columns if name != "index"]
    if keys.select(parts).n_unique() == keys.height:
        return []
    earlier = keys.with_columns(
        first=pl.col("index").min().over(parts), whole=pl.all_horizontal(pl.col(parts).is_not_null())
    )
    repeats = earlier.filter(pl.col("whole"), pl.col("index") > pl.col("first")).sort("index")
    if repeats.is_empty():
        return []
    index, first = int(repeats["index"][0]), int(repeats["first"][0])
    values = ", ".join(describe(source.table[column][index]) for column in columns)
    place = f"{source.name} {source.row(index)}, {'column' if len(columns) == 1 else 'columns'} {', '.join(columns)}"
    said = f"duplicate key ({values}), already in row {first + source.first_row}"
    return [f"{place}: {said}{and_more(repeats.height)}; {fix}."]


def raise_first(refusals: list[str]) -> None:
    """Raise the first of the sentences as a DataError, and say how many more there are."""
    if not refusals:
        return
    others = len(refusals) - 1
    counted = "1 more problem" if others == 1 else f"{others} more problems"
    raise DataError(refusals[0].removesuffix(".") + (f" ({counted}: see `tenrec data check`)." if others else "."))


def and_more(rows: int) -> str:
    """The part of a sentence that counts the other rows with the same problem."""
    if rows <= 1:
        return ""
    return f" (and {rows - 1:,} more row{'s' if rows > 2 else ''})"


def describe(value: Any) -> str:
    """A cell as a message shows it: numbers and dates bare, text in quotes where it is not a plain word."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return "an empty cell"
    if isinstance(value, str):
        bare = value.replace(".", "").replace("-", "").replace(":", "").replace("_", "").isalnum()
        return value if bare else repr(value)
    return str(value)
