"""The exact entropic optimum of one Black–Scholes asset under proportional cost, and the exact value of any policy."""

from tenrec.hedging.optimum.evaluate import value_policy
from tenrec.hedging.optimum.grid import Resolution
from tenrec.hedging.optimum.problem import Problem, european_payoff
from tenrec.hedging.optimum.solve import Optimum, solve

__all__ = ["Optimum", "Problem", "Resolution", "european_payoff", "solve", "value_policy"]
