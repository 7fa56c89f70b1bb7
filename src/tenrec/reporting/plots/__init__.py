"""The figures of the report, one module for each."""

from tenrec.reporting.plots.base import Plot, standalone, traces
from tenrec.reporting.plots.comparison import cost_plot, ratio_plot
from tenrec.reporting.plots.distribution import density_plot, tail_plot
from tenrec.reporting.plots.expiries import expiry_plot
from tenrec.reporting.plots.explained import explained_plot
from tenrec.reporting.plots.hedge_ratio import further_ratio_plot, hedge_ratio_plot
from tenrec.reporting.plots.ladder import ladder_plot
from tenrec.reporting.plots.replay import replay_plot
from tenrec.reporting.plots.training import training_plot

__all__ = [
    "Plot",
    "cost_plot",
    "density_plot",
    "expiry_plot",
    "explained_plot",
    "further_ratio_plot",
    "hedge_ratio_plot",
    "ladder_plot",
    "ratio_plot",
    "replay_plot",
    "standalone",
    "tail_plot",
    "traces",
    "training_plot",
]
