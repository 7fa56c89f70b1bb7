"""One example of each market, for the tests that every market passes."""

from typing import Any

import numpy as np
from jaxtyping import Array

from tenrec.markets import AbstractMarket, ArraysMarket, BlackScholesMarket, BootstrapMarket, HestonMarket

RATE, DIVIDEND_YIELD = 0.04, 0.01


def make_market(name: str, dt: Array | np.ndarray, **changes: Any) -> AbstractMarket:
    """A risk-neutral market on the periods `dt`, in the precision in force."""
    common = {"dt": dt, "rate": RATE, "dividend_yield": DIVIDEND_YIELD, **changes}
    match name:
        case "black_scholes":
            return BlackScholesMarket(spot=2.0, volatility=0.2, **common)
        case "heston":
            return HestonMarket(**{**HESTON, **common})
        case "bootstrap":
            return make_bootstrap(**common)
        case "arrays":
            return make_arrays(**common)
    raise KeyError(name)


HESTON = {
    "spot": 2.0,
    "initial_variance": 0.05,
    "mean_reversion": 1.0,
    "long_run_variance": 0.04,
    "vol_of_vol": 0.8,
    "correlation": -0.7,
}


def make_bootstrap(**common: Any) -> BootstrapMarket:
    """Single recorded days, so that the shifted returns are a martingale exactly."""
    rng = np.random.default_rng(7)
    days = 400
    settings = {
        "mean_block": 1.0,
        "drift": RATE - DIVIDEND_YIELD,
        "volatility": 0.2 * np.exp(0.1 * rng.standard_normal(days + 1)),
        "signals": rng.standard_normal((days + 1, 2)),
        "signal_names": ("first", "second"),
        **common,
    }
    return BootstrapMarket(returns=0.01 * rng.standard_t(5, days), spot=2.0, **settings)


def make_arrays(**common: Any) -> ArraysMarket:
    """Rows that were drawn risk-neutral, and whose mean is set exactly to it."""
    rng = np.random.default_rng(8)
    dt = np.asarray(common["dt"], dtype=np.float64)
    shocks = rng.standard_normal((500, dt.shape[0])) * 0.2 * np.sqrt(dt)
    prices = 2.0 * np.exp(np.pad(np.cumsum(shocks, axis=1), ((0, 0), (1, 0))))
    growth = 2.0 * np.exp((RATE - DIVIDEND_YIELD) * np.pad(np.cumsum(dt), (1, 0)))
    return ArraysMarket(prices=prices * growth / prices.mean(axis=0), order="random", **common)


def periods(steps: int, day_count: float = 365.0) -> np.ndarray:
    """Daily periods in years."""
    return np.full(steps, 1.0 / day_count)
