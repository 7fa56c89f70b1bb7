"""Recorded data: option panels, price series, arrays, and the bundled Shanghai options."""

from tenrec.data.arrays import read_arrays, read_price_paths
from tenrec.data.inspection import check
from tenrec.data.option_panel import OptionPanel, read_option_panel
from tenrec.data.price_series import PriceSeries, read_price_series
from tenrec.data.report import DataReport
from tenrec.data.shanghai import shanghai_etf, shanghai_forwards, shanghai_options

__all__ = [
    "DataReport",
    "OptionPanel",
    "PriceSeries",
    "check",
    "read_arrays",
    "read_option_panel",
    "read_price_paths",
    "read_price_series",
    "shanghai_etf",
    "shanghai_forwards",
    "shanghai_options",
]
