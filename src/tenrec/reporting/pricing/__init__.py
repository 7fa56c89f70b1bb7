"""The report of a fitted option chain."""

from tenrec.reporting.pricing.page import write_price_report

__all__ = ["write_price_report"]
