"""Deltas on recorded panels: one-session gains over the Black–Scholes delta, day-clustered, and hedges to expiry.

The bundled Shanghai options always; S&P 100 calls, SPY puts, Deribit's BTC and ETH and SPX where `../shared/data` is,
each as `tenrec backtest FILE` reads it. Deltas are learned up to the split, chosen by forward validation, and judged
after it; nothing is tuned on the judged sessions. On fewer than 60 sessions nothing is learned, and nothing is claimed.

    python benchmarks/panel_deltas.py
    python benchmarks/panel_deltas.py --panels shanghai deribit_btc --buckets
    python benchmarks/panel_deltas.py --panels shanghai --set state.features=[return_5d,return_20d]
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import polars as pl
from machine import busy

from tenrec.reporting.text import number

SHARED = Path(__file__).parents[1].parent / "shared" / "data"
WANTED, WANTED_WITHOUT = 35.0, 12.0
PANELS: dict[str, tuple[str, list[str]]] = {
    "shanghai": ("", []),
    "sp100": ("sp100_calls/calls.parquet", []),
    "spy": ("spy_options_2021/options.parquet", []),
    "deribit_btc": ("crypto_options_2026/deribit.parquet", ["underlying=BTC"]),
    "deribit_eth": ("crypto_options_2026/deribit.parquet", ["underlying=ETH"]),
    "spx": ("us_index_chains_2026/SPX.parquet", []),
}
"""File under the data folder, and what has to be said of it."""


def backtest(words: list[str]) -> tuple[float, dict[str, Any]]:
    """Seconds of the whole command in a fresh process, and its metrics."""
    command = [str(Path(sys.executable).parent / "tenrec"), "backtest", *words, "--json"]
    began = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    return time.perf_counter() - began, json.loads(done.stdout)


def show(heading: str, metrics: dict[str, Any]) -> None:
    """One line a delta."""
    steps, held = metrics["one_session"], metrics["to_expiry"]["policies"]
    print(f"\n{heading}: {steps['steps']:,} steps, {steps['sessions']} sessions from {steps['from']} to {steps['to']}")
    print(f"{'gain, %':<32}{'valid.':>8}{'judged':>24}{'winsor.':>9}{'w/o two sessions':>24}{'to expiry':>24}")
    for name, entry in steps["gains"].items():
        past = metrics["validation"]["gains"].get(name)
        past = "–" if past is None else f"{past['pooled']['value']:.1f}"
        judged = f"{entry['value']:.1f} [{entry['low']:.0f}, {entry['high']:.0f}]"
        without = f"{entry['without_extremes']:.1f} [{entry['without_low']:.0f}, {entry['without_high']:.0f}]"
        end = held.get(name, {}).get("gain")
        ended = (
            "none settled" if end is None else f"{end['value']:.0f} [{number(end['low'], 0)}, {number(end['high'], 0)}]"
        )
        label = metrics["labels"][name] + (" *" if name == metrics["learned"] else "")
        print(f"{label:<32}{past:>8}{judged:>24}{entry['winsorised']:>9.1f}{without:>24}{ended:>24}")
    over = steps["network_over_linear"]
    if over is not None:
        print(f"network over the clipped linear rule: {over['value']:.1f} [{over['low']:.1f}, {over['high']:.1f}]")
    for name, placebo in steps["placebo"].items():
        told = f"mean {placebo['mean']:.1f}, largest {placebo['largest']:.1f} of {placebo['shifts']} shifts"
        print(f"placebo, {metrics['labels'][name]}: {told}")
    wing = steps["wing"]
    if wing:
        print(
            f"in the wing (|delta| below 0.05, {wing['rows']:,} steps): rms (bp), gain over Black–Scholes and no hedge"
        )
        for name, entry in wing["policies"].items():
            over = [entry["over"].get(other) for other in (metrics["reference"], "no_hedge")]
            told = (f"{one['value']:.0f} [{one['low']:.0f}, {one['high']:.0f}]" if one else "–" for one in over)
            print(f"{metrics['labels'][name]:<32}{entry['rms_bp']:>8.2f}" + "".join(f"{text:>20}" for text in told))
    print("* chosen by validation")


def show_buckets(run: Path, labels: dict[str, str]) -> None:
    """Gain with its interval by maturity and moneyness, one line a delta."""
    table = pl.read_parquet(run / "buckets.parquet")
    for (maturity, moneyness), rows in table.group_by("maturity", "moneyness", maintain_order=True):
        print(f"\n{maturity}, {moneyness}: {rows['rows'][0]:,} steps, {rows['clusters'][0]} sessions")
        for row in rows.iter_rows(named=True):
            print(
                f"  {labels[row['policy']]:<32}{row['value']:>8.1f} [{number(row['low'], 0)}, {number(row['high'], 0)}]"
            )


def main() -> None:
    """Run the panels, print the tables, and what was wanted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--panels", nargs="*", choices=PANELS, default=list(PANELS), help="which panels (default all)")
    parser.add_argument("--buckets", action="store_true", help="gains by maturity and moneyness too")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change a key of every run")
    given = parser.parse_args()
    print(busy())
    with tempfile.TemporaryDirectory() as place:
        for panel in given.panels:
            file, keys = PANELS[panel]
            if file and not (SHARED / file).is_file():
                print(f"\n{panel}: skipped, {file} is not there")
                continue
            run = Path(place) / panel
            changes = [word for change in [*keys, *given.set] for word in ("--set", change)]
            seconds, metrics = backtest([*([str(SHARED / file)] if file else []), "--out", str(run), *changes])
            show(f"{panel}, {metrics['record']}", metrics)
            if given.buckets:
                show_buckets(run, metrics["labels"])
            print(f"{seconds:.0f} s")
            if panel == "shanghai":
                best = max(metrics["one_session"]["gains"].values(), key=lambda entry: entry["value"])
                print(
                    f"best {best['value']:.1f} % ({WANTED:.0f} % wanted), without the two sessions "
                    f"{best['without_extremes']:.1f} % ({WANTED_WITHOUT:.0f} % wanted)"
                )


if __name__ == "__main__":
    main()
