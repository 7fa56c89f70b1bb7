"""tenrec from Python: learn a hedge, read its numbers, ask it what to hold, bring it back later.

python examples/python_api.py [--updates 300] [--paths 4096] [--out runs/python_api]
"""

import argparse
from pathlib import Path

import numpy as np

import tenrec


def main() -> None:
    """Learn, then look at everything that a run offers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--updates", type=int, default=300)
    parser.add_argument("--paths", type=int, default=4096)
    parser.add_argument("--out", type=Path, default=Path("runs/python_api"))
    given = parser.parse_args()

    # A configuration is a mapping with the keys of the YAML file; what is left out has its default.
    config = {
        "market": {"model": "black_scholes", "spot": 100.0, "volatility": 0.2},
        "contract": {"kind": "european_put", "strike": 95.0, "days": 60},
        "grid": {"steps": 60},
        "costs": {"proportional": 0.001},
        "risk": {"measure": "cvar", "level": 0.95},
        "training": {"updates": given.updates, "paths": given.paths},
        "evaluate": {"paths": 20_000, "against": ["no_hedge", "black_scholes_delta", "leland"]},
    }
    run = tenrec.hedge(config, out=given.out)

    # Every policy's risk with its 95 % interval, all on the same paths.
    for name, entry in run.metrics["policies"].items():
        value, low, high = (entry["risk"][part] for part in ("value", "low", "high"))
        print(f"{name:<22} risk {value:.3f} [{low:.3f}, {high:.3f}], cost {entry['cost_bp']:.1f} bp")

    # The ledger is a Polars table: one row for each path and date.
    ledger = run.ledger("black_scholes_delta")
    print(ledger.head(3))

    # A policy answers for one state or for many at once, NumPy in and out.
    spots = np.linspace(90.0, 105.0, 4)
    held = tenrec.load(given.out).policy().target(spot=spots, time_to_maturity=30 / 365, position=-0.3, implied_vol=0.2)
    for spot, units in zip(spots, np.ravel(held), strict=True):
        print(f"spot {spot:6.1f}: hold {units:+.3f} units")


if __name__ == "__main__":
    main()
