"""What book and hedge would make over a ladder of moves of spot and volatility."""

import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from tenrec.reporting.data import ReportData
from tenrec.reporting.plots.base import Plot, styled
from tenrec.reporting.style import PolicyStyle

SCALE = [[0.0, "#d55e00"], [0.5, "#ffffff"], [1.0, "#0072b2"]]


def ladder_plot(data: ReportData, styles: dict[str, PolicyStyle]) -> Plot | None:
    """P&L of the learned policy's hedge and the book at every spot and volatility, for each time that has passed."""
    table = data.ladder
    if table is None or table.height == 0:
        return None
    learned = str(data.metrics.get("learned"))
    whose = styles[learned].label if learned in styles else "the learned policy"
    values = "Black–Scholes values"
    if len(data.instruments) > 1:
        values = "the book by Black–Scholes, listed options by the market's own model"
    caption = (
        f"P&L (bp of initial spot) of the book and of what {whose} holds at the start, were spot and volatility to "
        f"jump from there; {values}, without interest and without a further trade."
    )
    times = table["years_ahead"].unique().sort().to_list()
    return Plot("ladder", "Ladder of moves", caption, _panels(table, times, len(times)), _panels(table, times, 1))


def _panels(table: pl.DataFrame, times: list[float], columns: int) -> go.Figure:
    rows = len(times) // columns
    titles = ["At once" if time == 0 else f"After {365 * time:.3g} days" for time in times]
    figure = make_subplots(
        rows=rows, cols=columns, subplot_titles=titles, shared_yaxes=columns > 1, vertical_spacing=0.22
    )
    most = float(table["pnl_bp"].abs().max() or 0.0) or 1.0  # type: ignore[arg-type]
    for index, time in enumerate(times):
        own = table.filter(pl.col("years_ahead") == time).pivot(
            "spot_move", index="vol_move", values="pnl_bp", sort_columns=False
        )
        values = own.drop("vol_move").to_numpy()
        figure.add_heatmap(
            x=[f"{100 * float(move):+g} %" for move in own.columns[1:]],
            y=[f"{100 * move:+g} pts" for move in own["vol_move"]],
            z=values,
            text=[[f"{value:.0f}" for value in row] for row in values],
            texttemplate="%{text}",
            textfont={"size": 11},
            colorscale=SCALE,
            zmin=-most,
            zmax=most,
            showscale=False,
            xgap=1,
            ygap=1,
            hovertemplate="spot %{x}, volatility %{y}: %{z:.1f} bp<extra></extra>",
            row=index // columns + 1,
            col=index % columns + 1,
        )
    figure = styled(figure, 260 * rows + 60)
    figure.update_layout(margin={"l": 12, "r": 16, "t": 34, "b": 12})
    # Left to itself Plotly reads "+5 %" as a number.
    figure.update_xaxes(title="Spot move", showgrid=False, type="category", tickfont={"size": 11})
    figure.update_yaxes(showgrid=False, type="category")
    figure.update_yaxes(title="Volatility", col=1)
    return figure
