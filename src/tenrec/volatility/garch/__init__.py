"""Conditional variances from returns: GARCH, GJR, EGARCH and Realized GARCH, many series in one compiled fit."""

from tenrec.volatility.garch.fit import GarchFit, fit_garch
from tenrec.volatility.garch.models import GARCH_MODELS, GarchModel

__all__ = ["GARCH_MODELS", "GarchFit", "GarchModel", "fit_garch"]
