"""Heston's hidden variance from returns alone: the exact filter of the daily scheme, on a grid.

    r_t = (μ − v_t/2)·Δ + √(v_t·Δ)·z,    v_{t+1} = v_t + κ·(θ − v_t)·Δ + ξ·√(v_t·Δ)·(ρ·z + √(1 − ρ²)·z')

Given v_t and r_t the next variance is normal: its probabilities in every cell of a grid of √v are differences of the
normal distribution function, and no particle is drawn. What falls below the grid stays in its lowest cell.
"""

import math
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtr
from jaxtyping import Array, Float
from scipy.optimize import minimize

from tenrec.core.errors import DataError
from tenrec.markets.heston import HestonParameters

CELLS, WIDEST = 80, 3.5
"""Cells of the grid, from 0 to √v = 3.5·√θ (or √v₀ where that is larger)."""
LEAST_DAYS = 500


@dataclass(frozen=True)
class HestonFilter:
    """What the returns say about the variance.

    Args:
        variance: E[v | returns so far] of the *next* day at each close, annualised.
        spread: its standard deviation. log_likelihood: of all returns.
    """

    variance: Float[np.ndarray, " days"]
    spread: Float[np.ndarray, " days"]
    log_likelihood: float

    def ahead(self, parameters: HestonParameters, years: float) -> Float[np.ndarray, " days"]:
        """Mean variance expected over the next `years`: θ + (v − θ)·(1 − e^{−κT})/(κT)."""
        kappa, theta = float(parameters.mean_reversion), float(parameters.long_run_variance)
        return theta + (self.variance - theta) * -math.expm1(-kappa * years) / (kappa * years)


def filter_heston(
    returns: Float[np.ndarray, " days"],
    parameters: HestonParameters,
    dt: float,
    *,
    drift: float = 0.0,
    cells: int = CELLS,
) -> HestonFilter:
    """The filtered variance of every day.

    Args:
        returns: log returns, decimal. parameters: annualised. dt: length of a day in years. drift: μ, annual.
        cells: of the grid; a finer one changes the answer by less than a percent.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> r = np.where(np.arange(300) < 200, 0.005, 0.03) * rng.standard_normal(300)
        >>> fit = HestonParameters(0.02, 5.0, 0.04, 0.6, -0.5)
        >>> v = filter_heston(r, fit, 1 / 252).variance
        >>> bool(v[199] < 0.02 < 0.06 < v[299])
        True
    """
    with jax.enable_x64(True):
        numbers = jnp.asarray([float(value) for value in parameters] + [drift])
        mean, square, total = _run(jnp.asarray(returns, jnp.float64), numbers, dt, cells)
        variance = np.asarray(mean)
        spread = np.sqrt(np.maximum(np.asarray(square) - variance**2, 0.0))
    return HestonFilter(variance, spread, float(total))


def fit_heston_returns(
    returns: Float[np.ndarray, " days"], dt: float, *, cells: int = 50
) -> tuple[HestonParameters, float]:
    """Parameters by maximum likelihood of the filter, and the likelihood; v₀ is θ, μ is 0.

    Raises:
        DataError: fewer than 500 returns.
    """
    if len(returns) < LEAST_DAYS:
        raise DataError(f"{len(returns):,} returns are given; Heston from returns alone needs {LEAST_DAYS:,}.")
    level = float(np.var(returns) / dt)
    with jax.enable_x64(True):
        seen = jnp.asarray(returns, jnp.float64)
        value = jax.jit(
            jax.value_and_grad(lambda free: -_run(seen, _bounded(free, level), dt, cells)[2] / len(returns))
        )

        def loss(free: np.ndarray) -> tuple[float, np.ndarray]:
            found, slope = value(jnp.asarray(free))
            return float(found), np.asarray(slope, float)

        best = minimize(loss, np.array([math.log(4.0), 0.0, math.log(0.5), -0.8]), jac=True, method="L-BFGS-B",
                        bounds=[(-1.0, 4.0), (-2.0, 2.0), (-3.0, 1.5), (-2.5, 1.0)])  # fmt: skip
        numbers = [float(number) for number in _bounded(jnp.asarray(best.x), level)]
    return HestonParameters(*numbers[:5]), -float(best.fun) * len(returns)


def _bounded(free: Array, level: float) -> Float[Array, " 6"]:
    """v₀, κ, θ, ξ, ρ, μ from κ, θ/level and ξ in logarithms and atanh ρ."""
    theta = level * jnp.exp(free[1])
    return jnp.stack([theta, jnp.exp(free[0]), theta, jnp.exp(free[2]), jnp.tanh(free[3]), jnp.zeros(())])


@partial(jax.jit, static_argnames=("dt", "cells"))
def _run(returns: Array, numbers: Float[Array, " 6"], dt: float, cells: int) -> tuple[Array, Array, Array]:
    start, kappa, theta, xi, rho, drift = numbers
    top = jax.lax.stop_gradient(WIDEST * jnp.sqrt(jnp.maximum(theta, start)))
    edges = top * jnp.linspace(0.0, 1.0, cells + 1)
    v = (0.5 * (edges[1:] + edges[:-1])) ** 2
    inner = edges[1:-1] ** 2
    spread = xi * jnp.sqrt((1.0 - rho**2) * v * dt)

    def step(prior: Array, r: Array) -> tuple[Array, tuple[Array, Array, Array]]:
        surprise = r - (drift - 0.5 * v) * dt
        joint = prior * jnp.exp(-0.5 * surprise**2 / (v * dt)) / jnp.sqrt(2 * jnp.pi * v * dt)
        total = joint.sum()
        middle = v + kappa * (theta - v) * dt + xi * rho * surprise
        below = ndtr((inner - middle[:, None]) / spread[:, None])
        filled = jnp.concatenate([jnp.zeros((cells, 1)), below, jnp.ones((cells, 1))], axis=1)
        later = (joint / total) @ jnp.diff(filled, axis=1)
        return later, (later @ v, later @ v**2, jnp.log(total))

    # The start is spread over the two cells that hold its mean, so that the likelihood is smooth in it.
    place = jnp.clip(jnp.searchsorted(v, start) - 1, 0, cells - 2)
    share = jnp.clip((start - v[place]) / (v[place + 1] - v[place]), 0.0, 1.0)
    first = jnp.zeros(cells).at[place].set(1 - share).at[place + 1].set(share)
    _, (mean, square, total) = jax.lax.scan(step, first, returns)
    return mean, square, total.sum()
