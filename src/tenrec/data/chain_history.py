"""Option chains of many days: the same reading as of one day, for what is hedged from day to day."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from tenrec.core.errors import DataError
from tenrec.data import chain_parsing as parse
from tenrec.data.chain import collect, exercise, nothing_left, open_chain
from tenrec.data.chain_columns import PRESETS
from tenrec.data.columns import listed

LAYOUT = ("trade_date", "time", "expiry", "maturity", "strike", "sign", "price", "spot", "forward", "discount",
          "multiplier", "style", "refused")  # fmt: skip
STEADY = 0.85
"""Share of a date's expiries that have to be found again at the next one, where they had to be computed."""


@dataclass(frozen=True)
class ChainHistory:
    """Quotes of one underlying on many days in one layout.

    Args:
        name: file name. table: one row a quote with the columns of `LAYOUT`, at most one a contract and date: the last.
        symbol: of the underlying, where the file has one. coin: options are quoted and settled in the underlying;
            prices are in the quote currency all the same. assumptions: a sentence each. refused: reason → rows.
    """

    name: str
    table: pl.DataFrame
    symbol: str | None
    coin: bool
    assumptions: tuple[str, ...]
    refused: dict[str, int]


def read_history(
    path: str | Path,
    *,
    columns: Mapping[str, str] | None = None,
    underlying: str | None = None,
    style: str | None = None,
) -> ChainHistory:
    """Read all days of an option chain from CSV, Parquet, or a folder of such files; see `read_chain`.

    Raises:
        DataError: names what is missing, or file, row and column of what cannot be used.
    """
    path = Path(path)
    # `close` is what a price is called where days are many.
    given = {("price" if role == "close" else role): column for role, column in dict(columns or {}).items()}
    opened = open_chain(path, given)
    roles, layout = opened.roles, PRESETS.get(opened.preset or "")
    if "date" not in roles:
        raise DataError(
            f"{path.name} has no column for the date, without which no hedge can be followed from day to day; its "
            f"columns are {listed(opened.columns, 24)}; say which it is with columns: {{date: name}}."
        )
    says: list[str] = []
    table, symbol = _of_one(path.name, collect(path.name, opened.frame), underlying, says)
    table = parse.checked(path.name, table, roles, layout, says)
    table = table.with_columns(style=exercise(table, roles, layout, style, says))
    if table.filter(pl.col("refused").is_null()).is_empty():
        raise DataError(nothing_left(path.name, table))
    table = _dated(path.name, table, says)
    counts = table["refused"].drop_nulls().value_counts(sort=True)
    used = _one_a_day(_one_root(table.filter(pl.col("refused").is_null()), says), says)
    coin = layout is not None and layout.coin
    return ChainHistory(path.name, used.select(LAYOUT), symbol, coin, tuple(says), dict(counts.iter_rows()))


def _of_one(file: str, table: pl.DataFrame, wanted: str | None, says: list[str]) -> tuple[pl.DataFrame, str | None]:
    """The rows of one underlying in one currency."""
    names = table["symbol"].drop_nulls().value_counts(sort=True)["symbol"].to_list()
    if wanted is not None and wanted not in names:
        raise DataError(f"{file} has no underlying {wanted!r}; it has {listed(names) or 'no column that names one'}.")
    chosen = wanted or (names[0] if names else None)
    if wanted is None and len(names) > 1:
        says.append(f"The file holds {listed(names)}; {chosen} is used, `underlying` picks another.")
    table = table if chosen is None or len(names) == 1 else table.filter(pl.col("symbol") == chosen)
    currencies = table["currency"].drop_nulls().unique().sort().to_list()
    if len(currencies) > 1:
        raise DataError(f"{file} holds quotes in {listed(currencies)}; one currency is needed, so split the file.")
    return table, chosen


def _dated(file: str, table: pl.DataFrame, says: list[str]) -> pl.DataFrame:
    """With trade_date and expiry as dates; an expiry that the file does not state follows from the maturity."""
    day = pl.col("time").dt.date()
    bad = table.filter(pl.col("time").is_null())
    if bad.height:
        raise DataError(f"{file} row {bad['row'][0]} has no date; give one, or take the row out.")
    stated = pl.col("expiry").dt.date()
    computed = day + pl.duration(days=(pl.col("maturity") * parse.YEAR).round().cast(pl.Int64))
    made = table.with_columns(trade_date=day, expiry=pl.coalesce(stated, computed))
    if table["expiry"].null_count() < table.height:
        return made
    says.append("Expiries are not stated; they follow from the dates and the times to maturity (365 days a year).")
    dates = made.select("trade_date").unique().sort("trade_date")
    listed_on = made.select("trade_date", "expiry").unique()
    following = dates.with_columns(after=pl.col("trade_date").shift(-1)).drop_nulls()
    lasting = listed_on.join(following, on="trade_date").filter(pl.col("expiry") > pl.col("after"))
    again = lasting.join(listed_on.select("expiry", after="trade_date"), on=["expiry", "after"], how="semi")
    if again.height < STEADY * lasting.height:
        raise DataError(
            f"{file}: contracts cannot be followed from one date to the next, since date plus time to maturity gives "
            "a new expiry each day; add a column expiry, or give maturities in years of 365 days."
        )
    return made


def _one_root(table: pl.DataFrame, says: list[str]) -> pl.DataFrame:
    """Of two classes that expire on one day (morning and afternoon settlement) the one with more quotes."""
    roots = table.drop_nulls("root").group_by("expiry", "root").len().sort("expiry", "len", "root")
    best = roots.group_by("expiry", maintain_order=True).last().select("expiry", best="root")
    kept = table.join(best, on="expiry", how="left").filter(
        pl.col("root").is_null() | (pl.col("root") == pl.col("best"))
    )
    less = table.height - kept.height
    if less:
        says.append(f"Of two classes that expire on one day the one with more quotes is used ({less:,} rows left out).")
    return kept.drop("best")


def _one_a_day(table: pl.DataFrame, says: list[str]) -> pl.DataFrame:
    """The last quote of each contract on each date."""
    key = ["trade_date", "expiry", "strike", "sign", "multiplier"]
    untyped = table["sign"].null_count() > 0
    # Without a type, two prices at one strike are a call and a put: both stay.
    last = table if untyped else table.sort("time", maintain_order=True).unique(key, keep="last", maintain_order=True)
    if last.height < table.height:
        says.append(
            f"Of several quotes of a contract on one date the last is taken ({table.height - last.height:,} left out)."
        )
    return last.sort("trade_date", "expiry", "strike", "sign")
