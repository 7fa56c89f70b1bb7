"""The page of regimes, changes and anomalies."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tenrec.reporting.html_tables import facts_table, with_sign
from tenrec.reporting.page import card, page_html, save_page
from tenrec.reporting.text import escape, number
from tenrec.reporting.tiles import Tile, tile_html
from tenrec.reporting.volatility.regime_figures import regime_plots
from tenrec.reporting.volatility.regime_words import regime_findings
from tenrec.volatility.record import VarianceRecord
from tenrec.volatility.regimes.anomalies import Anomalies
from tenrec.volatility.regimes.changes import RunLengths
from tenrec.volatility.regimes.walk import RegimeWalk

GLOSSARY = {
    "Regime": "a hidden state with a volatility of its own; which one rules is only known with a probability.",
    "Filtered": "from the day and those before it; this is what a decision may use.",
    "Smoothed": "with hindsight, from the days after too; for pictures only.",
    "Stay": "days in a regime without a break, on average.",
    "BIC": "−2·log likelihood + parameters × log days; lower is better.",
    "Held out": "mean log density of a day after the first fit, given the days before it; higher is better.",
    "Change": "the law by which the log variance follows its last value is another one from some day on.",
    "Distance": "Mahalanobis, with centre and covariance of the ordinary three quarters of the days before.",
}
LISTED_CHANGES = 15


def write_regime_report(
    metrics: dict[str, Any],
    record: VarianceRecord,
    walk: RegimeWalk,
    runs: RunLengths,
    anomalies: Anomalies,
    path: Path,
) -> Path:
    """Write the report as one offline HTML file and return its path."""
    span = f"{metrics['prices']}: {metrics['read_as']}, {metrics['first']} to {metrics['last']}"
    plots = regime_plots(metrics["found"], record, walk, runs, anomalies)
    cards = {name: card(plot) for name, plot in plots.items()}
    tiled = "".join(tile_html(tile) for tile in _tiles(metrics["found"]))
    sections = list(_sections(metrics, cards))
    footer = escape(f"{metrics['days']:,} days · filtered from {metrics['filtered_from']}")
    return save_page(page_html("Regimes of volatility", span, regime_findings(metrics), tiled, sections, footer), path)


def _tiles(found: dict[str, Any]) -> Iterable[Tile]:
    now = found["now"]
    most = max(now["probabilities"])
    yield Tile("Regime", now["regime"].capitalize(), "", f"with {most:.0%}, after {now['date']}")
    yield Tile("Volatility expected", number(100 * now["volatility"], 1), "% a year", "of the next day")
    yield Tile("Change within a month", number(100 * now["change_within_a_month"], 0), "%", "of the variance’s law")
    if now["unusual"] is not None:
        yield Tile("Last day", number(100 * now["unusual"], 0), "%", "of earlier days were less unusual")


def _sections(metrics: dict[str, Any], cards: dict[str, str]) -> Iterable[tuple[str, str, str]]:
    found = metrics["found"]
    content = cards["volatility"] + cards["filtered"] + _regimes(found) + cards["smoothed"] + _choices(found)
    yield "regimes", "Regimes", content
    yield "changes", "Changes", cards["change"] + _changes(found)
    yield "anomalies", "Unusual days", cards["anomaly"] + _anomalies(found)
    facts = {
        "notes": " ".join(metrics["notes"]) or "none",
        "law of a return in a regime": f"Student’s t, {number(found['freedom'], 1)} degrees of freedom"
        if metrics["law"] == "t"
        else "normal",
        "filtered from": metrics["filtered_from"],
        "seed": metrics["seed"],
    }
    yield "setup", "Setup", f'<div class="card">{facts_table(facts)}</div>'
    terms = "".join(f"<div><dt>{escape(term)}</dt><dd>{escape(text)}</dd></div>" for term, text in GLOSSARY.items())
    yield "terms", "Terms", f'<dl class="card glossary">{terms}</dl>'


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in heads)
    body = "".join(
        f'<tr><th scope="row">{escape(first)}</th>' + "".join(f"<td>{escape(cell)}</td>" for cell in rest) + "</tr>"
        for first, *rest in rows
    )
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _regimes(found: dict[str, Any]) -> str:
    names = [regime["name"] for regime in found["regimes"]]
    heads = ("Regime", "Volatility a year", "Return a year", "Stay (days)", "Share of days")
    rows = [
        (
            regime["name"],
            f"{regime['volatility']:.1%}",
            f"{with_sign(100 * regime['return_a_year'], 0)} %",
            number(regime["duration"], 0),
            f"{regime['share']:.0%}",
        )
        for regime in found["regimes"]
    ]
    moves = [(name, *(f"{100 * p:.2f} %" for p in row)) for name, row in zip(names, found["transition"], strict=True)]
    now = found["now"]
    ahead = [
        ("today", *(f"{p:.0%}" for p in now["probabilities"])),
        *(
            (f"in {days} day{'s' if days != '1' else ''}", *(f"{p:.0%}" for p in ps))
            for days, ps in now["ahead"].items()
        ),
    ]
    return (
        f'<div class="card"><h3>The regimes</h3>{_table(heads, rows)}</div><div class="pair">'
        f'<div class="card"><h3>From one day to the next</h3>{_table(("From", *names), moves)}</div>'
        f'<div class="card"><h3>Where it goes from here</h3>{_table(("", *names), ahead)}</div></div>'
    )


def _choices(found: dict[str, Any]) -> str:
    if not found["choices"]:
        return ""
    heads = ("Regimes", "BIC before", "Held out, a day", "BIC of all days")
    rows = [
        (str(own["regimes"]), number(own["bic"], 0), number(own["held_out"], 4), number(own["bic_all"], 0))
        for own in found["choices"]
    ]
    return f'<div class="card"><h3>How many regimes</h3>{_table(heads, rows)}</div>'


def _changes(found: dict[str, Any]) -> str:
    rows = [
        (own["began"], own["called"], f"{own['volatility_before']:.1%}", f"{own['volatility_after']:.1%}")
        for own in reversed(found["changes"][-LISTED_CHANGES:])
    ]
    if not rows:
        return '<div class="card"><p class="note">No change was called.</p></div>'
    heads = ("Began", "Called", "Volatility before", "Volatility until called")
    return f'<div class="card"><h3>The last changes</h3>{_table(heads, rows)}</div>'


def _anomalies(found: dict[str, Any]) -> str:
    if not found["anomalies"]:
        return ""
    labels = list(found["anomalies"][0]["moves"])
    units = ["Return (σ of the month)" if label == "return" else f"{label.capitalize()} (× )" for label in labels]
    rows = [
        (
            day["date"],
            number(day["distance"], 1),
            *(
                with_sign(move, 1) if label == "return" else number(2.718281828459045**move, 2)
                for label, move in day["moves"].items()
            ),
            day["largest"],
        )
        for day in found["anomalies"]
    ]
    heads = ("Day", "Distance", *units, "Stands out")
    return f'<div class="card"><h3>The most unusual days</h3>{_table(heads, rows)}</div>'
