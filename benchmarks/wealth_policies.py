"""How near to the exact CVaR optimum a policy comes that sees its wealth, and one that does not.

Sold at-the-money call, 30 daily dates, σ = 0.2, 10 bp of the traded value; mean of the worst 5 % of outcomes. The
training is what a configuration gets that says nothing about it. Every policy is judged on the same 1,000,000 paths,
and its gap is taken against the exact optimum that dynamic programming finds with the wealth as a state.

    python benchmarks/wealth_policies.py
"""

import argparse
import tempfile
import time
from pathlib import Path

from machine import busy

from tenrec.hedging.policies import AbstractPolicy
from tenrec.runs.folder import create
from tenrec.runs.loading import load_config
from tenrec.runs.optimum import optimum_section
from tenrec.runs.progress import Silent
from tenrec.runs.simulated import Simulation

SETTING = {
    "market": {"model": "black_scholes", "spot": 1.0, "volatility": 0.2},
    "contract": {"kind": "european_call", "strike": 1.0, "days": 30},
    "grid": {"steps": 30, "day_count": 365},
    "costs": {"proportional": 0.001},
    "premium": 0,
    "risk": {"measure": "cvar", "level": 0.95},
}
BLIND = ["standardised_moneyness", "sqrt_time_to_maturity", "volatility"]
LARGEST_SHARE = 0.01


def main() -> None:
    """Train each seed with and without the wealth, and print every gap."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change the configuration")
    given = parser.parse_args()
    print(busy())
    policies: dict[str, AbstractPolicy] = {}
    kinds: dict[str, dict[str, list[str]]] = {"wealth": {}, "blind": {"features": BLIND}}
    for seed in range(given.seeds):
        for label, sees in kinds.items():
            config = load_config(SETTING | {"policy": sees}, [f"training.seed={seed}", *given.set])
            simulation = Simulation(config, Path())
            policies |= {name: simulation.baselines()[name] for name in ("black_scholes_delta", "zakamouline")}
            with tempfile.TemporaryDirectory() as place:
                folder = create(Path(place) / "run", config, Path())
                began = time.perf_counter()
                result = simulation.train(config.policy, folder=folder, reporter=Silent(), resume=False)
            policies[f"{label}_{seed}"] = result.policies[0]
            print(f"{label}, seed {seed}: trained in {time.perf_counter() - began:.0f} s", flush=True)
    section = optimum_section(load_config(SETTING), policies, Silent())
    best = section["optimum_bp"]
    print(f"exact optimum {best:.2f} ± {section['numerical_error_bp']:.2f} bp")
    for name, entry in section["policies"].items():
        print(
            f"  {name:<24}{entry['value_bp']:>9.2f} ± {entry['standard_error_bp']:.2f} bp, "
            f"{100 * entry['gap_bp'] / best:.2f} % above it"
        )
    worst = max(entry["gap_bp"] for name, entry in section["policies"].items() if name.startswith("wealth")) / best
    print(f"worst seed that sees its wealth: {100 * worst:.2f} % of the {100 * LARGEST_SHARE:.0f} % allowed")


if __name__ == "__main__":
    main()
