"""The exact optimum of one Black–Scholes asset under proportional cost, and the exact value of any policy."""

from tenrec.hedging.optimum.criteria import Criterion, MeanDeviation, MeanVariance, Quadratic, Shortfall
from tenrec.hedging.optimum.evaluate import value_policy
from tenrec.hedging.optimum.grid import Resolution
from tenrec.hedging.optimum.problem import Problem, european_payoff
from tenrec.hedging.optimum.solve import Optimum, solve
from tenrec.hedging.optimum.wealth import WealthOptimum, WealthResolution, solve_wealth

__all__ = [
    "Criterion",
    "MeanDeviation",
    "MeanVariance",
    "Optimum",
    "Problem",
    "Quadratic",
    "Resolution",
    "Shortfall",
    "WealthOptimum",
    "WealthResolution",
    "european_payoff",
    "solve",
    "solve_wealth",
    "value_policy",
]
