"""The copied notebook's loop, tick by tick in Python: the independent account of one rule that the tests compare with.

A long book of calls, Greeks from SciPy, a hedge kept as a cash amount; P&L by delta–gamma–theta of the tick before.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

INTERVAL, YEAR = 10.0, 365.25 * 86_400.0
STRIKE, NOTIONAL, DAYS = 60_000.0, 1_000_000.0, 30.0
UNITS = NOTIONAL / STRIKE
FEE = 6e-4


@dataclass(frozen=True)
class Rule:
    """Cadence in seconds, threshold in units of the underlying, ratio, largest hedge as a share of the notional."""

    cadence: float
    threshold: float
    ratio: float
    largest: float


def ticks(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Time in seconds, spot, implied volatility."""
    rng = np.random.default_rng(seed)
    moves = rng.standard_normal(count - 1)
    step = INTERVAL / YEAR
    spot = STRIKE * np.exp(np.concatenate([[0.0], np.cumsum(-0.18 * step + 0.6 * math.sqrt(step) * moves)]))
    return np.arange(count) * INTERVAL, spot, 0.6 + 0.02 * np.sin(np.arange(count) / 5000.0)


def greeks(spot: float, left: float, volatility: float) -> tuple[float, float, float]:
    """Delta, gamma and theta (a year) of the book."""
    width = volatility * math.sqrt(left)
    d1 = math.log(spot / STRIKE) / width + 0.5 * width
    density = float(norm.pdf(d1))
    theta = -spot * density * volatility / (2.0 * math.sqrt(left))
    return UNITS * float(norm.cdf(d1)), UNITS * density / (spot * width), UNITS * theta


def run(rule: Rule, path: tuple[np.ndarray, np.ndarray, np.ndarray]) -> tuple[float, float, int]:
    """Net P&L, cost and number of hedges."""
    hedge = pnl = cost = 0.0
    last, count, before = -1e18, 0, None
    for time, spot, volatility in zip(*(column.tolist() for column in path), strict=True):
        delta, gamma, theta = greeks(spot, (DAYS * 86_400.0 - time) / YEAR, volatility)
        if before is not None:
            (old_delta, old_gamma, old_theta), old = before
            move = spot - old
            pnl += old_delta * move + 0.5 * old_gamma * move**2 + hedge * move / old + old_theta * INTERVAL / YEAR
        if time - last >= rule.cadence or abs(delta + hedge / spot) > rule.threshold:
            limit = rule.largest * NOTIONAL / spot
            change = min(max(-delta * rule.ratio - hedge / spot, -limit), limit)
            cost += abs(change) * spot * FEE
            hedge, last, count = hedge + change * spot, time, count + 1
        before = (delta, gamma, theta), spot
    return pnl - cost, cost, count
