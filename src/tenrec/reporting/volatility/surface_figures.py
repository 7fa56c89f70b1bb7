"""Figures of a volatility surface over days."""

from typing import Any

import numpy as np
import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from tenrec.reporting.plots import Plot
from tenrec.reporting.plots.base import bare_figure, styled
from tenrec.reporting.style import LEARNED, PALETTE
from tenrec.volatility.variance.days import GRID, volatility_grid

SLIDES, PANELS = 24, 9
COLORS = (LEARNED, *PALETTE)
YEARS = np.geomspace(7 / 365, 1.5, 24)


def surface_plots(table: pl.DataFrame, constant: pl.DataFrame) -> list[Plot]:
    """The surface that can be turned and stepped through days, smiles of days side by side, and what moves."""
    several = table["date"].n_unique() > 1
    plots = [_surface(table)]
    if several:
        plots += [_panels(table), _moves(constant), _term_structures(table)]
    return [plot for plot in plots if plot is not None]


def _chosen(table: pl.DataFrame, most: int) -> list[Any]:
    dates = table["date"].unique().sort().to_list()
    return [dates[place] for place in np.unique(np.linspace(0, len(dates) - 1, min(most, len(dates))).astype(int))]


def _surface(table: pl.DataFrame) -> Plot:
    figure = bare_figure(620, margin={"l": 0, "r": 0, "t": 0, "b": 100})
    dates = _chosen(table, SLIDES)
    grids = [_grid(table.filter(pl.col("date") == date)) for date in dates]
    low, high = _reach(np.concatenate([z.ravel() for _, z in grids]), 0.03)
    cut = sum(int(np.sum(z > high)) for _, z in grids)
    for place, (years, z) in enumerate(grids):
        shown = np.where(z > high, np.nan, np.round(z, 2))
        figure.add_surface(x=GRID, y=365 * years, z=shown, colorscale="Viridis", showscale=False, cmin=low,
                           cmax=high, visible=place == len(grids) - 1)  # fmt: skip
    scene = {
        "xaxis": {"title": {"text": "standard deviations"}, "dtick": 1},
        "yaxis": {"title": {"text": "days to expiry"}, "type": "log", "tickvals": [7, 14, 30, 60, 120, 250, 500]},
        "zaxis": {"title": {"text": "volatility (%)"}, "range": [low, high]},
        "camera": {"eye": {"x": 1.7, "y": -1.8, "z": 0.8}, "center": {"x": 0.0, "y": 0.0, "z": -0.2}},
    }
    figure.update_layout(scene=scene)
    if len(dates) > 1:
        steps = [
            {
                "label": str(date),
                "method": "restyle",
                "args": ["visible", [other == place for other in range(len(dates))]],
            }
            for place, date in enumerate(dates)
        ]
        figure.update_layout(sliders=[{"active": len(dates) - 1, "steps": steps, "pad": {"t": 10, "l": 45, "r": 45}}])
    caption = "Drag to turn it." + (" Move the slider to step through the days." if len(dates) > 1 else "")
    caption += f" Not drawn above {high:.0f} %, where thin slices run away from their quotes." if cut else ""
    return Plot("surface", "Implied volatility surface", caption, figure)


def _reach(values: np.ndarray, tail: float) -> tuple[float, float]:
    """Where all but a share `tail` at each end lies, so that one day's misfit does not flatten the others."""
    known = values[np.isfinite(values)]
    low, high = np.quantile(known, [tail, 1.0 - tail])
    room = 0.2 * (high - low)
    return float(max(known.min(), low - room)), float(min(known.max(), high + room))


def _grid(day: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Volatility (%) of one day, its total variance linear in time between expiries at fixed standardised moneyness."""
    own = day.sort("maturity").unique("maturity", keep="first", maintain_order=True)
    times, sigma = own["maturity"].to_numpy(), volatility_grid(own)
    inside = YEARS[(times[0] <= YEARS) & (times[-1] >= YEARS)]
    years = np.unique(np.concatenate([times[[0, -1]], inside]))
    total = sigma**2 * times[:, None]
    w = np.stack([np.interp(years, times, column) for column in total.T], axis=1)
    return years, 100 * np.sqrt(w / years[:, None])


def _panels(table: pl.DataFrame) -> Plot:
    dates = _chosen(table, PANELS)
    rows = -(-len(dates) // 3)
    figure = make_subplots(rows=rows, cols=3, subplot_titles=[str(date) for date in dates], shared_yaxes=True,
                           vertical_spacing=0.1, horizontal_spacing=0.03)  # fmt: skip
    for place, date in enumerate(dates):
        day = table.filter(pl.col("date") == date).sort("maturity")
        spread = np.unique(np.linspace(0, day.height - 1, min(4, day.height)).astype(int))
        part = day[spread.tolist()]
        for line, z in enumerate(volatility_grid(part)):
            figure.add_scatter(x=GRID, y=np.round(100 * z, 2), mode="lines", row=place // 3 + 1, col=place % 3 + 1,
                               name=f"{part['days'][line]:g} days",
                               line={"color": COLORS[line % len(COLORS)], "width": 1.8})  # fmt: skip
    styled(figure, 230 * rows + 40, margin={"l": 12, "r": 12, "t": 36, "b": 12})
    caption = (
        "Volatility (%) against standard deviations from the forward; nearest expiry blue, then orange, green, pink."
    )
    return Plot("panels", "Smiles of days", caption, figure)


def _moves(constant: pl.DataFrame) -> Plot | None:
    if constant.is_empty():
        return None
    shown = {"at_the_money": ("At the money (%)", 100.0), "skew": ("Skew ∂σ/∂k", 1.0),
             "curvature": ("Curvature ∂²σ/∂k²", 1.0),
             "risk_reversal": ("25-delta risk reversal (points)", 100.0)}  # fmt: skip
    titles = [title for title, _ in shown.values()]
    figure = make_subplots(rows=2, cols=2, subplot_titles=titles, horizontal_spacing=0.06,
                           vertical_spacing=0.12)  # fmt: skip
    for line, (days, part) in enumerate(constant.sort("days").group_by("days", maintain_order=True)):
        own = part.sort("date")
        for place, (name, (_, scale)) in enumerate(shown.items()):
            values = (scale * own[name].cast(pl.Float64)).round(3).to_list()
            label = f"{days[0]:g} days"
            figure.add_scatter(x=own["date"].to_list(), y=values, row=place // 2 + 1, col=place % 2 + 1, name=label,
                               legendgroup=label, showlegend=place == 0, mode="lines",
                               line={"color": COLORS[line], "width": 1.5})  # fmt: skip
    for place, (name, (_, scale)) in enumerate(shown.items()):
        values = scale * constant[name].cast(pl.Float64).drop_nulls().to_numpy()
        if values.size and np.ptp(values) > 0.0:
            figure.update_yaxes(range=_reach(values, 0.002), row=place // 2 + 1, col=place % 2 + 1)
    styled(figure, 560, margin={"l": 12, "r": 12, "t": 36, "b": 12})
    caption = "How level, slope and bend of the smile move from day to day; single days may reach out of the picture."
    return Plot("moves", "At constant maturity", caption, figure)


def _term_structures(table: pl.DataFrame) -> Plot:
    dates = table["date"].unique().sort()
    grid = np.geomspace(10, 365, 24)
    z = np.full((grid.size, dates.len()), np.nan)
    for column, (_, part) in enumerate(table.sort("date", "maturity").group_by("date", maintain_order=True)):
        days, sigma = part["days"].to_numpy(), 100 * part["at_the_money"].to_numpy()
        inside = (grid >= days.min()) & (grid <= days.max())
        z[inside, column] = np.interp(grid[inside], days, sigma)
    figure = go.Figure(go.Heatmap(x=dates.to_list(), y=np.round(grid, 1), z=np.round(z, 2), colorscale="Viridis",
                                  colorbar={"title": {"text": "%"}}, hoverongaps=False))  # fmt: skip
    styled(figure, 340, yaxis={"title": {"text": "Days to expiry"}, "type": "log"})
    caption = "At-the-money volatility by day and maturity; a bright foot is a market that fears the next weeks."
    return Plot("term_structures", "Term structure over days", caption, figure)
