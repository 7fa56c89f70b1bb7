"""The report of a run: one offline HTML page, its figures, and a table for the terminal."""

from tenrec.reporting.catalogue import figures
from tenrec.reporting.data import HedgeCurve, ReportData
from tenrec.reporting.images import write_images
from tenrec.reporting.page import write_report
from tenrec.reporting.table import terminal_table

__all__ = ["HedgeCurve", "ReportData", "figures", "terminal_table", "write_images", "write_report"]
