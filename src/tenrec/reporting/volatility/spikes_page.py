"""The page of a watch for spikes."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from tenrec.reporting.html_tables import facts_table
from tenrec.reporting.page import card, page_html, save_page
from tenrec.reporting.text import escape, interval, number
from tenrec.reporting.tiles import Tile, tile_html
from tenrec.reporting.volatility.spikes_figures import spike_plots
from tenrec.reporting.volatility.spikes_words import SHORT, spike_findings
from tenrec.volatility.forecast.targets import trailing_mean
from tenrec.volatility.record import VarianceRecord
from tenrec.volatility.spikes.verdict import Watched

GLOSSARY = {
    "Climatology": "the share of earlier days after which a spike came: the forecast of someone who looks at nothing.",
    "AUC": "area under the ROC curve: how often a day before a spike has the higher probability of two; ½ is chance.",
    "Average precision": "precision averaged over recall; a random order reaches the share of days before spikes.",
    "Brier skill": "1 − mean squared error of the probability over that of climatology; above zero is better.",
    "DM p": "Diebold–Mariano test of equal Brier scores, Newey–West variance, two-sided.",
    "Spike": "days of an event that lie within one horizon of each other count as one spike.",
    "Lead": "days from the first alarm in the horizon before a spike to the spike.",
    "Brackets": "95 % intervals, by a stationary bootstrap of blocks of 44 days.",
}


def write_spikes_report(
    metrics: dict[str, Any], record: VarianceRecord, watched: dict[str, Watched], path: Path
) -> Path:
    """Write the report as one offline HTML file and return its path."""
    span = f"{metrics['prices']}: {metrics['read_as']}, {metrics['first']} to {metrics['last']}"
    tiled = "".join(tile_html(tile) for tile in _tiles(metrics))
    sections = list(_sections(metrics, record, watched))
    footer = escape(f"{metrics['days']:,} days · probabilities from {metrics['forecast_from']}")
    return save_page(page_html("Volatility spikes", span, spike_findings(metrics), tiled, sections, footer), path)


def _tiles(metrics: dict[str, Any]) -> Iterable[Tile]:
    for measure, judged in metrics["events"].items():
        now, area = judged["now"], judged["models"]["logit"]["auc"]
        name = SHORT[measure].capitalize()
        days = judged["event"]["horizon"]
        yield Tile(
            name, number(100 * now["probability"], 0), "%", f"within {days} days; usual {now['climatology']:.0%}"
        )
        yield Tile(f"AUC, {name.lower()}", number(area["value"], 3), "", f"{interval(area, 3)} out of sample")


def _sections(
    metrics: dict[str, Any], record: VarianceRecord, watched: dict[str, Watched]
) -> Iterable[tuple[str, str, str]]:
    shown = (
        record.implied
        if record.implied is not None
        else np.sqrt(trailing_mean(record.variance, 22) * record.days_per_year)
    )
    for measure, judged in metrics["events"].items():
        plots = spike_plots(judged, watched[measure], shown)

        def cards(*names: str, plots: dict[str, Any] = plots) -> str:
            return "".join(card(plots[name]) for name in names if name in plots)

        content = cards("path", "reasons") + _models(judged)
        content += f'<div class="pair">{cards("roc", "precision")}</div>'
        content += f'<div class="pair">{cards("calibration", "skill")}</div>' + _alarms(judged)
        yield measure, f"{SHORT[measure].capitalize()}s", content
    facts = {
        "notes": " ".join(metrics["notes"]) or "none",
        "probabilities from": metrics["forecast_from"],
        "further series": ", ".join(metrics["signals"]) or "none",
        "networks": metrics["seeds"],
        "seed": metrics["seed"],
    }
    yield "setup", "Setup", f'<div class="card">{facts_table(facts)}</div>'
    terms = "".join(f"<div><dt>{escape(term)}</dt><dd>{escape(text)}</dd></div>" for term, text in GLOSSARY.items())
    yield "terms", "Terms", f'<dl class="card glossary">{terms}</dl>'


def _models(judged: dict[str, Any]) -> str:
    heads = (
        "AUC",
        "Average precision",
        "Brier",
        "Brier skill",
        "DM p<span>climatology</span>",
        "DM p<span>level</span>",
    )
    head = "".join(f'<th scope="col">{text}</th>' for text in heads)
    rows = ""
    for name, entry in judged["models"].items():
        cells = [
            _estimate(entry["auc"], 3) if name != "climatology" else "–",
            f"<b>{number(entry['average_precision'], 3)}</b>" if name != "climatology" else "–",
            f"<b>{number(entry['brier'], 4)}</b>",
            _estimate(entry["brier_skill"], 3) if name != "climatology" else "–",
            *(_p_value(entry["dm_p"][other]) for other in ("climatology", "level")),
        ]
        role = "learned" if name == "logit" else ""
        own = "".join(f"<td>{cell}</td>" for cell in cells)
        rows += f'<tr class="{role}"><th scope="row"><div><span>{escape(entry["label"])}</span></div></th>{own}</tr>'
    table = f'<table class="comparison"><thead><tr><th scope="col">Model</th>{head}</tr></thead><tbody>{rows}</tbody>'
    note = (
        f"{judged['days']:,} days out of sample, {judged['from']} to {judged['to']}; a spike came after "
        f"{judged['frequency']:.1%} of them. Every model is fitted again each year on the days known by then."
    )
    return f'<div class="card"><div class="scroll">{table}</table></div><p class="note">{escape(note)}</p></div>'


def _p_value(p: float | None) -> str:
    return "&lt; 0.001" if p is not None and p < 0.001 else number(p, 3)


def _estimate(entry: dict[str, Any], decimals: int) -> str:
    return f"<b>{number(entry['value'], decimals)}</b> <span>{interval(entry, decimals)}</span>"


def _alarms(judged: dict[str, Any]) -> str:
    heads = ("Alarm at", "Days with alarm", "Spikes warned of", "Lead (days)", "Right", "False alarms a year")
    head = "".join(f'<th scope="col">{text}</th>' for text in heads)
    rows = ""
    for entry in judged["alarms"]:
        at = f"{entry['threshold']:g} × the usual odds" if entry["relative"] else f"{entry['threshold']:.0%}"
        right = "–" if entry["precision"] is None else f"{entry['precision']:.0%}"
        cells = (
            f"{entry['days']:.0%}",
            f"{entry['warned']} of {entry['spikes']}",
            number(entry["lead"], 1),
            right,
            number(entry["false_a_year"], 1),
        )
        rows += f'<tr><th scope="row">{at}</th>' + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
    table = f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
    return f'<div class="card"><h3>Alarms of the ridge logit</h3>{table}</div>'
