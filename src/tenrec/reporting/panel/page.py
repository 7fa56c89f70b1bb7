"""The page of a panel backtest: gains with intervals, where they come from, positions and P&L over time."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from tenrec.reporting.html_tables import counts_table, facts_table
from tenrec.reporting.page import card, page_html, save_page
from tenrec.reporting.panel.figures import bucket_plot, contract_plot, days_plot, gains_plot, over_time_plot
from tenrec.reporting.text import escape, number
from tenrec.reporting.tiles import Tile, tile_html

GLOSSARY = {
    "Gain": "1 − SSE/SSE(Black–Scholes): the share of that delta's squared hedge error that is taken away.",
    "One session": "an option is sold (or bought) at one close and closed at the next, the forward held in between.",
    "Interval": "95 %; whole sessions are resampled, and whole expiries where contracts are hedged to their expiry.",
    "Winsorised": "errors are cut off at the 99 % quantile of the Black–Scholes errors before they are squared.",
    "Without extremes": "without the two sessions in which the Black–Scholes delta failed most.",
    "Validation": "learned on what came before each fold, judged in the fold; the largest pooled gain is chosen.",
    "Placebo": "the fitted delta with the states of other sessions; it should gain nothing.",
}


@dataclass(frozen=True)
class PanelReport:
    """Everything that the page shows.

    Args:
        metrics: the run's `metrics.json`. buckets, days, book, positions: tables of the run folder; `positions` of one
            contract is enough.
    """

    title: str
    subtitle: str
    summary: tuple[str, ...]
    metrics: dict[str, Any]
    buckets: pl.DataFrame
    days: pl.DataFrame
    book: pl.DataFrame
    contract: pl.DataFrame
    config_yaml: str
    footer: str


def write_panel_report(data: PanelReport, path: Path) -> Path:
    """Write the page as one offline HTML file and return its path."""
    tiled = "".join(tile_html(tile) for tile in _tiles(data.metrics))
    text = page_html(data.title, data.subtitle, data.summary, tiled, list(_sections(data)), escape(data.footer))
    return save_page(text, path)


def _tiles(metrics: dict[str, Any]) -> list[Tile]:
    steps, held, chosen = metrics["one_session"], metrics["to_expiry"]["policies"], metrics["learned"]
    found = []
    entry = steps["gains"].get(chosen)
    if entry is not None:
        low, high = number(entry["low"], 0), number(entry["high"], 0)
        found.append(Tile("One-session gain", number(entry["value"], 1), "%", f"[{low}, {high}], judged"))
        low, high = number(entry["without_low"], 0), number(entry["without_high"], 0)
        found.append(Tile("Without extremes", number(entry["without_extremes"], 1), "%", f"[{low}, {high}]"))
        found.append(Tile("Winsorised", number(entry["winsorised"], 1), "%", "largest 1 % of errors cut off"))
    if chosen in held:
        other = number(held[metrics["reference"]]["rms_bp"], 0)
        found.append(Tile("To expiry", number(held[chosen]["rms_bp"], 0), "bp rms", f"Black–Scholes {other}"))
    found.append(Tile("Steps", f"{steps['steps']:,}", "", f"{steps['sessions']:,} sessions"))
    return found


def _sections(data: PanelReport) -> Iterable[tuple[str, str, str]]:
    metrics = data.metrics
    pictures = card(gains_plot(metrics)) + card(bucket_plot(data.buckets, metrics))
    yield "gains", "One session", _table(metrics) + pictures + _wing(metrics)
    yield "days", "Where it comes from", card(days_plot(data.days, metrics)) + _placebo(metrics)
    if data.book.height:
        yield "expiry", "To expiry", _held(metrics) + card(over_time_plot(data.book, metrics))
    if data.contract.height:
        yield "contract", "One contract", card(contract_plot(data.contract, metrics))
    yield "setup", "Setup", _setup(data)
    terms = "".join(f"<div><dt>{escape(term)}</dt><dd>{escape(text)}</dd></div>" for term, text in GLOSSARY.items())
    yield "terms", "Terms", f'<dl class="card glossary">{terms}</dl>'


def _table(metrics: dict[str, Any]) -> str:
    folds = metrics["validation"]["folds"]
    heads = [*folds, *(["Validation"] if folds else []), "Judged", "Winsorised", "Without extremes", "Rms (bp)"]
    rows = ""
    for name, entry in metrics["one_session"]["gains"].items():
        past = metrics["validation"]["gains"].get(name)
        cells = []
        if past is not None:
            cells = [number(past.get(fold), 1) for fold in folds] + [_spread(past["pooled"], "value", "low", "high")]
        cells += [_spread(entry, "value", "low", "high")]
        cells += [number(entry["winsorised"], 1), _spread(entry, "without_extremes", "without_low", "without_high")]
        cells += [number(entry["rms_bp"], 1)]
        rows += _row(metrics, name, cells)
    note = "Gain over the Black–Scholes delta at the current volatility, percent; all deltas on the same steps."
    return _card("Gain on one session", _whole("Delta", heads, rows), note)


def _wing(metrics: dict[str, Any]) -> str:
    wing = metrics["one_session"]["wing"]
    if not wing:
        return ""
    references = [name for name in (metrics["reference"], "no_hedge") if name in wing["policies"]]
    rows = ""
    for name, entry in wing["policies"].items():
        over = [entry["over"].get(other) for other in references]
        cells = [
            number(entry["rms_bp"], 2),
            *("–" if one is None else _spread(one, "value", "low", "high") for one in over),
        ]
        rows += _row(metrics, name, cells)
    heads = ["Rms (bp)", *(f"Gain over {metrics['labels'][name]} (%)" for name in references)]
    note = f"|δ| below 0.05: {wing['rows']:,} steps of {wing['sessions']:,} sessions; a hedge should lose to neither."
    return _card("In the wing", _whole("Delta", heads, rows), note)


def _held(metrics: dict[str, Any]) -> str:
    heads = ["Gain (%)", "Rms (bp)", "Std (bp)", "Mean (bp)", "Cost (bp)", f"P&L ({metrics['currency'] or 'currency'})"]
    rows = ""
    for name, entry in metrics["to_expiry"]["policies"].items():
        gain = _spread(entry["gain"], "value", "low", "high") if "gain" in entry else "reference"
        cells = [gain, *(number(entry[key], 1) for key in ("rms_bp", "std_bp", "mean_bp", "cost_bp"))]
        rows += _row(metrics, name, [*cells, number(entry["pnl"], 4 if metrics["coin"] else 0)])
    held = metrics["to_expiry"]
    note = (
        f"{held['contracts']:,} contracts of {held['expiries']} expiries, each hedged daily to its expiry, after costs."
    )
    return _card("Hedged to expiry", _whole("Delta", heads, rows), note)


def _placebo(metrics: dict[str, Any]) -> str:
    rows = ""
    for name, entry in metrics["one_session"]["placebo"].items():
        own = metrics["one_session"]["gains"][name]["value"]
        cells = [
            number(own, 1),
            number(entry["mean"], 1),
            number(entry["largest"], 1),
            f"{entry['share_as_large']:.0%}",
        ]
        rows += _row(metrics, name, cells)
    if not rows:
        return ""
    heads = ["Own gain (%)", "Mean of shifts", "Largest of shifts", "Shifts as large"]
    return _card("Placebo: the states of other sessions", _whole("Delta", heads, rows), "")


def _setup(data: PanelReport) -> str:
    left = data.metrics["to_expiry"]["left_out"]
    counts = f'<div class="card"><h3>Contracts left out</h3>{counts_table(left)}</div>' if left else ""
    facts = {key: data.metrics["one_session"][key] or "nothing" for key in ("from", "to", "trained_until")}
    misfits = {model: fit for model, fit in data.metrics["smile_fits"].items() if fit is not None}
    if misfits:
        facts["median misfit of a smile"] = ", ".join(f"{m} {number(fit, 2)} vol points" for m, fit in misfits.items())
    facts["record"] = data.metrics["record"]
    return (
        f'<div class="card">{facts_table(facts)}</div>{counts}'
        f'<details class="card"><summary>Configuration</summary><pre>{escape(data.config_yaml.strip())}</pre></details>'
    )


def _row(metrics: dict[str, Any], name: str, cells: list[str]) -> str:
    chosen = name == metrics["learned"] != metrics["reference"]
    badge = ' <span class="badge learned">chosen</span>' if chosen else ""
    body = "".join(f"<td>{cell}</td>" for cell in cells)
    label = f'<th scope="row"><div><span>{escape(metrics["labels"][name])}{badge}</span></div></th>'
    return f"<tr{' class=learned' if chosen else ''}>{label}{body}</tr>"


def _spread(entry: dict[str, Any], value: str, low: str, high: str) -> str:
    interval = f"[{number(entry[low], 0)}, {number(entry[high], 0)}]"
    return f"<b>{number(entry[value], 1)}</b><small>{interval}</small>"


def _whole(first: str, heads: list[str], rows: str) -> str:
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in [first, *heads])
    table = f'<table class="comparison"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
    return f'<div class="scroll">{table}</div>'


def _card(heading: str, content: str, note: str) -> str:
    tail = f'<p class="note">{escape(note)}</p>' if note else ""
    return f'<div class="card"><h3>{escape(heading)}</h3>{content}{tail}</div>'
