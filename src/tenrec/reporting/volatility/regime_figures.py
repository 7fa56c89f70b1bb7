"""Figures of regimes, changes and anomalies."""

from typing import Any

import numpy as np
import plotly.graph_objects as go

from tenrec.reporting.plots import Plot
from tenrec.reporting.plots.base import bare_figure
from tenrec.reporting.style import FAINT, INK, LEARNED, PALETTE, translucent
from tenrec.volatility.forecast.targets import trailing_mean
from tenrec.volatility.record import VarianceRecord
from tenrec.volatility.regimes.anomalies import Anomalies
from tenrec.volatility.regimes.changes import RunLengths
from tenrec.volatility.regimes.walk import RegimeWalk

QUIET_TO_WILD = ("#009e73", "#56b4e9", "#e69f00", "#d55e00", "#6b4fa0", "#cc79a7", "#8c6d1f", "#616e7c")


def regime_colors(count: int) -> list[str]:
    """From the quietest to the wildest; the wildest of few is the same red."""
    chosen = {1: (1,), 2: (0, 3), 3: (0, 2, 3)}.get(count, range(count))
    return [QUIET_TO_WILD[place] for place in chosen]


def regime_plots(
    found: dict[str, Any], record: VarianceRecord, walk: RegimeWalk, runs: RunLengths, anomalies: Anomalies
) -> dict[str, Plot]:
    """The figures, by name."""
    names = [regime["name"] for regime in found["regimes"]]
    filtered = "After each day, from that day and those before; chains are fitted again each year."
    smoothed = "With hindsight: one chain fitted to all days, and every day seen from both sides."
    return {
        "volatility": _volatility(record, walk, runs),
        "filtered": _stacked("filtered", "Regimes as they were known", filtered, walk, walk.probabilities, names),
        "smoothed": _stacked("smoothed", "Regimes with hindsight", smoothed, walk, walk.smoothed, names),
        "change": _change(walk, runs),
        "anomaly": _anomaly(found, walk, anomalies),
    }


def _volatility(record: VarianceRecord, walk: RegimeWalk, runs: RunLengths) -> Plot:
    year, dates = record.days_per_year, record.dates.astype(str)
    figure = bare_figure(360, yaxis={"title": {"text": "Volatility (% a year)"}, "rangemode": "tozero"})
    lines = [
        ("month’s mean", 100 * np.sqrt(trailing_mean(record.variance, 22) * year), FAINT, 1.2),
        ("expected by the regimes", 100 * walk.volatility * np.sqrt(year), LEARNED, 1.6),
    ]
    if record.implied is not None:
        lines.append(("implied", 100 * record.implied, PALETTE[0], 1.0))
    for label, values, color, width in lines:
        trace = go.Scatter(x=dates, y=np.round(values, 2), name=label, legendgroup=label, showlegend=True)
        figure.add_trace(trace.update(line={"color": color, "width": width}))
    for change in runs.changes:
        figure.add_vline(x=dates[change.called], line={"color": translucent(INK, 0.35), "width": 1, "dash": "dot"})
    caption = "Dotted lines: days on which a change of the variance’s law was called."
    return Plot("volatility", "Volatility, expected and seen", caption, figure)


def _stacked(
    name: str, title: str, caption: str, walk: RegimeWalk, probabilities: np.ndarray, names: list[str]
) -> Plot:
    figure = bare_figure(260, yaxis={"title": {"text": "Probability (%)"}, "range": [0, 100]})
    rows = np.isfinite(probabilities).all(1)
    dates = walk.dates[rows].astype(str)
    for place, color in enumerate(regime_colors(len(names))):
        trace = go.Scatter(
            x=dates,
            y=np.round(100 * probabilities[rows, place], 1),
            name=names[place],
            legendgroup=names[place],
            stackgroup="all",
            line={"color": color, "width": 0},
            fillcolor=translucent(color, 0.75),
            showlegend=True,
        )
        figure.add_trace(trace)
    return Plot(name, title, caption, figure)


def _change(walk: RegimeWalk, runs: RunLengths) -> Plot:
    figure = bare_figure(260, yaxis={"title": {"text": "Probability (%)"}, "range": [0, 100]})
    line = go.Scatter(
        x=walk.dates.astype(str), y=np.round(100 * runs.recent, 1), line={"color": PALETTE[3], "width": 1}
    )
    figure.add_trace(line)
    caption = "That the law of the log variance changed within the past 22 days, as it was known on each day."
    return Plot("change", "A change within the past month", caption, figure)


def _anomaly(found: dict[str, Any], walk: RegimeWalk, anomalies: Anomalies) -> Plot:
    figure = bare_figure(300, yaxis={"title": {"text": "Distance"}, "rangemode": "tozero"})
    dates = walk.dates.astype(str)
    line = go.Scatter(x=dates, y=np.round(anomalies.distance, 2), line={"color": FAINT, "width": 1}, name="distance")
    figure.add_trace(line)
    listed = found["anomalies"]
    marks = go.Scatter(
        x=[day["date"] for day in listed],
        y=[round(day["distance"], 2) for day in listed],
        mode="markers",
        marker={"color": PALETTE[3], "size": 7},
        text=[day["largest"] for day in listed],
        name="listed below",
    )
    figure.add_trace(marks)
    caption = "Mahalanobis distance of the day’s moves from the ordinary days of the three years before."
    return Plot("anomaly", "How unusual each day was", caption, figure)
