"""Batched GARCH against the arch package: fits a second, and whether the optimum is the same.

    python benchmarks/garch.py [--series 500] [--days 5000] [--sample 40]

arch fits `--sample` of the series on one core; its rate is doubled, as if two processes shared the work without loss.
The batched fit takes all series at once on the cores it is given; the first call, which compiles, is shown apart.
"""

import argparse
import time

import numpy as np
from machine import busy

from tenrec.volatility.garch import GARCH_MODELS, fit_garch


def simulated(series: int, days: int) -> np.ndarray:
    """GARCH(1, 1) returns, decimal."""
    rng = np.random.default_rng(0)
    h, returns = np.ones(series), np.empty((series, days))
    for day in range(days):
        returns[:, day] = np.sqrt(h) * rng.standard_normal(series)
        h = 0.02 + 0.08 * returns[:, day] ** 2 + 0.9 * h
    return returns / 100.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=500)
    parser.add_argument("--days", type=int, default=5000)
    parser.add_argument("--sample", type=int, default=40)
    given = parser.parse_args()
    from arch.univariate import GARCH, ZeroMean

    returns, model = simulated(given.series, given.days), GARCH_MODELS["garch"]
    began = time.perf_counter()
    fit_garch(model, returns)
    print(f"{busy()}; first call with compilation {time.perf_counter() - began:.1f} s")
    ours, theirs, gaps = [], [], []
    for start in range(0, given.sample, 10):  # interleaved, so that other work on the machine meets both
        began = time.perf_counter()
        fit = fit_garch(model, returns)
        ours.append(given.series / (time.perf_counter() - began))
        rows = range(start, min(start + 10, given.sample, given.series))
        began = time.perf_counter()
        fits = [ZeroMean(100.0 * returns[row], volatility=GARCH(1, 0, 1)).fit(disp="off") for row in rows]
        theirs.append(len(rows) / (time.perf_counter() - began))
        gaps += [fit.log_likelihood[row] - other.loglikelihood for row, other in zip(rows, fits, strict=True)]
    rate, other = float(np.median(ours)), 2 * float(np.median(theirs))
    print(f"batched {rate:,.0f} fits/s, arch on two cores {other:,.0f} fits/s, ratio {rate / other:.1f} (5 is wanted)")
    print(f"log likelihood less arch's: from {min(gaps):.1e} to {max(gaps):.1e}")


if __name__ == "__main__":
    main()
