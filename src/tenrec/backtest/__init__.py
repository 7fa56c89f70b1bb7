"""Recorded option panels as paths that the engine can hedge."""

from tenrec.backtest.forwards import complete_forwards
from tenrec.backtest.panel import Panel, option_panel
from tenrec.backtest.quotes import priced_quotes
from tenrec.backtest.record import Record, load_record
from tenrec.backtest.selection import SelectionRule
from tenrec.backtest.signals import SIGNAL_NAMES, market_signals

__all__ = [
    "SIGNAL_NAMES",
    "Panel",
    "Record",
    "SelectionRule",
    "complete_forwards",
    "load_record",
    "market_signals",
    "option_panel",
    "priced_quotes",
]
