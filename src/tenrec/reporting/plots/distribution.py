"""Terminal P&L: a density for each policy, and the tail of losses close up."""

import numpy as np
import plotly.graph_objects as go

from tenrec.reporting.data import ReportData
from tenrec.reporting.density import common_range, density, lower_tail
from tenrec.reporting.plots.base import Plot, bare_figure
from tenrec.reporting.style import MUTED, PolicyStyle

ROW_HEIGHT = 78
TAIL_SHARE = 0.1
LEAST_SHARE = 2e-4
TAIL_TICKS = (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)


def density_plot(data: ReportData, styles: dict[str, PolicyStyle]) -> Plot | None:
    """A ridge for each policy on one axis; the darker part is the worst 5 %."""
    rows = [(style, np.asarray(data.pnl_bp[name])) for name, style in styles.items() if name in data.pnl_bp]
    if not rows:
        return None
    low, high = common_range([pnl for _, pnl in rows])
    curves = [density(pnl, low, high) for _, pnl in rows]
    peaks = np.array([height.max() for _, height in curves])
    same_scale = peaks.max() <= 6 * max(float(np.median(peaks)), 1e-300)
    scales = np.full(len(rows), peaks.max()) if same_scale else np.maximum(peaks, 1e-300)
    count = len(rows)
    figure = bare_figure(ROW_HEIGHT * count + 70, margin={"l": 16, "r": 16, "t": 8, "b": 12}, hovermode="closest")
    for row, ((style, pnl), (grid, height)) in enumerate(zip(rows, curves, strict=True)):
        base = float(count - 1 - row)
        _add_ridge(figure, style, pnl, grid, 0.82 * height / scales[row], base)
    figure.add_vline(x=0, line={"color": "#cbd2d9", "width": 1}, layer="below")
    figure.update_xaxes(title="Terminal P&L (bp of initial spot)", range=[low, high], zeroline=False)
    figure.update_yaxes(visible=False, range=[-0.08, count], fixedrange=True)
    caption = (
        "The darker part is the worst 5 % of paths; the diamond is their mean, minus CVaR 95 %, the tick the mean."
    )
    if not same_scale:
        caption += " Each curve is drawn to its own height."
    return Plot("pnl_distribution", "Distribution of terminal P&L", caption, figure)


def _add_ridge(
    figure: go.Figure, style: PolicyStyle, pnl: np.ndarray, grid: np.ndarray, height: np.ndarray, base: float
) -> None:
    quantile = float(np.quantile(pnl, 0.05))
    mean, worst = float(pnl.mean()), float(-_shortfall(pnl))
    tail = grid[grid <= quantile]
    for x, alpha, width in ((grid, 0.22, style.width), (tail, 0.65, 0.0)):
        y = np.interp(x, grid, height) + base
        figure.add_scatter(x=x, y=np.full_like(x, base), mode="lines", line={"width": 0}, hoverinfo="skip")
        figure.add_scatter(
            x=x, y=y, mode="lines", line={"color": style.color, "width": width}, fill="tonexty",
            fillcolor=style.fill(alpha), hoverinfo="skip",
        )  # fmt: skip
    hover = f"mean {mean:.2f} bp<br>5 % quantile {quantile:.2f} bp<br>mean of the worst 5 % {worst:.2f} bp"
    marks = {"symbol": ["line-ns-open", "diamond"], "size": [13, 9], "color": style.color, "line": {"width": 2}}
    figure.add_scatter(
        x=[mean, worst], y=[base, base], mode="markers", marker=marks, hovertemplate=hover + "<extra></extra>"
    )
    figure.add_annotation(
        text=f"<b>{style.text}</b><br><span style='color:{MUTED}'>std {np.std(pnl):,.1f} bp</span>",
        x=0, xref="paper", xanchor="left", y=base + 0.9, yanchor="top", showarrow=False, align="left",
        font={"size": 12},
    )  # fmt: skip


def _shortfall(pnl: np.ndarray, share: float = 0.05) -> float:
    count = max(int(np.ceil(share * len(pnl))), 1)
    return -float(np.partition(pnl, count - 1)[:count].mean())


def tail_plot(data: ReportData, styles: dict[str, PolicyStyle]) -> Plot | None:
    """How often a loss is at least as bad, on a logarithmic axis, for the worst tenth of the paths."""
    tails = {name: lower_tail(np.asarray(pnl), TAIL_SHARE) for name, pnl in data.pnl_bp.items()}
    if not tails:
        return None
    figure = bare_figure(430, hovermode="closest")
    for name, style in styles.items():
        if name not in tails:
            continue
        loss, share = tails[name]
        figure.add_scatter(
            x=loss.astype(np.float32), y=(100 * share).astype(np.float32), mode="lines", line=style.line,
            name=style.text, legendgroup=name, showlegend=True,
            hovertemplate="%{y:.3~g} % of paths end at %{x:,.1f} bp or worse<extra>%{fullData.name}</extra>",
        )  # fmt: skip
    paths = len(next(iter(data.pnl_bp.values())))
    least = max(1 / paths, LEAST_SHARE)
    low, high = common_range([loss[share >= least] for loss, share in tails.values()], quantile=0.0, widest=1.7)
    figure.update_xaxes(title="Terminal P&L (bp of initial spot)", range=[low, high])
    figure.update_yaxes(
        title="Paths that end there or worse",
        type="log",
        range=[np.log10(100 * least) - 0.03, np.log10(100 * TAIL_SHARE)],
        tickvals=TAIL_TICKS,
        ticktext=[f"{share:g} %" for share in TAIL_TICKS],
    )
    caption = "The worst tenth of the paths. Further right is better: at the same frequency, the loss is smaller."
    return Plot("pnl_tail", "Tail of losses", caption, figure)
