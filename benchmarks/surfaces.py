"""SVI and SABR slices, SSVI and eSSVI surfaces on a day of SPX quotes: errors, arbitrage, time on one core.

FILE has a quote a row, with Maturity (years), logMoneyness and ImpVolCalibrated (decimal). All quotes are fitted.

    python benchmarks/surfaces.py FILE
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from machine import busy, pin_to_one_core

BATCH, SURFACES, ROUNDS = 500, 200, 3


def read(file: Path) -> tuple[Any, Any, Any, Any]:
    """Log-moneyness, volatility, weights by expiry and quote, padded to one width; maturities."""
    import numpy as np
    import polars as pl

    table = pl.read_csv(file).sort("Maturity", maintain_order=True)
    parts = table.partition_by("Maturity", maintain_order=True)
    shape = (len(parts), max(len(part) for part in parts))
    k, volatility, weights = np.zeros(shape), np.full(shape, 0.2), np.zeros(shape)
    for row, part in enumerate(parts):
        k[row, : len(part)], volatility[row, : len(part)] = part["logMoneyness"], part["ImpVolCalibrated"]
        weights[row, : len(part)] = 1.0
    return k, volatility, weights, np.array([part["Maturity"][0] for part in parts])


def seconds(work: Callable[[], Any]) -> float:
    """The quickest of some rounds, in processor time; the first call compiles and is not counted."""
    import jax

    taken = []
    for _ in range(ROUNDS + 1):
        began = time.process_time()
        jax.block_until_ready(work())
        taken.append(time.process_time() - began)
    return min(taken[1:])


def main() -> None:
    """Fit, check and time."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, metavar="FILE", help="the quotes, CSV")
    file = parser.parse_args().file
    print(pin_to_one_core(), "·", busy())
    import jax
    import jax.numpy as jnp
    import numpy as np

    from tenrec.volatility import check, essvi, fit_slices, sabr, ssvi

    k, volatility, weights, maturity = read(file)
    error = 100.0 * np.asarray(fit_slices(k, volatility, maturity, weights).error)
    print(f"SVI: {len(error)} slices, error in points {error.min():.2f} to {error.max():.2f}, mean {error.mean():.2f}")
    rows = np.arange(BATCH) % len(maturity)
    noisy = volatility[rows] * (1.0 + 1e-3 * np.random.default_rng(0).standard_normal((BATCH, k.shape[1])))
    batch = (k[rows], noisy, maturity[rows], weights[rows])
    taken = seconds(lambda: fit_slices(*batch).error)
    print(f"SVI: {1e3 * taken / BATCH:.3f} ms a slice of {k.shape[1]} places for quotes, {BATCH} at once")
    error = 100.0 * np.asarray(sabr.fit_slices(k, volatility, maturity, weights).error)
    print(f"SABR: error in points {error.min():.2f} to {error.max():.2f}, mean {error.mean():.2f}", end=", ")
    taken = seconds(lambda: sabr.fit_slices(*batch).error)
    print(f"{1e3 * taken / BATCH:.3f} ms a slice, {BATCH} at once")
    for free in (False, True):
        plain = ssvi.fit(k, volatility, maturity, weights, free_of_arbitrage=free)
        found = check(plain.surface, np.linspace(-1.5, 1.0, 101), np.linspace(0.02, 3.0, 80))
        kind = "constrained" if free else "unconstrained"
        print(f"SSVI, {kind}: error {100 * float(plain.error):.3f} points, free of arbitrage: {found.free}")
    fit = essvi.fit(k, volatility, maturity, weights)
    found = check(fit.surface, np.linspace(-1.5, 1.0, 101), np.linspace(0.02, 3.0, 80))
    print(f"eSSVI: error {100 * float(fit.error):.3f} points, free of arbitrage: {found.free}")
    with jax.enable_x64(True):
        chosen = np.linspace(0, len(maturity) - 1, 8).astype(int)
        given = [jnp.asarray(x[chosen]) for x in (k, volatility, maturity, weights)]
        scale = jnp.asarray(np.random.default_rng(1).uniform(0.8, 1.2, SURFACES))
        many = jax.jit(jax.vmap(lambda s: essvi.fit_one(given[0], s * given[1], given[2], given[3], steps=20).error))
        print(
            f"eSSVI: {1e3 * seconds(lambda: many(scale)) / SURFACES:.2f} ms a surface of 8 expiries, {SURFACES} at once"
        )
        fewer = jax.jit(jax.vmap(lambda s: ssvi.fit_one(given[0], s * given[1], given[2], given[3], steps=20).error))
        print(
            f"SSVI: {1e3 * seconds(lambda: fewer(scale)) / SURFACES:.2f} ms a surface of 8 expiries, {SURFACES} at once"
        )


if __name__ == "__main__":
    main()
