"""Figures of a walk-forward comparison."""

from typing import Any

import numpy as np
import plotly.graph_objects as go

from tenrec.reporting.plots import Plot
from tenrec.reporting.plots.base import bare_figure
from tenrec.reporting.style import FAINT, INK, LEARNED, PALETTE
from tenrec.volatility.forecast.losses import qlike
from tenrec.volatility.forecast.verdict import judged_days
from tenrec.volatility.forecast.walk import LABELS, Walk

SHOWN = 6
"""Models whose lines are drawn at once: those with the lowest loss."""


def forecast_plots(metrics: dict[str, Any], walk: Walk) -> dict[str, list[Plot]]:
    """The figures of every horizon."""
    return {
        str(horizon): [
            _paths(metrics, walk, horizon),
            _gains(metrics, walk, horizon),
            *_calibration(metrics, horizon),
        ]
        for horizon in walk.horizons
    }


def _paths(metrics: dict[str, Any], walk: Walk, horizon: int) -> Plot:
    known, y = judged_days(walk, horizon)
    dates, year = walk.record.dates[known].astype(str), metrics["days_per_year"]
    figure = bare_figure(340, yaxis={"title": {"text": "Volatility (% a year)"}, "type": "log"})
    shown = [
        ("what came", y, FAINT, 1.0),
        (LABELS[metrics["reference"]], walk.forecasts[metrics["reference"]][horizon][known], LEARNED, 1.6),
    ]
    if "har" in walk.forecasts and metrics["reference"] != "har":
        shown.append(("HAR", walk.forecasts["har"][horizon][known], PALETTE[0], 1.2))
    for label, variance, color, width in shown:
        line = {"color": color, "width": width}
        value = np.round(100 * np.sqrt(variance * year), 2)
        figure.add_trace(go.Scatter(x=dates, y=value, name=label, legendgroup=label, line=line, showlegend=True))
    caption = "Forecasts stand at the day on which they were made, beside what came after it."
    return Plot(f"paths_{horizon}", "Forecast and what came", caption, figure)


def _gains(metrics: dict[str, Any], walk: Walk, horizon: int) -> Plot:
    """Cumulative QLIKE of every model less the reference's."""
    known, y = judged_days(walk, horizon)
    dates, reference = walk.record.dates[known].astype(str), metrics["reference"]
    own = qlike(y, walk.forecasts[reference][horizon][known])
    figure = bare_figure(340, yaxis={"title": {"text": "Cumulative QLIKE difference"}})
    others = [name for name in walk.forecasts if name != reference]
    models = metrics["horizons"][str(horizon)]["models"]
    shown = sorted(others, key=lambda name: models[name]["qlike"])[:SHOWN]
    for place, name in enumerate(others):
        total = np.cumsum(qlike(y, walk.forecasts[name][horizon][known]) - own)
        line = {
            "color": PALETTE[place % len(PALETTE)],
            "width": 1.5,
            "dash": ("solid", "dash")[place // len(PALETTE) % 2],
        }
        visible = True if name in shown else "legendonly"
        trace = go.Scatter(
            x=dates, y=np.round(total, 3), name=LABELS[name], legendgroup=name, line=line, visible=visible
        )
        figure.add_trace(trace.update(showlegend=True))
    figure.add_hline(y=0, line={"color": INK, "width": 1})
    caption = f"Rising lines lose against {LABELS[reference]}; a step shows the day that did it. Others by a click."
    return Plot(f"gains_{horizon}", "Where the models differ", caption, figure)


def _calibration(metrics: dict[str, Any], horizon: int) -> list[Plot]:
    shares = metrics["horizons"][str(horizon)]["calibration"]
    if not shares:
        return []
    levels = [float(level) for level in shares]
    figure = bare_figure(
        300,
        xaxis={"title": {"text": "Forecast quantile"}, "range": [0, 1]},
        yaxis={"title": {"text": "Share of days below"}, "range": [0, 1]},
    )
    figure.add_trace(go.Scatter(x=[0, 1], y=[0, 1], mode="lines", line={"color": FAINT, "dash": "dash"}))
    marks = go.Scatter(x=levels, y=list(shares.values()), mode="lines+markers", line={"color": LEARNED, "width": 2})
    figure.add_trace(marks)
    caption = "On the diagonal the quantiles hold; above it, days fall below a quantile more often than it says."
    return [Plot(f"calibration_{horizon}", "Calibration of the quantiles", caption, figure)]
