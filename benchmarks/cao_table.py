"""The table of Cao, Chen, Hull and Poulos (2021), all eight cells: exact optimum, a learned policy, delta hedging.

At-the-money call sold, volatility 20 %, drift 5 %, no interest, 250 days a year; 1 % of every traded value is lost, at
set-up and liquidation too. Objective: mean + 1.5 standard deviations of the total cost, in % of the option's price. The
learned policy is a band that sees its wealth, trained as a configuration says by default and judged on 500,000 paths.

    python benchmarks/cao_table.py

Source: Cao, Chen, Hull and Poulos (2021), "Deep hedging of derivatives using reinforcement learning", J. Financial Data
Science 3.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from machine import busy
from scipy.special import ndtr

from tenrec.hedging.optimum import MeanDeviation, Problem, european_payoff, solve_wealth
from tenrec.runs.folder import create
from tenrec.runs.loading import load_config
from tenrec.runs.progress import Silent
from tenrec.runs.simulated import Simulation

VOLATILITY, DRIFT, COST, MULTIPLE, DAYS_PER_YEAR, PATHS = 0.2, 0.05, 0.01, 1.5, 250.0, 200_000
LARGEST_RATIO = 1.03
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


def learned(days: int, step: int, price: float, overrides: list[str]) -> tuple[float, float, float]:
    """Mean, standard deviation of the total cost in % of the price, on fresh paths, and seconds of training."""
    setting = {
        "market": {"model": "black_scholes", "spot": 1.0, "volatility": VOLATILITY, "rate": 0.0, "drift": DRIFT},
        "contract": {"kind": "european_call", "strike": 1.0, "days": days},
        "grid": {"steps": days // step, "day_count": DAYS_PER_YEAR},
        "costs": {"proportional": COST, "unwind": True},
        "premium": 0,
        "risk": {"measure": "mean_std", "k": MULTIPLE},
        "evaluate": {"paths": 500_000},
    }
    config = load_config(setting, overrides)
    simulation = Simulation(config, Path())
    with tempfile.TemporaryDirectory() as place:
        folder = create(Path(place) / "run", config, Path())
        began = time.perf_counter()
        result = simulation.train(config.policy, folder=folder, reporter=Silent(), resume=False)
        seconds = time.perf_counter() - began
    outcome = simulation.evaluate({"learned": result.policies[0]}, Silent())["learned"]
    loss = -np.asarray(outcome.pnl, np.float64)
    return 100.0 * (loss.mean() / price - 1.0), 100.0 * loss.std() / price, seconds


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
    """Solve and learn every cell and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", nargs="*", default=list(CELLS), choices=list(CELLS))
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change the training")
    given = parser.parse_args()
    print(busy())
    titles = (
        "delta mean",
        "std",
        "objective",
        "optimum",
        "±",
        "learned mean",
        "std",
        "objective",
        "of exact",
        "seconds",
    )
    print(f"{'cell':<24}" + "".join(f"{title:>{len(title) + 3}}" for title in titles))
    worst = 0.0
    for name in given.cells:
        for step, days in CELLS[name].items():
            problem = cell(days, step)
            price = fair_price(problem)
            mean, deviation = (100.0 * number / price for number in delta_hedging(problem))
            best = solve_wealth(problem, MeanDeviation(MULTIPLE))
            optimum, error = 1e-2 * best.value_bp / price - 100.0, 1e-2 * best.numerical_error_bp / price
            own_mean, own_deviation, seconds = learned(days, step, price, given.set)
            objective = own_mean + MULTIPLE * own_deviation
            worst = max(worst, objective / optimum)
            label = f"{name}, every {step} days" if step > 1 else f"{name}, daily"
            row = [mean, deviation, mean + MULTIPLE * deviation, optimum, error]
            row += [own_mean, own_deviation, objective, objective / optimum, seconds]
            digits = (1, 1, 1, 2, 2, 1, 1, 2, 4, 0)
            cells = (
                f"{number:>{len(title) + 3}.{places}f}"
                for number, title, places in zip(row, titles, digits, strict=True)
            )
            print(f"{label:<24}" + "".join(cells), flush=True)
    print(f"worst learned objective: {worst:.4f} of the exact one, {LARGEST_RATIO} allowed")


if __name__ == "__main__":
    main()
