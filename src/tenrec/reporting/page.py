"""One self-contained HTML page: plotly.js, figures, styles and script all inside, nothing fetched."""

import os
import tempfile
from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
from plotly.io.json import to_json_plotly
from plotly.offline import get_plotlyjs

from tenrec.reporting.catalogue import report_plots
from tenrec.reporting.data import ReportData
from tenrec.reporting.html_tables import (
    comparison_table,
    counts_table,
    days_table,
    facts_table,
    instrument_table,
    stress_table,
    validation_table,
)
from tenrec.reporting.plots import Plot, traces
from tenrec.reporting.style import policy_styles
from tenrec.reporting.text import escape, plain, risk_name
from tenrec.reporting.tiles import tile_html, tiles

# The browser itself refuses whatever would leave the page; `blob:` and `data:` serve the "save as PNG" button.
SECURITY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"

GLOSSARY = {
    "bp": "basis point, one hundredth of a percent of the initial spot.",
    "P&L": "profit and loss at the end of a path, after costs: premium, option payoff, hedge and financing together.",
    "Std": "standard deviation of the P&L over the paths: the risk that the hedge leaves.",
    "CVaR 95\N{NO-BREAK SPACE}%": "expected shortfall: the mean loss over the worst 5 % of the paths.",
    "Entropic risk": "(1/a)·log E exp(a·loss), with a the aversion: the premium at which an exponential utility "
    "is indifferent to the position.",
    "Turnover": "traded value over the life of the option, as a multiple of the initial spot.",
    "Cost": "mean of all trading costs, already taken from the P&L.",
    "Reference": "the policy that ratios and differences are taken against, path by path.",
    "Hedge ratio": "units of the underlying held for one option.",
    "No-trade band": "range of positions inside which trading would cost more than it gains.",
    "Exact optimum": "the least risk that any policy can reach, by dynamic programming.",
    "95 % interval": "range that holds the true value in 95 of 100 such samples. Policies share their paths, so "
    "ratios are far better known than the levels; recorded contracts are resampled by expiry.",
}


def write_report(data: ReportData, path: Path) -> Path:
    """Write the report as one offline HTML file and return its path.

    The file is complete or absent: it is written beside `path` under another name, then renamed.

    Args:
        data: the content.
        path: the file; missing folders are made.
    """
    return save_page(report_html(data), path)


def save_page(text: str, path: Path) -> Path:
    """Write a page; the file is complete or absent."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".partial")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return path


def report_html(data: ReportData) -> str:
    """The whole page as text."""
    tiled = "".join(tile_html(tile) for tile in tiles(data))
    return page_html(data.title, data.subtitle, data.summary, tiled, list(_sections(data)), _footer(data))


def page_html(
    title: str, subtitle: str, summary: Iterable[str], tiled: str, sections: list[tuple[str, str, str]], footer: str
) -> str:
    """A page of findings, tiles (HTML) and sections (anchor, heading, HTML)."""
    links = "".join(f'<a href="#{anchor}">{escape(heading)}</a>' for anchor, heading, _ in sections)
    body = "".join(
        f'<section id="{anchor}"><h2>{escape(heading)}</h2>{content}</section>' for anchor, heading, content in sections
    )
    findings = "".join(f"<li>{escape(sentence)}</li>" for sentence in summary)
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{SECURITY}">'
        f"<title>{escape(title)}</title><style>{_asset('report.css')}</style>"
    )
    header = (
        f'<header><p class="brand">tenrec</p><h1>{escape(title)}</h1>'
        f'<p class="subtitle">{escape(subtitle)}</p>'
        f'<ul class="findings">{findings}</ul>'
        f'<div class="tiles">{tiled}</div></header>'
    )
    script = f"<script>{get_plotlyjs()}</script><script>{_asset('report.js')}</script>"
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head><body>{header}<nav><div>{links}</div></nav>'
        f"<main>{body}</main><footer>{footer}</footer>{script}</body></html>\n"
    )


def _asset(name: str) -> str:
    return (resources.files("tenrec.reporting") / "assets" / name).read_text(encoding="utf-8")


def _footer(data: ReportData) -> str:
    shown = [f"{key.replace('_', ' ')} {value}" for key, value in data.environment.items()][:4]
    return escape(" · ".join(shown))


def _sections(data: ReportData) -> Iterable[tuple[str, str, str]]:
    """Anchor, heading and content of every section that the data has content for."""
    plots = report_plots(data)

    def cards(*names: str) -> str:
        return "".join(card(plots[name]) for name in names if name in plots)

    if data.metrics.get("policies"):
        yield "comparison", "Comparison", _comparison(data) + f'<div class="pair">{cards("ratios", "cost")}</div>'
    if "pnl_distribution" in plots:
        pair = f'<div class="pair">{cards("pnl_distribution", "pnl_tail")}</div>'
        yield "pnl", "P&L", pair + cards("explained") + _instruments(data)
    if "hedge_ratio" in plots:
        yield "hedge", "Hedge", cards("hedge_ratio", "further_ratio")
    if "ladder" in plots:
        yield "scenarios", "What if", cards("ladder") + _stresses(data)
    if "replay" in plots:
        yield "replay", "One path", cards("replay")
    recorded = cards("expiries") + _recorded(data)
    if recorded:
        yield "recorded", "Where it comes from", recorded
    training = cards("training") + _validation(data)
    if training:
        yield "training", "Training", training
    yield "setup", "Setup", _setup(data)
    yield "terms", "Terms", _glossary(data)


def card(plot: Plot) -> str:
    """A figure with heading, caption and a chip for each of its lines; the script draws it and wires the chips."""
    whole = plot.figure.to_dict()
    content = {"data": whole["data"], "layout": whole["layout"]}
    if plot.narrow is not None:
        content["narrow"] = plot.narrow.to_dict()["layout"]
    height = whole["layout"]["height"]
    return (
        f'<figure class="card" data-plot="{plot.name}"><figcaption><h3>{escape(plot.title)}</h3>'
        '<button type="button" class="save">Save PNG</button>'
        f"<p>{escape(plot.caption)}</p></figcaption>{_chips(plot.figure)}"
        f'<div class="plot" style="min-height:{height}px"></div>'
        f'<script type="application/json">{_json(content)}</script></figure>'
    )


def _json(content: dict[str, Any]) -> str:
    """Figure content as JSON that cannot end the script element it stands in."""
    return str(to_json_plotly(content)).replace("<", "\\u003c")


def _chips(figure: go.Figure) -> str:
    """A legend of buttons that show and hide; none where there is nothing to choose from."""
    groups = {}
    for trace in traces(figure):
        if getattr(trace, "showlegend", False):
            color = (trace.line.color if trace.type == "scatter" else None) or trace.marker.color
            groups[trace.legendgroup] = (trace.name, color, trace.visible != "legendonly")
    if len(groups) < 2:
        return ""
    buttons = "".join(
        f'<button type="button" data-group="{escape(group)}" aria-pressed="{str(on).lower()}">'
        f'<i style="background:{color}"></i>{name}</button>'
        for group, (name, color, on) in groups.items()
    )
    return f'<div class="chips" role="group" aria-label="Lines shown">{buttons}</div>'


def _comparison(data: ReportData) -> str:
    clusters = data.metrics.get("clusters")
    named = data.metrics.get("clusters_are") or "expiries"
    how = f"resampling the {clusters:,} {named} whole" if clusters else "over paths that all policies share"
    note = (
        f"Risk is {risk_name(data.metrics.get('risk')).lower()}. Brackets are 95 % intervals, {how}. "
        "The lowest value of a column is marked where lower is better; whether it really is lower, the paired "
        "ratios say."
    )
    optimum = data.metrics.get("optimum")
    if optimum:
        note += f" The exact optimum is {optimum['optimum_bp']:.4f} bp, with a numerical error of "
        note += f"{optimum.get('numerical_error_bp', float('nan')):.1g} bp."
    return f'<div class="card">{comparison_table(data, policy_styles(data))}<p class="note">{escape(note)}</p></div>'


def _instruments(data: ReportData) -> str:
    if data.by_instrument is None:
        return ""
    lead = (
        f"Means over {data.explained_paths:,} paths: units held (without sign) and traded, what price changes of the "
        "instrument made before costs, and its part of the costs; bp of initial spot. The contract itself stands apart."
    )
    table = instrument_table(data.by_instrument, policy_styles(data))
    return f'<div class="card"><h3>By instrument</h3><p class="lead">{lead}</p>{table}</div>'


def _stresses(data: ReportData) -> str:
    if data.stresses is None:
        return ""
    lead = "P&L of book and hedge, were the market to move at once as it did then; bp of initial spot."
    table = stress_table(data.stresses)
    return f'<div class="card"><h3>Days that have happened</h3><p class="lead">{lead}</p>{table}</div>'


def _recorded(data: ReportData) -> str:
    parts = []
    if data.days is not None and data.days.height:
        parts.append(f'<div class="card"><h3>The days that make the difference</h3>{days_table(data.days)}</div>')
    if data.selection:
        total = f"{sum(data.selection.values()):,} contracts were left out, each by the first reason that applies."
        table = counts_table(data.selection)
        parts.append(f'<div class="card"><h3>What was left out</h3><p class="lead">{total}</p>{table}</div>')
    return "".join(parts)


def _validation(data: ReportData) -> str:
    table = validation_table(data, policy_styles(data))
    if not table:
        return ""
    lead = "Ratio to the reference in each fold, trained only on what came before it; below 1 is better."
    return f'<div class="card"><h3>Forward validation</h3><p class="lead">{lead}</p>{table}</div>'


def _setup(data: ReportData) -> str:
    training = data.metrics.get("training") or {}
    facts = {**data.environment, **{f"training: {key}": plain(value) for key, value in training.items()}}
    return (
        f'<details class="card" open><summary>Environment</summary>{facts_table(facts)}</details>'
        f'<details class="card"><summary>Configuration</summary><pre>{escape(data.config_yaml.strip())}</pre></details>'
    )


def _glossary(data: ReportData) -> str:
    left_out = set() if data.metrics.get("optimum") else {"Exact optimum"}
    if (data.metrics.get("risk") or {}).get("measure") != "entropic":
        left_out.add("Entropic risk")
    if not any(curve.band for curve in data.hedge_curves):
        left_out.add("No-trade band")
    items = "".join(
        f"<div><dt>{escape(term)}</dt><dd>{escape(text)}</dd></div>"
        for term, text in GLOSSARY.items()
        if term not in left_out
    )
    return f'<dl class="card glossary">{items}</dl>'
