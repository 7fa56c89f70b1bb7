"""Walk-forward variance forecasts of the S&P 500: every model, and five seeds of the hybrid.

    python benchmarks/volatility_forecast.py FOLDER [--from 2006-01-01] [--seeds 5]

FOLDER holds realized_vol/oxfordman_SPX.parquet and vol_indices/VIX.csv. Expanding window from 2000; regressions are
fitted again every 22 days, GARCH every 66, networks every year. Prints losses, Diebold–Mariano tests of the hybrid
against each model and of the regression that it corrects, the spread over seeds, and the time.
"""

import argparse
import time
from pathlib import Path

import numpy as np

from tenrec.runs.vol.reading import read_prices
from tenrec.volatility.forecast.hybrid import HybridSettings
from tenrec.volatility.forecast.verdict import judge
from tenrec.volatility.forecast.walk import first_forecast, walk_forward


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--from", dest="since", default="2006-01-01")
    parser.add_argument("--seeds", type=int, default=5)
    given = parser.parse_args()
    began, worked = time.perf_counter(), time.process_time()
    reading = read_prices(
        given.folder / "realized_vol" / "oxfordman_SPX.parquet", implied=given.folder / "vol_indices" / "VIX.csv"
    )
    start = first_forecast(reading.record, np.datetime64(given.since))
    walk = walk_forward(reading.record, start=start, settings=HybridSettings(seeds=given.seeds))
    seconds, busy = time.perf_counter() - began, time.process_time() - worked
    hybrid, base = judge(walk, reference="hybrid"), judge(walk, reference="log_har_surprises")
    for horizon, judged in hybrid.items():
        print(f"\n{horizon} days ahead, {judged['days']:,} days: QLIKE, MSE; p against the hybrid, the regression")
        for name, entry in sorted(judged["models"].items(), key=lambda item: item[1]["qlike"]):
            other = base[horizon]["models"][name]
            p = [entry["dm_qlike_p"], entry["dm_mse_p"], other["dm_qlike_p"], other["dm_mse_p"]]
            shown = " ".join("     –" if value is None else f"{value:6.3f}" for value in p)
            print(f"{entry['label']:26s} {entry['qlike']:.4f} {entry['mse']:7.3f}  {shown}  mcs {entry['mcs_p']:.3f}")
        print("seeds of the hybrid: " + ", ".join(f"{value:.4f}" for value in judged["seeds"]))
    print(f"\n{seconds:.0f} s for all of it, {busy:.0f} s of processor time")


if __name__ == "__main__":
    main()
