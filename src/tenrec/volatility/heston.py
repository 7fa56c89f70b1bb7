"""Heston's model calibrated to implied volatilities of a whole surface at once, by Levenberg–Marquardt.

Prices come from Lewis's integral with Black's as control variate, as in `tenrec.pricing.heston`, along the real axis.
The control and the nodes are fixed by the quotes, so that all that depends on the strike is one constant matrix, and a
step costs the characteristic function of every expiry at 72 nodes, with its exact forward derivatives.

Source: Cui, del Baño Rollin and Germano (2017), "Full and fast calibration of the Heston stochastic volatility model".
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from tenrec.pricing import black_scholes, heston, implied
from tenrec.volatility import least_squares

Scalar = Float[Array, ""]
Quotes = Float[Array, "expiries quotes"]
Expiries = Float[Array, " expiries"]
Coordinates = Float[Array, " five"]
"""log v₀, log κ, log θ, log ξ, atanh ρ."""
Data = tuple[Quotes, Quotes, Expiries, Quotes]
"""Log-moneyness, volatility, maturity, weights."""

RULE = np.linspace(-3.0, 4.0, 72)
"""Equal steps in t of the rule u = exp(t − e^{−t})/√w."""

STEPS = 14
START = (1.0, -0.5, 0.5)
"""Mean reversion, correlation and volatility of variance to begin with; the variances begin at the quotes' own."""


class HestonParameters(NamedTuple):
    """Annualised variances; mean reversion and volatility of variance per year; correlation."""

    initial_variance: Scalar
    mean_reversion: Scalar
    long_run_variance: Scalar
    vol_of_vol: Scalar
    correlation: Scalar


class HestonFit(NamedTuple):
    """The parameters and the sum of squared weighted errors."""

    parameters: HestonParameters
    squares: Scalar


def calibrate(
    log_moneyness: Float[np.ndarray, "expiries quotes"],
    volatility: Float[np.ndarray, "expiries quotes"],
    maturity: Float[np.ndarray, " expiries"],
    weights: Float[np.ndarray, "expiries quotes"] | None = None,
) -> HestonFit:
    """The parameters that make Σ weight·(implied − quoted volatility)² least, in double precision.

    Args:
        log_moneyness: log(strike/forward). volatility: annualised decimal. maturity: years.
        weights: of each squared error, 1 by default; 0 leaves a quote out, so that expiries of several lengths share
            one array.

    Raises nothing: where the search finds no better point than its start, it returns the start.
    """
    given = np.ones_like(log_moneyness) if weights is None else weights
    with jax.enable_x64(True):
        columns = (np.asarray(x, np.float64) for x in (log_moneyness, volatility, maturity, given))
        return calibrate_one(*(jnp.asarray(x) for x in columns))


@partial(jax.jit, static_argnames="steps")
def calibrate_one(k: Quotes, volatility: Quotes, maturity: Expiries, weights: Quotes, steps: int = STEPS) -> HestonFit:
    """`calibrate` on JAX arrays; works under `vmap`, and the parameters have derivatives in the quotes.

    Derivatives are those of the minimum, by the implicit function theorem; more `steps` than the default make sure
    that it is one.
    """
    data = k, volatility, maturity, weights

    def search(given: Data) -> Coordinates:
        return least_squares.minimise(residuals_of(given), start(given), steps).at

    at = least_squares.implicit(search, lambda x, given: residuals_of(given)(x), data)
    return HestonFit(from_coordinates(at), jnp.sum(residuals_of(data)(at) ** 2))


def volatilities(x: Coordinates, k: Quotes, maturity: Expiries) -> Quotes:
    """The model's implied volatilities, annualised decimal; NaN where the price is too small to have one."""
    parameters = from_coordinates(x)
    variance = jax.vmap(lambda time: heston.expected_variance(time, *parameters[:3]))(maturity)
    level = jnp.sqrt(variance / maturity)[:, None]
    near = jnp.broadcast_to(level, k.shape)
    return near + residuals_of((k, near, maturity, jnp.ones_like(k)))(x).reshape(k.shape)


def start(data: Data) -> Coordinates:
    """Where a calibration begins that knows nothing."""
    level = _levels(data[1], data[3])
    first = jnp.log(jnp.array([level[0], START[0], level[-1], START[2]]))
    return jnp.append(first, jnp.arctanh(START[1]))


def _levels(volatility: Quotes, weights: Quotes) -> Expiries:
    """Mean squared volatility of each expiry."""
    return jnp.sum(weights * volatility**2, 1) / jnp.sum(weights, 1)


def residuals_of(data: Data) -> Callable[[Coordinates], Float[Array, " m"]]:
    """The weighted errors as a function of the coordinates, all that depends on the quotes alone worked out before."""
    k, volatility, maturity, weights = data
    # The prices do not depend on the control: no derivative is taken of it.
    level = jax.lax.stop_gradient(_levels(volatility, weights))
    variance, time = level * jax.lax.stop_gradient(maturity), maturity[:, None]
    nodes, matrix = _integral(k, variance)
    control = jnp.exp(-0.5 * variance[:, None] * (nodes**2 + 0.25))
    black = black_scholes.value(1.0, 1.0, jnp.exp(k), jnp.sqrt(variance)[:, None], 1.0)
    root_weights = least_squares.root(weights)

    def residuals(x: Coordinates) -> Float[Array, " m"]:
        parameters = from_coordinates(x)
        one = jax.vmap(lambda u, t: jnp.exp(heston.log_characteristic(u - 0.5j, t, *parameters)))
        difference = one(nodes.astype(jnp.complex128), maturity) - control
        call = black - jnp.einsum("eqn,en->eq", matrix, jnp.concatenate([difference.real, difference.imag], 1))
        found = implied.implied_volatility(call, 1.0, jnp.exp(k), time, 1.0).volatility
        return (jnp.where(weights > 0.0, found - volatility, 0.0) * root_weights).ravel()

    return residuals


def _integral(
    k: Quotes, variance: Expiries
) -> tuple[Float[Array, "expiries nodes"], Float[Array, "expiries quotes two_nodes"]]:
    """Nodes, and the matrix that takes real and imaginary parts there to what corrects the call, per forward."""
    t = jnp.asarray(RULE)
    unit = jnp.exp(t - jnp.exp(-t))
    scale = 1.0 / jnp.sqrt(variance)[:, None]
    nodes, steps = unit * scale, unit * (1.0 + jnp.exp(-t)) * (RULE[1] - RULE[0]) * scale
    weights = (steps / (nodes**2 + 0.25))[:, None, :] * jnp.exp(0.5 * k)[..., None] / jnp.pi
    angle = -k[..., None] * nodes[:, None, :]
    return nodes, jnp.concatenate([weights * jnp.cos(angle), -weights * jnp.sin(angle)], -1)


def from_coordinates(x: Coordinates) -> HestonParameters:
    """The parameters at a point of ℝ⁵."""
    initial, reversion, long_run, vol_of_vol = jnp.exp(x[:4])
    return HestonParameters(initial, reversion, long_run, vol_of_vol, jnp.tanh(x[4]))
