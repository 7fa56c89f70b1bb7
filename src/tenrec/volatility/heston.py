"""Heston's model calibrated to implied volatilities of a whole surface at once, by Levenberg–Marquardt.

Prices come from Lewis's integral with Black's as control variate, as in `tenrec.pricing.heston`, along the real axis.
The control and the nodes are fixed by the quotes, so that all that depends on the strike is one constant matrix, and a
step costs the characteristic function of every expiry at 72 nodes, with its exact forward derivatives.

Source: Cui, del Baño Rollin and Germano (2017), "Full and fast calibration of the Heston stochastic volatility model".
"""

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
    """`calibrate` on JAX arrays; works under `vmap`."""
    level = jnp.sum(weights * volatility**2, 1) / jnp.sum(weights, 1)
    variance, root_weights, time = level * maturity, jnp.sqrt(weights), maturity[:, None]
    nodes, matrix = _integral(k, variance)
    control = jnp.exp(-0.5 * variance[:, None] * (nodes**2 + 0.25))
    black = black_scholes.value(1.0, 1.0, jnp.exp(k), jnp.sqrt(level)[:, None], time)

    def residuals(x: Float[Array, " five"]) -> Float[Array, " m"]:
        parameters = _from_coordinates(x)
        one = jax.vmap(lambda u, t: jnp.exp(heston.log_characteristic(u - 0.5j, t, *parameters)))
        difference = one(nodes.astype(jnp.complex128), maturity) - control
        call = black - jnp.einsum("eqn,en->eq", matrix, jnp.concatenate([difference.real, difference.imag], 1))
        found = implied.implied_volatility(call, 1.0, jnp.exp(k), time, 1.0).volatility
        return (jnp.where(weights > 0.0, found - volatility, 0.0) * root_weights).ravel()

    first = jnp.log(jnp.array([level[0], START[0], level[-1], START[2]]))
    start = jnp.append(first, jnp.arctanh(START[1]))
    found = least_squares.minimise(residuals, start, steps)
    return HestonFit(_from_coordinates(found.at), 2.0 * found.cost)


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


def _from_coordinates(x: Float[Array, " five"]) -> HestonParameters:
    initial, reversion, long_run, vol_of_vol = jnp.exp(x[:4])
    return HestonParameters(initial, reversion, long_run, vol_of_vol, jnp.tanh(x[4]))
