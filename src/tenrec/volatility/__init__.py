"""Volatility surfaces: slices and surfaces fitted to quotes, what follows from them, and checks for arbitrage."""

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
