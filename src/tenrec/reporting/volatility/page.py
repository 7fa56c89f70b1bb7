"""The page of a walk-forward comparison of variance forecasts."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tenrec.reporting.html_tables import facts_table
from tenrec.reporting.page import card, page_html, save_page
from tenrec.reporting.text import escape, number
from tenrec.reporting.tiles import Tile, tile_html
from tenrec.reporting.volatility.figures import forecast_plots
from tenrec.reporting.volatility.words import findings
from tenrec.volatility.forecast.walk import Walk

GLOSSARY = {
    "Variance": "mean of the daily variances over the horizon, as the record measures them.",
    "QLIKE": "y/f − log(y/f) − 1, the loss that noise in the measured variance does not distort; lower is better.",
    "MSE": "mean squared error of the variance, percent to the fourth.",
    "R²": "of the regression of what came on the forecast (Mincer–Zarnowitz).",
    "DM p": "Diebold–Mariano test of equal loss against the reference, Newey–West variance, two-sided.",
    "MCS p": "model confidence set: models above 5 % cannot be told from the best one.",
    "Hybrid": "a classical forecast times a bounded network correction, mean of the seeds.",
}
COLUMNS = (
    ("QLIKE", "", "qlike", 4),
    ("MSE", "%⁴", "mse", 3),
    ("R²", "", "r_squared", 3),
    ("DM p", "QLIKE", "dm_qlike_p", 3),
    ("DM p", "MSE", "dm_mse_p", 3),
    ("MCS p", "QLIKE", "mcs_p", 3),
)


def write_forecast_report(metrics: dict[str, Any], walk: Walk, path: Path) -> Path:
    """Write the report as one offline HTML file and return its path."""
    span = f"{metrics['prices']}: {metrics['read_as']}, {metrics['first']} to {metrics['last']}"
    tiled = "".join(tile_html(tile) for tile in _tiles(metrics))
    sections = list(_sections(metrics, walk))
    text = page_html(
        "Variance forecasts", span, findings(metrics), tiled, sections, escape(f"{metrics['days']:,} days")
    )
    return save_page(text, path)


def _tiles(metrics: dict[str, Any]) -> Iterable[Tile]:
    reference = metrics["reference"]
    for horizon, judged in metrics["horizons"].items():
        entry = judged["models"][reference]
        days = "day" if horizon == "1" else "days"
        volatility, note = number(100 * entry["latest_volatility"], 1), f"{entry['label']} after {metrics['last']}"
        if judged["range_90"] is not None:
            low, high = (number(100 * value, 0) for value in judged["range_90"])
            note += f"; nine times in ten from {low} to {high}"
        yield Tile(f"Next {horizon} {days}", volatility, "% a year", note)


def _sections(metrics: dict[str, Any], walk: Walk) -> Iterable[tuple[str, str, str]]:
    plots = forecast_plots(metrics, walk)
    for horizon in metrics["horizons"]:
        own = "".join(card(plot) for plot in plots[horizon])
        heading = "Next day" if horizon == "1" else f"Next {horizon} days"
        yield f"h{horizon}", heading, _table(metrics, horizon) + own + _quantiles(metrics, horizon)
    facts = {"notes": " ".join(metrics["notes"]) or "none", "forecasts from": metrics["forecast_from"]}
    yield "setup", "Setup", f'<div class="card">{facts_table(facts)}</div>'
    terms = "".join(f"<div><dt>{escape(term)}</dt><dd>{escape(text)}</dd></div>" for term, text in GLOSSARY.items())
    yield "terms", "Terms", f'<dl class="card glossary">{terms}</dl>'


def _quantiles(metrics: dict[str, Any], horizon: str) -> str:
    """The shares behind the picture of calibration."""
    judged = metrics["horizons"][horizon]
    shares = judged["calibration"]
    if not shares:
        return ""
    head = "".join(f'<th scope="col">{number(100 * float(level), 0)} %</th>' for level in shares)
    cells = "".join(f"<td><b>{number(100 * share, 1)}</b></td>" for share in shares.values())
    table = f'<table class="comparison"><thead><tr><th scope="col">Quantile</th>{head}</tr></thead><tbody><tr>'
    table += f'<th scope="row"><div><span>Days below it, %</span></div></th>{cells}</tr></tbody></table>'
    label = judged["models"][metrics["reference"]]["label"]
    note = f"Of the {label}; each quantile is the forecast times that of its last 250 errors known at the time."
    return f'<div class="card"><div class="scroll">{table}</div><p class="note">{escape(note)}</p></div>'


def _table(metrics: dict[str, Any], horizon: str) -> str:
    judged = metrics["horizons"][horizon]
    models = sorted(judged["models"].items(), key=lambda item: item[1]["qlike"])
    head = "".join(f'<th scope="col">{escape(name)}<span>{escape(unit)}</span></th>' for name, unit, *_ in COLUMNS)
    least = {key: min(entry[key] for _, entry in models) for key in ("qlike", "mse")}
    rows = ""
    for name, entry in models:
        cells = ""
        for *_, key, decimals in COLUMNS:
            best = ' class="best"' if entry[key] is not None and entry[key] == least.get(key) else ""
            cells += f"<td{best}><b>{number(entry[key], decimals) if entry[key] is not None else '–'}</b></td>"
        role = "learned" if name == metrics["reference"] else ""
        rows += f'<tr class="{role}"><th scope="row"><div><span>{escape(entry["label"])}</span></div></th>{cells}</tr>'
    table = f'<table class="comparison"><thead><tr><th scope="col">Model</th>{head}</tr></thead><tbody>{rows}</tbody>'
    note = (
        f"{judged['days']:,} days out of sample; tests are against {judged['models'][metrics['reference']]['label']}."
    )
    return f'<div class="card"><div class="scroll">{table}</table></div><p class="note">{escape(note)}</p></div>'
