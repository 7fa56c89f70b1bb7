"""The exact optimum of the table of Cao, Chen, Hull and Poulos (2021), all eight cells, and delta hedging beside it.

At-the-money call sold, volatility 20 %, drift 5 %, no interest, 250 days a year; 1 % of every traded value is lost, at
set-up and liquidation too. Objective: mean + 1.5 standard deviations of the total cost, in % of the option's price.

    python benchmarks/cao_table.py

Source: Cao, Chen, Hull and Poulos (2021), "Deep hedging of derivatives using reinforcement learning", J. Financial Data
Science 3.
"""

import argparse
import time

import numpy as np
from machine import busy
from scipy.special import ndtr

from tenrec.hedging.optimum import MeanDeviation, Problem, european_payoff, solve_wealth

VOLATILITY, DRIFT, COST, MULTIPLE, DAYS_PER_YEAR, PATHS = 0.2, 0.05, 0.01, 1.5, 250.0, 200_000
CELLS = {"1 month": {5: 20, 3: 21, 2: 20, 1: 20}, "3 months": {5: 60, 3: 60, 2: 60, 1: 60}}


def cell(days: int, step: int) -> Problem:
    """The sold option of a cell, rebalanced every `step` days."""
    payoff, kinks = european_payoff(strikes=[1.0], signs=[1.0], quantities=[-1.0])
    dt = np.full(days // step, step / DAYS_PER_YEAR)
    return Problem(
        spot=1.0, volatility=VOLATILITY, dt=dt, payoff=payoff, kinks=kinks, cost=COST, unwind=True, drift=DRIFT
    )


def fair_price(problem: Problem) -> float:
    """Black–Scholes price of the at-the-money call, no interest."""
    return float(2.0 * ndtr(0.5 * VOLATILITY * np.sqrt(problem.maturity)) - 1.0)


def delta_hedging(problem: Problem, seed: int = 0) -> tuple[float, float]:
    """Mean and standard deviation of the total cost of delta hedging, per unit of S₀, simulated."""
    random, spot = np.random.default_rng(seed), np.ones(PATHS)
    held, loss = np.zeros(PATHS), np.zeros(PATHS)
    for date in range(problem.steps):
        deviation = VOLATILITY * np.sqrt(problem.maturity - problem.times[date])
        wanted = ndtr(np.log(spot) / deviation + 0.5 * deviation)
        normal = random.standard_normal(PATHS)
        later = spot * np.exp((DRIFT - 0.5 * VOLATILITY**2) * problem.dt[date] + problem.deviation[date] * normal)
        loss += COST * np.abs(wanted - held) * spot - wanted * (later - spot)
        held, spot = wanted, later
    loss += COST * held * spot - problem.flow(spot) - fair_price(problem)
    return float(loss.mean()), float(loss.std())


def main() -> None:
    """Solve every cell and print it."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    print(busy())
    print(f"{'cell':<24}{'delta mean':>11}{'std':>7}{'objective':>11}{'optimum':>10}{'± error':>9}{'seconds':>9}")
    for name, steps in CELLS.items():
        for step, days in steps.items():
            problem = cell(days, step)
            price = fair_price(problem)
            mean, deviation = (100.0 * number / price for number in delta_hedging(problem))
            began = time.perf_counter()
            best = solve_wealth(problem, MeanDeviation(MULTIPLE))
            seconds = time.perf_counter() - began
            optimum, error = 1e-2 * best.value_bp / price - 100.0, 1e-2 * best.numerical_error_bp / price
            label = f"{name}, every {step} days" if step > 1 else f"{name}, daily"
            print(
                f"{label:<24}{mean:>11.1f}{deviation:>7.1f}{mean + MULTIPLE * deviation:>11.1f}"
                f"{optimum:>10.2f}{error:>9.2f}{seconds:>9.0f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
