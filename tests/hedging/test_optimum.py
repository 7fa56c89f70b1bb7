"""Laws of the exact optimum, on short problems; numbers are held in tests/accuracy/test_optimum_accuracy.py."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from scipy.interpolate import CubicSpline
from scipy.optimize import minimize_scalar
from scipy.special import ndtr

from tenrec.core.errors import ConfigError, UnsolvableError
from tenrec.hedging.optimum import Problem, Resolution, european_payoff, solve, value_policy

CALL = (1.0,)
PUT = (-1.0,)


def problem(*, signs=CALL, strikes=(1.0,), quantities=(-1.0,), **changes) -> Problem:
    payoff, kinks = european_payoff(strikes=strikes, signs=signs, quantities=quantities)
    base = {"spot": 1.0, "volatility": 0.2, "dt": np.full(6, 5 / 365), "aversion": 20.0, "cost": 1e-3}
    return Problem(**{**base, "payoff": payoff, "kinks": kinks, **changes})


def delta_policy(task: Problem, strike: float = 1.0):
    left = task.maturity - task.times

    def target(date, spot, position):
        deviation = task.volatility * np.sqrt(left[date])
        return ndtr(np.log(spot / strike) / deviation + 0.5 * deviation)

    return target


def threshold_policy(task: Problem, width: float = 0.08):
    delta = delta_policy(task)

    def target(date, spot, position):
        wanted = delta(date, spot, position)
        return np.where(np.abs(wanted - position) > width, wanted, position)

    return target


def test_without_cost_it_equals_an_independent_one_dimensional_recursion():
    task = problem(cost=0.0, dt=np.full(3, 10 / 365), drift=0.08)
    log_spot = np.linspace(-0.45, 0.45, 121)
    normal, weight = np.polynomial.hermite_e.hermegauss(40)
    weight = weight / weight.sum()
    dense = np.linspace(-8, 8, 8001)
    dense_weight = np.exp(-0.5 * dense**2) / np.exp(-0.5 * dense**2).sum()

    def best(spot, later, value, mass):
        def risk(q):
            return np.log(np.sum(mass * np.exp(value - 20 * q * (later - spot))))

        found: Any = minimize_scalar(risk, bounds=(-2, 3), method="bounded", options={"xatol": 1e-7})
        return found.fun

    deviation, drift = task.deviation[0], (0.08 - 0.02) * task.dt[0]

    def back(nodes, mass, value):
        later = [np.exp(x + drift + deviation * nodes) for x in log_spot]
        return np.array([best(np.exp(x), s, value(s), mass) for x, s in zip(log_spot, later, strict=True)])

    known = back(dense, dense_weight, lambda s: 20 * np.maximum(s - 1, 0))
    for _ in range(2):
        spline = CubicSpline(log_spot, known)
        known = back(normal, weight, lambda s, spline=spline: spline(np.log(s)))
    expected = 1e4 / 20 * CubicSpline(log_spot, known)(0.0)
    assert abs(solve(task).value_bp - expected) < 2e-3


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"unwind": True},
        {"drift": 0.15, "rate": 0.05, "dividend_yield": 0.03, "unwind": True},
        {"margined": True, "rate": 0.05, "drift": -0.1},
        {"signs": PUT, "quantities": (1.0,)},
        {"dt": np.array([1, 3, 1, 1, 7, 1]) / 365},
        {"signs": (1.0, 1.0, 1.0), "strikes": (0.95, 1.0, 1.05), "quantities": (-1.0, 2.0, -1.0)},
    ],
)
def test_its_own_band_is_worth_the_optimum_and_nothing_is_worth_less(changes):
    task = problem(**changes)
    optimum = solve(task)
    own, own_error = value_policy(task, optimum.target)
    assert optimum.numerical_error_bp <= 1e-3
    assert own_error <= 1e-3
    assert abs(own - optimum.value_bp) <= own_error + optimum.numerical_error_bp
    rivals = [
        delta_policy(task),
        threshold_policy(task),
        lambda date, spot, position: np.full_like(spot, 0.3),
        lambda date, spot, position: optimum.target(date, spot, position) + 0.02,
    ]
    for rival in rivals:
        value, error = value_policy(task, rival, levels=2)
        assert value + error > optimum.value_bp


@pytest.mark.parametrize(
    "changes",
    [
        {"cost": 2e-3, "unwind": True},
        {"drift": 0.2, "rate": 0.08, "dividend_yield": 0.05, "cost": 5e-3, "unwind": True},
        {"margined": True, "rate": 0.1, "drift": 0.1, "cost": 5e-3},
        {"spot": 50.0, "strikes": (50.0,), "dt": np.array([1, 3, 1, 1, 7, 1]) / 365},
    ],
)
def test_the_value_of_a_policy_agrees_with_a_simulated_cash_account(changes):
    task = problem(**changes)
    policy = threshold_policy(dataclasses.replace(task, spot=1.0))
    scaled = lambda date, spot, position: policy(date, spot / task.spot, position)  # noqa: E731
    value, error = value_policy(task, scaled)
    simulated, standard_error = simulate(task, scaled, paths=200_000)
    assert abs(value - simulated) < 3.5 * standard_error + error


def simulate(task: Problem, target, *, paths: int, seed: int = 7) -> tuple[float, float]:
    """Entropic risk in basis points by Monte Carlo, with the cash account written out as in the design."""
    generator = np.random.default_rng(seed)
    spot, cash, position = np.full(paths, task.spot), np.zeros(paths), np.zeros(paths)
    for date in range(task.steps):
        wanted = target(date, spot, position)
        trade = wanted - position
        cash -= task.cost * np.abs(trade) * spot + (0.0 if task.margined else trade * spot)
        position = wanted
        normal = generator.standard_normal(paths)
        drift = (task.drift - 0.5 * task.volatility**2) * task.dt[date]
        later = spot * np.exp(drift + task.deviation[date] * normal)
        cash *= np.exp(task.rate * task.dt[date])
        if task.margined:
            cash += position * (later - spot)
        else:
            cash += position * spot * np.expm1(task.dividend_yield * task.dt[date])
        spot = later
    cash += task.payoff(spot) - task.unwind * task.cost * np.abs(position) * spot
    cash += 0.0 if task.margined else position * spot
    weight = np.exp(-task.aversion * cash / task.spot)
    scale = 1e4 / task.aversion
    return scale * np.log(weight.mean()), scale * weight.std() / weight.mean() / np.sqrt(paths)


@pytest.mark.parametrize("margined", [False, True])
def test_put_call_parity_without_cost(margined):
    shared = {"cost": 0.0, "rate": 0.06, "drift": 0.1, "margined": margined, "strikes": (1.02,)}
    call, put = solve(problem(**shared)), solve(problem(signs=PUT, **shared))
    growth = 1.0 if margined else float(call.problem.growth[0])
    room = call.numerical_error_bp + put.numerical_error_bp
    assert abs(call.value_bp - put.value_bp - 1e4 * (growth - 1.02)) < room + 1e-6


def test_four_times_the_options_at_a_quarter_of_the_aversion_cost_four_times_as_much():
    one, four = solve(problem()), solve(problem(quantities=(-4.0,), aversion=5.0))
    assert abs(four.value_bp - 4 * one.value_bp) < 4 * one.numerical_error_bp + four.numerical_error_bp


def test_the_currency_does_not_matter():
    one, hundred = solve(problem()), solve(problem(spot=100.0, strikes=(100.0,)))
    assert abs(one.value_bp - hundred.value_bp) < 1e-6
    assert hundred.indifference_price == pytest.approx(100 * one.indifference_price)
    spots = np.array([0.95, 1.0, 1.07])
    np.testing.assert_allclose(one.band(3, spots), hundred.band(3, 100 * spots), atol=1e-9)


def test_the_indifference_price_is_discounted():
    optimum = solve(problem(rate=0.05, drift=0.05, spot=10.0, strikes=(10.0,)))
    maturity = 30 / 365
    assert optimum.indifference_price == pytest.approx(np.exp(-0.05 * maturity) * 10 * optimum.value_bp / 1e4)


def test_the_risk_of_a_sold_and_a_held_option_encloses_the_fair_price():
    sold, held = solve(problem()), solve(problem(quantities=(1.0,)))
    deviation = 0.2 * np.sqrt(30 / 365)
    fair = 1e4 * (2 * ndtr(0.5 * deviation) - 1)
    assert -held.value_bp < fair < sold.value_bp


def test_the_band_rises_with_the_spot_and_widens_with_the_cost():
    # Far from the strike, where the gamma is gone, the band is as wide in cash, so narrower in units as the spot rises.
    spots = np.exp(np.linspace(-0.04, 0.04, 41))
    narrow, wide = solve(problem(cost=1e-3)), solve(problem(cost=4e-3))
    none = solve(problem(cost=0.0))
    for date in range(6):
        lower, upper = narrow.band(date, spots)
        assert np.all(np.diff(lower) > -1e-6)
        assert np.all(np.diff(upper) > -1e-6)
        centre, same = none.band(date, spots)
        np.testing.assert_allclose(centre, same, atol=1e-9)
        assert np.all(lower <= centre + 1e-6)
        assert np.all(centre <= upper + 1e-6)
        lower_wide, upper_wide = wide.band(date, spots)
        assert np.all(lower_wide <= lower + 1e-6)
        assert np.all(upper <= upper_wide + 1e-6)


def test_cost_and_unwinding_never_help():
    values = [solve(problem(cost=c)).value_bp for c in (0.0, 1e-3, 1e-2)]
    assert values[0] < values[1] < values[2]
    assert values[1] < solve(problem(unwind=True)).value_bp


def test_position_bounds_bind():
    free, bound = solve(problem()), solve(problem(position_bounds=(0.0, 0.4)))
    assert bound.value_bp > free.value_bp + 1
    lower, upper = bound.band(3, np.array([0.9, 1.0, 1.1]))
    assert np.all((lower >= 0) & (upper <= 0.4))


def test_a_drift_alone_is_exploited_as_merton_says():
    # No option, no cost: one period at a time, log E exp(−a·q·(S' − S)) is least near q = (μ − r)/(a·σ²·S).
    nothing = problem(quantities=(0.0,), cost=0.0, drift=0.05, rate=0.01, aversion=2.0, dt=np.full(2, 1 / 365))
    lower, _ = solve(nothing).band(0, np.array([1.0]))
    assert lower[0] == pytest.approx(0.04 / (2.0 * 0.04), rel=0.01)


@pytest.mark.parametrize("scale", [2.0, 4.0])
def test_the_reported_error_covers_what_a_coarse_grid_misses(scale):
    task = problem(unwind=True)
    exact = solve(task)
    grid = Resolution(spot_step=0.2 * scale, position_nodes=int(160 / scale))
    coarse = solve(task, resolution=grid, levels=1)
    assert abs(coarse.value_bp - exact.value_bp) <= coarse.numerical_error_bp + exact.numerical_error_bp
    first = Resolution(spot_step=0.2 * scale, refinement=2, position_nodes=int(80 / scale), tail=6.5)
    for policy in (delta_policy(task), threshold_policy(task)):
        value, error = value_policy(task, policy)
        rough, rough_error = value_policy(task, policy, resolution=first, levels=2)
        assert abs(rough - value) <= rough_error + error


def test_a_policy_may_leave_the_range_of_the_option():
    task = problem(drift=0.1)
    value, error = value_policy(task, lambda date, spot, position: 3.0 * delta_policy(task)(date, spot, position) - 1.0)
    simulated, standard_error = simulate(task, lambda k, s, q: 3.0 * delta_policy(task)(k, s, q) - 1.0, paths=200_000)
    assert error < 0.01
    assert abs(value - simulated) < 3.5 * standard_error + error


def test_progress_ends_where_it_said():
    seen = []
    solve(problem(), progress=lambda done, total: seen.append((done, total)))
    assert seen[-1][0] == seen[-1][1]
    assert [done for done, _ in seen] == list(range(1, len(seen) + 1))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"volatility": 0.0}, "volatility is 0"),
        ({"aversion": -1.0}, "aversion is -1"),
        ({"dt": np.array([0.1, 0.0])}, "positive number of years"),
        ({"position_bounds": (0.1, 1.0)}, "contains the start"),
    ],
)
def test_it_refuses_what_it_cannot_solve(changes, message):
    with pytest.raises(UnsolvableError, match=message):
        problem(**changes)


@pytest.mark.parametrize("changes", [{"spot": -1.0}, {"cost": 5.0}, {"drift": np.nan}, {"kinks": (0.0,)}])
def test_it_refuses_impossible_values(changes):
    with pytest.raises(ConfigError):
        problem(**changes)


def test_it_refuses_a_risk_that_hangs_on_the_far_tail():
    with pytest.raises(UnsolvableError, match="standard deviations"):
        solve(problem(aversion=3000.0))


def test_it_refuses_policies_without_a_value():
    task = problem()
    with pytest.raises(UnsolvableError, match="not finite"):
        value_policy(task, lambda date, spot, position: np.full_like(spot, np.nan))
    with pytest.raises(UnsolvableError, match="stays within"):
        value_policy(task, lambda date, spot, position: 20 * position + 1)
