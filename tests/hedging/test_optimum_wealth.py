"""The optimum of risks that need the wealth: laws, a brute force, a second method, and what is refused."""

import numpy as np
import pytest
from scipy.special import ndtr

from tenrec.core.errors import UnsolvableError
from tenrec.hedging.optimum import (
    MeanDeviation,
    MeanVariance,
    Problem,
    Quadratic,
    Shortfall,
    WealthResolution,
    european_payoff,
    solve_wealth,
)

COARSE = WealthResolution(spot_step=0.7, positions=16, wealths=20, tail=5.0)


def problem(steps: int = 6, **changes) -> Problem:
    payoff, kinks = european_payoff(strikes=[1.0], signs=[1.0], quantities=[-1.0])
    base = {"spot": 1.0, "volatility": 0.2, "dt": np.full(steps, 5 / 365), "cost": 1e-3}
    return Problem(**{**base, "payoff": payoff, "kinks": kinks, **changes})


def simulated_losses(task: Problem, target, paths: int = 100_000, seed: int = 0) -> np.ndarray:
    """ℓ along simulated paths, with an accounting of its own: cash, units and costs."""
    random, spot = np.random.default_rng(seed), np.full(paths, task.spot)
    cash, held = np.zeros(paths), np.zeros(paths)
    for date in range(task.steps):
        wanted = target(date, spot, held, cash + held * spot)
        cash -= (wanted - held) * spot + task.cost * np.abs(wanted - held) * spot
        held = wanted
        normal = random.standard_normal(paths)
        spot = spot * np.exp((task.drift - 0.5 * task.volatility**2) * task.dt[date] + task.deviation[date] * normal)
    cash += held * spot - task.unwind * task.cost * np.abs(held) * spot + task.payoff(spot)
    return -cash / task.spot


def worst_mean(losses: np.ndarray, level: float) -> tuple[float, float]:
    """CVaR and its standard error, basis points."""
    quantile = np.quantile(losses, level)
    terms = quantile + np.maximum(losses - quantile, 0.0) / (1.0 - level)
    return 1e4 * terms.mean(), 1e4 * terms.std() / np.sqrt(losses.size)


def test_the_optimal_plan_reaches_its_cvar_in_simulation_and_beats_the_delta():
    task = problem()
    best = solve_wealth(task, Shortfall(0.95), resolution=COARSE)
    value, error = worst_mean(simulated_losses(task, best.target), 0.95)
    assert abs(value - best.value_bp) < 3.5 * error + best.numerical_error_bp

    def delta(date, spot, held, wealth):
        deviation = task.volatility * np.sqrt(task.maturity - task.times[date])
        return ndtr(np.log(spot) / deviation + 0.5 * deviation)

    assert worst_mean(simulated_losses(task, delta), 0.95)[0] > best.value_bp + 5.0


def test_mean_and_deviation_of_the_optimal_plan_are_found_in_simulation():
    task = problem(cost=1e-2, unwind=True, drift=0.05)
    best = solve_wealth(task, MeanDeviation(1.5), resolution=COARSE)
    losses = 1e4 * simulated_losses(task, best.target)
    error = np.std(losses + 0.75 * (losses - losses.mean()) ** 2 / losses.std()) / np.sqrt(losses.size)
    assert abs(losses.mean() + 1.5 * losses.std() - best.value_bp) < 3.5 * error + best.numerical_error_bp
    # At the optimum the target lies std/k below the mean loss.
    assert losses.mean() - losses.std() / 1.5 == pytest.approx(1e4 * best.start, abs=6.0)


def test_variance_without_cost_is_that_of_an_independent_sum_over_the_dates():
    """Without drift the variance-optimal error is Σ E Var(ΔC − φΔS), C the Black–Scholes price (Schweizer 1995)."""
    steps, year, volatility = 6, 5 / 365, 0.2
    normal = np.linspace(-8, 8, 2001)
    mass = np.exp(-0.5 * normal**2)
    mass /= mass.sum()

    def price(spot, left):
        if left <= 1e-12:
            return np.maximum(spot - 1.0, 0.0)
        deviation = volatility * np.sqrt(left)
        d1 = np.log(spot) / deviation + 0.5 * deviation
        return spot * ndtr(d1) - ndtr(d1 - deviation)

    variance = 0.0
    for date in range(steps):
        start = np.linspace(-7, 7, 281) if date else np.zeros(1)
        share = np.exp(-0.5 * start**2) / np.exp(-0.5 * start**2).sum()
        spot = np.exp(-0.5 * volatility**2 * date * year + volatility * np.sqrt(date * year) * start)
        later = spot[:, None] * np.exp(-0.5 * volatility**2 * year + volatility * np.sqrt(year) * normal)
        change = price(later, (steps - date - 1) * year) - price(spot, (steps - date) * year)[:, None]
        move = later - spot[:, None]
        change -= (change @ mass)[:, None]
        held = (change * move) @ mass / (move**2 @ mass)
        variance += ((change - held[:, None] * move) ** 2 @ mass) @ share
    task = problem(steps=steps, cost=0.0, dt=np.full(steps, year))
    coarsest = WealthResolution(spot_step=0.8, positions=10, wealths=10, tail=5.0)
    fair = price(np.ones(1), steps * year)[0]
    quadratic = solve_wealth(task, Quadratic(fair), resolution=coarsest)
    assert quadratic.value_bp == pytest.approx(1e4 * np.sqrt(variance), abs=2e-3)
    mean = solve_wealth(task, MeanVariance(200.0), resolution=coarsest)
    assert mean.value_bp == pytest.approx(1e4 * (fair + 100.0 * variance), abs=2e-3)


def test_the_recursion_with_wealth_agrees_with_the_one_without_cost():
    task = problem(cost=0.0, drift=0.1)
    closed = solve_wealth(task, MeanDeviation(1.0), resolution=COARSE)
    # A cost too small to matter takes the road through the positions and the wealth.
    walked = solve_wealth(problem(cost=1e-9, drift=0.1), MeanDeviation(1.0), resolution=COARSE)
    assert walked.value_bp == pytest.approx(closed.value_bp, abs=walked.numerical_error_bp + 0.05)


def test_cvar_of_one_date_is_a_minimum_over_one_position():
    task = problem(steps=1, dt=np.array([30 / 365]), cost=2e-3, unwind=True)
    best = solve_wealth(task, Shortfall(0.9))
    normal = np.linspace(-7, 7, 40_001)
    mass = np.exp(-0.5 * normal**2) / np.exp(-0.5 * normal**2).sum()
    spot = np.exp(-0.5 * task.deviation[0] ** 2 + task.deviation[0] * normal)
    found = []
    for held in np.linspace(0.2, 0.9, 141):
        loss = -held * (spot - 1.0) + 2e-3 * held * (1.0 + spot) + np.maximum(spot - 1.0, 0.0)
        order = np.argsort(-loss)
        reached = np.cumsum(mass[order])
        tail = np.clip(0.1 - (reached - mass[order]), 0.0, mass[order])
        found.append(1e4 * tail @ loss[order] / 0.1)
    assert best.value_bp == pytest.approx(min(found), abs=best.numerical_error_bp + 0.05)


def test_cvar_rises_with_its_level_and_with_the_cost():
    small = WealthResolution(spot_step=0.8, positions=14, wealths=16, tail=5.0)
    levels = [solve_wealth(problem(), Shortfall(level), resolution=small).value_bp for level in (0.5, 0.95)]
    assert levels == sorted(levels)
    assert solve_wealth(problem(cost=2e-3), Shortfall(0.95), resolution=small).value_bp > levels[1]


def test_cvar_with_a_drift_that_pays_is_refused():
    with pytest.raises(UnsolvableError, match="drift in excess"):
        solve_wealth(problem(drift=0.3), Shortfall(0.95))
