"""Exact fair strikes in Heston's model: variance, volatility, and futures on the 30-day index.

    dv = κ(θ − v)dt + ξ√v dW;    E√Y = 1/(2√π)·∫ (1 − E e^{−sY})·s^{−3/2} ds  over s > 0

Sources: Broadie and Jain (2008), "The effect of jumps and discrete sampling on volatility and variance swaps";
Zhu and Lian (2012), "An analytical formula for VIX futures and its applications"; Schürger (2002) for the root.
"""

from collections.abc import Callable

import numpy as np

from tenrec.volatility.heston import HestonParameters

SPACING = 0.02
SCALES = np.exp(np.arange(-34.0, 34.0, SPACING))
WINDOW = 30.0 / 365.0


def variance_strike(model: HestonParameters, maturity: float) -> float:
    """(1/T)·E ∫v dt = θ + (v₀ − θ)·(1 − e^{−κT})/(κT), annualised."""
    kappa, theta = float(model.mean_reversion), float(model.long_run_variance)
    return float(theta + (float(model.initial_variance) - theta) * -np.expm1(-kappa * maturity) / (kappa * maturity))


def volatility_strike(model: HestonParameters, maturity: float) -> float:
    """E √((1/T)·∫v dt), annualised.

    Example:
        >>> model = HestonParameters(*(np.array(x) for x in (0.04, 2.0, 0.04, 0.4, -0.7)))
        >>> round(volatility_strike(model, 1.0), 4), round(variance_strike(model, 1.0) ** 0.5, 4)
        (0.1916, 0.2)
    """
    kappa, theta, xi = (float(model[place]) for place in (1, 2, 3))
    v0 = float(model.initial_variance)

    def transform(s: np.ndarray) -> np.ndarray:
        gamma = np.sqrt(kappa**2 + 2.0 * xi**2 * s)
        decay = np.exp(-gamma * maturity)
        below = (gamma + kappa) * (1.0 - decay) + 2.0 * gamma * decay
        power = 2.0 * kappa * theta / xi**2
        log_first = power * (np.log(2.0 * gamma / below) + 0.5 * (kappa - gamma) * maturity)
        return np.exp(log_first - 2.0 * s * (1.0 - decay) / below * v0)

    return float(_root(transform, variance_strike(model, maturity) * maturity) / np.sqrt(maturity))


def index_future(model: HestonParameters, maturity: float, window: float = WINDOW) -> float:
    """E of the index at `maturity`, the root of the variance expected over the window after it; annualised decimal.

    With v_T known, its square is θ + (v_T − θ)·a, a = (1 − e^{−κ·window})/(κ·window).
    """
    kappa, theta, xi = (float(model[place]) for place in (1, 2, 3))
    v0 = float(model.initial_variance)
    share = -np.expm1(-kappa * window) / (kappa * window)
    scale = xi**2 * -np.expm1(-kappa * maturity) / (4.0 * kappa)
    decay = np.exp(-kappa * maturity)

    def transform(s: np.ndarray) -> np.ndarray:
        stretched = share * s
        below = 1.0 + 2.0 * scale * stretched
        inner = -(2.0 * kappa * theta / xi**2) * np.log(below) - stretched * decay * v0 / below
        return np.exp(inner - s * theta * (1.0 - share))

    mean = theta * (1.0 - share) + share * (theta + (v0 - theta) * decay)
    return _root(transform, mean)


def _root(transform: Callable[[np.ndarray], np.ndarray], mean: float) -> float:
    """E√Y from E e^{−sY}; the integral is taken in log s, in units of 1/E Y."""
    s = SCALES / mean
    lacking = -np.expm1(np.log(np.maximum(transform(s), 1e-300)))
    return float(np.sum(lacking / np.sqrt(s)) * SPACING / (2.0 * np.sqrt(np.pi)))
