"""The report of a tuning run: its figures, its page."""

from tenrec.reporting.tuning.data import TuneReport
from tenrec.reporting.tuning.figures import overview, tune_plots
from tenrec.reporting.tuning.page import write_tune_images, write_tune_report
from tenrec.reporting.tuning.replay import ReplayReport, write_replay_report

__all__ = [
    "ReplayReport",
    "TuneReport",
    "overview",
    "tune_plots",
    "write_replay_report",
    "write_tune_images",
    "write_tune_report",
]
