"""The page of a replayed rule: its weeks beside what was expected, and two of them tick by tick."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from tenrec.reporting.page import card, page_html, save_page
from tenrec.reporting.plots import Plot
from tenrec.reporting.plots.base import bare_figure
from tenrec.reporting.style import FAINT, LEARNED, MUTED, translucent
from tenrec.reporting.text import escape, number
from tenrec.reporting.tiles import Tile, tile_html
from tenrec.reporting.tuning.figures import week_plot

ROWS = {
    "net_pnl_usd": ("Net P&L", "USD a week"),
    "max_drawdown_usd": ("Largest drawdown", "USD, mean of a week"),
    "hedge_count_per_week": ("Hedges", "a week"),
    "transaction_costs_usd": ("Costs", "USD a week"),
}


@dataclass(frozen=True)
class ReplayReport:
    """Everything that the page shows.

    Args:
        metrics: the run's `metrics.json`. weeks: window, sample ("tuned on" or "judged"), net_pnl, cost, hedges,
            drawdown. pictures: heading → time_hours, price, net_delta, trade, pnl of a week.
    """

    title: str
    subtitle: str
    summary: tuple[str, ...]
    metrics: dict[str, Any]
    weeks: pl.DataFrame
    pictures: Mapping[str, pl.DataFrame]
    config_yaml: str


def write_replay_report(data: ReplayReport, path: Path) -> Path:
    """Write the page as one offline HTML file and return its path."""
    tiled = "".join(tile_html(tile) for tile in _tiles(data))
    footer = escape(f"{data.metrics['file']} · {data.metrics['seconds']:.0f} s")
    return save_page(page_html(data.title, data.subtitle, data.summary, tiled, list(_sections(data)), footer), path)


def _tiles(data: ReplayReport) -> list[Tile]:
    result, stated = data.metrics["result"], data.metrics["expected"]

    def beside(name: str) -> str:
        return f"a week; expected {number(stated[name]['expected'], 0)}"

    return [
        Tile("Net P&L", number(result["net_pnl"], 0), "USD", beside("net_pnl_usd")),
        Tile("Cost", number(result["cost"], 0), "USD", beside("transaction_costs_usd")),
        Tile("Hedges", number(result["hedges"], 0), "", beside("hedge_count_per_week")),
        Tile("Drawdown", number(result["max_drawdown"], 0), "USD", beside("max_drawdown_usd")),
        Tile("Sharpe", number(result["sharpe"], 2), "", f"± {number(result['sharpe_se'], 2)}"),
    ]


def _sections(data: ReplayReport) -> Iterable[tuple[str, str, str]]:
    yield "expected", "Beside what was expected", _table(data) + card(weeks_plot(data))
    plots = [
        week_plot(f"replay_{index}", heading, "The rule, tick by tick.", table)
        for index, (heading, table) in enumerate(data.pictures.items())
    ]
    yield "replay", "Weeks tick by tick", "".join(card(plot) for plot in plots)
    config = escape(data.config_yaml.strip())
    yield "setup", "Setup", f'<details class="card"><summary>Configuration</summary><pre>{config}</pre></details>'


def _table(data: ReplayReport) -> str:
    heads = ("Measure", "Here", "5 % to 95 % of weeks", "Expected", "Stated range", "Mean inside", "Weeks inside")
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in heads)
    rows = ""
    for name, entry in data.metrics["expected"].items():
        label, unit = ROWS[name]
        share = entry["weeks_inside"]
        cells = [
            number(entry["mean"], 0),
            _range([entry["low"], entry["high"]]),
            number(entry["expected"], 0),
            _range(entry["range"]),
            {True: "yes", False: "no", None: "–"}[entry["inside"]],
            "–" if share is None else f"{share:.0%}",
        ]
        body = "".join(f"<td>{cell}</td>" for cell in cells)
        rows += f'<tr><th scope="row">{escape(label)} <small>{escape(unit)}</small></th>{body}</tr>'
    return (
        '<div class="card"><h3>Replayed and expected</h3><div class="scroll">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div></div>"
    )


def _range(limits: list[float] | None) -> str:
    return "–" if limits is None else f"[{number(limits[0], 0)}, {number(limits[1], 0)}]"


def weeks_plot(data: ReplayReport) -> Plot:
    """Net P&L of every week, with the range that the exported file states."""
    weeks, entry = data.weeks, data.metrics["expected"]["net_pnl_usd"]
    figure = bare_figure(360)
    judged = weeks["sample"].to_numpy() == "judged"
    figure.add_bar(
        x=(weeks["window"] + 1).to_numpy(), y=weeks["net_pnl"].to_numpy(),
        marker={"color": np.where(judged, LEARNED, FAINT).tolist()}, customdata=weeks["week"].to_list(),
        hovertemplate="%{customdata}: %{y:,.0f} USD<extra></extra>", name="Net P&L",
    )  # fmt: skip
    if entry["range"] is not None:
        low, high = entry["range"]
        figure.add_hrect(y0=low, y1=high, fillcolor=translucent(LEARNED, 0.1), line_width=0, layer="below")
    if entry["expected"] is not None:
        figure.add_hline(y=entry["expected"], line={"color": MUTED, "width": 1, "dash": "dot"})
    figure.update_xaxes(title="Week", zeroline=False)
    figure.update_yaxes(title="Net P&L of the week (USD)")
    caption = "Shaded: the stated range, dotted the expected mean."
    if not judged.all():
        caption += " Grey weeks were tuned on."
    return Plot("weeks", "Week by week", caption, figure)
