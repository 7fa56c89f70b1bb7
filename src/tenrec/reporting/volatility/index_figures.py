"""Figures of a volatility index and its fair strikes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from tenrec.reporting.plots import Plot
from tenrec.reporting.plots.base import bare_figure, styled
from tenrec.reporting.style import FAINT, INK, LEARNED, PALETTE
from tenrec.volatility.variance import Smile, Term

SHOWN = 6
LINES = {
    "variance_swap": ("variance swap", LEARNED, "solid"),
    "volatility_swap": ("volatility swap", PALETTE[1], "solid"),
    "at_the_money": ("at the money", FAINT, "dash"),
}


def index_plots(
    metrics: dict[str, Any], series: pl.DataFrame, last: Sequence[tuple[Term, Smile]]
) -> dict[str, list[Plot]]:
    """Figures of the last day, and of the days where there are several."""
    days = [_over_days(series), _smile_quotes(metrics, series)] if series["date"].n_unique() > 1 else []
    return {"day": [_term_structure(metrics), smile_plot(last)], "days": [plot for plot in days if plot is not None]}


def _term_structure(metrics: dict[str, Any]) -> Plot:
    rows = metrics["term_structure"]
    days = [row["days"] for row in rows]
    figure = bare_figure(380, xaxis={"title": {"text": "Days to expiry"}, "type": "log"},
                         yaxis={"title": {"text": "Volatility (% a year)"}})  # fmt: skip
    index = go.Scatter(x=days, y=[row["index"] for row in rows], name="index, each expiry", mode="markers",
                       marker={"color": INK, "size": 6}, legendgroup="index", showlegend=True)  # fmt: skip
    figure.add_trace(index)
    for key, (label, color, dash) in LINES.items():
        y = [None if row[key] is None else round(100 * row[key], 3) for row in rows]
        line = {"color": color, "dash": dash, "width": 2}
        figure.add_trace(go.Scatter(x=days, y=y, name=label, legendgroup=key, mode="lines", line=line, showlegend=True))
    forward = [None if row["forward_volatility"] is None else round(100 * row["forward_volatility"], 3) for row in rows]
    figure.add_trace(
        go.Scatter(x=days, y=forward, name="forward variance", legendgroup="forward", mode="lines", showlegend=True,
                   line={"color": PALETTE[0], "width": 1.5, "shape": "vh"}, visible="legendonly")
    )  # fmt: skip
    caption = (
        f"On {metrics['last']}: the strike at which a swap of each maturity costs nothing. The gap between variance "
        "and volatility swap is what convexity is worth."
    )
    return Plot("term_structure", "Term structure", caption, figure)


def smile_plot(last: Sequence[tuple[Term, Smile]]) -> Plot:
    """Quotes, fitted slices and wings of some of a day's expiries."""
    chosen = [last[place] for place in np.unique(np.linspace(0, len(last) - 1, min(SHOWN, len(last))).astype(int))]
    rows = -(-len(chosen) // 3)
    titles = [f"{term.expiry} {term.root}".rstrip() for term, _ in chosen]
    figure = make_subplots(rows=rows, cols=3, subplot_titles=titles, vertical_spacing=0.14, horizontal_spacing=0.06)
    for place, (term, smile) in enumerate(chosen):
        at: dict[str, Any] = {"row": place // 3 + 1, "col": place % 3 + 1}
        years = term.strip.maturity
        quotes = 100 * np.sqrt(smile.w / years)
        figure.add_scatter(x=smile.k, y=quotes, mode="markers", marker={"color": INK, "size": 3}, name="quote", **at)
        if not np.isnan(smile.svi[0]):
            inside = np.linspace(smile.k[0], smile.k[-1], 81)
            fitted = 100 * np.sqrt(np.maximum(smile.total_variance(inside), 0.0) / years)
            figure.add_scatter(x=inside, y=fitted, mode="lines", line={"color": LEARNED, "width": 2}, name="fit", **at)
        reach = 0.35 * (smile.k[-1] - smile.k[0])
        for edge, k in ((0, np.linspace(smile.k[0] - reach, smile.k[0], 21)),
                        (-1, np.linspace(smile.k[-1], smile.k[-1] + reach, 21))):  # fmt: skip
            scale = smile.w[edge] / smile.wings.total_variance(smile.k[[edge]])[0]
            wing = 100 * np.sqrt(scale * smile.wings.total_variance(k) / years)
            line = {"color": PALETTE[0], "width": 1.5, "dash": "dot"}
            figure.add_scatter(x=k, y=wing, mode="lines", line=line, name="wing", **at)
    styled(figure, 250 * rows + 40, margin={"l": 12, "r": 12, "t": 36, "b": 12})
    caption = (
        "Implied volatility (%) against log(K/F): out-of-the-money quotes, the fitted slice, and dotted the wings that "
        "stand in for strikes nobody quotes."
    )
    return Plot("smiles", "Quotes and slices", caption, figure)


def _over_days(series: pl.DataFrame) -> Plot:
    figure = bare_figure(360, yaxis={"title": {"text": "Points (% a year)"}})
    for place, (days, part) in enumerate(series.group_by("days", maintain_order=True)):
        label = f"{days[0]:g} days"
        color = (LEARNED, *PALETTE)[place % 8]
        gaps = part.sort("date")
        trace = go.Scatter(x=gaps["date"].to_list(), y=gaps["index"].round(3).to_list(), name=label, legendgroup=label,
                           line={"color": color, "width": 1.6}, showlegend=True)  # fmt: skip
        figure.add_trace(trace)
    return Plot("over_days", "The index over days", "Short maturities above long ones show stress.", figure)


def _smile_quotes(metrics: dict[str, Any], series: pl.DataFrame) -> Plot | None:
    own = series.filter(pl.col("days") == metrics["asked"][0]).sort("date")
    figure = make_subplots(rows=1, cols=2, horizontal_spacing=0.08,
                           subplot_titles=["25-delta risk reversal (vol points)", "Skew index"])  # fmt: skip
    if own["skew_index"].drop_nulls().is_empty():
        return None
    dates = own["date"].to_list()
    reversal = (100 * own["risk_reversal"].cast(pl.Float64)).round(3).to_list()
    figure.add_scatter(x=dates, y=reversal, line={"color": LEARNED, "width": 1.6}, row=1, col=1)
    figure.add_scatter(x=dates, y=own["skew_index"].round(2).to_list(), line={"color": PALETTE[0], "width": 1.6},
                       row=1, col=2)  # fmt: skip
    styled(figure, 300, margin={"l": 12, "r": 12, "t": 36, "b": 12})
    caption = (
        "Call less put volatility at 25 delta: below zero, falls are dearer than rises. The skew index is 100 − 10 × "
        "the skewness of the log return; above 100 the left tail is the fatter one."
    )
    return Plot("skew", f"Skew at {metrics['asked'][0]:g} days", caption, figure)
