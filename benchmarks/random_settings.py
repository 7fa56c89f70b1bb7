"""How near to the exact entropic optimum a trained band network comes in settings that nobody chose.

Strike, days, volatility, cost and risk aversion are drawn by a fixed seed; each setting is trained as
`examples/near_optimal.yaml` says, one step a day, and the network and the classical policies are valued by the exact
backward recursion. Wanted of each learned gap: at most a tenth of the best classical one, or 0.02 bp, if that is more.

A finished setting is kept in --results and not done again.

    python benchmarks/random_settings.py
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from machine import busy

from tenrec.runs.folder import create
from tenrec.runs.loading import load_config
from tenrec.runs.optimum import optimum_section
from tenrec.runs.progress import Silent
from tenrec.runs.simulated import Simulation

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "near_optimal.yaml"
DRAWN_BY, SHARE, LEAST_BP = 20_26, 0.10, 0.02
HEADER = " strike  days   vol     cost  avers.   optimum  classical   learned      of"


def drawn(count: int) -> list[dict[str, float]]:
    """Settings: strike in spots, days to expiry, annual volatility, proportional cost, risk aversion."""
    rng = np.random.default_rng(DRAWN_BY)
    return [
        {
            "contract.strike": round(float(rng.uniform(0.9, 1.1)), 3),
            "contract.days": int(rng.integers(10, 61)),
            "market.volatility": round(float(rng.uniform(0.1, 0.5)), 3),
            "costs.proportional": float(f"{np.exp(rng.uniform(np.log(1e-4), np.log(1e-2))):.2g}"),
            "risk.aversion": round(float(np.exp(rng.uniform(np.log(5.0), np.log(50.0)))), 1),
        }
        for _ in range(count)
    ]


def gaps(setting: dict[str, float], more: list[str]) -> dict[str, Any]:
    """The optimum, the gap of every policy, and the seconds of training with its compilation."""
    steps = f"grid.steps={setting['contract.days']}"
    config = load_config(EXAMPLE, [*(f"{key}={value}" for key, value in setting.items()), steps, *more])
    simulation = Simulation(config, EXAMPLE.parent)
    with tempfile.TemporaryDirectory() as place:
        folder = create(Path(place) / "run", config, EXAMPLE.parent)
        began = time.perf_counter()
        result = simulation.train(config.policy, folder=folder, reporter=Silent(), resume=False)
        seconds = time.perf_counter() - began
    section = optimum_section(config, simulation.baselines() | {"learned": result.policies[0]}, Silent())
    found = {name: entry["gap_bp"] for name, entry in section["policies"].items()}
    # Without a hedge an entropic value hangs on the last paths of the grid, or is infinite; nobody needs it here.
    errors = [entry["numerical_error_bp"] for name, entry in section["policies"].items() if name != "no_hedge"]
    return {"optimum_bp": section["optimum_bp"], "gaps_bp": found, "error_bp": max(errors), "seconds": seconds}


def row(setting: dict[str, float], result: dict[str, Any]) -> tuple[str, float]:
    """A line of the table, and the learned gap as a multiple of what is allowed."""
    classical = {name: gap for name, gap in result["gaps_bp"].items() if name != "learned"}
    best, learned = min(classical.values()), result["gaps_bp"]["learned"]
    share = learned / max(SHARE * best, LEAST_BP)
    strike, days, volatility, cost, aversion = setting.values()
    text = f"{strike:>7.3f}{days:>6.0f}{volatility:>6.2f}{cost:>9.5f}{aversion:>8.1f}{result['optimum_bp']:>10.2f}"
    return f"{text}{best:>11.3f}{learned:>10.4f}{share:>8.2f}  {result['seconds']:.0f} s", share


def main() -> None:
    """Every setting that is not in the results yet, then the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--settings", type=int, default=20)
    parser.add_argument("--results", type=Path, default=Path("random_settings.jsonl"))
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change a key of the example")
    given = parser.parse_args()
    print(busy())
    lines = given.results.read_text(encoding="utf-8").splitlines() if given.results.is_file() else []
    known = {line["asked"]: line["result"] for line in map(json.loads, lines)}
    print(HEADER)
    shares = []
    for setting in drawn(given.settings):
        asked = json.dumps([setting, given.set])
        if asked not in known:
            known[asked] = gaps(setting, given.set)
            with given.results.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"asked": asked, "result": known[asked]}) + "\n")
        text, share = row(setting, known[asked])
        shares.append(share)
        print(text, flush=True)
    within = sum(share <= 1 for share in shares)
    print(f"gaps in bp; {within} of {len(shares)} within what is wanted, worst {max(shares):.2f}")


if __name__ == "__main__":
    main()
