"""The report of a tuning run: its figures, its page."""

from tenrec.reporting.tuning.data import TuneReport
from tenrec.reporting.tuning.figures import overview, tune_plots
from tenrec.reporting.tuning.page import write_tune_images, write_tune_report

__all__ = ["TuneReport", "overview", "tune_plots", "write_tune_images", "write_tune_report"]
