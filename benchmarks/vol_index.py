"""The exchanges' volatility indices from their quotes, the published replication, and fair strikes against Heston's.

    python benchmarks/vol_index.py FOLDER

FOLDER holds us_index_chains_2026/ (S&P 500 quotes, closes of VIX, VIX9D and VIX3M) and sse50etf_options/ivx_index.csv;
the Shanghai quotes are bundled. Prints mean absolute errors in points, the replication of Demeterfi, Derman, Kamal
and Zou, the error of both swaps' strikes against the exact ones, and processor seconds.
"""

import argparse
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl

from tenrec.core.errors import DataError
from tenrec.data import shanghai_options
from tenrec.data.chain import read_chain_days
from tenrec.pricing import black_scholes, heston
from tenrec.pricing.implied import implied_volatilities
from tenrec.volatility.heston import HestonParameters
from tenrec.volatility.variance import ChainTerms, Wings, chain_terms, fair_strikes, index, replicated_variance, weekly
from tenrec.volatility.variance.heston import variance_strike, volatility_strike

MODELS = {
    "mild": (0.04, 2.0, 0.04, 0.4, -0.7),
    "index": (0.0625, 1.5, 0.05, 0.6, -0.8),
    "wild": (0.04, 2.0, 0.04, 0.8, -0.7),
}
PUBLISHED = (("VIX", "VIX_close", 30.0), ("VIX9D", "VIX9D_close", 9.0), ("VIX3M", "VIX3M_close", 93.0))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    _american_indices(given.folder / "us_index_chains_2026")
    _shanghai_index(given.folder / "sse50etf_options" / "ivx_index.csv")
    print(f"replication of Demeterfi, Derman, Kamal and Zou (0.041889): {_replication():.6f}")
    _against_heston()


def _american_indices(folder: Path) -> None:
    began = time.process_time()
    terms = chain_terms(read_chain_days(folder / "SPX.parquet"))
    seconds = time.process_time() - began
    closes = pl.read_csv(folder / "vix_reference_closes.csv")
    print(f"S&P 500, {len(terms.days)} days, {len(terms.terms)} expiries read in {seconds:.1f} processor seconds")
    for name, column, days in (
        ("VIX", "VIX_close", 30.0),
        ("VIX9D", "VIX9D_close", 9.0),
        ("VIX3M", "VIX3M_close", 93.0),
    ):
        published = dict(closes.select("fecha", column).iter_rows())
        gaps = _gaps(terms, published, days)
        size = np.abs(gaps)
        print(f"  {name:6s} mean absolute error {size.mean():.4f} points, largest {size.max():.3f}, "
              f"on the {gaps.size - 1} days before the evening snapshot {size[:-1].mean():.4f}")  # fmt: skip


def _shanghai_index(path: Path) -> None:
    began = time.process_time()
    published = dict(pl.read_csv(path).iter_rows())
    options = shanghai_options().filter(pl.col("multiplier") == 10_000)
    for year in (2016, 2017, 2018):
        part = options.filter((pl.col("trade_date").dt.year() == year) & (pl.col("trade_date") < pl.date(2018, 3, 1)))
        terms = chain_terms(read_chain_days(part, name="Shanghai"), rate=0.025)
        gaps = np.abs(_gaps(terms, published, 30.0))
        print(f"Shanghai iVX {year}: mean absolute error {gaps.mean():.3f} points, median {np.median(gaps):.3f}, "
              f"{gaps.size} days")  # fmt: skip
    print(f"  {time.process_time() - began:.1f} processor seconds")


def _gaps(terms: ChainTerms, published: dict[str, float], days: float) -> np.ndarray:
    gaps = []
    for day, own in terms.days.items():
        if str(day) not in published:
            continue
        try:
            gaps.append(index(weekly(own), days).value - published[str(day)])
        except DataError:
            continue
    return np.array(gaps)


def _replication() -> float:
    strike = np.arange(45.0, 141.0, 5.0)
    volatility, maturity, rate = 0.2 - (strike - 100.0) / 5.0 * 0.01, 90.0 / 365.0, 0.05
    growth = np.exp(rate * maturity)
    with jax.enable_x64(True):
        call, put = (
            np.asarray(black_scholes.value(sign, 100.0 * growth, strike, volatility, maturity)) / growth
            for sign in (1.0, -1.0)
        )
    return replicated_variance(strike, call, put, spot=100.0, maturity=maturity, rate=rate, centre=100.0)


def _against_heston() -> None:
    names = ("initial_variance", "mean_reversion", "long_run_variance", "vol_of_vol", "correlation")
    print("Fair strikes from Heston smiles against the exact ones, volatility points (variance swap, volatility swap):")
    for label, values in MODELS.items():
        shown = []
        for maturity in (1 / 12, 0.25, 1.0):
            k = np.linspace(-1.2, 0.6, 181) * np.sqrt(maturity)
            sign = np.where(k < 0.0, -1.0, 1.0)
            with jax.enable_x64(True):
                price = np.asarray(
                    heston.value(sign, 1.0, np.exp(k), maturity, **dict(zip(names, values, strict=True)))
                )
            volatility = implied_volatilities(price, 1.0, np.exp(k), maturity, sign).volatility
            known = np.isfinite(volatility) & (price > 1e-9)
            wings = Wings(values[0] * maturity, values[4], 0.05)
            found = fair_strikes(k[known], volatility[known] ** 2 * maturity, maturity, wings)
            model = HestonParameters(*map(jnp.asarray, values))
            variance = 100 * (np.sqrt(found.variance) - np.sqrt(variance_strike(model, maturity)))
            shown.append(
                f"{maturity:.2f} y {variance:+.3f} {100 * (found.volatility - volatility_strike(model, maturity)):+.3f}"
            )
        print(f"  {label:6s} " + "   ".join(shown))


if __name__ == "__main__":
    main()
