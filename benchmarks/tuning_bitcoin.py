"""A rule tuned on Bitcoin's minutes of 2017 and reported on those of 2018, against fixed cadences and bands.

    python benchmarks/tuning_bitcoin.py BTCUSD.parquet [--funding funding_rates.parquet] [--trials 300] [--out DIR]
    python benchmarks/tuning_bitcoin.py ETHUSD.parquet --symbol ETH-USDT      # the second half is reported

--replay FILE then replays the rule on the later half of another record that it has never seen.

The criterion is the mean cost plus the standard deviation of a week's hedge error (P&L before costs): a million of sold
30-day straddles, struck at each week's first price, marked at a realised volatility known at the time.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import polars as pl
from machine import busy

from tenrec.runs.backtest import run_backtest
from tenrec.runs.tuning.api import TuneRun, tune

RESAMPLED, LATER = 2000, "2018-07-07"

SPACE = {
    "cadence_seconds": [300.0, 900.0, 3600.0, 14_400.0, 86_400.0, 604_800.0],
    "delta_threshold": {"low": 0.01, "high": 0.3, "log": True},
    "hedge_ratio": {"low": 0.8, "high": 1.0},
    "to_edge": {"low": 0.0, "high": 1.0},
    "gamma_scaling": {"low": 0.0, "high": 1.5},
    "volatility_scaling": {"low": -1.0, "high": 1.0},
}


def configuration(file: Path, funding: Path | None, trials: int, symbol: str = "BTC-USDT") -> dict:
    """The earlier half in sample; of Bitcoin's minutes 51 whole weeks of 2017, and 52 of 2018 out of sample."""
    ticks = {"source": "recorded", "file": str(file.resolve())}
    if funding is not None:
        ticks |= {"funding_file": str(funding.resolve()), "funding_symbol": symbol}
    return {
        "ticks": ticks,
        "rule": {"gamma_scalp_threshold": 1e6, "max_hedge_per_interval": 1e6},
        "search": {"space": SPACE, "trials": trials, "bulk": 4096, "seed": 42},
        "objective": {"kind": "mean_std"},
        "out_of_sample": 0.505,
        "compare": [60, 300, 900, 3600, 14_400, 28_800, 86_400],
        "aversions": [0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0],
    }


def leads(run: TuneRun, level: float = 0.95) -> None:
    """How far the tuned rule is ahead of each rival out of sample, in USD a week; the interval resamples the weeks."""
    later = run.folder.read_table("windows").filter(pl.col("sample") == "out")
    net, cost = (
        later.pivot("rival", index="window", values=name, aggregate_function="first").drop("window")
        for name in ("net_pnl", "cost")
    )
    weeks = net.height
    drawn = np.random.default_rng(0).integers(0, weeks, (RESAMPLED, weeks))
    whole = np.arange(weeks)[None]

    def value(name: str, rows: np.ndarray) -> np.ndarray:
        paid, error = cost[name].to_numpy(), (net[name] + cost[name]).to_numpy()
        return paid[rows].mean(axis=1) + error[rows].std(axis=1, ddof=1)

    print(f"ahead of … out of sample, USD a week, with {level:.0%} intervals over {weeks} weeks:")
    for name in net.columns:
        if name != "tuned":
            lead = float((value(name, whole) - value("tuned", whole))[0])
            low, high = np.quantile(value(name, drawn) - value("tuned", drawn), [0.5 - level / 2, 0.5 + level / 2])
            print(f"  {run.metrics['comparison'][name]['label']:<40}{lead:>10,.0f}   [{low:,.0f}, {high:,.0f}]")


def main() -> None:
    """Tune, and print every rival in and out of sample."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--funding", type=Path)
    parser.add_argument("--symbol", default="BTC-USDT")
    parser.add_argument("--replay", type=Path)
    parser.add_argument("--trials", type=int, default=300)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    print(busy())
    out = given.out or Path(tempfile.mkdtemp()) / "run"
    run = tune(
        configuration(given.file, given.funding, given.trials, given.symbol), out=out, images=given.out is not None
    )
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
    leads(run)
    rivals = {key: entry for key, entry in metrics["comparison"].items() if key not in ("tuned", "default", "no_hedge")}
    best = max(rivals.values(), key=lambda entry: entry["out_of_sample"]["score"])
    ahead = metrics["comparison"]["tuned"]["out_of_sample"]["score"] - best["out_of_sample"]["score"]
    print(f"out of sample {'ahead of' if ahead > 0 else 'behind'} {best['label']} by {abs(ahead):,.0f} USD a week")
    if given.replay is not None:
        changes = [f"ticks.since={LATER}"]
        found = run_backtest(run.path, data=given.replay, out=out.parent / f"{out.name}-replay", overrides=changes)
        shown, weeks = found.metrics["result"], found.metrics["weeks"]["judged"]
        print(
            f"the same rule on {given.replay.name} since {LATER}, {weeks} weeks: cost + error std "
            f"{shown['cost'] + shown['error_std']:,.0f}, cost {shown['cost']:,.0f}, hedges {shown['hedges']:,.1f}"
        )


if __name__ == "__main__":
    main()
