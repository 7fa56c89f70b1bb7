"""Extended SSVI: a whole surface free of butterfly and calendar arbitrage by construction.

A slice is w(k) = ½·(θ + ρψk + √((ψk + θρ)² + θ²(1 − ρ²))), θ its variance at the money and ψ twice the steepness of
that root's skew. No slice has a butterfly while ψ(1 + |ρ|) ≤ 4 and ψ²(1 + |ρ|) ≤ 4θ. No later slice crosses an
earlier one while, with p = max((1 + ρ)/(1 + ρ'), (1 − ρ)/(1 − ρ')),

    θ' ≥ p·θ,    p·ψ ≤ ψ' ≤ ψ·θ'/θ

The coordinates of `fit` fill exactly this set, so that any point of ℝ³ⁿ is a surface without arbitrage. Between slices
θ, ψ and ρψ are linear in maturity, before the first they are proportional to it (ρ fixed), after the last θ grows on
and ψ and ρ stay: all of these keep the conditions.

Sources: Hendriks and Martini (2019), "The extended SSVI volatility surface"; Corbetta, Cohort, Laachir and Martini
(2019), "Robust calibration and arbitrage-free interpolation of SSVI slices"; Mingone (2022), "No arbitrage global
parametrization for the eSSVI volatility surface".
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from tenrec.volatility import least_squares
from tenrec.volatility.base import AbstractSurface
from tenrec.volatility.svi import linear_in_time

Slices = Float[Array, " slices"]
Quotes = Float[Array, "slices quotes"]

STEPS = 60
MARGIN = 1e-6
"""Kept from the conditions' boundary, so that rounding does not cross it."""


class ESSVI(AbstractSurface):
    """Maturities in years, and θ, ρ and ψ of each slice."""

    maturities: Slices
    at_the_money: Slices
    correlation: Slices
    skew: Slices

    def total_variance(self, log_moneyness: ArrayLike, maturity: ArrayLike) -> Float[Array, "..."]:
        """w(k, τ), dimensionless.

        Example:
            >>> surface = ESSVI(*(jnp.array(x) for x in ([0.5, 1.0], [0.02, 0.04], [-0.5, -0.4], [0.1, 0.15])))
            >>> round(float(surface.total_variance(0.0, 0.75)), 4)
            0.03
        """
        k, maturity = jnp.broadcast_arrays(jnp.asarray(log_moneyness), jnp.asarray(maturity))
        theta = self._in_time(self.at_the_money, maturity, self._growth())
        psi = self._in_time(self.skew, maturity, jnp.zeros(()))
        tilt = self._in_time(self.correlation * self.skew, maturity, jnp.zeros(()))
        return slice_variance(k, theta, tilt / psi, psi)

    def _in_time(self, values: Slices, maturity: Array, growth: Array) -> Array:
        """Linear between slices, proportional before the first, growing at a constant rate after the last."""
        inside = jnp.minimum(maturity, self.maturities[-1])
        knots = jnp.broadcast_to(values.reshape(-1, *([1] * maturity.ndim)), (*values.shape, *maturity.shape))
        return linear_in_time(inside, self.maturities, knots) + growth * (maturity - inside)

    def _growth(self) -> Array:
        """∂θ/∂τ after the last slice: the last mean rate from the start, which is never negative."""
        return self.at_the_money[-1] / self.maturities[-1]


class ESSVIFit(NamedTuple):
    """The surface and its root-mean-square error in volatility, annualised decimal."""

    surface: ESSVI
    error: Float[Array, ""]


def slice_variance(k: Array, theta: Array, correlation: Array, psi: Array) -> Array:
    """½·(θ + ρψk + √((ψk + θρ)² + θ²(1 − ρ²))), dimensionless."""
    root = jnp.sqrt((psi * k + theta * correlation) ** 2 + theta**2 * (1.0 - correlation**2))
    return 0.5 * (theta + correlation * psi * k + root)


def fit(
    log_moneyness: Float[np.ndarray, "slices quotes"],
    volatility: Float[np.ndarray, "slices quotes"],
    maturity: Float[np.ndarray, " slices"],
    weights: Float[np.ndarray, "slices quotes"] | None = None,
) -> ESSVIFit:
    """The surface nearest to the implied volatilities, in double precision; `fit_one` under `vmap` fits many.

    Args:
        log_moneyness: log(strike/forward). volatility: annualised decimal. maturity: years, increasing.
        weights: of each squared error; 0 leaves a quote out, so that slices of several lengths share one array.
    """
    given = np.ones_like(log_moneyness) if weights is None else weights
    with jax.enable_x64(True):
        columns = (np.asarray(x, np.float64) for x in (log_moneyness, volatility, maturity, given))
        return fit_one(*(jnp.asarray(x) for x in columns))


@partial(jax.jit, static_argnames="steps")
def fit_one(k: Quotes, volatility: Quotes, maturity: Slices, weights: Quotes, steps: int = STEPS) -> ESSVIFit:
    """`fit` on JAX arrays; works under `vmap`."""
    root_weights = jnp.sqrt(weights / jnp.sum(weights))

    def residuals(x: Float[Array, " n"]) -> Float[Array, " m"]:
        surface = from_coordinates(x, maturity)
        w = slice_variance(k, *(part[:, None] for part in (surface.at_the_money, surface.correlation, surface.skew)))
        return ((jnp.sqrt(w / maturity[:, None]) - volatility) * root_weights).ravel()

    found = least_squares.minimise(residuals, _start(k, volatility, maturity, weights), steps)
    return ESSVIFit(from_coordinates(found.at, maturity), jnp.sqrt(2.0 * found.cost))


def from_coordinates(x: Float[Array, " n"], maturity: Slices) -> ESSVI:
    """The surface at a point of ℝ³ⁿ: atanh ρ, log of the free part of θ, and the place of ψ in its range."""
    slant, growth, place = x.reshape(3, -1)
    correlation = jnp.tanh(slant) * (1.0 - MARGIN)
    before = jnp.concatenate([correlation[:1], correlation[:-1]])
    p = jnp.maximum((1.0 + before) / (1.0 + correlation), (1.0 - before) / (1.0 - correlation))
    free, share = jnp.exp(growth), MARGIN + (1.0 - 2.0 * MARGIN) * jax.nn.sigmoid(place)

    def next_theta(theta: Array, step: tuple[Array, Array]) -> tuple[Array, Array]:
        theta = theta * step[0] * (1.0 + MARGIN) + step[1]
        return theta, theta

    theta = jax.lax.scan(next_theta, jnp.zeros_like(p[0]), (p, free))[1]
    steepest = jnp.minimum(4.0 / (1.0 + jnp.abs(correlation)), 2.0 * jnp.sqrt(theta / (1.0 + jnp.abs(correlation))))
    product = jnp.cumprod(p)
    # A slice must leave room for all later ones: ψ·(p's in between) stays below each later bound.
    room = jax.lax.cummin(steepest / product, reverse=True) * product

    def next_psi(state: tuple[Array, Array], step: tuple[Array, ...]) -> tuple[tuple[Array, Array], Array]:
        (psi, theta_before), (theta, p, room, share) = state, step
        lowest = psi * p
        psi = lowest + share * (jnp.minimum(psi * theta / theta_before, room) - lowest)
        return (psi, theta), psi

    first = share[0] * room[0]
    rest = jax.lax.scan(next_psi, (first, theta[0]), (theta[1:], p[1:], room[1:], share[1:]))[1]
    return ESSVI(maturity, theta, correlation, jnp.concatenate([first[None], rest]))


def _start(k: Quotes, volatility: Quotes, maturity: Slices, weights: Quotes) -> Float[Array, " n"]:
    """The variance of the quotes nearest the money, made increasing; ρ = −½; ψ in the middle of its range."""
    nearest = jnp.argmin(jnp.where(weights > 0.0, jnp.abs(k), jnp.inf), 1)
    level = jnp.take_along_axis(volatility, nearest[:, None], 1)[:, 0] ** 2 * maturity
    theta = jax.lax.cummax(level)
    growth = jnp.diff(theta, prepend=jnp.zeros_like(theta[:1]))
    free = jnp.maximum(growth, 0.01 * theta[0])
    return jnp.concatenate([jnp.full_like(free, -0.55), jnp.log(free), jnp.zeros_like(free)])
