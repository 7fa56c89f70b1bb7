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
        ("dislocations", "Dislocations", _dislocations(metrics)),
        ("data", "Data", _card("What was understood", _understood(metrics)) + _expiries(metrics)),
    ]
    if metrics.get("dislocations") is None:
        sections = [section for section in sections if section[0] != "dislocations"]
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


def _dislocations(metrics: dict[str, Any]) -> str:
    found = metrics.get("dislocations") or {"rich": 0, "cheap": 0, "largest": []}
    says = (
        f"<p>Rich: {found['rich']:,}, cheap: {found['cheap']:,}. Their bid lies above the fitted "
        "volatility, or their ask below, by at least twice the typical error of their expiry.</p>"
    )
    columns = ("", "Strike", "Days", "Bid", "Ask", "Fitted", "Beyond, vol points", "In errors of the fit")
    rows = [
        (f"{row['side']} {row['kind']}", f"{row['strike']:,.6g}", f"{365 * row['maturity']:.0f}", f"{row['bid']:,.5g}",
         f"{row['ask']:,.5g}", f"{row['fair']:,.5g}", f"{100 * row['edge_volatility']:.2f}", f"{row['score']:.1f}")
        for row in found["largest"]
    ]  # fmt: skip
    shown = _card("Rich and cheap quotes", says + (_table(columns, rows) if rows else ""))
    return shown + (_trades(metrics["trades"]) if metrics.get("trades") else "")


def _trades(traded: dict[str, Any]) -> str:
    rule = traded["rule"]
    facts = [
        ("Rule", f"the {rule['top']} surest of a day, at bid or ask, closed {rule['hold']} recorded days later"),
        ("Hedge", f"Black's delta in the forward, daily, {rule['hedge_cost']:.2%} of what is traded"),
        ("Trades", f"{traded['trades']:,} on {traded['days']} of {traded['entry_days']} days"),
    ]
    if traded["trades"]:
        interval = "–" if traded["low_bp"] is None else f"[{traded['low_bp']:+.2f}, {traded['high_bp']:+.2f}]"
        sides = {side: traded[f"{side}_mean_bp"] for side in ("rich", "cheap")}
        facts += [
            ("Mean, hedged, net of spread", f"{traded['mean_bp']:+.2f} basis points of the forward"),
            ("95 % interval, by entry day", interval),
            ("Sold as rich, bought as cheap", " and ".join("–" if v is None else f"{v:+.2f}" for v in sides.values())),
            ("Unhedged", f"{traded['unhedged_mean_bp']:+.2f}"),
            ("Share that gained", f"{traded['share_gained']:.0%}"),
            ("Quoted spread", f"{traded['spread_bp']:.2f} basis points of the forward"),
            ("Never closed, left out", f"{traded['never_closed']:,}"),
        ]
    facts += [("Assumed", said) for said in traded["assumptions"]]
    return _card("What trading them made on the recorded days after", facts_table(facts))


def _table(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in columns)
    body = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>' + "".join(f"<td>{escape(cell)}</td>" for cell in row[1:]) + "</tr>"
        for row in rows
    )
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _understood(metrics: dict[str, Any]) -> str:
    facts = [("Layout", metrics["preset"] or "by names"), ("Spot", f"{metrics['spot']:,.6g}")]
    facts += [("Exercise", metrics["style"])] if "style" in metrics else []
    early = metrics.get("early_exercise")
    if early:
        said = f"{early['median']:.2%} of the price at the median quote, {early['largest']:.1%} at most; taken off"
        facts.append(("Early exercise", said))
    facts += [(f"{role}", column) for role, column in metrics["columns"].items()]
    facts += [(f"Not used: {why}", f"{rows:,} rows") for why, rows in metrics["refused"].items()]
    return facts_table(facts)


def _expiries(metrics: dict[str, Any]) -> str:
    columns = ("Days", "Forward", "± s.e.", "Discount", "± s.e.", "Pairs", "Source")
    rows = []
    for row in metrics["expiries"]:
        errors = ["–" if row[name] is None else f"{row[name]:.2g}" for name in ("forward_error", "discount_error")]
        days, forward, discount = f"{365 * row['maturity']:.1f}", f"{row['forward']:,.6g}", f"{row['discount']:.6f}"
        rows.append((days, forward, errors[0], discount, errors[1], f"{row['pairs']}", row["source"]))
    return _card("Forwards and discount factors", _table(columns, rows))
