"""Simulation alone, paths stored, beside pfhedge: Brownian motion, Heston, Merton, rough Bergomi; on one pinned core.

Blocks of 10,000 paths × 30 daily steps in float32, one of ours and one of theirs in turns, compilation left out, in
processor time. Before anything is timed each market must pass on 200,000 paths: the discounted price is a martingale,
and an at-the-money call (under rough Bergomi, which has no formula, the expected variance) is worth what it should be,
each within three standard errors.

    python benchmarks/simulation_speed.py --peer-python PYTHON
"""

import argparse
import statistics
import sys
import time
from typing import Any

from machine import busy, pin_to_one_core
from peer import Peer, add_peer_option

DAY = 1.0 / 250.0
WANTED = {"black_scholes": 1.0, "heston": 1.5, "merton": 1.5, "rough_bergomi": 1.5}
PARAMETERS: dict[str, dict[str, float]] = {
    "black_scholes": {"volatility": 0.2},
    "heston": {
        "initial_variance": 0.04,
        "mean_reversion": 1.0,
        "long_run_variance": 0.04,
        "vol_of_vol": 0.2,
        "correlation": -0.7,
    },
    "merton": {"volatility": 0.2, "jump_intensity": 68.2, "jump_mean": 0.0, "jump_deviation": 0.02},
    "rough_bergomi": {"forward_variance": 0.04, "roughness": 0.1, "vol_of_vol": 1.9, "correlation": -0.9},
}
"""What pfhedge takes where nothing else is given."""


def market(model: str, steps: int) -> Any:
    """A market of ours."""
    import jax.numpy as jnp

    from tenrec.markets import BlackScholesMarket, HestonMarket, MertonMarket, RoughBergomiMarket

    kinds = {
        "black_scholes": BlackScholesMarket,
        "heston": HestonMarket,
        "merton": MertonMarket,
        "rough_bergomi": RoughBergomiMarket,
    }
    return kinds[model](spot=1.0, dt=jnp.full(steps, DAY, jnp.float32), **PARAMETERS[model])


def known(model: str, time_to_expiry: float) -> float:
    """Of the call by a formula, or the variance expected at the end."""
    import jax

    from tenrec.pricing import black_scholes, heston, jumps

    with jax.enable_x64(True):
        at = (1.0, 1.0, 1.0)
        match model:
            case "black_scholes":
                return float(black_scholes.value(*at, PARAMETERS[model]["volatility"], time_to_expiry))
            case "heston":
                return float(heston.value(*at, time_to_expiry, **PARAMETERS[model]))
            case "merton":
                return float(jumps.merton(*at, time_to_expiry, **PARAMETERS[model]))
    return PARAMETERS[model]["forward_variance"]


def errors(model: str, steps: int, paths: int) -> tuple[float, float]:
    """By how many standard errors the mean price at the end, and what is known, are missed."""
    import jax
    import numpy as np

    from tenrec.markets import simulate_blocks

    spots, volatilities = [], []
    for block in simulate_blocks(market(model, steps), jax.random.key(1), paths, block=10_000):
        spots.append(np.asarray(block.spot[:, -1], np.float64))
        volatilities.append(np.asarray(block.volatility[..., -1], np.float64).ravel())
    spot, volatility = np.concatenate(spots), np.concatenate(volatilities)
    sample = volatility**2 if model == "rough_bergomi" else np.maximum(spot - 1.0, 0.0)

    def missed(numbers: Any, mean: float) -> float:
        return float((numbers.mean() - mean) / (numbers.std() / np.sqrt(numbers.size)))

    return missed(spot, 1.0), missed(sample, known(model, steps * DAY))


def rates(model: str, peer: Peer | None, paths: int, steps: int, rounds: int) -> list[tuple[float, float]]:
    """Path-steps per second of processor time, ours and theirs, round by round."""
    import jax

    ours = market(model, steps)
    jax.block_until_ready(ours.simulate(jax.random.key(0), paths))
    found = []
    for number in range(rounds):
        key = jax.random.key(number)
        began = time.process_time()
        jax.block_until_ready(ours.simulate(key, paths))
        mine = time.process_time() - began
        theirs = float("nan")
        if peer is not None:
            theirs = peer.ask(model=model, paths=paths, steps=steps, dt=DAY)["cpu_seconds"]
        found.append((paths * steps / mine, paths * steps / theirs))
    return found


def line(model: str, missed: tuple[float, float], found: list[tuple[float, float]]) -> str:
    """One row of the table: medians, and the median of the rounds' ratios."""
    ours, theirs = (statistics.median(pair[side] for pair in found) / 1e6 for side in (0, 1))
    ratio = statistics.median(mine / other for mine, other in found)
    return (
        f"{model:<14} {missed[0]:>+10.2f} {missed[1]:>+8.2f} {ours:>10.1f} {theirs:>10.1f} {ratio:>8.2f} "
        f"{WANTED[model]:>8.1f}"
    )


def main() -> None:
    """Check, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--paths", type=int, default=10_000)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=51)
    add_peer_option(parser)
    given = parser.parse_args()
    print(f"{pin_to_one_core()}; {busy()}")
    peer = None if given.no_peer else Peer("pfhedge_simulation.py", given.peer_python)
    if peer is not None:
        for model in PARAMETERS:
            peer.ask(model=model, paths=given.paths, steps=given.steps, dt=DAY)
    print("               off by standard errors   million path-steps/s        ratio   wanted")
    print("                 martingale    known     tenrec    pfhedge")
    for model in PARAMETERS:
        missed = errors(model, given.steps, 200_000)
        if max(map(abs, missed)) > 3.0:
            sys.exit(f"{model} is wrong by {missed[0]:+.1f} and {missed[1]:+.1f} standard errors; nothing was timed.")
        print(line(model, missed, rates(model, peer, given.paths, given.steps, given.rounds)), flush=True)
    if peer is not None:
        peer.close()


if __name__ == "__main__":
    main()
