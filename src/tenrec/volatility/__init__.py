"""Volatility: surfaces fitted to quotes; measured from prices, forecast, and followed through its regimes."""

from tenrec.volatility.arbitrage import ArbitrageCheck, check
from tenrec.volatility.base import AbstractSurface
from tenrec.volatility.essvi import ESSVI, ESSVIFit
from tenrec.volatility.svi import SVI, SVIFit, SVISurface, fit_slices

__all__ = [
    "ESSVI",
    "SVI",
    "AbstractSurface",
    "ArbitrageCheck",
    "ESSVIFit",
    "SVIFit",
    "SVISurface",
    "check",
    "fit_slices",
]
