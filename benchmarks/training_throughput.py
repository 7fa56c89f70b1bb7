"""Training throughput of a 4→64→32→1 hedger that sees its own position, beside pfhedge doing the same.

Both train on fresh Black–Scholes paths (10,000 × 30 daily steps, cost 1e-3, entropic risk, Adam) on one pinned core,
in turns: between two compiled calls of tenrec's training, the peer trains for a round. tenrec is timed on the path that
a user's run takes, from one progress report to the next.

    python benchmarks/training_throughput.py --peer-python PYTHON
"""

import argparse
import statistics
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

from machine import busy, pin_to_one_core
from peer import Peer, add_peer_option

HIDDEN = (64, 32)
SIZES = (4, *HIDDEN, 1)
STEPS, TARGET = 30, 1.9
# A multiply and an add for each weight, forwards; backwards once more for the inputs and once more for the weights.
FLOPS_PER_PATH_STEP = 3 * 2 * sum(a * b for a, b in pairwise(SIZES))

Round = tuple[float, float]


def config(paths: int, updates: int, rounds: int) -> dict[str, Any]:
    """The run to time; one round more than asked, since the first compiles."""
    return {
        "contract": {"kind": "european_call", "strike": 1.0, "days": STEPS},
        "grid": {"steps": STEPS, "day_count": 365},
        "costs": {"proportional": 1e-3},
        "risk": {"measure": "entropic", "aversion": 20.0},
        "policy": {
            "kind": "feed_forward",
            "hidden": list(HIDDEN),
            "activation": "relu",
            "features": ["log_moneyness", "time_to_maturity", "volatility", "position"],
        },
        "training": {
            "paths": paths,
            "updates": updates * (rounds + 1),
            "per_dispatch": updates,
            "learning_rate": 1e-3,
            "validation_paths": 2,
        },
    }


class Stopwatch:
    """Hears of tenrec's compiled calls, times each, and lets the peer work in between."""

    def __init__(self, peer: Peer | None, paths: int, updates: int) -> None:
        self.peer, self.paths, self.updates = peer, paths, updates
        self.compile_seconds = 0.0
        self.ours: list[Round] = []
        self.theirs: list[Round] = []
        self._clock = (time.perf_counter(), time.process_time())

    def start(self, stage: str, total: int) -> None:
        """Training begins."""
        self._clock = (time.perf_counter(), time.process_time())

    def advance(self, done: int, note: str = "") -> None:
        """A compiled call has ended."""
        seconds, cpu = time.perf_counter() - self._clock[0], time.process_time() - self._clock[1]
        work = self.paths * self.updates * STEPS
        if done == self.updates:
            self.compile_seconds = seconds
            self._their_round()
        else:
            self.ours.append((work / seconds, work / cpu))
            self.theirs.extend(self._their_round())
        self._clock = (time.perf_counter(), time.process_time())

    def say(self, text: str) -> None:
        """Nothing."""

    def _their_round(self) -> list[Round]:
        if self.peer is None:
            return []
        answer = self.peer.ask(paths=self.paths, updates=self.updates)
        if answer["steps"] != STEPS:
            raise RuntimeError(f"the peer made {answer['steps']} steps, not {STEPS}")
        return [(answer["path_steps"] / answer["seconds"], answer["path_steps"] / answer["cpu_seconds"])]


def train(watch: Stopwatch, paths: int, updates: int, rounds: int) -> None:
    """tenrec's training stage, as `tenrec hedge` runs it."""
    from tenrec.runs.folder import create
    from tenrec.runs.loading import load_config
    from tenrec.runs.simulated import Simulation

    checked = load_config(config(paths, updates, rounds))
    with tempfile.TemporaryDirectory() as place:
        folder = create(Path(place) / "run", checked, Path())
        Simulation(checked, Path()).train(checked.policy, folder=folder, reporter=watch, resume=False)


def peak_flops(size: int = 1024, repeats: int = 5) -> float:
    """FLOP/s of a square matrix product in float32: what the core can do at best."""
    import jax
    import jax.numpy as jnp

    matrix = jax.random.normal(jax.random.key(0), (size, size))
    product = jax.jit(jnp.matmul)
    product(matrix, matrix).block_until_ready()
    best = float("inf")
    for _ in range(repeats):
        began = time.perf_counter()
        product(matrix, matrix).block_until_ready()
        best = min(best, time.perf_counter() - began)
    return 2 * size**3 / best


def show(watch: Stopwatch, peak: float) -> None:
    """The table, and the one number that counts."""
    print("round   tenrec   pfhedge   ratio      CPU time only: tenrec   pfhedge   ratio     (million path-steps/s)")
    theirs = watch.theirs or [(float("nan"), float("nan"))] * len(watch.ours)
    for number, (mine, other) in enumerate(zip(watch.ours, theirs, strict=True), start=1):
        cells = [f"{m / 1e6:>8.2f} {o / 1e6:>9.2f} {m / o:>7.2f}" for m, o in zip(mine, other, strict=True)]
        print(f"{number:>5} {cells[0]} {'':>20} {cells[1]}")
    wall, cpu = (statistics.median(m[i] / o[i] for m, o in zip(watch.ours, theirs, strict=True)) for i in (0, 1))
    rate = statistics.median(mine[1] for mine in watch.ours)
    reached = rate * FLOPS_PER_PATH_STEP
    print(f"compiling and the first round: {watch.compile_seconds:.1f} s")
    print(
        f"tenrec does {reached / 1e9:.0f} GFLOP/s, {reached / peak:.0%} of the {peak / 1e9:.0f} GFLOP/s that a large "
        f"matrix product reaches here ({FLOPS_PER_PATH_STEP:,} FLOP a path-step, what is computed twice counted once)"
    )
    print(f"ratio to pfhedge: {wall:.2f} (CPU time {cpu:.2f}), at least {TARGET} is wanted")


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--paths", type=int, default=10_000)
    parser.add_argument("--updates", type=int, default=20, help="in each round")
    parser.add_argument("--rounds", type=int, default=7)
    add_peer_option(parser)
    given = parser.parse_args()
    print(f"{pin_to_one_core()}; {busy()}")
    peer = None if given.no_peer else Peer("pfhedge_training.py", given.peer_python)
    watch = Stopwatch(peer, given.paths, given.updates)
    train(watch, given.paths, given.updates, given.rounds)
    if peer is not None:
        peer.close()
    show(watch, peak_flops())


if __name__ == "__main__":
    main()
