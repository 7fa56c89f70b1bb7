"""Logistic regression with a ridge, by Newton's method."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.special import expit

Rows = Float[np.ndarray, " rows"]
Design = Float[np.ndarray, "rows features"]

STEPS = 100


@dataclass(frozen=True)
class Logit:
    """Log odds a + x·b."""

    constant: float
    slopes: Float[np.ndarray, " features"]

    def log_odds(self, design: Design) -> Rows:
        """Log of p/(1 − p), row by row."""
        return self.constant + design @ self.slopes


def fit_logit(
    design: Design, outcome: Rows, *, ridge: float = 0.0, centre: float = 0.0, offset: Rows | None = None
) -> Logit:
    """Coefficients that maximise Σ log p(y_i | x_i) − (ridge/2)·Σ (b_j − centre)²; the constant is not shrunk.

    Args:
        design: regressors without the constant. outcome: zeros and ones, both present.
        ridge: strength of the shrinkage. centre: what slopes are shrunk to. offset: log odds that are added.

    Source: le Cessie and van Houwelingen (1992), "Ridge estimators in logistic regression", equation (2).

    Example:
        >>> fit = fit_logit(np.array([[0.0], [0.0], [1.0], [1.0]]), np.array([0.0, 1.0, 1.0, 1.0]), ridge=1.0)
        >>> fit.slopes[0] > 0
        np.True_
    """
    X = np.column_stack([np.ones(len(outcome)), design])
    base = np.zeros(len(outcome)) if offset is None else offset
    penalty, goal = np.full(X.shape[1], ridge), np.full(X.shape[1], centre)
    penalty[0] = goal[0] = 0.0
    coefficients = goal.copy()
    if offset is None:
        coefficients[0] = np.log(outcome.mean() / (1 - outcome.mean()))

    def loss(b: np.ndarray) -> float:
        line = base + X @ b
        return float(np.sum(np.logaddexp(0.0, line) - outcome * line) + 0.5 * np.sum(penalty * (b - goal) ** 2))

    value = loss(coefficients)
    for _ in range(STEPS):
        p = expit(base + X @ coefficients)
        slope = X.T @ (outcome - p) - penalty * (coefficients - goal)
        curvature = (X * (p * (1 - p))[:, None]).T @ X + np.diag(penalty) + 1e-10 * np.eye(X.shape[1])
        step = np.linalg.solve(curvature, slope)
        # Newton's step can overshoot where the classes are nearly parted; halving it keeps the descent monotone.
        while (new := loss(coefficients + step)) > value + 1e-12 * abs(value) and np.abs(step).max() > 1e-12:
            step = step / 2
        coefficients, value = coefficients + step, new
        if np.abs(step).max() < 1e-10:
            break
    return Logit(float(coefficients[0]), coefficients[1:])
