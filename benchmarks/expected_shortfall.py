"""Expected shortfall of the worst 10 % of a hedged at-the-money call, beside the Black–Scholes delta and pfhedge.

30 steps of 1/250 year, σ = 0.2, cost 0.001 of the traded value, no premium; every seed of tenrec is trained as
`examples/expected_shortfall.yaml` says and judged on fresh paths. The peer trains its default network with its default
optimiser and the same measure on 10,000 fresh paths an epoch, 200 epochs, and is judged on as many paths of its own.

With --seconds, quality against time instead: as many updates as a pinned core does in so many seconds, compilation left
out, with the schedule of the learning rate drawn over just these.

    python benchmarks/expected_shortfall.py --peer-python PYTHON
    python benchmarks/expected_shortfall.py --seconds 3 15
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from machine import busy, pin_to_one_core
from peer import Peer, add_peer_option

from tenrec.hedging.assess import Outcome
from tenrec.hedging.policies import AbstractPolicy
from tenrec.runs.config import HedgeConfig
from tenrec.runs.folder import create
from tenrec.runs.loading import load_config
from tenrec.runs.progress import Silent
from tenrec.runs.simulated import Simulation

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "expected_shortfall.yaml"
TARGET = 0.0379
WITHIN = {3.0: 0.0381, 15.0: 0.0378}
PILOT = 5


def shortfall(outcome: Outcome) -> float:
    """Mean of the worst 10 %, in units of the initial spot, which is 1."""
    pnl = np.sort(np.asarray(outcome.pnl, np.float64))
    return -float(np.mean(pnl[: len(pnl) // 10]))


def trained(config: HedgeConfig) -> tuple[float, dict[str, float]]:
    """Seconds of training with its compilation, and the shortfall of the network and of the Black–Scholes delta."""
    simulation = Simulation(config, EXAMPLE.parent)
    with tempfile.TemporaryDirectory() as place:
        folder = create(Path(place) / "run", config, EXAMPLE.parent)
        began = time.perf_counter()
        result = simulation.train(config.policy, folder=folder, reporter=Silent(), resume=False)
        seconds = time.perf_counter() - began
    delta = simulation.baselines()["black_scholes_delta"]
    outcomes = simulation.evaluate({"network": result.policies[0], "delta": delta}, Silent())
    return seconds, {name: shortfall(outcome) for name, outcome in outcomes.items()}


class Clock(Silent):
    """Hears when each compiled call of the training has ended; the first has compiled, and is left out."""

    def __init__(self) -> None:
        self.ended: list[float] = []

    def start(self, stage: str, total: int) -> None:
        self.ended = []

    def advance(self, done: int, note: str = "") -> None:
        self.ended.append(time.perf_counter())

    @property
    def seconds_per_call(self) -> float:
        """Mean of the calls after the first, their validation included."""
        return (self.ended[-1] - self.ended[0]) / (len(self.ended) - 1)


def learned(config: HedgeConfig) -> tuple[Simulation, AbstractPolicy, Clock]:
    """A trained network, and how long its compiled calls took."""
    simulation, clock = Simulation(config, EXAMPLE.parent), Clock()
    with tempfile.TemporaryDirectory() as place:
        folder = create(Path(place) / "run", config, EXAMPLE.parent)
        result = simulation.train(config.policy, folder=folder, reporter=clock, resume=False)
    return simulation, result.policies[0], clock


def against_time(budgets: list[float], seeds: int, overrides: list[str]) -> None:
    """The shortfall after each budget of seconds, every seed, and the worst against what is wanted."""
    print(pin_to_one_core())
    # Calls short enough for a budget of three seconds to be told from one of two.
    overrides = ["training.per_dispatch=20", *overrides]
    size = load_config(EXAMPLE, overrides).training.per_dispatch
    pilot = learned(load_config(EXAMPLE, [*overrides, f"training.updates={PILOT * size}"]))[2].seconds_per_call
    for budget in budgets:
        updates = max(int(budget / pilot), 2) * size
        worst = 0.0
        for seed in range(seeds):
            more = [f"training.seed={seed}", f"evaluate.seed={100 + seed}", f"training.updates={updates}"]
            simulation, policy, clock = learned(load_config(EXAMPLE, [*overrides, *more]))
            found = shortfall(simulation.evaluate({"network": policy}, Silent())["network"])
            worst = max(worst, found)
            took = clock.seconds_per_call * updates / size
            print(f"{budget:g} s, seed {seed}: {found:.5f} after {updates} updates in {took:.1f} s", flush=True)
        wanted = f", at most {WITHIN[budget]} wanted" if budget in WITHIN else ""
        print(f"{budget:g} s: worst {worst:.5f}{wanted}", flush=True)


def main() -> None:
    """Every seed of both, and the worst of ours against the target."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change a key of the example")
    parser.add_argument("--seconds", type=float, nargs="+", default=[], help="budgets of training seconds, one core")
    add_peer_option(parser)
    given = parser.parse_args()
    print(busy())
    if given.seconds:
        against_time(given.seconds, given.seeds, given.set)
        return
    ours: list[float] = []
    theirs: list[float] = []
    peer = None if given.no_peer else Peer("pfhedge_shortfall.py", given.peer_python)
    for seed in range(given.seeds):
        config = load_config(EXAMPLE, [f"training.seed={seed}", f"evaluate.seed={100 + seed}", *given.set])
        seconds, found = trained(config)
        ours.append(found["network"])
        print(f"seed {seed}: tenrec {found['network']:.5f} after {seconds:.0f} s, delta {found['delta']:.5f}", end="")
        if peer is not None:
            answer = peer.ask(seed=seed, updates=200, paths=10_000, evaluate=config.evaluate.paths)
            theirs.append(answer["shortfall"])
            print(f", pfhedge {answer['shortfall']:.5f} after {answer['seconds']:.0f} s", end="")
        print(flush=True)
    if peer is not None:
        peer.close()
        print(f"mean of tenrec / mean of pfhedge: {np.mean(ours) / np.mean(theirs):.3f}")
    print(f"worst seed of tenrec: {max(ours):.5f}, {max(ours) / TARGET:.3f} of the {TARGET} wanted at most")


if __name__ == "__main__":
    main()
