"""One example of each market, for the tests that every market passes."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from tenrec.markets import MARKETS, AbstractMarket, ArraysMarket, BlackScholesMarket, BootstrapMarket, UncertainMarket

RATE, DIVIDEND_YIELD = 0.04, 0.01


def make_market(name: str, dt: Array | np.ndarray, **changes: Any) -> AbstractMarket:
    """A risk-neutral market on the periods `dt`, in the precision in force."""
    common = {"dt": dt, "rate": RATE, "dividend_yield": DIVIDEND_YIELD, **changes}
    match name:
        case "uncertain":
            model = BlackScholesMarket(spot=2.0, volatility=0.2, **common)
            return UncertainMarket(model=model, spreads={"volatility": jnp.asarray(0.3, float)})
        case "bootstrap":
            return make_bootstrap(**common)
        case "arrays":
            return make_arrays(**common)
    return MARKETS[name](**PARAMETERS[name], **common)


HESTON = {
    "spot": 2.0,
    "initial_variance": 0.05,
    "mean_reversion": 1.0,
    "long_run_variance": 0.04,
    "vol_of_vol": 0.8,
    "correlation": -0.7,
}
JUMPS = {"jump_intensity": 20.0, "jump_mean": -0.03, "jump_deviation": 0.05}
PARAMETERS: dict[str, dict[str, Any]] = {
    "black_scholes": {"spot": 2.0, "volatility": 0.2},
    "heston": HESTON,
    "merton": {"spot": 2.0, "volatility": 0.15, **JUMPS},
    "kou": {
        "spot": 2.0,
        "volatility": 0.15,
        "jump_intensity": 12.0,
        "up_probability": 0.4,
        "up_rate": 30.0,
        "down_rate": 25.0,
    },
    "bates": {**HESTON, **JUMPS},
    "sabr": {"spot": 2.0, "volatility": 0.2, "elasticity": 0.6, "vol_of_vol": 1.0, "correlation": -0.6},
    "rough_bergomi": {
        "spot": 2.0,
        "forward_variance": 0.04,
        "roughness": 0.1,
        "vol_of_vol": 1.9,
        "correlation": -0.9,
    },
    "garch": {
        "spot": 2.0,
        "volatility": 0.25,
        "long_run_volatility": 0.2,
        "alpha": 0.05,
        "beta": 0.8,
        "gamma": 0.2,
    },
    "regimes": {"spot": 2.0, "volatilities": np.array([0.12, 0.4]), "years": np.array([0.02, 0.01])},
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
