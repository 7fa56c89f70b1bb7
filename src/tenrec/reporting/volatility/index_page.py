"""The page of a volatility index."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from tenrec.reporting.html_tables import counts_table, facts_table
from tenrec.reporting.page import card, page_html, save_page
from tenrec.reporting.text import escape, number
from tenrec.reporting.tiles import Tile, tile_html
from tenrec.reporting.volatility.index_figures import index_plots
from tenrec.reporting.volatility.tables import glossary, number_table
from tenrec.volatility.variance import Smile, Term

GLOSSARY = {
    "Index": "100 × the root of the variance of out-of-the-money options by the exchange's published method.",
    "Variance swap": "volatility at which a swap of realised variance costs nothing; straight lines between quotes, "
    "wings free of arbitrage beyond them.",
    "Volatility swap": "the same for realised volatility, by the payoff of Carr and Lee that is immune to the "
    "correlation of price and volatility to first order; a little low where that and the maturity are large.",
    "Forward variance": "variance between an expiry and the one before, by what both swaps cost.",
    "Beyond quotes": "share of the swap's variance that comes from the wings: an assumption, not a quote.",
    "Risk reversal": "volatility of the 25-delta call less that of the 25-delta put.",
    "Skew index": "100 − 10 × skewness of the log return, by the exchange's method.",
}


def findings(metrics: dict[str, Any]) -> list[str]:
    """What the numbers say, a sentence each."""
    said = []
    for row in metrics["latest"]:
        if row["days"] not in metrics["asked"]:
            continue
        first = f"{row['days']:g} days on {row['date']}: index {number(row['index'], 2)}"
        if row["variance_swap"] is not None and row["volatility_swap"] is not None:
            first += (
                f", variance swap at {number(100 * row['variance_swap'], 2)} %, volatility swap at "
                f"{number(100 * row['volatility_swap'], 2)} %"
            )
        said.append(f"{first} (expiries {row['near']} and {row['next']}).")
    for days, span in metrics["over_days"].items():
        if metrics["days"] > 1:
            said.append(
                f"Over {metrics['days']:,} days the index of {days} days lay between {number(span['low'], 2)} and "
                f"{number(span['high'], 2)}, {number(span['mean'], 2)} on average."
            )
    beyond = [row["beyond_quotes"] for row in metrics["term_structure"] if row["beyond_quotes"] is not None]
    if beyond and max(beyond) > 0.1:
        said.append(
            f"Up to {number(100 * max(beyond), 0)} % of a variance strike lies beyond the quotes, on the wings."
        )
    return said


def write_index_report(
    metrics: dict[str, Any],
    series: pl.DataFrame,
    table: pl.DataFrame,
    last: Sequence[tuple[Term, Smile]],
    path: Path,
) -> Path:
    """Write the report as one offline HTML file and return its path."""
    span = f"{metrics['chain']}, {metrics['first']} to {metrics['last']}"
    tiled = "".join(tile_html(tile) for tile in _tiles(metrics))
    sections = list(_sections(metrics, series, last))
    footer = escape(f"{table.height:,} expiries on {metrics['days']:,} days")
    return save_page(page_html("Volatility index", span, findings(metrics), tiled, sections, footer), path)


def _tiles(metrics: dict[str, Any]) -> Iterable[Tile]:
    for row in metrics["latest"]:
        yield Tile(f"{row['days']:g} days", number(row["index"], 2), "", f"index on {row['date']}")


def _sections(
    metrics: dict[str, Any], series: pl.DataFrame, last: Sequence[tuple[Term, Smile]]
) -> Iterable[tuple[str, str, str]]:
    plots = index_plots(metrics, series, last)
    if plots["days"]:
        yield "days", "Over days", "".join(card(plot) for plot in plots["days"])
    yield "day", metrics["last"], "".join(card(plot) for plot in plots["day"]) + _table(metrics)
    facts = {"assumptions": " ".join(metrics["assumptions"]) or "none"}
    out = counts_table(metrics["left_out"]) if metrics["left_out"] else ""
    yield "setup", "Setup", f'<div class="card">{facts_table(facts)}{out}</div>'
    yield "terms", "Terms", glossary(GLOSSARY)


def _table(metrics: dict[str, Any]) -> str:
    columns = (("Expiry", ""), ("Days", ""), ("Strikes", ""), ("Index", ""), ("Variance swap", "%"),
               ("Volatility swap", "%"), ("At the money", "%"), ("Forward", "%"), ("Risk reversal", "pts"),
               ("Beyond quotes", "%"))  # fmt: skip
    rows = []
    for row in metrics["term_structure"]:
        keys = ("variance_swap", "volatility_swap", "at_the_money", "forward_volatility", "risk_reversal",
                "beyond_quotes")  # fmt: skip
        values = [None if row[key] is None else 100 * row[key] for key in keys]
        cells = [number(value, 2) for value in values[:-1]] + [number(values[-1], 1)]
        rows.append((row["expiry"], f"{row['days']:g}", f"{row['strikes']:,}", number(row["index"], 2), *cells))
    return number_table(columns, rows, "Fair strikes as annualised volatility.")
