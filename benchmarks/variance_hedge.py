"""What a variance swap and a VIX future bring to the hedge of options sold on the S&P 500, out of sample.

    python benchmarks/variance_hedge.py FOLDER

At-the-money options of 22 trading days, sold every week at the VIX and hedged at every close; units of the swap and the
future by least squares on sales that ended by 2012-06, the same for all later sales, until 2018. FOLDER holds
vol_indices/SPX_daily.csv, VIX.csv and VIX_futures.csv. Costs: 2 bp of the spot; 5 % of a swap's price (half a
volatility point at 20 %); 0.3 % of a future's (0.06 points at 20); all sold again at the end. Ratios to the delta at
the VIX, 95 % intervals that resample quarters.
"""

import argparse
import tempfile
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import yaml
from machine import busy
from vol_into_hedge import show

from tenrec.hedging.assess import assess
from tenrec.hedging.policies import AbstractPolicy, BlackScholesDelta, MinimumVarianceDelta, Static
from tenrec.runs.loading import load_config
from tenrec.runs.minimum_variance import minimum_variance_coefficients
from tenrec.runs.simulated import Simulation

SWAP = {"variance_swap": {"costs": {"proportional": 0.05}}}
FUTURE = {"vix_future": {"costs": {"proportional": 0.003}}}
LEGS = {"variance swap": (SWAP,), "VIX future": (FUTURE,), "swap and future": (SWAP, FUTURE)}


def configuration(folder: Path, kind: str, legs: tuple[dict, ...]) -> dict:
    """As `tenrec hedge` would read it."""
    indices = folder.resolve() / "vol_indices"
    files = {"file": "SPX_daily.csv", "implied": "VIX.csv", "futures": "VIX_futures.csv"}
    market = {name: str(indices / file) for name, file in files.items()}
    return {
        "market": {"model": "history", **market, "every": 5, "train_until": "2012-06-30"},
        "contract": {"kind": kind, "strike": 1.0, "days": 22},
        "grid": {"steps": 22, "day_count": 252},
        "hedge_with": ["spot", *legs],
        "costs": {"proportional": 0.0002, "unwind": True},
        "risk": {"measure": "quadratic"},
        "policy": {"kind": "feed_forward"},
        "evaluate": {"against": ["black_scholes_delta", "static_delta"]},
    }


def simulation(folder: Path, kind: str, legs: tuple[dict, ...]) -> Simulation:
    """The sales, learned from and judged on."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "run.yaml"
        path.write_text(yaml.safe_dump(configuration(folder, kind, legs)))
        return Simulation(load_config(path), Path(name))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    print(busy())
    for kind in ("european_call", "european_put"):
        both = simulation(folder, kind, LEGS["swap and future"])
        policies: dict[str, AbstractPolicy] = {"delta at the VIX": BlackScholesDelta()}
        learned = both.sample(jax.random.key(0), 4096)
        corrected = jnp.asarray(minimum_variance_coefficients(learned), jnp.float32)
        policies["minimum-variance delta"] = MinimumVarianceDelta(corrected)
        for name, legs in LEGS.items():
            units = simulation(folder, kind, legs)._static_units("static_delta")
            assert units is not None
            held = {"variance swap": [0.0, units[1], 0.0], "VIX future": [0.0, 0.0, units[1]]}.get(name, units)
            told = ", ".join(f"{unit:.2f}" for unit in held[1:])
            policies[f"and {name} ({told})"] = Static(jnp.asarray(held, jnp.float32), hedged=True)
        sample = both._judged(jax.random.key(0), 0, both.evaluation_count())
        outcomes = assess(policies, sample, both.terms)
        quarters = both.clusters()
        assert quarters is not None
        show(f"{kind.replace('_', ' ')}, units of (swap, future)", policies, sample, both.terms, quarters)
        for name, outcome in outcomes.items():
            pnl = 1e4 * np.asarray(outcome.pnl, float)
            means = np.array([pnl[quarters == quarter].mean() for quarter in np.unique(quarters)])
            print(f"   {name:38s} mean P&L {pnl.mean():6.1f} bp, standard error {means.std() / len(means) ** 0.5:4.1f}")


if __name__ == "__main__":
    main()
