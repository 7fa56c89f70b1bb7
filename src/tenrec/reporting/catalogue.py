"""All figures of a report, by name."""

from collections.abc import Callable

import plotly.graph_objects as go

from tenrec.reporting.data import ReportData
from tenrec.reporting.plots import (
    Plot,
    cost_plot,
    density_plot,
    expiry_plot,
    explained_plot,
    further_ratio_plot,
    hedge_ratio_plot,
    ladder_plot,
    ratio_plot,
    replay_plot,
    standalone,
    tail_plot,
    training_plot,
)
from tenrec.reporting.style import PolicyStyle, policy_styles

BUILDERS: tuple[Callable[[ReportData, dict[str, PolicyStyle]], Plot | None], ...] = (
    ratio_plot,
    cost_plot,
    density_plot,
    tail_plot,
    explained_plot,
    hedge_ratio_plot,
    further_ratio_plot,
    ladder_plot,
    replay_plot,
    expiry_plot,
    training_plot,
)


def report_plots(data: ReportData) -> dict[str, Plot]:
    """Every plot that the data has content for, by name, in the order of the report."""
    styles = policy_styles(data)
    built = (build(data, styles) for build in BUILDERS)
    return {plot.name: plot for plot in built if plot is not None}


def figures(data: ReportData) -> dict[str, go.Figure]:
    """The report's figures, each with its own title and legend, by name.

    Names are those of `ratios`, `cost`, `pnl_distribution`, `pnl_tail`, `explained`, `hedge_ratio`, `further_ratio`,
    `ladder`, `replay`, `expiries` and `training` for which the data has content.
    """
    return {name: standalone(plot) for name, plot in report_plots(data).items()}
