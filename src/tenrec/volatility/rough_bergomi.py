"""Implied volatilities of the rough Bergomi model with a flat forward variance, on random numbers that stay the same.

Given the noise that drives the variance, the price is lognormal, so that each simulated variance path contributes
Black's formula; the forward of all paths together is set to one. On fixed numbers the result is smooth in the
parameters, and can be calibrated by Gauss–Newton steps.

Sources: Bayer, Friz and Gatheral (2016), "Pricing under rough volatility"; McCrickerd and Pakkanen (2018),
"Turbocharging Monte Carlo pricing for the rough Bergomi model" (the conditional estimator).
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from tenrec.markets import RoughBergomiMarket
from tenrec.pricing import black_scholes, implied
from tenrec.volatility import least_squares

Scalar = Float[Array, ""]
Quotes = Float[Array, "expiries quotes"]
Expiries = Float[Array, " expiries"]
Coordinates = Float[Array, " four"]
"""log ξ₀, logit of 2H, log η, atanh ρ."""
Data = tuple[Quotes, Quotes, Expiries, Quotes]
"""Log-moneyness, volatility, maturity, weights."""

FIRST, BETWEEN = 16, 8
"""Periods to the first expiry, and from each to the next."""
PATHS = 1024
"""Variance paths; each is used with its mirror image."""
STEPS = 20
START = (0.1, 1.5, -0.7)
"""Roughness, volatility of volatility and correlation to begin with; the variance begins at the quotes' own."""


class RoughBergomiParameters(NamedTuple):
    """Forward variance ξ₀, annualised; roughness H; volatility of volatility η; correlation ρ."""

    forward_variance: Scalar
    roughness: Scalar
    vol_of_vol: Scalar
    correlation: Scalar


class RoughBergomiFit(NamedTuple):
    """The parameters and the sum of squared weighted errors."""

    parameters: RoughBergomiParameters
    squares: Scalar


def periods(maturity: Expiries) -> tuple[Float[Array, " steps"], np.ndarray]:
    """Lengths of the simulation's periods in years, and at which of their ends the expiries lie."""
    gaps = jnp.diff(maturity, prepend=0.0)
    counts = np.array([FIRST] + [BETWEEN] * (maturity.shape[0] - 1))
    return jnp.repeat(gaps / counts, counts, total_repeat_length=int(counts.sum())), np.cumsum(counts) - 1


def volatilities(x: Coordinates, k: Quotes, maturity: Expiries, *, paths: int = PATHS, seed: int = 0) -> Quotes:
    """The model's implied volatilities, annualised decimal, by simulation on the numbers of the seed."""
    parameters = from_coordinates(x)
    dt, ends = periods(maturity)
    market = RoughBergomiMarket(spot=1.0, **parameters._asdict(), dt=dt)
    half = jax.random.normal(jax.random.key(seed), (dt.shape[0], 2, paths), dt.dtype)
    z = jnp.concatenate([half, -half], axis=-1)
    noise, own = market.kernel()
    volterra = noise @ z[:, 0] + own[:, :1] * z[:, 0] + own[:, 1:] * z[:, 1]
    spread = jnp.sum(noise**2, axis=1) + own[:, 0] ** 2 + own[:, 1] ** 2
    eta, rho = parameters.vol_of_vol, parameters.correlation
    later = jnp.exp(eta * volterra - 0.5 * eta**2 * spread[:, None])
    first = jnp.ones((1, z.shape[-1]), dt.dtype)
    variance = parameters.forward_variance * jnp.concatenate([first, later[:-1]]) * dt[:, None]
    total = jnp.cumsum(variance, axis=0)[ends]
    driven = rho * jnp.cumsum(jnp.sqrt(variance) * z[:, 0], axis=0)[ends] - 0.5 * rho**2 * total
    forward = jnp.exp(driven)
    forward = forward / jnp.mean(forward, axis=1, keepdims=True)
    left = jnp.sqrt((1.0 - rho**2) * total)
    sign = jnp.where(k >= 0.0, 1.0, -1.0)

    def price(row: tuple[Array, Array, Array, Array]) -> Array:
        strike, side, at, deviation = row
        each = black_scholes.value(side[:, None], at, jnp.exp(strike)[:, None], deviation, 1.0)
        return jnp.mean(each, axis=1)

    prices = jax.lax.map(price, (k, sign, forward, left))
    return implied.implied_volatility(prices, 1.0, jnp.exp(k), maturity[:, None], sign).volatility


def residuals_of(data: Data) -> Callable[[Coordinates], Float[Array, " m"]]:
    """The weighted errors of implied volatilities as a function of the coordinates."""
    k, volatility, maturity, weights = data
    root_weights = least_squares.root(weights)

    def residuals(x: Coordinates) -> Float[Array, " m"]:
        miss = volatilities(x, k, maturity) - volatility
        return (jnp.where(weights > 0.0, miss, 0.0) * root_weights).ravel()

    return residuals


def calibrate(
    log_moneyness: Float[np.ndarray, "expiries quotes"],
    volatility: Float[np.ndarray, "expiries quotes"],
    maturity: Float[np.ndarray, " expiries"],
    weights: Float[np.ndarray, "expiries quotes"] | None = None,
    *,
    steps: int = STEPS,
) -> RoughBergomiFit:
    """The parameters that make Σ weight·(implied − quoted volatility)² least, in double precision.

    Args:
        log_moneyness: log(strike/forward). volatility: annualised decimal. maturity: years, increasing.
        weights: of each squared error, 1 by default; 0 leaves a quote out.
    """
    given = np.ones_like(log_moneyness) if weights is None else weights
    with jax.enable_x64(True):
        k, quotes, times, counted = (
            jnp.asarray(np.asarray(x, np.float64)) for x in (log_moneyness, volatility, maturity, given)
        )
        data = k, quotes, times, counted
        search = jax.jit(lambda given, count: least_squares.minimise(residuals_of(given), start(given), count))
        found = search(data, jnp.asarray(steps))
        return RoughBergomiFit(from_coordinates(found.at), 2.0 * found.cost)


def start(data: Data) -> Coordinates:
    """Where a calibration begins that knows nothing."""
    _, volatility, _, weights = data
    level = jnp.sum(weights * volatility**2) / jnp.sum(weights)
    roughness, eta, rho = START
    return to_coordinates(*(jnp.asarray(x, level.dtype) for x in (level, roughness, eta, rho)))


def from_coordinates(x: Coordinates) -> RoughBergomiParameters:
    """The parameters at a point of ℝ⁴; H from 0.005 to 0.495."""
    roughness = 0.005 + 0.49 * jax.nn.sigmoid(x[1])
    return RoughBergomiParameters(jnp.exp(x[0]), roughness, jnp.exp(x[2]), 0.9999 * jnp.tanh(x[3]))


def to_coordinates(forward_variance: Array, roughness: Array, vol_of_vol: Array, correlation: Array) -> Coordinates:
    """The inverse of `from_coordinates`."""
    place = (roughness - 0.005) / 0.49
    logit = jnp.log(place) - jnp.log1p(-place)
    rest = (jnp.log(forward_variance), logit, jnp.log(vol_of_vol), jnp.arctanh(correlation / 0.9999))
    return jnp.stack(rest, axis=-1)
