"""A rule tuned on Bitcoin's minutes of 2017 and reported on those of 2018, against fixed cadences and bands.

    python benchmarks/tuning_bitcoin.py BTCUSD.parquet [--funding funding_rates.parquet] [--trials 300] [--out DIR]

The criterion is the mean cost plus the standard deviation of a week's hedge error (P&L before costs): a million of sold
30-day straddles, struck at each week's first price, marked at a realised volatility known at the time.
"""

import argparse
import tempfile
from pathlib import Path

from machine import busy

from tenrec.runs.tuning.api import tune

SPACE = {
    "cadence_seconds": [300.0, 900.0, 3600.0, 14_400.0, 86_400.0, 604_800.0],
    "delta_threshold": {"low": 0.01, "high": 0.3, "log": True},
    "hedge_ratio": {"low": 0.8, "high": 1.0},
    "to_edge": {"low": 0.0, "high": 1.0},
    "gamma_scaling": {"low": 0.0, "high": 1.5},
    "volatility_scaling": {"low": -1.0, "high": 1.0},
}


def configuration(file: Path, funding: Path | None, trials: int) -> dict:
    """2017 in sample, 2018 out of sample: 51 and 52 whole weeks once the volatility model is warm."""
    ticks = {"source": "recorded", "file": str(file.resolve())}
    if funding is not None:
        ticks["funding_file"] = str(funding.resolve())
    return {
        "ticks": ticks,
        "rule": {"gamma_scalp_threshold": 1e6, "max_hedge_per_interval": 1e6},
        "search": {"space": SPACE, "trials": trials, "bulk": 4096, "seed": 42},
        "objective": {"kind": "mean_std"},
        "out_of_sample": 0.505,
        "compare": [60, 300, 900, 3600, 14_400, 28_800, 86_400],
        "aversions": [0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0],
    }


def main() -> None:
    """Tune, and print every rival in and out of sample."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--funding", type=Path)
    parser.add_argument("--trials", type=int, default=300)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    print(busy())
    out = given.out or Path(tempfile.mkdtemp()) / "run"
    run = tune(configuration(given.file, given.funding, given.trials), out=out, images=given.out is not None)
    metrics = run.metrics
    print(f"{metrics['windows']}, {metrics['market']['ticks']:,} ticks, {metrics['market']['gaps']:,} missing")
    print(
        f"{'':<32}{'cost + error std':>18}{'cost':>9}{'error std':>11}{'hedges':>9}   (USD a week; in | out of sample)"
    )
    for entry in metrics["comparison"].values():
        for sample in ("in_sample", "out_of_sample"):
            row = entry[sample]
            label = entry["label"] if sample == "in_sample" else ""
            print(
                f"{label:<32}{-row['score']:>18,.0f}{row['cost']:>9,.0f}{row['error_std']:>11,.0f}{row['hedges']:>9,.1f}"
            )
    print({name: round(value, 4) for name, value in metrics["best"]["values"].items()})
    print(metrics["tuned_minus_default"], f"{metrics['seconds']:.0f} s")
    rivals = {key: entry for key, entry in metrics["comparison"].items() if key not in ("tuned", "default", "no_hedge")}
    best = max(rivals.values(), key=lambda entry: entry["out_of_sample"]["score"])
    ahead = metrics["comparison"]["tuned"]["out_of_sample"]["score"] - best["out_of_sample"]["score"]
    print(f"out of sample {'ahead of' if ahead > 0 else 'behind'} {best['label']} by {abs(ahead):,.0f} USD a week")


if __name__ == "__main__":
    main()
