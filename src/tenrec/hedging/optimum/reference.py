"""The centre of what the wealth can be, for the recursions that keep it as a state."""

import numpy as np

from tenrec.hedging.optimum.problem import Problem


def reference(problem: Problem, date: int, spot: np.ndarray) -> np.ndarray:
    """Expected flow at T under no drift in excess of the financing, per unit of S₀: the centre of what wealth can be.

    The recursion is exact for any reference; this one keeps y near its start.
    """
    left = problem.maturity - problem.times[date]
    if left <= 0.0:
        return problem.flow(np.asarray(spot, np.float64))
    carry = 0.0 if problem.margined else (problem.rate - problem.dividend_yield) * left
    deviation = problem.volatility * np.sqrt(left)
    normal = np.linspace(-7.0, 7.0, 281)
    mass = np.exp(-0.5 * normal**2)
    ahead = np.exp(carry + deviation * normal - 0.5 * deviation**2)
    flat = np.asarray(spot, np.float64).reshape(-1)
    pieces = np.array_split(flat, 1 + flat.size // 4096)
    rows = [problem.flow(piece[:, None] * ahead) @ (mass / mass.sum()) for piece in pieces]
    return np.concatenate(rows).reshape(np.shape(spot))
