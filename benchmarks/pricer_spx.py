"""The neural pricer on 1,720 S&P 500 quotes of 2019-05-18: error, share within bid and ask, arbitrage, time.

Fitted on all quotes, and on every other one with the rest held out, several seeds each. Published for the same day:
0.86 % an unconstrained network, 1.09 % an unconstrained SSVI, 1.29 % a constrained network, 1.52 % a constrained SSVI.

    python benchmarks/pricer_spx.py --seeds 3
"""

import argparse
import time
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from machine import busy, pin_to_one_core

if TYPE_CHECKING:
    from tenrec.pricing.chain_quotes import ChainQuotes


def main() -> None:
    """Print one line for each fit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--iterations", type=int, default=500)
    given = parser.parse_args()
    print(pin_to_one_core(), "·", busy())
    from tenrec.data.chain import read_chain
    from tenrec.pricing.chain_quotes import chain_quotes
    from tenrec.runs.price import bundled_chain

    quotes = chain_quotes(read_chain(bundled_chain()))
    for seed in range(given.seeds):
        for held in (False, True):
            fit(quotes.table, seed, given.iterations, held=held)
    print("arbitrage on a dense grid:", arbitrage(quotes, given.iterations))


def fit(table: pl.DataFrame, seed: int, iterations: int, *, held: bool) -> None:
    """Fit and print the errors of both halves."""
    from tenrec.pricing.neural_fit import fit_neural

    train = np.arange(table.height) % 2 == 0 if held else np.ones(table.height, bool)
    log_moneyness, maturity, volatility = (
        table[name].to_numpy() for name in ("log_moneyness", "maturity", "volatility")
    )
    bid, ask = table["volatility_bid"].to_numpy(), table["volatility_ask"].to_numpy()
    started = time.perf_counter()
    found = fit_neural(
        log_moneyness, maturity, volatility, 0.5 * (ask - bid), train=train, seed=seed, iterations=iterations
    )
    seconds = time.perf_counter() - started
    for name, part in {"fitted": train, "held out": ~train}.items():
        if part.any():
            error = found.volatility[part] - volatility[part]
            inside = np.mean((found.volatility[part] >= bid[part]) & (found.volatility[part] <= ask[part]))
            rmse = 100 * np.sqrt(np.mean(error**2))
            print(f"seed {seed} {name:<9}{part.sum():>6} quotes  {rmse:.3f} %  inside {inside:.1%}  {seconds:.0f} s")


def arbitrage(quotes: "ChainQuotes", iterations: int) -> dict:
    """The check of `tenrec price` on the first seed's fit."""
    from tenrec.runs.price import arbitrage_check, fit_quotes

    return arbitrage_check(fit_quotes(quotes, seed=0, iterations=iterations)[1])


if __name__ == "__main__":
    main()
