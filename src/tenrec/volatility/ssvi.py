"""SSVI with a power law: a surface of one correlation, one law of steepness, and a variance for every expiry.

    w(k, θ) = ½·θ·(1 + ρφk + √((φk + ρ)² + 1 − ρ²)),   φ(θ) = η / (θ^γ·(1 + θ)^{1−γ})

θ is the total variance at the money, which grows with maturity. There is no arbitrage while 0 < γ ≤ ½ and
η·(1 + |ρ|) ≤ 2; the coordinates of the fit fill exactly this set, or, left free, all of 0 < γ < 1 and η > 0. Between
expiries θ is linear in maturity, before the first it is proportional to it, after the last it grows at the mean rate.

Source: Gatheral and Jacquier (2014), "Arbitrage-free SVI volatility surfaces", Quantitative Finance 14, section 4,
equation 4.5 and remark 4.4.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from tenrec.volatility import least_squares
from tenrec.volatility.base import AbstractSurface
from tenrec.volatility.essvi import slice_variance
from tenrec.volatility.svi import linear_in_time

Scalar = Float[Array, ""]
Slices = Float[Array, " slices"]
Quotes = Float[Array, "slices quotes"]

STEPS = 40
MARGIN = 1e-6
"""Kept from the conditions' boundary, so that rounding does not cross it."""


class SSVI(AbstractSurface):
    """Maturities in years and θ of each expiry, and the ρ, η and γ of all."""

    maturities: Slices
    at_the_money: Slices
    correlation: Scalar
    steepness: Scalar
    decay: Scalar

    def total_variance(self, log_moneyness: ArrayLike, maturity: ArrayLike) -> Float[Array, "..."]:
        """w(k, τ), dimensionless.

        Example:
            >>> times, variances = jnp.array([0.5, 1.0]), jnp.array([0.02, 0.04])
            >>> surface = SSVI(times, variances, *(jnp.asarray(x) for x in (-0.5, 1.0, 0.4)))
            >>> round(float(surface.total_variance(0.0, 0.75)), 4)
            0.03
        """
        k, maturity = jnp.broadcast_arrays(jnp.asarray(log_moneyness), jnp.asarray(maturity))
        shape = (*self.at_the_money.shape, *([1] * maturity.ndim))
        knots = jnp.broadcast_to(self.at_the_money.reshape(shape), (*self.at_the_money.shape, *maturity.shape))
        theta = linear_in_time(maturity, self.maturities, knots)
        return slice_variance(k, theta, self.correlation, theta * self._curvature(theta))

    def _curvature(self, theta: Array) -> Array:
        return self.steepness / (theta**self.decay * (1.0 + theta) ** (1.0 - self.decay))


class SSVIFit(NamedTuple):
    """The surface and its root-mean-square error in volatility, annualised decimal."""

    surface: SSVI
    error: Float[Array, ""]


def fit(
    log_moneyness: Float[np.ndarray, "slices quotes"],
    volatility: Float[np.ndarray, "slices quotes"],
    maturity: Float[np.ndarray, " slices"],
    weights: Float[np.ndarray, "slices quotes"] | None = None,
    *,
    free_of_arbitrage: bool = True,
) -> SSVIFit:
    """The surface nearest to the implied volatilities, in double precision; `fit_one` under `vmap` fits many.

    Args:
        log_moneyness: log(strike/forward). volatility: annualised decimal. maturity: years, increasing.
        weights: of each squared error; 0 leaves a quote out, so that slices of several lengths share one array.
        free_of_arbitrage: False lets η and γ leave the set without butterflies: check the result.
    """
    given = np.ones_like(log_moneyness) if weights is None else weights
    with jax.enable_x64(True):
        columns = (np.asarray(x, np.float64) for x in (log_moneyness, volatility, maturity, given))
        return fit_one(*(jnp.asarray(x) for x in columns), free_of_arbitrage=free_of_arbitrage)


_Data = tuple[Quotes, Quotes, Slices, Quotes]


@partial(jax.jit, static_argnames=("free_of_arbitrage", "steps"))
def fit_one(
    k: Quotes,
    volatility: Quotes,
    maturity: Slices,
    weights: Quotes,
    *,
    free_of_arbitrage: bool = True,
    steps: int = STEPS,
) -> SSVIFit:
    """`fit` on JAX arrays; works under `vmap`, and the parameters have derivatives in the quotes.

    Derivatives are those of the minimum, by the implicit function theorem; where a parameter is held at its bound
    there are none that mean anything.
    """
    data = k, volatility, maturity, weights
    residuals = partial(_residuals, free=free_of_arbitrage)

    def search(given: _Data) -> Float[Array, " n"]:
        return least_squares.minimise(lambda x: residuals(x, given), _start(given), steps).at

    at = least_squares.implicit(search, residuals, data)
    error = jnp.sqrt(2.0 * least_squares.half_squares(residuals(at, data)))
    return SSVIFit(from_coordinates(at, maturity, free_of_arbitrage=free_of_arbitrage), error)


def from_coordinates(x: Float[Array, " n"], maturity: Slices, *, free_of_arbitrage: bool = True) -> SSVI:
    """The surface at a point of ℝⁿ⁺³: atanh ρ, the place of η, the place of γ, and the logs of the steps of θ."""
    correlation = jnp.tanh(x[0]) * (1.0 - MARGIN)
    theta = jnp.cumsum(jnp.exp(x[3:]))
    if free_of_arbitrage:
        steepness = (2.0 - MARGIN) / (1.0 + jnp.abs(correlation)) * jax.nn.sigmoid(x[1])
        decay = 0.5 * jax.nn.sigmoid(x[2])
    else:
        steepness, decay = jnp.exp(x[1]), jax.nn.sigmoid(x[2])
    return SSVI(maturity, theta, correlation, steepness, decay)


def _residuals(x: Float[Array, " n"], data: _Data, *, free: bool) -> Float[Array, " m"]:
    k, volatility, maturity, weights = data
    surface = from_coordinates(x, maturity, free_of_arbitrage=free)
    theta = surface.at_the_money[:, None]
    w = slice_variance(k, theta, surface.correlation, theta * surface._curvature(theta))
    return ((jnp.sqrt(w / maturity[:, None]) - volatility) * least_squares.root(weights / jnp.sum(weights))).ravel()


def _start(data: _Data) -> Float[Array, " n"]:
    """The variance of the quotes nearest the money, made increasing; ρ = −½, η = 1 and γ = 0.4, or near it."""
    k, volatility, maturity, weights = data
    nearest = jnp.argmin(jnp.where(weights > 0.0, jnp.abs(k), jnp.inf), 1)
    level = jnp.take_along_axis(volatility, nearest[:, None], 1)[:, 0] ** 2 * maturity
    theta = jax.lax.cummax(level)
    growth = jnp.diff(theta, prepend=jnp.zeros_like(theta[:1]))
    free = jnp.maximum(growth, 0.01 * theta[0])
    return jnp.concatenate([jnp.array([-0.55, 0.5, 0.0]), jnp.log(free)])
