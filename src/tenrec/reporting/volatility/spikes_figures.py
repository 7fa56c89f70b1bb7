"""Figures of a watch for spikes."""

from typing import Any

import numpy as np
import plotly.graph_objects as go

from tenrec.reporting.plots import Plot
from tenrec.reporting.plots.base import bare_figure
from tenrec.reporting.style import FAINT, INK, LEARNED, PALETTE
from tenrec.volatility.spikes.alarms import runs
from tenrec.volatility.spikes.scores import operating_points
from tenrec.volatility.spikes.verdict import LABELS, Watched

LINES = {
    "level": {"color": PALETTE[0], "width": 1.6},
    "logit": {"color": LEARNED, "width": 2.2},
    "network": {"color": PALETTE[1], "width": 1.4, "dash": "dot"},
}
MOST_POINTS = 400


def spike_plots(judged: dict[str, Any], watched: Watched, volatility: np.ndarray) -> dict[str, Plot]:
    """The figures of one event, by name."""
    measure = judged["event"]["measure"]
    rows = watched.found.judged()
    rows = rows[watched.found.dates[rows] >= np.datetime64(judged["from"])]
    made = {
        "path": _path(measure, watched, volatility),
        "roc": _roc(measure, watched, rows),
        "precision": _precision(measure, watched, rows),
        "calibration": _calibration(measure, judged),
        "skill": _skill(measure, watched, rows),
        "reasons": _reasons(measure, judged),
    }
    return {name: plot for name, plot in made.items() if plot is not None}


def _path(measure: str, watched: Watched, volatility: np.ndarray) -> Plot:
    found = watched.found
    shown = slice(found.start, None)
    dates = found.dates[shown].astype(str)
    figure = bare_figure(
        380,
        yaxis={"title": {"text": "Probability (%)"}, "rangemode": "tozero"},
        yaxis2={
            "title": {"text": "Volatility (% a year)"},
            "overlaying": "y",
            "side": "right",
            "rangemode": "tozero",
            "showgrid": False,
        },
        margin={"r": 60},
    )
    lines = (
        ("volatility", 100 * volatility[shown], FAINT, 1.0, "y2"),
        ("climatology", 100 * found.climatology[shown], INK, 1.2, "y"),
        ("probability", 100 * found.probability[shown], LEARNED, 1.4, "y"),
    )
    for label, values, color, width, axis in lines:
        trace = go.Scatter(x=dates, y=np.round(values, 2), name=label, legendgroup=label, yaxis=axis)
        figure.add_trace(trace.update(line={"color": color, "width": width}, showlegend=True))
    episodes = runs(np.nan_to_num(found.outcome) == 1, found.event.horizon)
    starts = [first for first, _ in episodes if first >= found.start]
    marks = go.Scatter(
        x=found.dates[starts].astype(str),
        y=[0.0] * len(starts),
        mode="markers",
        marker={"symbol": "triangle-up", "size": 7, "color": PALETTE[3]},
        name="spike ahead",
        legendgroup="spike",
        showlegend=True,
    )
    figure.add_trace(marks)
    caption = "Each probability was made at its day’s close; triangles mark the first day before each spike."
    return Plot(f"path_{measure}", "Probability through time", caption, figure)


def _thinned(*columns: np.ndarray) -> list[np.ndarray]:
    keep = np.unique(np.linspace(0, len(columns[0]) - 1, MOST_POINTS).astype(int))
    return [np.round(column[keep], 4) for column in columns]


def _roc(measure: str, watched: Watched, rows: np.ndarray) -> Plot:
    figure = bare_figure(
        340,
        xaxis={"title": {"text": "Quiet days with an alarm (%)"}, "range": [0, 100]},
        yaxis={"title": {"text": "Days before spikes with an alarm (%)"}, "range": [0, 100]},
    )
    figure.add_trace(go.Scatter(x=[0, 100], y=[0, 100], mode="lines", line={"color": FAINT, "dash": "dash"}))
    y = watched.found.outcome[rows]
    for name in [name for name in LINES if name in watched.probabilities]:
        false, hits, _ = operating_points(y, watched.probabilities[name][rows])
        x_shown, y_shown = _thinned(100 * np.append(0, false), 100 * np.append(0, hits))
        trace = go.Scatter(x=x_shown, y=y_shown, name=LABELS[name], legendgroup=name, showlegend=True)
        figure.add_trace(trace.update(mode="lines", line=LINES[name]))
    caption = "Further to the upper left is better; on the dashed line alarms ring at random."
    return Plot(f"roc_{measure}", "Hits against false alarms (ROC)", caption, figure)


def _precision(measure: str, watched: Watched, rows: np.ndarray) -> Plot:
    figure = bare_figure(
        340,
        xaxis={"title": {"text": "Days before spikes with an alarm (%)"}, "range": [0, 100]},
        yaxis={"title": {"text": "Alarms that were right (%)"}, "range": [0, 100]},
    )
    y = watched.found.outcome[rows]
    figure.add_hline(y=100 * float(y.mean()), line={"color": FAINT, "dash": "dash"})
    for name in [name for name in LINES if name in watched.probabilities]:
        _, hits, precision = operating_points(y, watched.probabilities[name][rows])
        # The first few alarms make a precision of nothing but luck.
        settled = hits * y.sum() >= 5
        x_shown, y_shown = _thinned(100 * hits[settled], 100 * precision[settled])
        trace = go.Scatter(x=x_shown, y=y_shown, name=LABELS[name], legendgroup=name, showlegend=True)
        figure.add_trace(trace.update(mode="lines", line=LINES[name]))
    caption = "Precision against recall; the dashed line is how often a spike comes anyway."
    return Plot(f"precision_{measure}", "How often an alarm is right", caption, figure)


def _calibration(measure: str, judged: dict[str, Any]) -> Plot:
    groups = judged["calibration"]
    p, came = (np.array(groups[key]) for key in ("probability", "frequency"))
    top = 105 * float(max(p.max(), came.max()))
    figure = bare_figure(
        340,
        xaxis={"title": {"text": "Probability forecast (%)"}, "range": [0, top]},
        yaxis={"title": {"text": "Share of days before a spike (%)"}, "range": [0, top]},
    )
    figure.add_trace(go.Scatter(x=[0, top], y=[0, top], mode="lines", line={"color": FAINT, "dash": "dash"}))
    marks = go.Scatter(x=100 * p, y=100 * came, mode="lines+markers", line={"color": LEARNED, "width": 2})
    figure.add_trace(marks)
    caption = f"Groups of {groups['days'][0]:,} days by rising probability; on the diagonal the probabilities hold."
    return Plot(f"calibration_{measure}", "Calibration", caption, figure)


def _skill(measure: str, watched: Watched, rows: np.ndarray) -> Plot:
    y, dates = watched.found.outcome[rows], watched.found.dates[rows].astype(str)
    base = (y - watched.probabilities["climatology"][rows]) ** 2
    figure = bare_figure(320, yaxis={"title": {"text": "Squared errors saved, in days"}})
    for name in [name for name in LINES if name in watched.probabilities]:
        saved = np.cumsum(base - (y - watched.probabilities[name][rows]) ** 2)
        trace = go.Scatter(x=dates, y=np.round(saved, 3), name=LABELS[name], legendgroup=name, showlegend=True)
        figure.add_trace(trace.update(line=LINES[name]))
    figure.add_hline(y=0, line={"color": INK, "width": 1})
    caption = "Cumulative Brier score of climatology less each model’s: rising lines gain on climatology."
    return Plot(f"skill_{measure}", "When it was worth something", caption, figure)


def _reasons(measure: str, judged: dict[str, Any]) -> Plot | None:
    reasons = judged["now"]["reasons"][:10][::-1]
    if not reasons:
        return None
    figure = bare_figure(
        110 + 26 * len(reasons),
        xaxis={"title": {"text": "Change of the log odds"}},
        yaxis={"automargin": True},
    )
    values = [round(reason["log_odds"], 3) for reason in reasons]
    colors = [PALETTE[3] if value > 0 else LEARNED for value in values]
    labels = [reason["label"] for reason in reasons]
    figure.add_trace(go.Bar(x=values, y=labels, orientation="h", marker={"color": colors}))
    figure.add_vline(x=0, line={"color": INK, "width": 1})
    caption = "What each input adds to the log odds, against an average day; 0.7 doubles the odds."
    return Plot(f"reasons_{measure}", f"Why, after {judged['now']['date']}", caption, figure)
