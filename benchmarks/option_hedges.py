"""What a listed option adds to a hedge: learned and classical policies with and without it, on common paths.

A sold 30-day at-the-money call under Heston and under Merton, daily, 5 bp of the traded value on the spot and 50 bp on
a listed 60-day call. Every policy of a seed is judged on the same paths; intervals are 95 % over all paths of all seeds
(normal, by the influence function of CVaR). They leave out what differs between trainings, which the range over the
seeds shows.

    python benchmarks/option_hedges.py --seeds 2 --updates 300
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from machine import busy

from tenrec.hedging.policies import AbstractPolicy
from tenrec.runs.folder import create
from tenrec.runs.loading import load_config
from tenrec.runs.progress import Silent
from tenrec.runs.simulated import Simulation

MARKETS: dict[str, dict[str, Any]] = {
    "heston": {
        "model": "heston",
        "spot": 100.0,
        "initial_variance": 0.04,
        "mean_reversion": 2.0,
        "long_run_variance": 0.04,
        "vol_of_vol": 0.8,
        "correlation": -0.7,
    },
    "merton": {
        "model": "merton",
        "spot": 100.0,
        "volatility": 0.15,
        "jump_intensity": 1.0,
        "jump_mean": -0.1,
        "jump_deviation": 0.1,
    },
}
OPTION = {"kind": "call", "moneyness": 1.0, "days": 60, "costs": {"proportional": 0.005}, "limits": {"position": 3}}
SETTING: dict[str, Any] = {
    "contract": {"kind": "european_call", "strike": 100.0, "days": 30},
    "grid": {"steps": 30, "day_count": 365},
    "costs": {"proportional": 0.0005},
    "risk": {"measure": "cvar", "level": 0.95},
    "policy": {"kind": "feed_forward", "hidden": [32, 32]},
}
CLASSICAL = ["no_hedge", "black_scholes_delta", "delta_gamma", "delta_vega", "static", "static_delta"]
LEVEL, SPOT, BASIS_POINTS = 0.95, 100.0, 1e4


def policies_of(simulation: Simulation, label: str) -> dict[str, AbstractPolicy]:
    """The learned policy under its label, and the baselines that the configuration names."""
    with tempfile.TemporaryDirectory() as place:
        folder = create(Path(place) / "run", simulation.config, Path())
        result = simulation.train(simulation.config.policy, folder=folder, reporter=Silent(), resume=False)
    return simulation.baselines() | {label: result.policies[0]}


def losses(market: str, seed: int, overrides: list[str]) -> dict[str, np.ndarray]:
    """Losses in basis points of the spot, by policy; the paths of the spot are the same with and without the option."""
    found: dict[str, np.ndarray] = {}
    for label, instruments, against in (
        ("learned, spot and option", ["spot", {"option": OPTION}], CLASSICAL),
        ("learned, spot only", ["spot"], CLASSICAL[:2]),
    ):
        setting = SETTING | {"market": MARKETS[market], "hedge_with": instruments, "evaluate": {"against": against}}
        seeds = [f"training.seed={seed}", f"evaluate.seed={1000 + seed}"]
        simulation = Simulation(load_config(setting, [*seeds, *overrides]), Path())
        outcomes = simulation.evaluate(policies_of(simulation, label), Silent())
        judged = {name: -BASIS_POINTS / SPOT * np.asarray(outcome.pnl, float) for name, outcome in outcomes.items()}
        if "no_hedge" in found and not np.allclose(found["no_hedge"], judged["no_hedge"], atol=0.05):
            raise SystemExit("The two configurations were judged on different paths; their numbers do not compare.")
        found |= judged
    return found


def tail_mean(loss: np.ndarray) -> tuple[float, float]:
    """CVaR and half its 95 % interval: CVaR = q + E(L − q)⁺/(1 − level), the error of that mean."""
    quantile = np.quantile(loss, LEVEL)
    part = quantile + np.maximum(loss - quantile, 0.0) / (1.0 - LEVEL)
    return float(part.mean()), float(1.96 * part.std() / np.sqrt(len(part)))


def spread(loss: np.ndarray) -> tuple[float, float]:
    """Standard deviation and half its 95 % interval, by the fourth moment."""
    square = (loss - loss.mean()) ** 2
    deviation = np.sqrt(square.mean())
    return float(deviation), float(1.96 * square.std() / (2.0 * deviation * np.sqrt(len(loss))))


def main() -> None:
    """Print one table for each market."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--updates", type=int, default=600)
    parser.add_argument("--paths", type=int, default=50_000, help="evaluation paths of each seed")
    parser.add_argument("--market", choices=[*MARKETS], action="append", help="by default all")
    given = parser.parse_args()
    print(busy())
    overrides = [f"training.updates={given.updates}", f"evaluate.paths={given.paths}"]
    for market in given.market or MARKETS:
        began = time.process_time()
        runs = [losses(market, seed, overrides) for seed in range(given.seeds)]
        print(
            f"{market}: {given.seeds} seeds, {given.updates} updates, {time.process_time() - began:.0f} s of processor"
        )
        for name in runs[0]:
            loss = np.concatenate([run[name] for run in runs])
            (tail, tail_error), (deviation, error) = tail_mean(loss), spread(loss)
            each = [tail_mean(run[name])[0] for run in runs]
            print(
                f"  {name:26} CVaR {tail:7.1f} ± {tail_error:4.1f} bp (seeds {min(each):.1f} to {max(each):.1f})"
                f"   std {deviation:6.1f} ± {error:3.1f} bp",
                flush=True,
            )


if __name__ == "__main__":
    main()
