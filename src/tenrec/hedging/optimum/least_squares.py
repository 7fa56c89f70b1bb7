"""Expected squares without cost: the value is a square of the wealth too, so that only the spot is a state.

    J_k(S, y) = A·y² + 2·B·y + C,    y' = y + q·Δ + ρ,    Δ = G'·S' − b·S,    ρ = R' − R

and with the averages E over S' of the coefficients of the next date

    A = E A' − (E A'Δ)²/E A'Δ²,    B = E A'ρ + E B' − E A'Δ·(E A'ρΔ + E B'Δ)/E A'Δ²,
    C = E[A'ρ² + 2B'ρ + C'] − (E A'ρΔ + E B'Δ)²/E A'Δ².

Source: Schweizer (1995), "Variance-optimal hedging in discrete time", Mathematics of Operations Research 20.
"""

import numpy as np
from jaxtyping import Float

from tenrec.hedging.optimum.grid import Resolution, lattice
from tenrec.hedging.optimum.problem import Problem
from tenrec.hedging.optimum.reference import reference
from tenrec.hedging.optimum.transition import last_panels


def frictionless_square(problem: Problem, resolution: Resolution) -> tuple[float, float, float]:
    """A, B and C at the start: least E y_T² = A·y² + 2·B·y + C from y = x + R, free positions and no cost."""
    spots = lattice(problem, resolution)
    last = problem.steps - 1
    spot = spots.spot(last)
    shift = problem.log_mean[-1] - problem.log_mean[-2]
    normal, mass = last_panels(problem, np.log(spot) + shift, resolution)
    ahead = spot[:, None] * np.exp(shift + problem.deviation[-1] * normal)
    one, zero = np.ones_like(ahead), np.zeros_like(ahead)
    move = ahead - problem.financing[-1] * spot[:, None]
    change = problem.flow(ahead) - reference(problem, last, spot)[:, None]
    found = _earlier(mass, move, change, one, zero, zero)
    for date in reversed(range(last)):
        half, reach, beyond = int(spots.half[date]), int(spots.reach[date]), int(spots.half[date + 1])
        index = np.arange(-half, half + 1)[:, None] + np.arange(-reach, reach + 1)
        weight = np.exp(-0.5 * (np.arange(-reach, reach + 1) * (spots.step / problem.deviation[date])) ** 2)
        mass = np.broadcast_to(weight / weight.sum(), index.shape)
        ahead = np.exp(spots.log_mean[date + 1] + index * spots.step)
        spot = spots.spot(date)
        worth = reference(problem, date + 1, spots.spot(date + 1, half + reach))
        change = worth[index + half + reach] - reference(problem, date, spot)[:, None]
        move = problem.growth[date + 1] * ahead - problem.financing[date] * spot[:, None]
        rows = np.clip(index, -beyond, beyond) + beyond
        found = _earlier(mass, move, change, *(coefficient[rows] for coefficient in found))
    middle = int(spots.half[0])
    a, b, c = (float(coefficient[middle]) for coefficient in found)
    return a, b, c


Grid = Float[np.ndarray, "spots later"]


def _earlier(
    mass: Grid, move: Grid, change: Grid, a: Grid, b: Grid, c: Grid
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    def mean(values: np.ndarray) -> np.ndarray:
        return np.sum(mass * values, axis=1)

    spread, drift = mean(a * move**2), mean(a * move)
    joint = mean(a * change * move) + mean(b * move)
    return (
        mean(a) - drift**2 / spread,
        mean(a * change) + mean(b) - drift * joint / spread,
        mean(a * change**2 + 2.0 * b * change + c) - joint**2 / spread,
    )
