"""`tenrec vol calibrate`: the parameters of a market model as a price record has them, ready for a configuration."""

import datetime as dt
import math
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from tenrec.core.errors import ConfigError
from tenrec.markets import calibrate_heston
from tenrec.runs.files import write_atomically
from tenrec.runs.vol.bundled import shanghai_record
from tenrec.runs.vol.reading import read_prices
from tenrec.volatility.forecast.targets import require_days
from tenrec.volatility.garch import GARCH_MODELS, fit_garch
from tenrec.volatility.garch.fit import NEARLY_ONE, backcast, filter_variances
from tenrec.volatility.garch.fit import UNIT as PERCENT
from tenrec.volatility.record import VarianceRecord
from tenrec.volatility.regimes import fit_regimes

LEAST_DAYS = 500


def garch_market(record: VarianceRecord) -> dict[str, Any]:
    """GJR-GARCH by maximum likelihood, normal shocks; one recursion a trading day."""
    fit = fit_garch(GARCH_MODELS["gjr"], record.returns[None])
    omega, alpha, gamma, beta = (float(value) for value in fit.parameters[0])
    persistence, year = float(fit.persistence[0]), record.days_per_year
    if persistence > NEARLY_ONE:
        warnings.warn(
            f"the persistence is {persistence:.5f}, so that the long-run volatility is hardly known; calibrate on a "
            "longer record, or give market.long_run_volatility yourself.",
            UserWarning,
            stacklevel=2,
        )
    tomorrow = filter_variances(fit, record.returns, backcast(record.returns[None] * PERCENT))[0, -1]
    long_run = omega / PERCENT**2 / (1 - persistence)
    return {
        "model": "garch",
        "volatility": math.sqrt(tomorrow * year),
        "long_run_volatility": math.sqrt(long_run * year),
        "alpha": max(alpha, 0.0),
        "beta": beta,
        "gamma": max(gamma, 0.0),
    }


def regimes_market(record: VarianceRecord) -> dict[str, Any]:
    """Two volatilities and the mean stay in each, the present one first.

    The rates q₁₂, q₂₁ of the chain in continuous time are those whose transition over a day is the fitted one:
    q₁₂ + q₂₁ = −log(p₁₁ + p₂₂ − 1)/Δ, shared out as 1 − p₁₁ and 1 − p₂₂ are.
    """
    chain = fit_regimes(record.returns, 2, law="normal")[0].chain
    stay, now = np.diag(chain.transition), chain.filter(record.returns).probabilities[-1]
    day, kept = 1.0 / record.days_per_year, max(float(stay.sum()) - 1.0, 1e-6)
    rates = -math.log(kept) / day * (1.0 - stay) / (1.0 - kept)
    order = np.argsort(-now)
    annual = chain.volatilities * math.sqrt(record.days_per_year)
    return {
        "model": "regimes",
        "volatilities": [float(value) for value in annual[order]],
        "years": [float(1.0 / value) for value in np.maximum(rates, 1e-4)[order]],
    }


def heston_market(record: VarianceRecord) -> dict[str, Any]:
    """Heston's variance fitted to the implied variances where the record has them, else to monthly means."""
    year = record.days_per_year
    if record.implied is not None:
        observed = record.implied**2
    else:
        window = 22
        mean = np.convolve(record.variance, np.full(window, 1 / window), "valid")
        observed = np.concatenate([np.full(window - 1, mean[0]), mean]) * year
    fit = calibrate_heston(record.returns[1:], observed, 1.0 / year)
    return {"model": "heston", **{name: float(value) for name, value in fit._asdict().items()}}


MODELS: dict[str, Callable[[VarianceRecord], dict[str, Any]]] = {
    "garch": garch_market,
    "regimes": regimes_market,
    "heston": heston_market,
}


def calibrate_prices(
    prices: Path | None, *, model: str, implied: Path | None, until: str | None, out: Path | None
) -> dict[str, Any]:
    """The `market` section of a hedge calibrated to a record, and its grid of trading days.

    Args:
        until: last day learned from. out: a YAML file to write, `tenrec hedge` runs it.

    Raises:
        ConfigError: an unknown model or a bad date. DataError: too few days, or prices that cannot be used.
    """
    if model not in MODELS:
        raise ConfigError(f"--model {model} cannot be calibrated; choose from {', '.join(MODELS)}.")
    reading = shanghai_record() if prices is None else read_prices(prices, implied=implied)
    record, last = reading.record, None if until is None else np.datetime64(_date(until))
    if last is not None:
        record = record.take(record.dates <= last)
    record = record.take(np.isfinite(record.returns))
    require_days(len(record), LEAST_DAYS, f"calibrating {model}")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        market = MODELS[model](record)
    year = round(record.days_per_year)
    section: dict[str, Any] = {
        "market": {key: _rounded(value) for key, value in market.items()},
        "contract": {"kind": "european_call", "strike": 1.0, "days": 22},
        "grid": {"steps": 22, "day_count": year},
    }
    notes = [*reading.notes, *(str(warning.message) for warning in told)]
    text = (
        f"# {model} calibrated to {'Shanghai 50ETF' if prices is None else prices.name}, {len(record):,} days, "
        f"{record.dates[0]} to {record.dates[-1]}.\n"
        f"# A step of the grid is a trading day, of which a year has {year}.\n"
        + yaml.safe_dump(section, sort_keys=False)
    )
    if out is not None:
        write_atomically(out, lambda part: part.write_text(text, encoding="utf-8"))
    return {"yaml": text, "notes": notes, "file": None if out is None else str(out), **section}


def _rounded(value: Any) -> Any:
    if isinstance(value, list):
        return [_rounded(entry) for entry in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value


def _date(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"--until is {text!r}; write the date as 2018-12-31.") from None
