"""Regimes of volatility, changes between them, and days that fit into none."""

from tenrec.volatility.regimes.fit import RegimeFit, fit_regimes
from tenrec.volatility.regimes.hidden_markov import HiddenMarkov
from tenrec.volatility.regimes.walk import RegimeWalk, walk_regimes

__all__ = ["HiddenMarkov", "RegimeFit", "RegimeWalk", "fit_regimes", "walk_regimes"]
