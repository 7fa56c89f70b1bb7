"""What a cell must not hold, in any kind of table."""

import polars as pl

from tenrec.data.refusals import refuse_rows
from tenrec.data.source import Source


def refuse_empty(source: Source, column: str, parsed: pl.Series, what: str) -> list[str]:
    """Empty cells where a value is needed; cells whose text did not parse have been refused already."""
    raw = source.table[column]
    empty = raw.is_null() if raw.dtype != pl.String else raw.is_null() | (raw.str.strip_chars() == "")
    return refuse_rows(source, empty & parsed.is_null(), column, f"where {what} is needed")


def refuse_prices(source: Source, column: str, prices: pl.Series, *, zero: bool = False) -> list[str]:
    """Prices that are not finite, or not positive; with `zero`, a zero says that nothing is quoted and passes."""
    finite = prices.is_finite()
    low = finite & ((prices < 0) if zero else (prices <= 0))
    said = "is a negative price" if zero else "is not a positive price"
    return refuse_rows(source, ~finite, column, "is not a finite number") + refuse_rows(source, low, column, said)


def refuse_negative(source: Source, column: str, values: pl.Series, what: str) -> list[str]:
    """Values below zero, or infinite, in a column that may be empty, zero or not a number where nothing is known."""
    bad = ((values < 0) & values.is_not_nan()) | values.is_infinite()
    return refuse_rows(source, bad, column, f"is not a possible {what}")


def refuse_crossed(source: Source, bid_column: str, ask_column: str, bid: pl.Series, ask: pl.Series) -> list[str]:
    """Rows whose bid stands above their ask, where both are quoted."""
    crossed = (bid > 0) & (ask > 0) & (bid > ask) & bid.is_finite()
    rows = crossed.fill_null(False).arg_true()
    problem = f"is above the ask of {ask[int(rows[0])]} in column {ask_column}" if rows.len() else ""
    return refuse_rows(source, crossed, bid_column, problem)


def quote_gap(bid: pl.Expr, ask: pl.Expr) -> pl.Expr:
    """Why a pair of quotes cannot be traded on both sides, else null; zero and empty both mean that none is quoted."""
    bid_there, ask_there = (bid > 0).fill_null(False), (ask > 0).fill_null(False)
    return (
        pl.when(~bid_there & ~ask_there)
        .then(pl.lit("no quote"))
        .when(~bid_there)
        .then(pl.lit("no bid"))
        .when(~ask_there)
        .then(pl.lit("no ask"))
    )


def refuse_all_masked(source: Source, masked: pl.Series) -> list[str]:
    """A table without a single usable price."""
    if masked.null_count() > 0:
        return []
    reasons = ", ".join(f"{reason} in {rows:,}" for reason, rows in count_reasons(masked).items())
    return [f"{source.name} has no usable price in {masked.len():,} rows ({reasons}); at least one is needed."]


def count_reasons(masked: pl.Series) -> dict[str, int]:
    """Reason → rows, the most frequent first."""
    counts = masked.drop_nulls().value_counts(sort=True)
    return dict(zip(counts[masked.name].to_list(), counts["count"].to_list(), strict=True))
