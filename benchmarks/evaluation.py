"""1,000,000 evaluation paths × 30 steps × 6 policies: wall time, processor time and peak memory.

The evaluation stage of `tenrec hedge` as a user's run takes it, simulation and compilation included: five classical
policies and a band network, on common random numbers, with proportional costs. At most two cores are used.

    python benchmarks/evaluation.py
"""

import argparse
import os
import time
from pathlib import Path
from typing import Any

from machine import busy
from memory import Silent, peak_gigabytes

AGAINST = ["no_hedge", "black_scholes_delta", "leland", "whalley_wilmott", "zakamouline"]
SECONDS, GIGABYTES = 30.0, 4.0


def config(paths: int, steps: int) -> dict[str, Any]:
    """The run whose evaluation is timed; its network is not trained first, which costs the same."""
    return {
        "contract": {"kind": "european_call", "strike": 1.0, "days": steps},
        "grid": {"steps": steps, "day_count": 365},
        "costs": {"proportional": 1e-3},
        "risk": {"measure": "entropic", "aversion": 20.0},
        "policy": {"kind": "band_network", "hidden": [32, 32]},
        "evaluate": {"paths": paths, "seed": 1, "against": AGAINST},
    }


def use_at_most(cores: int) -> None:
    """Keep this process on so many cores; call it before JAX is imported."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[:cores]))


def evaluate(paths: int, steps: int) -> dict[str, float]:
    """tenrec's evaluation stage, and the statistics that the report shows of it."""
    import jax
    import numpy as np

    from tenrec.hedging.assess import views
    from tenrec.runs.loading import load_config
    from tenrec.runs.metrics import policy_metrics
    from tenrec.runs.policies import untrained
    from tenrec.runs.simulated import Simulation

    checked = load_config(config(paths, steps))
    simulation = Simulation(checked, Path())
    key = jax.random.key(0)
    view = views(simulation.sample(key, 1024))
    policies = simulation.baselines() | {"band_network": untrained(checked.policy, view, checked, key)}
    before = peak_gigabytes()
    began, cpu = time.perf_counter(), time.process_time()
    outcomes = simulation.evaluate(policies, Silent())
    pnl = {name: np.asarray(outcome.pnl) for name, outcome in outcomes.items()}
    judged = {"seconds": time.perf_counter() - began, "cpu_seconds": time.process_time() - cpu}
    if any(numbers.shape != (paths,) or not np.isfinite(numbers).all() for numbers in pnl.values()):
        raise RuntimeError("a policy has no finite outcome on some path")
    began, cpu = time.perf_counter(), time.process_time()
    policy_metrics(outcomes, checked, 1.0)
    told = {"metrics": time.perf_counter() - began, "metrics_cpu": time.process_time() - cpu}
    return judged | told | {"policies": len(policies), "before": before, "peak": peak_gigabytes()}


def main() -> None:
    """Measure once, print beside the limits."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--paths", type=int, default=1_000_000)
    parser.add_argument("--steps", type=int, default=30)
    given = parser.parse_args()
    use_at_most(2)
    print(busy())
    found = evaluate(given.paths, given.steps)
    work = given.paths * given.steps * found["policies"]
    print(
        f"{given.paths:,} paths × {given.steps} steps × {found['policies']:.0f} policies: {found['seconds']:.1f} s, "
        f"{found['cpu_seconds']:.1f} s of processor time ({work / found['cpu_seconds'] / 1e6:.1f} M path-steps a "
        f"second of it), {found['seconds'] / SECONDS:.2f} of the {SECONDS:g} s allowed"
    )
    print(
        f"the table of statistics with its intervals: {found['metrics']:.1f} s more, {found['metrics_cpu']:.1f} s of "
        "processor time"
    )
    print(
        f"memory: {found['peak']:.2f} GB at most ({found['before']:.2f} GB before), "
        f"{found['peak'] / GIGABYTES:.2f} of the {GIGABYTES:g} GB allowed"
    )


if __name__ == "__main__":
    main()
