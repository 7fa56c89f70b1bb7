"""Volatility: surfaces fitted to quotes; measured from prices, forecast, and followed through its regimes."""

from tenrec.volatility.arbitrage import ArbitrageCheck, check
from tenrec.volatility.base import AbstractSurface
from tenrec.volatility.essvi import ESSVI, ESSVIFit
from tenrec.volatility.sabr import SABR, SABRFit
from tenrec.volatility.ssvi import SSVI, SSVIFit
from tenrec.volatility.svi import SVI, SVIFit, SVISurface, fit_slices

__all__ = [
    "ESSVI",
    "SABR",
    "SSVI",
    "SVI",
    "AbstractSurface",
    "ArbitrageCheck",
    "ESSVIFit",
    "SABRFit",
    "SSVIFit",
    "SVIFit",
    "SVISurface",
    "check",
    "fit_slices",
]
