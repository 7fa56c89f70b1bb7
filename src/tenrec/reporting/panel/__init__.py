"""The page of a panel backtest."""

from tenrec.reporting.panel.page import PanelReport, write_panel_report

__all__ = ["PanelReport", "write_panel_report"]
