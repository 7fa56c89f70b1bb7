"""Recorded data, expiry by expiry: where the difference comes from."""

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from tenrec.reporting.data import ReportData
from tenrec.reporting.plots.base import Plot, styled
from tenrec.reporting.style import FAINT, PolicyStyle


def expiry_plot(data: ReportData, styles: dict[str, PolicyStyle]) -> Plot | None:
    """Standard deviation and mean of P&L, and the number of contracts, for each expiry."""
    groups = data.groups
    if groups is None or groups.height == 0:
        return None
    groups = groups.sort("expiry")
    expiries = [str(expiry) for expiry in groups["expiry"]]
    titles = ["Standard deviation of P&L (bp)", "Mean P&L (bp)", "Contracts"]
    figure = make_subplots(
        rows=3, cols=1, shared_xaxes=True, vertical_spacing=0.07, row_heights=[0.44, 0.38, 0.18], subplot_titles=titles
    )
    alone = not any(style.shown and f"std_bp:{name}" in groups.columns for name, style in styles.items())
    for name, style in styles.items():
        for row, column in enumerate((f"std_bp:{name}", f"mean_bp:{name}"), start=1):
            if column in groups.columns:
                values = groups[column].to_numpy()
                figure.add_trace(_line(expiries, values, style, first=row == 1, alone=alone), row=row, col=1)
    bars = go.Bar(
        x=expiries, y=groups["contracts"].to_numpy(), marker={"color": FAINT}, showlegend=False,
        hovertemplate="%{y} contracts<extra></extra>",
    )  # fmt: skip
    figure.add_trace(bars, row=3, col=1)
    figure = styled(figure, 620, margin={"l": 12, "r": 16, "t": 32, "b": 12}, hovermode="x")
    figure.update_annotations(x=0, xanchor="left")
    figure.update_xaxes(type="category", showgrid=False)
    figure.update_xaxes(title="Expiry", tickangle=-50, row=3, col=1)
    figure.update_yaxes(rangemode="tozero", row=1, col=1)
    caption = "Contracts of one expiry share their path of the underlying, so intervals resample whole expiries."
    return Plot("expiries", "By expiry", caption, figure)


def _line(expiries: list[str], values: object, style: PolicyStyle, *, first: bool, alone: bool) -> go.Scatter:
    return go.Scatter(
        x=expiries,
        y=values,
        mode="lines+markers",
        line={**style.line, "width": 1.75, "dash": "solid"},
        marker={"size": 6},
        name=style.text,
        legendgroup=style.name,
        showlegend=first,
        visible=True if style.shown or alone else "legendonly",
        hovertemplate="%{y:,.1f} bp<extra>%{fullData.name}</extra>",
    )
