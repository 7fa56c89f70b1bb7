"""How each policy stands against the reference, and what it pays for that."""

from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from tenrec.reporting.data import ReportData
from tenrec.reporting.plots.base import Plot, styled
from tenrec.reporting.style import INK, PolicyStyle
from tenrec.reporting.text import estimate

PANELS = {"std": "Standard deviation", "cvar95": "CVaR 95\N{NO-BREAK SPACE}%"}
WIDE_RATIO = 3.0


def ratio_plot(data: ReportData, styles: dict[str, PolicyStyle]) -> Plot | None:
    """Dispersion and tail of every policy as a ratio to the reference, with paired intervals."""
    policies = data.metrics.get("policies", {})
    reference = data.metrics.get("reference")
    rows = [style for name, style in styles.items() if name != reference and policies.get(name, {}).get("ratio")]
    if not rows or reference not in styles:
        return None
    beyond = [row.label for row in rows if _beyond(policies[row.name]["ratio"])]
    rows = [row for row in rows if row.label not in beyond] or rows
    caption = (
        f"Below 1 is better than {styles[reference].label}. Bars are 95 % intervals of the paired ratio; "
        "one that crosses 1 leaves the difference open."
    )
    if beyond and len(beyond) < len(rows) + len(beyond):
        caption += f" Not drawn, being far to the right: {', '.join(beyond)}."
    wide, narrow = _ratios(policies, rows, columns=2), _ratios(policies, rows, columns=1)
    return Plot("ratios", f"Ratio to {styles[reference].label}", caption, wide, narrow)


def _beyond(ratio: dict[str, Any]) -> bool:
    return any((estimate(ratio.get(key))[0] or 0.0) > WIDE_RATIO for key in PANELS)


def _ratios(policies: dict[str, Any], rows: list[PolicyStyle], *, columns: int) -> go.Figure:
    panel_rows = len(PANELS) // columns
    figure = make_subplots(
        rows=panel_rows,
        cols=columns,
        shared_yaxes=columns > 1,
        subplot_titles=list(PANELS.values()),
        horizontal_spacing=0.06,
        vertical_spacing=0.2,
    )
    for index, key in enumerate(PANELS):
        place: dict[str, Any] = {"row": index // columns + 1, "col": index % columns + 1}
        for style in rows:
            figure.add_trace(_ratio_point(policies[style.name]["ratio"].get(key), style, key), **place)
        figure.add_vline(x=1.0, line={"color": INK, "width": 1.25, "dash": "dash"}, **place)
    height = (60 + 34 * len(rows)) * panel_rows + 50
    figure = styled(figure, height, margin={"l": 12, "r": 16, "t": 34, "b": 12})
    figure.update_yaxes(autorange="reversed", showgrid=False, tickfont={"size": 12.5, "color": INK})
    figure.update_xaxes(title="Ratio to the reference", nticks=6)
    figure.update_xaxes(matches="x", row=panel_rows, col=columns)
    return figure


def _ratio_point(ratio: Any, style: PolicyStyle, key: str) -> go.Scatter:
    value, low, high = estimate(ratio)
    bars = None
    if value is not None and low is not None and high is not None:
        bars = {"array": [high - value], "arrayminus": [value - low], "thickness": 2, "width": 5}
    return go.Scatter(
        x=[value],
        y=[style.text],
        error_x=bars,
        mode="markers",
        marker={"color": style.color, "size": 10},
        name=style.text,
        showlegend=False,
        customdata=[[low, high]],
        hovertemplate=f"{PANELS[key]} %{{x:.3f}}  [%{{customdata[0]:.3f}}, %{{customdata[1]:.3f}}]<extra></extra>",
    )


def cost_plot(data: ReportData, styles: dict[str, PolicyStyle]) -> Plot | None:
    """Standard deviation against cost: what risk each policy buys for what it trades."""
    policies = data.metrics.get("policies", {})
    points = {name: (item.get("cost_bp"), estimate(item.get("std_bp"))[0]) for name, item in policies.items()}
    rows = [style for name, style in styles.items() if name in points and points[name][1] is not None]
    if len(rows) < 2:
        return None
    std = {row.name: float(points[row.name][1] or 0.0) for row in rows}
    levels = sorted(std.values())
    middle = levels[(len(levels) - 1) // 2]
    far = [row for row in rows if std[row.name] > 2.5 * middle]
    rows = [row for row in rows if row not in far]
    figure = go.Figure([_cost_point(row, *points[row.name]) for row in rows])
    figure = styled(figure, 400, margin={"l": 12, "r": 20, "t": 12, "b": 12})
    figure.update_xaxes(title="Mean cost (bp of initial spot)", rangemode="tozero", zeroline=False)
    figure.update_yaxes(title="Standard deviation of P&L (bp)")
    caption = "Lower left is better: less risk left, less paid for it."
    if far:
        listed = ", ".join(f"{row.label} at {std[row.name]:,.0f} bp" for row in far)
        caption += f" Above the frame: {listed}."
    return Plot("cost", "Risk against cost", caption, figure)


def _cost_point(style: PolicyStyle, cost: float | None, std: float | None) -> go.Scatter:
    return go.Scatter(
        x=[cost],
        y=[std],
        mode="markers",
        marker={"color": style.color, "size": 15 if style.shown else 12, "line": {"color": "#ffffff", "width": 1.5}},
        name=style.text,
        legendgroup=style.name,
        showlegend=True,
        hovertemplate="cost %{x:.2f} bp<br>std %{y:.2f} bp<extra>%{fullData.name}</extra>",
    )
