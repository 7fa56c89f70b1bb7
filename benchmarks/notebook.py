"""A published deep-hedging notebook, all of it: 100 epochs, compile included, and what its setting can reach.

The command `tenrec hedge examples/deep_hedging_notebook.yaml` is timed in a fresh process without a compilation cache.
Then the same network learns with a fair premium, and a well-trained one shows what the setting allows. Errors are mean
squared differences of terminal wealth and payoff, in currency² (S₀ = 100) and as a root in basis points of S₀.
Last, `tenrec dataset` writes the arrays and a run that reads them must give the same result.

    python benchmarks/notebook.py
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import jax
import numpy as np
from machine import busy

import tenrec
from tenrec.hedging.assess import Sample, assess
from tenrec.runs.dataset import write_dataset
from tenrec.runs.loading import load_config
from tenrec.runs.policies import load_policy
from tenrec.runs.run import Run
from tenrec.runs.simulated import FIXED, Simulation

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "deep_hedging_notebook.yaml"
LIMIT = 15.0
BP = 1e4
NO_CACHE = {name: value for name, value in os.environ.items() if not name.startswith("JAX_")}

# Fresh paths, inputs on one scale, the own position, and a schedule: what the notebook lacks.
WELL_TRAINED = [
    "premium=fair",
    "policy.standardise=true",
    "policy.activation=silu",
    "policy.features=[standardised_moneyness, sqrt_time_to_maturity, delta, position]",
    "training.fresh_paths=true",
    "training.paths=4096",
    "training.updates=1500",
    "training.per_dispatch=100",
    "training.learning_rate=0.003",
    "training.schedule=cosine",
    "training.average=0.99",
]


def timed_command(out: Path, overrides: list[str]) -> tuple[float, float]:
    """Seconds of the whole command, as a user types it, and of the training in it."""
    command = [str(Path(sys.executable).parent / "tenrec"), "hedge", str(EXAMPLE), "--out", str(out), "--json"]
    settings = [word for override in overrides for word in ("--set", override)]
    began = time.perf_counter()
    done = subprocess.run([*command, *settings], capture_output=True, check=True, text=True, env=NO_CACHE)
    seconds = time.perf_counter() - began
    return seconds, json.loads(done.stdout)["training"]["feed_forward"]["seconds"]


def errors(run: Run, policy: str) -> tuple[float, float]:
    """Mean squared error of a policy on the training and on the test rows, currency²."""
    simulation = Simulation(run.config, EXAMPLE.parent)
    key = jax.random.fold_in(jax.random.key(run.config.training.seed), FIXED)
    rows: Sample = simulation.sample(key, 8000)
    loaded = {policy: load_policy(run.folder.policies, policy, run.config)}
    training = np.asarray(assess(loaded, rows, simulation.terms)[policy].pnl, np.float64)
    spot = float(rows.paths.spot[0, 0])
    test = run.pnl()[policy].to_numpy() / BP * spot
    return float(np.mean(training**2)), float(np.mean(test**2))


def line(label: str, pair: tuple[float, float], spot: float) -> str:
    """One row of the table."""
    cells = [f"{error:>10.3f} {BP * error**0.5 / spot:>8.1f}" for error in pair]
    return f"{label:<46}{'   '.join(cells)}"


def from_arrays(place: Path, reference: Run, overrides: list[str]) -> float:
    """The same run on the arrays that `tenrec dataset` wrote; the largest difference of a test P&L, basis points."""
    written = write_dataset(EXAMPLE, place / "data", overrides)
    config: dict[str, Any] = load_config(EXAMPLE, overrides).model_dump(mode="json")
    volatility = config["market"]["volatility"]
    rows = written["X_train"][0]
    file = str(place / "data" / "price_paths.npy")
    config["market"] = {"model": "arrays", "file": file, "volatility": volatility, "train_rows": rows}
    again = tenrec.hedge(config, out=place / "arrays")
    columns = [run.pnl()["feed_forward"].to_numpy() for run in (reference, again)]
    return float(np.max(np.abs(columns[0] - columns[1])))


def main() -> None:
    """Time the command, train the variants, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change a key of every run")
    given = parser.parse_args()
    print(busy())
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        seconds, training = timed_command(place / "notebook", given.set)
        print(f"the command took {seconds:.1f} s, {seconds / LIMIT:.2f} of the {LIMIT:.0f} s allowed "
              f"(training with its compilation {training:.1f} s)\n")  # fmt: skip
        run = tenrec.load(place / "notebook")
        spot = run.metrics["spot"]
        fair = tenrec.hedge(EXAMPLE, out=place / "fair", overrides=["premium=fair", *given.set])
        well = tenrec.hedge(EXAMPLE, out=place / "well", overrides=[*WELL_TRAINED, *given.set])
        print(f"{'mean squared error':<46}{'training':>10} {'root/bp':>8}   {'test':>10} {'root/bp':>8}")
        print(line("the notebook, premium 0", errors(run, "feed_forward"), spot))
        print(line("the notebook, premium fair", errors(fair, "feed_forward"), spot))
        print(line("Black–Scholes delta, premium 0", errors(run, "black_scholes_delta"), spot))
        print(line("Black–Scholes delta, premium fair", errors(fair, "black_scholes_delta"), spot))
        print(line("well trained, premium fair", errors(well, "feed_forward"), spot))
        difference = from_arrays(place, run, given.set)
        print(f"\nfrom the arrays of `tenrec dataset`: the same to {difference:.1e} bp on every test path")


if __name__ == "__main__":
    main()
