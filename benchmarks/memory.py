"""Peak memory of training on 100,000 paths × 250 steps, simulation and gradient included.

Each network trains for a few updates in a process of its own; what is reported is the most memory that process held,
Python and JAX included.

    python benchmarks/memory.py
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from machine import busy

LIMIT_GB = 4.0
KINDS = ("feed_forward", "band_network")
FEATURES = ["log_moneyness", "time_to_maturity", "volatility"]


def config(kind: str, paths: int, steps: int) -> dict[str, Any]:
    """Three full-batch updates on fresh paths, validated on few."""
    policy: dict[str, Any] = {"kind": kind, "hidden": [64, 32], "activation": "relu", "features": list(FEATURES)}
    if kind == "feed_forward":
        policy["features"].append("position")
    return {
        "contract": {"kind": "european_call", "strike": 1.0, "days": steps},
        "grid": {"steps": steps, "day_count": 250},
        "costs": {"proportional": 1e-3},
        "risk": {"measure": "entropic", "aversion": 20.0},
        "policy": policy,
        "training": {"paths": paths, "updates": 3, "per_dispatch": 1, "validation_paths": 2},
    }


class Silent:
    """Hears of the training's progress and says nothing."""

    def start(self, stage: str, total: int) -> None:
        """Nothing."""

    def advance(self, done: int, note: str = "") -> None:
        """Nothing."""

    def say(self, text: str) -> None:
        """Nothing."""


def peak_gigabytes() -> float:
    """The most memory this process has held so far, in 1e9 bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9


def train(kind: str, paths: int, steps: int) -> dict[str, float]:
    """tenrec's training stage, as `tenrec hedge` runs it; peak memory before and after."""
    from tenrec.runs.folder import create
    from tenrec.runs.loading import load_config
    from tenrec.runs.simulated import Simulation

    checked = load_config(config(kind, paths, steps))
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as place:
        folder = create(Path(place) / "run", checked, Path())
        simulation = Simulation(checked, Path())
        before = peak_gigabytes()
        simulation.train(checked.policy, folder=folder, reporter=Silent(), resume=False)
    return {"before": before, "peak": peak_gigabytes(), "seconds": time.perf_counter() - began}


def main() -> None:
    """Measure each kind in its own process and print how far below the limit it stays."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--paths", type=int, default=100_000)
    parser.add_argument("--steps", type=int, default=250)
    parser.add_argument("--kind", choices=KINDS, help="measure this kind in this very process, and print JSON")
    given = parser.parse_args()
    if given.kind:
        print(json.dumps(train(given.kind, given.paths, given.steps)))
        return
    print(busy())
    for kind in KINDS:
        command = [sys.executable, __file__, "--kind", kind, "--paths", str(given.paths), "--steps", str(given.steps)]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
        found = json.loads(done.stdout.splitlines()[-1])
        print(
            f"{kind}: {found['peak']:.2f} GB at most ({found['before']:.2f} GB before training), "
            f"{found['peak'] / LIMIT_GB:.2f} of the {LIMIT_GB:g} GB allowed; "
            f"{given.paths:,} paths × {given.steps} steps, 3 updates in {found['seconds']:.0f} s"
        )


if __name__ == "__main__":
    main()
