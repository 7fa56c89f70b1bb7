"""Deltas on recorded panels: one-session gains over the Black–Scholes delta, day-clustered, and hedges to expiry.

The bundled Shanghai options always; the S&P 100 calls where `../shared/data` is. Deltas are learned up to the split,
chosen by forward validation, and judged after it; nothing is tuned on the judged sessions.

    python benchmarks/panel_deltas.py
    python benchmarks/panel_deltas.py --set state.features=[return_5d,return_20d]
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
UNUSABLE = ("holiday", "stale", "suspect", "below_bound")


def backtest(words: list[str]) -> tuple[float, dict[str, Any]]:
    """Seconds of the whole command in a fresh process, and its metrics."""
    command = [str(Path(sys.executable).parent / "tenrec"), "backtest", *words, "--json"]
    began = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    return time.perf_counter() - began, json.loads(done.stdout)


def sp100(place: Path) -> Path | None:
    """The S&P 100 calls as a plain file of quotes; None where they are not."""
    source = SHARED / "sp100_calls" / "calls.parquet"
    if not source.is_file():
        print(f"S&P 100 calls: skipped, {source.name} is not there")
        return None
    table = pl.read_parquet(source).filter(~pl.any_horizontal(UNUSABLE), pl.col("call_price") > 0)
    quotes = table.select(
        pl.col("date", "expiry").dt.date(), "strike", "spot", close="call_price", kind=pl.lit("call")
    ).unique(["date", "expiry", "strike"], maintain_order=True)
    quotes.write_parquet(place / "sp100.parquet")
    return place / "sp100.parquet"


def show(heading: str, metrics: dict[str, Any]) -> None:
    """One line a delta."""
    steps, held = metrics["one_session"], metrics["to_expiry"]["policies"]
    print(f"\n{heading}: {steps['steps']:,} steps, {steps['sessions']} sessions from {steps['from']} to {steps['to']}")
    print(f"{'gain, %':<32}{'valid.':>8}{'judged':>18}{'winsor.':>9}{'w/o two sessions':>20}{'to expiry':>18}")
    for name, entry in steps["gains"].items():
        past = metrics["validation"]["gains"][name]["pooled"]["value"]
        judged = f"{entry['value']:.1f} [{entry['low']:.0f}, {entry['high']:.0f}]"
        without = f"{entry['without_extremes']:.1f} [{entry['without_low']:.0f}, {entry['without_high']:.0f}]"
        end = held.get(name, {}).get("gain")
        ended = (
            "none settled" if end is None else f"{end['value']:.0f} [{number(end['low'], 0)}, {number(end['high'], 0)}]"
        )
        label = metrics["labels"][name] + (" *" if name == metrics["learned"] else "")
        print(f"{label:<32}{past:>8.1f}{judged:>18}{entry['winsorised']:>9.1f}{without:>20}{ended:>18}")
    over = steps["network_over_linear"]
    if over is not None:
        print(f"network over the clipped linear rule: {over['value']:.1f} [{over['low']:.1f}, {over['high']:.1f}]")
    for name, placebo in steps["placebo"].items():
        told = f"mean {placebo['mean']:.1f}, largest {placebo['largest']:.1f} of {placebo['shifts']} shifts"
        print(f"placebo, {metrics['labels'][name]}: {told}")
    print("* chosen by validation")


def main() -> None:
    """Run the panels, print the tables, and what was wanted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="change a key of the Shanghai run"
    )
    given = parser.parse_args()
    print(busy())
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        changes = [word for change in given.set for word in ("--set", change)]
        seconds, metrics = backtest(["--out", str(place / "shanghai"), *changes])
        show("Shanghai 50ETF options", metrics)
        best = max(metrics["one_session"]["gains"].values(), key=lambda entry: entry["value"])
        print(
            f"best {best['value']:.1f} % ({WANTED:.0f} % wanted), without the two sessions "
            f"{best['without_extremes']:.1f} % ({WANTED_WITHOUT:.0f} % wanted); {seconds:.0f} s"
        )
        file = sp100(place)
        if file is not None:
            words = ["--set", "rate=0.003", "--set", "dividend_yield=0.02", "--out", str(place / "calls")]
            seconds, metrics = backtest([str(file), *words])
            show("S&P 100 calls", metrics)
            print(f"{seconds:.0f} s")


if __name__ == "__main__":
    main()
