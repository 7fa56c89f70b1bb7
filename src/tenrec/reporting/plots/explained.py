"""Where the P&L came from: its mean and its dispersion by cause."""

from typing import Any

import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from tenrec.reporting.data import ReportData
from tenrec.reporting.plots.base import Plot, styled
from tenrec.reporting.style import INK, PolicyStyle

PANELS = {"mean_bp": "Mean", "std_bp": "Standard deviation"}
LABELS = {"sale": "Sale above mark", "instruments": "Options, swaps", "total": "Total"}
MOST = 4


def explained_plot(data: ReportData, styles: dict[str, PolicyStyle]) -> Plot | None:
    """Mean and standard deviation of each part of the P&L, for the policies that matter most."""
    table = data.explained
    if table is None or table.height == 0:
        return None
    learned, reference = data.metrics.get("learned"), data.metrics.get("reference")
    named = [name for name in styles if name in table["policy"].unique().to_list()]
    first = [name for name in (learned, reference, "no_hedge") if name in named]
    shown = [*first, *(name for name in named if name not in first)][:MOST]
    delta = "delta is what hedge and options together lost or made on moves of the price"
    if "instruments" in table["part"]:
        delta = (
            "delta is what the first instrument and the book together lost or made on moves of the price, “options, "
            "swaps” what the further instruments did"
        )
    caption = (
        f"Over {data.explained_paths:,} paths: {delta}, rest what Greeks do not explain. The parts sum to the total "
        "path by path, so that their dispersions do not."
    )
    wide, narrow = (_panels(table, [styles[name] for name in shown], columns=columns) for columns in (2, 1))
    return Plot("explained", "P&L explained", caption, wide, narrow)


def _panels(table: pl.DataFrame, rows: list[PolicyStyle], *, columns: int) -> go.Figure:
    figure = make_subplots(
        rows=len(PANELS) // columns,
        cols=columns,
        shared_yaxes=columns > 1,
        subplot_titles=list(PANELS.values()),
        horizontal_spacing=0.06,
        vertical_spacing=0.2,
    )
    for index, column in enumerate(PANELS):
        place: dict[str, Any] = {"row": index // columns + 1, "col": index % columns + 1}
        for style in rows:
            figure.add_trace(_bars(table, style, column, legend=index == 0), **place)
        figure.add_vline(x=0.0, line={"color": INK, "width": 1}, **place)
    parts = table["part"].n_unique()
    figure = styled(figure, (40 + parts * (12 + 9 * len(rows))) * (2 if columns == 1 else 1) + 50)
    figure.update_layout(margin={"l": 12, "r": 16, "t": 34, "b": 12}, bargap=0.25)
    figure.update_xaxes(title="P&L (bp of initial spot)")
    figure.update_yaxes(autorange="reversed", showgrid=False, tickfont={"size": 12.5, "color": INK})
    return figure


def _bars(table: pl.DataFrame, style: PolicyStyle, column: str, *, legend: bool) -> go.Bar:
    own = table.filter(pl.col("policy") == style.name)
    return go.Bar(
        x=own[column].to_list(),
        y=[LABELS.get(part, part.capitalize()) for part in own["part"]],
        orientation="h",
        marker={"color": style.color},
        name=style.text,
        legendgroup=style.name,
        showlegend=legend,
        hovertemplate="%{y} %{x:.2f} bp<extra>%{fullData.name}</extra>",
    )
