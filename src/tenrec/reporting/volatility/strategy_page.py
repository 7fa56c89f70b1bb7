"""The page of volatility traded on a record."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import polars as pl

from tenrec.reporting.html_tables import facts_table
from tenrec.reporting.page import card, page_html, save_page
from tenrec.reporting.plots import Plot
from tenrec.reporting.plots.base import bare_figure
from tenrec.reporting.style import INK, LEARNED, PALETTE
from tenrec.reporting.text import escape, number
from tenrec.reporting.tiles import Tile, tile_html
from tenrec.reporting.volatility.tables import glossary, number_table

KINDS = {"variance": "Variance swaps sold", "futures": "VIX futures sold"}
COLORS = {"plain": INK, "forecast": LEARNED, "spike": PALETTE[0], "both": PALETTE[1]}
GLOSSARY = {
    "Size": "one percent of capital for each volatility point (vega); nothing is compounded, a drawdown above "
    "100 % would have ended the account.",
    "Variance swap": "sold at the implied variance of the day, marked each day by what was realised and is "
    "implied for the rest, replaced after 21 trading days.",
    "Futures": "a short future of 30 days, made of the nearest two and rolled every day.",
    "Forecast": "size in proportion to implied less forecast variance, over its mean so far, between 0 and 2.",
    "Spike": "full size at the usual probability of a spike, none from twice of it on.",
    "Sharpe": "mean over deviation of daily P&L, annualised; interval by stationary bootstrap, blocks of a month.",
    "Shortfall": "mean of the worst 5 % of months.",
}


def strategy_findings(metrics: dict[str, Any]) -> list[str]:
    """What the numbers say, a sentence each."""
    premium = metrics["premium"]
    said = [
        f"Implied volatility was {number(100 * premium['mean'], 1)} points above what the month after realised on "
        f"average, and above it on {number(100 * premium['share_above'], 0)} % of days."
    ]
    for kind, title in KINDS.items():
        own = {name.split()[1]: one for name, one in metrics["strategies"].items() if name.startswith(kind)}
        if not own:
            continue
        plain = own["plain"]
        best = max(own, key=lambda name: own[name]["sharpe"])
        said.append(
            f"{title}, plain: Sharpe {_interval(plain)}, largest drawdown {number(100 * plain['drawdown'], 0)} % of "
            f"capital, worst day {number(100 * plain['worst_day'], 0)} %; the highest Sharpe is that of {best}, "
            f"{_interval(own[best])}, drawdown {number(100 * own[best]['drawdown'], 0)} %."
        )
    if metrics["futures"]:
        curve = metrics["futures"]
        said.append(
            f"The futures' curve rose on {number(100 * curve['contango_share'], 0)} % of days; the roll cost a long "
            f"position {number(-100 * curve['roll_yield_mean'], 0)} % a year on average."
        )
    return said


def _interval(one: dict[str, Any]) -> str:
    return f"{number(one['sharpe'], 2)} [{number(one['low'], 2)}, {number(one['high'], 2)}]"


def write_strategy_report(metrics: dict[str, Any], table: pl.DataFrame, path: Path) -> Path:
    """Write the report as one offline HTML file and return its path."""
    spans = [(one["first"], one["last"]) for one in metrics["strategies"].values()]
    span = f"{metrics['prices']}, {min(first for first, _ in spans)} to {max(last for _, last in spans)}, after costs"
    tiled = "".join(tile_html(tile) for tile in _tiles(metrics))
    sections = list(_sections(metrics, table))
    text = page_html("Volatility sold", span, strategy_findings(metrics), tiled, sections, escape(metrics["read_as"]))
    return save_page(text, path)


def _tiles(metrics: dict[str, Any]) -> Iterable[Tile]:
    for name, one in metrics["strategies"].items():
        kind, scale = name.split()
        if scale in ("plain", "both"):
            note = f"{KINDS[kind]}, {scale}; drawdown {number(100 * one['drawdown'], 0)} %"
            yield Tile("Sharpe", number(one["sharpe"], 2), "", note)


def _sections(metrics: dict[str, Any], table: pl.DataFrame) -> Iterable[tuple[str, str, str]]:
    for kind, title in KINDS.items():
        own = table.filter(pl.col("strategy").str.starts_with(kind))
        if own.is_empty():
            continue
        plots = [_wealth(kind, own), _drawdown(kind, own)]
        yield kind, title, _table(metrics, kind) + "".join(card(plot) for plot in plots)
    if metrics["futures"]:
        yield "curve", "The futures' curve", card(_held_to_expiry(metrics["futures"]))
    facts = {"notes": " ".join(metrics["notes"]) or "none", **metrics["spreads"]}
    yield "setup", "Setup", f'<div class="card">{facts_table(facts)}</div>'
    yield "terms", "Terms", glossary(GLOSSARY)


def _table(metrics: dict[str, Any], kind: str) -> str:
    columns = (("Size", ""), ("Mean", "% a year"), ("Deviation", "% a year"), ("Sharpe", ""), ("95 %", ""),
               ("Drawdown", "%"), ("Worst day", "%"), ("Shortfall", "% a month"), ("Cost", "% a year"),
               ("Skewness", ""))  # fmt: skip
    rows = []
    for name, one in metrics["strategies"].items():
        if not name.startswith(kind):
            continue
        percent = {
            key: number(100 * one[key], 1)
            for key in ("mean", "deviation", "drawdown", "worst_day", "shortfall", "cost")
        }
        rows.append((name.split()[1], percent["mean"], percent["deviation"], number(one["sharpe"], 2),
                     f"[{number(one['low'], 2)}, {number(one['high'], 2)}]", percent["drawdown"], percent["worst_day"],
                     percent["shortfall"], percent["cost"], number(one["skewness"], 1)))  # fmt: skip
    return number_table(columns, rows, "Percent of capital at a vega of 1 % of it per volatility point.")


def _wealth(kind: str, own: pl.DataFrame) -> Plot:
    figure = bare_figure(380, yaxis={"title": {"text": "Gain (% of capital)"}})
    for (name,), part in own.group_by("strategy", maintain_order=True):
        scale = str(name).split()[1]
        figure.add_trace(go.Scatter(x=part["date"].to_list(), y=(100 * part["wealth"]).round(2).to_list(), name=scale,
                                    legendgroup=scale, showlegend=True,
                                    line={"color": COLORS[scale], "width": 1.6}))  # fmt: skip
    return Plot(f"wealth_{kind}", "Gain", "After costs, not compounded.", figure)


def _drawdown(kind: str, own: pl.DataFrame) -> Plot:
    figure = bare_figure(260, yaxis={"title": {"text": "Below its peak (%)"}})
    for (name,), part in own.group_by("strategy", maintain_order=True):
        scale, wealth = str(name).split()[1], part["wealth"].to_numpy()
        fall = 100 * (wealth - np.maximum.accumulate(wealth))
        figure.add_trace(go.Scatter(x=part["date"].to_list(), y=np.round(fall, 2), name=scale, legendgroup=scale,
                                    showlegend=True, line={"color": COLORS[scale], "width": 1.4}))  # fmt: skip
    return Plot(f"drawdown_{kind}", "Drawdown", "How far below its highest gain each strategy stood.", figure)


def _held_to_expiry(curve: dict[str, Any]) -> Plot:
    rows = curve["held_to_expiry"]
    figure = bare_figure(320, xaxis={"title": {"text": "Months to expiry"}}, yaxis={"title": {"text": "Points"}})
    errors = {"array": [1.96 * row["standard_error"] for row in rows], "color": LEARNED}
    premium = [round(row["premium"], 3) for row in rows]
    figure.add_trace(go.Bar(x=[row["months"] for row in rows], y=premium, error_y=errors,
                            marker={"color": LEARNED, "opacity": 0.7}, name="premium"))  # fmt: skip
    caption = "What a future cost above what it came to at expiry, mean and 95 % interval (overlap counted)."
    return Plot("held_to_expiry", "Fair value against realised", caption, figure)
