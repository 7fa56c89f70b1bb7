"""Rebuild the bundled Shanghai 50ETF option tables from a folder that holds the original files.

    python scripts/bundle_shanghai.py FOLDER [OUT]

FOLDER holds options.parquet, forwards.parquet and etf50_close.csv; OUT defaults to src/tenrec/data/bundled.
"""

import argparse
from pathlib import Path

import polars as pl

TICK = 10_000
"""Prices and strikes have four decimals; they are stored as integers in 1e-4 CNY."""

PACKAGE_FOLDER = Path(__file__).resolve().parent.parent / "src" / "tenrec" / "data" / "bundled"


def ticks(column: str) -> pl.Expr:
    """A price column as an integer number of 1e-4 CNY; refuses nothing, see `assert_lossless`."""
    return (pl.col(column) * TICK).round().cast(pl.UInt16).alias(column)


def assert_lossless(table: pl.DataFrame, columns: list[str]) -> None:
    """Stop where a price has more than four decimals or does not fit, so that the stored integers are exact."""
    for column in columns:
        error = table.select(((pl.col(column) * TICK) - (pl.col(column) * TICK).round()).abs().max()).item()
        largest = table.select(pl.col(column).max()).item() * TICK
        if error > 1e-6 or largest > 65_535:
            raise SystemExit(f"{column} does not fit integers of 1e-4 CNY (error {error}, largest {largest}).")


def options_table(folder: Path) -> pl.DataFrame:
    """Daily closes; what joins from the other two tables (fwd_parity, spot_est) and dte are left to the loader."""
    table = pl.read_parquet(folder / "options.parquet")
    assert_lossless(table, ["strike", "strike_raw", "close"])
    packed = table.select(
        pl.col("trade_date", "expiry").cast(pl.Date),
        "cp",
        ticks("strike"),
        ticks("strike_raw"),
        pl.col("multiplier").cast(pl.UInt16),
        pl.col("adj_event").cast(pl.Date),
        "dup_key",
        ticks("close"),
        "spot_parity",
        pl.col("iv_calc").cast(pl.Float32),
    )
    return packed.sort("trade_date", "expiry", "strike_raw", "cp", "multiplier", maintain_order=True)


def forwards_table(folder: Path) -> pl.DataFrame:
    """Parity forward of every (date, expiry) that has one; the forward itself is kept in full precision."""
    table = pl.read_parquet(folder / "forwards.parquet")
    return table.select(
        pl.col("trade_date", "expiry").cast(pl.Date),
        "fwd_parity",
        pl.col("n_strikes").cast(pl.UInt8),
        pl.col("parity_resid_std", "basis_ann").cast(pl.Float32),
    ).sort("trade_date", "expiry")


def etf_table(folder: Path) -> pl.DataFrame:
    """Closes of the ETF, from 2017."""
    return pl.read_csv(folder / "etf50_close.csv", schema_overrides={"date": pl.Date}).sort("date")


def main() -> None:
    """Write the three tables and print their sizes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path, nargs="?", default=PACKAGE_FOLDER)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    tables = {
        "shanghai_options": options_table(arguments.folder),
        "shanghai_forwards": forwards_table(arguments.folder),
        "shanghai_etf": etf_table(arguments.folder),
    }
    for name, table in tables.items():
        path = arguments.out / f"{name}.parquet"
        table.write_parquet(path, compression="zstd", compression_level=22, statistics=False)
        print(f"{path.name}: {table.height:,} rows, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
