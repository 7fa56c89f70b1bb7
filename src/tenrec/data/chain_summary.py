"""What an option chain's file is understood as: layout, units, exercise, and why rows are not used."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from tenrec.data.chain import OptionChain, open_chain, read_chain
from tenrec.data.chain_columns import PRESETS
from tenrec.data.chain_parsing import checked
from tenrec.data.columns import listed

MOST_ROWS = 2_000_000
"""A longer file's reasons are counted on the day that `tenrec price` takes."""


@dataclass(frozen=True)
class ChainSummary:
    """An option chain as `tenrec price` reads it.

    Fields:
        layout: name of the preset, None where columns were matched by their names. columns: role → column.
        style: "european", "american" or both. quoted: what prices a row ("bid and ask", "price", "implied volatility").
        underlyings: those the file names. rows, used: of what was counted. refused: reason → rows.
        counted: "the whole file" or the day. days: day → rows. assumptions: what is taken to hold, a sentence each.
        expiries: of what was counted. total: rows of the file.
    """

    layout: str | None
    columns: dict[str, str]
    style: str
    quoted: str
    underlyings: tuple[str, ...]
    rows: int
    used: int
    refused: dict[str, int]
    counted: str
    days: dict[str, int]
    assumptions: tuple[str, ...]
    expiries: int
    total: int

    def lines(self) -> list[str]:
        """The summary for a terminal, one fact a line."""
        where = f"layout: {self.layout}" if self.layout else "layout: by the names of the columns"
        said = [f"{where}; priced by {self.quoted}; exercise: {self.style}"]
        if self.underlyings:
            said.append(f"underlyings: {listed(list(self.underlyings))}")
        said.append(f"{self.counted}: {self.rows:,} rows, {self.used:,} used, {self.expiries:,} expiries")
        said += [f"not used, {reason}: {rows:,} row{'' if rows == 1 else 's'}" for reason, rows in self.refused.items()]
        return said + [f"assumed: {sentence}" for sentence in self.assumptions]


def summarise_chain(path: Path, columns: Mapping[str, str] | None = None) -> ChainSummary:
    """Read the chain as `tenrec price` does, and count reasons over all its days.

    Raises:
        DataError: as `read_chain`.
    """
    chain = read_chain(path, columns=columns)
    total = sum(chain.days.values()) or chain.table.height
    table, counted = chain.table, f"the day {_day(chain)}" if chain.days else "the whole file"
    if len(chain.days) > 1 and total <= MOST_ROWS:
        opened = open_chain(path, columns)
        layout = PRESETS.get(opened.preset or "")
        table = checked(path.name, opened.frame.collect(engine="streaming"), opened.roles, layout, [])
        counted = f"all {len(chain.days):,} days"
    counts = table["refused"].drop_nulls().value_counts(sort=True)
    used = table.filter(pl.col("refused").is_null())
    return ChainSummary(
        layout=chain.preset,
        columns=chain.columns,
        style=" and ".join(sorted(set(chain.table["style"].to_list()))),
        quoted=_quoted(chain.quotes),
        underlyings=tuple(sorted(set(table["symbol"].drop_nulls().to_list()))),
        rows=table.height,
        used=used.height,
        refused=dict(zip(counts["refused"].to_list(), counts["count"].to_list(), strict=True)),
        counted=counted,
        days=chain.days,
        assumptions=chain.assumptions,
        expiries=used["expiry"].n_unique() if used["expiry"].null_count() == 0 else used["maturity"].n_unique(),
        total=total,
    )


def _day(chain: OptionChain) -> str:
    first = chain.table["time"].drop_nulls()
    return "" if first.is_empty() else str(first[0].date())


def _quoted(quotes: pl.DataFrame) -> str:
    if quotes.select(((pl.col("bid") > 0) & (pl.col("ask") > 0)).any()).item():
        return "bid and ask"
    return "implied volatility" if quotes["price"].null_count() == quotes.height else "price"
