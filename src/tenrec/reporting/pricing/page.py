"""The page of `tenrec price`."""

from pathlib import Path
from typing import Any

import polars as pl

from tenrec.reporting.html_tables import facts_table
from tenrec.reporting.page import card, page_html, save_page
from tenrec.reporting.pricing.figures import Pricer, price_plots
from tenrec.reporting.text import escape, number
from tenrec.reporting.tiles import Tile, tile_html


def write_price_report(pricer: Pricer, quotes: pl.DataFrame, metrics: dict[str, Any], path: Path) -> Path:
    """Write the report as one offline HTML file and return its path."""
    plots = price_plots(pricer, quotes)
    sections = [
        ("smiles", "Quotes and fit", card(plots["smiles"])),
        ("surface", "Surface", card(plots["surface"]) + card(plots["residuals"])),
        ("density", "Density", card(plots["density"])),
        ("greeks", "Greeks", card(plots["greeks"])),
        ("arbitrage", "Arbitrage", _card("Dense-grid check", _arbitrage(metrics))),
        ("data", "Data", _card("What was understood", _understood(metrics)) + _expiries(metrics)),
    ]
    tiled = "".join(tile_html(tile) for tile in _tiles(metrics))
    title = f"Option chain {metrics['file']}" + (f", {metrics['day']}" if metrics["day"] else "")
    subtitle = f"{metrics['quotes']:,} quotes over {len(metrics['expiries'])} expiries, fitted without arbitrage."
    return save_page(page_html(title, subtitle, metrics["assumptions"], tiled, sections, ""), path)


def _tiles(metrics: dict[str, Any]) -> list[Tile]:
    fit, violations = metrics["fit"], sum(metrics["arbitrage"]["violations"].values())
    inside = fit["inside_bid_ask"]
    return [
        Tile("Fit", number(100 * fit["rmse"], 2), "vol points", "root-mean-square error"),
        Tile(
            "Within bid and ask", "–" if inside is None else number(100 * inside, 0), "%", "of quotes with both sides"
        ),
        Tile("Arbitrage", number(violations, 0), "violations", f"on {metrics['arbitrage']['points']:,} points"),
        Tile("Not used", number(sum(metrics["refused"].values()), 0), "rows", f"of {metrics['rows']:,}"),
    ]


def _card(heading: str, content: str) -> str:
    return f'<div class="card"><h3>{escape(heading)}</h3>{content}</div>'


def _arbitrage(metrics: dict[str, Any]) -> str:
    check = metrics["arbitrage"]
    names = {
        "butterfly": "Call convex in strike",
        "vertical": "Call falling in strike, by at most 1",
        "calendar": "Call rising in maturity at fixed K/F",
    }
    facts = [
        (said, f"{check['violations'][name]} violations, smallest slack {check['worst'][name]:.2g} of the forward")
        for name, said in names.items()
    ]
    return facts_table(facts)


def _understood(metrics: dict[str, Any]) -> str:
    facts = [("Layout", metrics["preset"] or "by names"), ("Spot", f"{metrics['spot']:,.6g}")]
    facts += [(f"{role}", column) for role, column in metrics["columns"].items()]
    facts += [(f"Not used: {why}", f"{rows:,} rows") for why, rows in metrics["refused"].items()]
    return facts_table(facts)


def _expiries(metrics: dict[str, Any]) -> str:
    head = "".join(
        f'<th scope="col">{name}</th>' for name in ("Days", "Forward", "± s.e.", "Discount", "± s.e.", "Pairs")
    )
    rows = ""
    for row in metrics["expiries"]:
        errors = ["–" if row[name] is None else f"{row[name]:.2g}" for name in ("forward_error", "discount_error")]
        cells = [
            f"{row['forward']:,.6g}",
            errors[0],
            f"{row['discount']:.6f}",
            errors[1],
            f"{row['pairs']} {row['source']}",
        ]
        rows += (
            f'<tr><th scope="row">{365 * row["maturity"]:.1f}</th>'
            + "".join(f"<td>{cell}</td>" for cell in cells)
            + "</tr>"
        )
    table = f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
    return _card("Forwards and discount factors", table)
