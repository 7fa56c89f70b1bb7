"""The page of a volatility surface over days."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from tenrec.reporting.html_tables import counts_table, facts_table
from tenrec.reporting.page import card, page_html, save_page
from tenrec.reporting.text import escape, number
from tenrec.reporting.tiles import Tile, tile_html
from tenrec.reporting.volatility.index_figures import smile_plot
from tenrec.reporting.volatility.surface_figures import surface_plots
from tenrec.reporting.volatility.tables import glossary, number_table
from tenrec.volatility.variance import Smile, Term

NAMES = {"svi": "SVI", "essvi": "extended SSVI"}
GLOSSARY = {
    "At the money": "volatility where the strike is the forward.",
    "Skew, curvature": "first and second derivative of the volatility in log(K/F), at the forward.",
    "Risk reversal, butterfly": "25-delta call less put; mean of both less the money.",
    "SVI": "one hyperbola of total variance for each expiry; fits best, may contain arbitrage.",
    "Extended SSVI": "all expiries of a day in one surface that contains none.",
}


def surface_findings(metrics: dict[str, Any]) -> list[str]:
    """What the numbers say, a sentence each."""
    slices = f"{metrics['slices']:,} slice{'s' if metrics['slices'] != 1 else ''}"
    said = [
        f"{slices} on {metrics['days']:,} day{'s' if metrics['days'] != 1 else ''}, by {NAMES[metrics['model']]}: "
        f"median error {number(100 * metrics['fit_error'], 2)} vol points."
    ]
    for row in metrics["latest"]:
        said.append(
            f"{row['days']:g} days on {row['date']}: {number(100 * row['at_the_money'], 2)} % at the money, skew "
            f"{number(row['skew'], 2)}, curvature {number(row['curvature'], 1)}."
        )
    found = metrics["arbitrage"]
    if max(found.values()) > 0.0:
        said.append(
            f"Arbitrage between −2.5 and 1.5 standard deviations: butterfly at {number(100 * found['butterfly'], 2)} % "
            f"of points, calendar at {number(100 * found['calendar'], 2)} %; --model essvi has none."
        )
    else:
        said.append("No butterfly and no calendar arbitrage between −2.5 and 1.5 standard deviations.")
    return said


def write_surface_report(
    metrics: dict[str, Any],
    table: pl.DataFrame,
    constant: pl.DataFrame,
    last: Sequence[tuple[Term, Smile]],
    path: Path,
) -> Path:
    """Write the report as one offline HTML file and return its path."""
    span = f"{metrics['chain']}, {metrics['first']} to {metrics['last']}"
    tiled = "".join(tile_html(tile) for tile in _tiles(metrics))
    sections = list(_sections(metrics, table, constant, last))
    footer = escape(f"{metrics['slices']:,} expiries on {metrics['days']:,} days")
    text = page_html("Volatility surface", span, surface_findings(metrics), tiled, sections, footer)
    return save_page(text, path)


def _tiles(metrics: dict[str, Any]) -> Iterable[Tile]:
    for row in metrics["latest"]:
        yield Tile(f"{row['days']:g} days", number(100 * row["at_the_money"], 2), "%", f"at the money, {row['date']}")


def _sections(
    metrics: dict[str, Any], table: pl.DataFrame, constant: pl.DataFrame, last: Sequence[tuple[Term, Smile]]
) -> Iterable[tuple[str, str, str]]:
    yield "surface", "Surface", "".join(card(plot) for plot in surface_plots(table, constant))
    yield "day", metrics["last"], card(smile_plot(last)) + _table(table.filter(pl.col("date") == table["date"].max()))
    facts = {"model": NAMES[metrics["model"]], "assumptions": " ".join(metrics["assumptions"]) or "none"}
    out = counts_table(metrics["left_out"]) if metrics["left_out"] else ""
    yield "setup", "Setup", f'<div class="card">{facts_table(facts)}{out}</div>'
    yield "terms", "Terms", glossary(GLOSSARY)


def _table(day: pl.DataFrame) -> str:
    columns = (("Expiry", ""), ("Days", ""), ("At the money", "%"), ("Skew", ""), ("Curvature", ""),
               ("Risk reversal", "pts"), ("Butterfly", "pts"), ("Fit error", "pts"))  # fmt: skip
    rows = []
    for row in day.sort("maturity").iter_rows(named=True):
        points = [None if row[key] is None else 100 * row[key] for key in ("risk_reversal", "butterfly", "fit_error")]
        cells = [number(100 * row["at_the_money"], 2), number(row["skew"], 3), number(row["curvature"], 2)]
        rows.append((str(row["expiry"]), f"{row['days']:g}", *cells, *(number(value, 2) for value in points)))
    return number_table(columns, rows)
