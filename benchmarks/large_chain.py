"""Seconds and peak memory of reading one day out of a chain of ten million rows, from CSV and from Parquet.

    python benchmarks/large_chain.py                 # 10 million rows, 250 days; about 1 GB in a temporary folder
    python benchmarks/large_chain.py --rows 1000000

Each measurement is a process of its own: `tenrec data check` (what a user asks first), reading and inverting one day
(all of `tenrec price` before its fit), and refusing the file for one bad cell near its end. The limit is 4 GB.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl
from machine import busy
from scipy.special import ndtr

DAYS, LIMIT = 250, 4.0
READ = (
    "import sys; from tenrec.data.chain import read_chain; from tenrec.pricing.chain_quotes import chain_quotes; "
    "quotes = chain_quotes(read_chain(sys.argv[1], date=sys.argv[2])); "
    "print(quotes.table.height, 'quotes', quotes.expiries.height, 'expiries')"
)


def one_day(day: np.datetime64, rows: int, rng: np.random.Generator) -> pl.DataFrame:
    """Calls and puts of 20 expiries in Black–Scholes' world, bid and ask a cent around."""
    strikes = rows // 40
    spot, strike = 4000.0 * np.exp(0.01 * rng.standard_normal()), np.linspace(2000.0, 6000.0, strikes).round(2)
    days = np.arange(1, 21) * 14
    years = np.repeat(days / 365, strikes * 2)
    strike, sign = np.tile(np.repeat(strike, 2), 20), np.tile([1.0, -1.0], 20 * strikes)
    total = 0.2 * np.sqrt(years)
    upper = np.log(spot / strike) / total + total / 2
    price = sign * (spot * ndtr(sign * upper) - strike * ndtr(sign * (upper - total)))
    return pl.DataFrame(
        {
            "quote_date": np.full(years.size, str(day)),
            "expiration": np.datetime_as_string(day + np.repeat(days, strikes * 2)),
            "underlying_price": np.full(years.size, spot).round(2),
            "strike": strike,
            "type": np.where(sign > 0, "call", "put"),
            "bid": np.maximum(price - 0.01, 0.0).round(2),
            "ask": (price + 0.01).round(2),
            "implied_vol": np.full(years.size, 0.2),
        }
    )


def write(folder: Path, rows: int) -> dict[str, Path]:
    """The same chain as CSV, as Parquet, and as CSV with text in a number near its end; written day by day."""
    rng = np.random.default_rng(0)
    places = {name: folder / name for name in ("chain.csv", "chain.parquet", "bad.csv")}
    parts = folder / "parts"
    parts.mkdir()
    with places["chain.csv"].open("wb") as file:
        for number in range(DAYS):
            day = one_day(np.datetime64("2024-01-01") + number, rows // DAYS, rng)
            day.write_csv(file, include_header=number == 0)
            day.write_parquet(parts / f"{number:04d}.parquet")
    pl.scan_parquet(parts / "*.parquet").sink_parquet(places["chain.parquet"])
    with places["chain.csv"].open("rb") as good, places["bad.csv"].open("wb") as bad:
        while block := good.read(1 << 24):
            bad.write(block)
        bad.write(b"2024-09-06,2024-12-06,4000,4000,call,many,100,0.2\n")
    return places


def measured(words: list[str]) -> tuple[float, float, float, int, str]:
    """Elapsed and processor seconds, peak memory in GB, exit status and the last line said, of one process."""
    start = time.perf_counter()
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(words, stdout=said, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        said.seek(0)
        last = said.read().strip().splitlines()[-1]
    processor = usage.ru_utime + usage.ru_stime
    return time.perf_counter() - start, processor, usage.ru_maxrss / 1024**2, status >> 8, last


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    rows = parser.parse_args().rows
    print(busy())
    over = False
    with tempfile.TemporaryDirectory() as name:
        places = write(Path(name), rows)
        sizes = ", ".join(f"{path.name} {path.stat().st_size / 1e6:,.0f} MB" for path in places.values())
        print(f"{rows:,} rows on {DAYS} days: {sizes}")
        day = str(np.datetime64("2024-01-01") + DAYS // 2)
        tasks = {
            "data check, CSV": [sys.executable, "-m", "tenrec", "data", "check", str(places["chain.csv"])],
            "data check, Parquet": [sys.executable, "-m", "tenrec", "data", "check", str(places["chain.parquet"])],
            "one day, CSV": [sys.executable, "-c", READ, str(places["chain.csv"]), day],
            "one day, Parquet": [sys.executable, "-c", READ, str(places["chain.parquet"]), day],
            "bad cell, CSV": [sys.executable, "-m", "tenrec", "price", str(places["bad.csv"])],
        }
        print(f"{'':<22}{'seconds':>9}{'processor':>11}{'peak GB':>9}  said")
        for task, words in tasks.items():
            elapsed, processor, peak, _, said = measured(words)
            over = over or peak > LIMIT
            print(f"{task:<22}{elapsed:>9.1f}{processor:>11.1f}{peak:>9.2f}  {said[:110]}")
    print(f"{'More' if over else 'Less'} than {LIMIT:g} GB")
    sys.exit(int(over))


if __name__ == "__main__":
    main()
