"""A figure together with what the page says about it."""

from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from tenrec.reporting.style import TEMPLATE


@dataclass(frozen=True)
class Plot:
    """One figure of the report.

    Args:
        name: its key, a Python identifier.
        title: a heading, plain text.
        caption: how to read it, one or two plain sentences.
        figure: for a wide page; without title and legend, which the page writes itself.
        narrow: the same traces laid out for a narrow page.
    """

    name: str
    title: str
    caption: str
    figure: go.Figure
    narrow: go.Figure | None = None


def bare_figure(height: int, **layout: Any) -> go.Figure:
    """An empty figure in the report's look."""
    return styled(go.Figure(), height, **layout)


def styled(figure: go.Figure, height: int, **layout: Any) -> go.Figure:
    """`figure` in the report's look; subplot titles become small and left-aligned to their place."""
    figure.update_layout(template=TEMPLATE, height=height, showlegend=False, **layout)
    figure.update_annotations(font={"size": 12.5}, yshift=5)
    return figure


def standalone(plot: Plot) -> go.Figure:
    """A copy of the figure with title and legend, as an image needs it."""
    figure = go.Figure(plot.figure)
    layout: Any = figure.layout
    margin = layout.margin
    figure.update_layout(
        title={"text": plot.title, "y": 0.97, "yanchor": "top"},
        showlegend=any(getattr(trace, "showlegend", False) for trace in traces(figure)),
        margin={"l": margin.l or 24, "r": margin.r or 24, "t": (margin.t or 12) + 56, "b": margin.b or 24},
        height=layout.height + 60,
    )
    return figure


def traces(figure: go.Figure) -> list[Any]:
    """The traces of a figure; Plotly's own types do not say what they are."""
    return list(figure.data)


def with_unit(quantity: str, unit: str) -> str:
    """`Spot (CNY)`, or `Spot` where the currency has no name."""
    return f"{quantity} ({unit})" if unit else quantity
