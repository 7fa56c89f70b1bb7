"""A pricer for an option without a formula, learned from simulated payoffs and their derivatives: an Asian in Heston.

python examples/differential_pricer.py [--samples 16384] [--updates 2000] [--out asian.npz]
"""

import argparse
import dataclasses
from pathlib import Path

import jax.numpy as jnp
import numpy as np

from tenrec.contracts import AsianOption
from tenrec.markets import HestonMarket
from tenrec.pricing import differential


def main() -> None:
    """Learn, ask, keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=16_384)
    parser.add_argument("--updates", type=int, default=2000)
    parser.add_argument("--out", type=Path, default=Path("asian.npz"))
    given = parser.parse_args()

    # Three months, thirteen weekly dates; any market of tenrec.markets and any contract that does not jump will do.
    weeks = 13
    market = HestonMarket(
        spot=100.0,
        initial_variance=0.04,
        mean_reversion=2.0,
        long_run_variance=0.05,
        vol_of_vol=0.5,
        correlation=-0.7,
        dt=jnp.full(weeks, 7 / 365),
        rate=0.03,
    )
    terms = {"strike": 100.0, "sign": 1.0, "quantity": 1.0}
    asian = AsianOption(
        **{name: jnp.asarray(x) for name, x in terms.items()}, expiry=jnp.asarray(weeks), geometric=False
    )

    # What the pricer will be asked for, and between which numbers.
    pricer = differential.learn_contract(
        market,
        asian,
        {"spot": (80.0, 120.0), "initial_variance": (0.01, 0.16), "strike": (90.0, 110.0)},
        samples=given.samples,
        settings=dataclasses.replace(differential.SETTINGS, updates=given.updates),
        on_progress=lambda at, _: print(f"\r{at.update} of {at.updates} updates", end="", flush=True),
    )
    print()
    differential.save(pricer, given.out)

    # Numbers or arrays by name; every derivative comes with the price, and numbers outside the ranges are refused.
    spots = np.array([95.0, 100.0, 105.0])
    found = differential.load(given.out).quote(spot=spots, initial_variance=0.04, strike=100.0)
    for spot, price, delta in zip(spots, found["price"], found["d_spot"], strict=True):
        print(f"spot {spot:6.1f}: price {price:6.3f}, delta {delta:6.3f}")


if __name__ == "__main__":
    main()
