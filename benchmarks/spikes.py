"""Spike probabilities of the S&P 500 out of sample: what can be forecast, and what cannot be told from chance.

    python benchmarks/spikes.py FOLDER [--seeds 5]

FOLDER holds realized_vol/oxfordman_SPX.parquet and vol_indices/ (SPX_daily, VIX, VIX3M, VVIX, SKEW and VIX_futures).
Expanding window, refitted yearly, from 2006. Inputs, ridge and calibration were chosen on the days before 2012; the
years from 2012 on are printed by themselves. Areas under the curve and Brier skills against climatology carry 95 %
intervals of a stationary bootstrap (blocks of 44 days); p-values are Diebold–Mariano tests of the Brier score.

The bar, a ridge logit on nine features measured elsewhere (2006–2018): area 0.744 for the variance, partly mechanical,
and 0.570 for the VIX, there worse than climatology in Brier score. "Variance alone" shows the mechanical part: it knows
nothing but how the last days' variance stands to the month's.
"""

import argparse
import dataclasses
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from tenrec.runs.vol.reading import read_prices
from tenrec.runs.vol.signals import read_signals
from tenrec.volatility.forecast.compare import diebold_mariano
from tenrec.volatility.record import VarianceRecord
from tenrec.volatility.spikes import IMPLIED_SPIKE, VARIANCE_SPIKE, SpikeEvent, spike_probability
from tenrec.volatility.spikes.network import NetworkSettings, walk_network
from tenrec.volatility.spikes.scores import resamples
from tenrec.volatility.spikes.verdict import LABELS, level_probability

SPANS = (("2006–2011, chosen on", "2006", "2012"), ("2012–2018, later", "2012", "2019"), ("all", "2006", "2019"))
SIGNALS = ("VIX3M.csv", "VVIX.csv", "SKEW.csv", "VIX_futures.csv:VX1,VX2,VX4")


def main() -> None:
    """Walk both records forward and print every model's scores."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--seeds", type=int, default=5, help="networks of the rival; 0 leaves it out")
    parser.add_argument("--from", dest="since", default="2006-01-01", help="first day forecast")
    given = parser.parse_args()
    indices = given.folder / "vol_indices"
    measures = given.folder / "realized_vol" / "oxfordman_SPX.parquet"
    records = {
        "Oxford-Man realised variance from 2000": read_prices(measures, implied=indices / "VIX.csv").record,
        "daily bars (Garman–Klass) from 1990": read_prices(
            indices / "SPX_daily.csv", implied=indices / "VIX.csv"
        ).record,
    }
    for name, record in records.items():
        print(f"\n{name}, {record.dates[0]} to {record.dates[-1]}")
        start = int(np.searchsorted(record.dates, np.datetime64(given.since))) - 1
        signals = read_signals([str(indices / file) for file in SIGNALS], record.dates)
        for event in (VARIANCE_SPIKE, IMPLIED_SPIKE):
            show(record, event, start, signals, given.seeds)


def show(record: VarianceRecord, event: SpikeEvent, start: int, signals: Mapping[str, np.ndarray], seeds: int) -> None:
    """One event: a line for each model and span."""
    began = time.process_time()
    found = spike_probability(record, event, start=start)
    seconds = time.process_time() - began
    models = {
        LABELS["level"]: level_probability(record, found),
        LABELS["logit"]: found.probability,
        "with term structure, VVIX, SKEW": spike_probability(record, event, start=start, signals=signals).probability,
    }
    if event.measure == "variance":
        alone = dataclasses.replace(record, implied=None, down=None, returns=np.full(len(record), np.nan))
        models["variance alone"] = spike_probability(alone, event, start=start).probability
    if seeds:
        models[LABELS["network"]] = walk_network(found, NetworkSettings(seeds=seeds)).mean(0)
    print(f"\n{event.sentence()}; {len(found.fits)} fits in {seconds:.1f} s of processor time")
    print(f"{'':<34}{'area':<24}{'Brier skill':<28}{'p':>6}")
    rows = found.judged()
    for span, first, last in SPANS:
        inside = rows[(found.dates[rows] >= np.datetime64(first)) & (found.dates[rows] < np.datetime64(last))]
        y, base = found.outcome[inside], found.climatology[inside]
        print(f"{span}: {len(inside):,} days, a spike after {y.mean():.1%}, climatology says {base.mean():.1%}")
        drawn = resamples(len(inside))
        for label, probability in models.items():
            p = probability[inside]
            area, skill = drawn.area(y, p), drawn.skill(y, p, base)
            test = diebold_mariano((y - p) ** 2, (y - base) ** 2, event.horizon)
            print(
                f"  {label:<32}{area.value:.3f} [{area.low:.3f}, {area.high:.3f}]    "
                f"{skill.value:+.4f} [{skill.low:+.4f}, {skill.high:+.4f}]   {test.p_value:6.3f}"
            )


if __name__ == "__main__":
    main()
