"""The main job, `tenrec hedge` without arguments, on the bundled listed options: its table and its seconds.

The ratios are those of the learned hedge to the Black–Scholes delta at current volatility, on contracts entered in
2020–2021, which nothing has seen.

    python benchmarks/listed_options.py
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from machine import busy

LIMIT, LARGEST_RATIO = 120.0, 0.85
NO_CACHE = {name: value for name, value in os.environ.items() if not name.startswith("JAX_")}


def main_job(out: Path, settings: list[str]) -> tuple[float, dict[str, Any]]:
    """Seconds of the whole command in a fresh process without a compilation cache, and its metrics."""
    command = [str(Path(sys.executable).parent / "tenrec"), "hedge", "--out", str(out), "--json"]
    words = [word for setting in settings for word in ("--set", setting)]
    began = time.perf_counter()
    done = subprocess.run([*command, *words], stdout=subprocess.PIPE, check=True, text=True, env=NO_CACHE)
    return time.perf_counter() - began, json.loads(done.stdout)


def main() -> None:
    """Run it, print the table that the user sees, and what was wanted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="keep the run folder here")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change a key of the main job")
    given = parser.parse_args()
    print(busy())
    with tempfile.TemporaryDirectory() as place:
        seconds, metrics = main_job(given.out or Path(place) / "run", given.set)
    from rich.console import Console

    from tenrec.reporting import terminal_table

    console = Console(width=None if sys.stdout.isatty() else 140)
    console.print(terminal_table(metrics, width=console.width))
    ratios = metrics["policies"][metrics["learned"]]["ratio"]
    for name in ("std", "cvar95"):
        ratio = ratios[name]
        print(
            f"{metrics['learned']}: {name} {ratio['value']:.3f} [{ratio['low']:.3f}, {ratio['high']:.3f}] of that of "
            f"{metrics['reference']}, at most {LARGEST_RATIO} is wanted"
        )
    print(f"the command took {seconds:.0f} s, {seconds / LIMIT:.2f} of the {LIMIT:.0f} s allowed")


if __name__ == "__main__":
    main()
