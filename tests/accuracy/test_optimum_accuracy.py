"""The exact optimum against published-style reference values, Monte Carlo and known gaps of well-known bands."""

import numpy as np
import pytest
from scipy.special import ndtr

from tenrec.hedging.optimum import Problem, european_payoff, solve, value_policy


def reference_problem(**changes) -> Problem:
    """Short at-the-money call, 30 daily dates, no drift: the problem of the reference values."""
    payoff, kinks = european_payoff(strikes=[1.0], signs=[1.0], quantities=[-1.0])
    base = {"spot": 1.0, "volatility": 0.2, "dt": np.full(30, 1 / 365), "aversion": 20.0}
    return Problem(**{**base, "payoff": payoff, "kinks": kinks, **changes})


@pytest.mark.parametrize(
    ("cost", "unwind", "expected"), [(0.0, False, 230.0038), (1e-3, False, 242.5655), (1e-3, True, 247.3197)]
)
def test_reference_values(cost, unwind, expected):
    # Computed independently of this code, rounded to 1e-4 basis points.
    optimum = solve(reference_problem(cost=cost, unwind=unwind))
    assert optimum.numerical_error_bp <= 1e-3
    assert abs(optimum.value_bp - expected) <= optimum.numerical_error_bp + 1e-4


def delta(task: Problem, date: int, spot: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Black–Scholes delta and gamma of the at-the-money call, no rate."""
    deviation = task.volatility * np.sqrt(task.maturity - task.times[date])
    d1 = np.log(spot) / deviation + 0.5 * deviation
    return ndtr(d1), np.exp(-0.5 * d1**2) / np.sqrt(2 * np.pi) / (spot * deviation)


def whalley_wilmott(task: Problem):
    """Half-width (3/2·c·S·Γ²/a)^{1/3} around the delta (Whalley & Wilmott 1997)."""

    def target(date, spot, position):
        centre, gamma = delta(task, date, spot)
        half = np.cbrt(1.5 * task.cost * spot * gamma**2 / task.aversion)
        return np.clip(position, centre - half, centre + half)

    return target


def test_known_gaps_of_well_known_policies():
    task = reference_problem(cost=1e-3)
    optimum = solve(task).value_bp
    black_scholes, error = value_policy(task, lambda date, spot, position: delta(task, date, spot)[0])
    assert error <= 1e-3
    assert abs(black_scholes - optimum - 9.8) < 0.05
    band, error = value_policy(task, whalley_wilmott(task))
    assert error <= 1e-3
    assert abs(band - optimum - 1.02) < 0.005


def test_a_band_agrees_with_a_million_simulated_paths():
    task = reference_problem(cost=1e-3)
    policy = whalley_wilmott(task)
    value, error = value_policy(task, policy)
    generator = np.random.default_rng(11)
    total, square, count = 0.0, 0.0, 1_000_000
    for _ in range(4):
        weight = np.exp(task.aversion * losses(task, policy, count // 8, generator))
        total, square = total + weight.sum(), square + (weight**2).sum()
    mean = total / count
    standard_error = 1e4 / task.aversion * np.sqrt((square / count - mean**2) * 2 / count) / mean
    assert abs(value - 1e4 / task.aversion * np.log(mean)) < 3.5 * standard_error + error
    assert standard_error < 0.2


def losses(task: Problem, policy, pairs: int, generator: np.random.Generator) -> np.ndarray:
    """Loss per unit of spot on antithetic pairs of paths, no interest, no unwinding."""
    spot, position, loss = np.ones(2 * pairs), np.zeros(2 * pairs), np.zeros(2 * pairs)
    for date in range(task.steps):
        wanted = policy(date, spot, position)
        normal = generator.standard_normal(pairs)
        deviation = task.deviation[date]
        later = spot * np.exp(-0.5 * deviation**2 + deviation * np.concatenate([normal, -normal]))
        loss += task.cost * np.abs(wanted - position) * spot - wanted * (later - spot)
        spot, position = later, wanted
    return loss + np.maximum(spot - 1.0, 0.0)
