"""What is tuned: numbers that are better the larger they are."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tenrec.tuning.metrics import Results, summary

Kind = Literal["sharpe", "mean_variance", "cvar", "mean_std", "pareto"]
INFEASIBLE = -1e9


@dataclass(frozen=True)
class Objective:
    """A score of each set over some windows, quote currency.

        sharpe         Sharpe − drawdown_weight·|mean drawdown|/10,000 − cost_weight·mean cost/1,000
        mean_variance  mean net P&L − aversion/2·variance of net P&L/notional
        cvar           −CVaR 95 % of the windows' net P&L
        mean_std       −(mean cost + standard deviation of the hedge error), the P&L before costs
        pareto         two objectives: −standard deviation of the hedge error, −mean cost; as one number their sum

    Args:
        martingale: how the standard deviation of the hedge error is estimated. The error is that of an ideal hedge, the
            same for all sets, plus a set's deviation from it; where prices are a martingale these are uncorrelated, so
            that √(Var ideal + Var deviation) leaves out the sampling noise of their covariance. False: the plain one.
        max_drawdown: sets whose worst drawdown is larger are infeasible; None for no limit.
    """

    kind: Kind = "sharpe"
    drawdown_weight: float = 0.1
    cost_weight: float = 0.05
    aversion: float = 1.0
    notional: float = 1e6
    martingale: bool = False
    max_drawdown: float | None = None

    @property
    def several(self) -> bool:
        """Whether there are two objectives."""
        return self.kind == "pareto"

    def score(self, found: Results) -> np.ndarray:
        """One number for each set, shape (*sets); infeasible sets come after all others."""
        shown = summary(found)
        match self.kind:
            case "sharpe":
                drawdown, cost = np.abs(shown["max_drawdown"]), shown["cost"]
                value = shown["sharpe"] - self.drawdown_weight * drawdown / 1e4 - self.cost_weight * cost / 1e3
            case "mean_variance":
                value = shown["net_pnl"] - 0.5 * self.aversion * shown["net_std"] ** 2 / self.notional
            case "cvar":
                value = -shown["cvar95"]
            case "mean_std" | "pareto":
                value = -(shown["cost"] + self._risk(found, shown))
        excess = self._excess(shown["worst_drawdown"])
        return np.where(excess > 0, INFEASIBLE - excess, value)

    def pair(self, found: Results) -> tuple[np.ndarray, np.ndarray]:
        """Risk and cost, both to be small."""
        shown = summary(found)
        return self._risk(found, shown), shown["cost"]

    def _risk(self, found: Results, shown: Mapping[str, np.ndarray]) -> np.ndarray:
        if not self.martingale or len(found.years) < 2:
            return risk_of(found, shown)
        error = found.tally["wealth"] + found.tally["cost"]
        deviation = error - found.ideal[:, None]
        return np.sqrt(found.ideal.var(ddof=1) + deviation.var(axis=0, ddof=1))

    def excess(self, found: Results) -> np.ndarray:
        """By how much the worst drawdown breaks its limit; at most zero where it does not."""
        return self._excess(summary(found)["worst_drawdown"])

    def _excess(self, worst: np.ndarray) -> np.ndarray:
        return worst - self.max_drawdown if self.max_drawdown is not None else np.full_like(worst, -1.0)


def risk_of(found: Results, shown: Mapping[str, np.ndarray]) -> np.ndarray:
    """Standard deviation of the windows' hedge error; with one window, that of its ticks over the window."""
    if len(found.years) > 1:
        return shown["error_std"]
    second = found.tally["second"].sum(axis=0)
    return np.sqrt(second)


def pareto_front(risk: np.ndarray, cost: np.ndarray) -> np.ndarray:
    """Indices of the sets that no other beats in both, by rising risk.

    Example:
        >>> pareto_front(np.array([1.0, 2.0, 3.0]), np.array([5.0, 6.0, 1.0])).tolist()
        [0, 2]
    """
    order = np.lexsort((cost, risk))
    least = np.minimum.accumulate(cost[order])
    first = np.concatenate([[True], cost[order][1:] < least[:-1]])
    return order[first]
