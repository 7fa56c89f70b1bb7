"""Raw SVI, one expiry a slice: w(k) = a + b·(ρ·(k − m) + √((k − m)² + σ²)), fitted from many starts at once.

A fit first solves the three linear parameters over a table of (m, σ), exactly and unconstrained, and then refines the
best few, and at last the best one, by Levenberg–Marquardt in coordinates that keep b, σ and the smallest variance
positive and |ρ| < 1. Every slice and every start is one lane of a batch.

Sources: Gatheral (2004), "A parsimonious arbitrage-free implied volatility parameterization"; De Marco and Martini
(2009), "Quasi-explicit calibration of Gatheral's SVI model" (the linear half).
"""

from functools import partial
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from tenrec.volatility import least_squares
from tenrec.volatility.base import AbstractSurface, durrleman

Scalar = Float[Array, ""]
Quotes = Float[Array, " quotes"]

CENTRES = np.linspace(-0.75, 0.75, 5)
WIDTHS = np.geomspace(0.03, 1.5, 5)
"""Starts for m and σ, in units of the range of the quotes' log-moneyness."""

REFINED, STEPS, LAST_STEPS = 5, 6, 20
"""So many starts go so many steps; the best of them goes on alone."""

APART = 64
"""From so many slices on, those that fill less than half of the places are fitted apart, in half the time."""


class SVI(eqx.Module):
    """Parameters of one slice, or of many with a leading axis."""

    level: Float[Array, "..."]
    slope: Float[Array, "..."]
    correlation: Float[Array, "..."]
    centre: Float[Array, "..."]
    width: Float[Array, "..."]

    def total_variance(self, log_moneyness: ArrayLike) -> Float[Array, "..."]:
        """w(k), dimensionless.

        Example:
            >>> slice_ = SVI(*(jnp.asarray(x) for x in (0.01, 0.1, -0.4, 0.0, 0.2)))
            >>> round(float(slice_.total_variance(0.0)), 4)
            0.03
        """
        shifted = log_moneyness - self.centre
        root = jnp.sqrt(shifted**2 + self.width**2)
        return self.level + self.slope * (self.correlation * shifted + root)

    def durrleman(self, log_moneyness: ArrayLike) -> Float[Array, "..."]:
        """g(k), in closed form; negative where a butterfly is an arbitrage."""
        shifted = log_moneyness - self.centre
        root = jnp.sqrt(shifted**2 + self.width**2)
        first, second = self.slope * (self.correlation + shifted / root), self.slope * self.width**2 / root**3
        return durrleman(jnp.asarray(log_moneyness), self.total_variance(log_moneyness), first, second)


class SVIFit(NamedTuple):
    """Slices and the root-mean-square error of each one's volatility, annualised decimal."""

    slices: SVI
    error: Float[Array, " slices"]


def fit_slices(
    log_moneyness: Float[np.ndarray, "slices quotes"],
    volatility: Float[np.ndarray, "slices quotes"],
    maturity: Float[np.ndarray, " slices"],
    weights: Float[np.ndarray, "slices quotes"] | None = None,
) -> SVIFit:
    """Fit every slice to its implied volatilities in the weighted least-squares sense.

    Args:
        log_moneyness: log(strike/forward). volatility: annualised decimal. maturity: years.
        weights: of each squared error; 0 leaves a quote out, so that slices of several lengths share one array.

    Example:
        >>> true = SVI(*(jnp.asarray(x) for x in (0.005, 0.08, -0.6, 0.03, 0.15)))
        >>> k = np.linspace(-0.5, 0.3, 25)
        >>> with jax.enable_x64(True):
        ...     quotes = np.sqrt(np.asarray(true.total_variance(k), float) / 0.5)
        ...     found = fit_slices(k[None], quotes[None], np.array([0.5]))
        >>> round(float(found.slices.correlation[0]), 3)
        -0.6
    """
    given = np.ones_like(log_moneyness) if weights is None else weights
    k, volatility, maturity, given = (np.asarray(x, np.float64) for x in (log_moneyness, volatility, maturity, given))
    half = k.shape[1] // 2
    short = ~np.any(given[:, half:] > 0.0, axis=1)
    with jax.enable_x64(True):
        if min(np.sum(short), np.sum(~short)) < APART:
            return _fit_all(*(jnp.asarray(x) for x in (k, volatility, maturity, given)))
        fits = [
            _fit_all(
                *(jnp.asarray(x) for x in (k[rows, :most], volatility[rows, :most], maturity[rows], given[rows, :most]))
            )
            for rows, most in ((short, half), (~short, k.shape[1]))
        ]
        order = np.argsort(np.concatenate([np.flatnonzero(short), np.flatnonzero(~short)]))
        return jax.tree.map(lambda *parts: jnp.concatenate(parts)[order], *fits)


class SVISurface(AbstractSurface):
    """Slices joined by total variance linear in maturity at fixed k; flat volatility before and after them.

    Nothing here rules arbitrage out: check it (`tenrec.volatility.arbitrage.check`), or use `ESSVI`.
    """

    maturities: Float[Array, " slices"]
    slices: SVI

    def total_variance(self, log_moneyness: ArrayLike, maturity: ArrayLike) -> Float[Array, "..."]:
        """w(k, τ), dimensionless."""
        k, maturity = jnp.broadcast_arrays(jnp.asarray(log_moneyness), jnp.asarray(maturity))
        knots = jax.vmap(lambda one: one.total_variance(k))(self.slices)
        return linear_in_time(maturity, self.maturities, knots)


def linear_in_time(
    maturity: Float[Array, "*at"], maturities: Float[Array, " slices"], knots: Float[Array, "slices *at"]
) -> Float[Array, "*at"]:
    """Values at the slices' maturities, linear between them, proportional to maturity outside."""
    if maturities.shape[0] == 1:
        return knots[0] * maturity / maturities[0]
    index = jnp.clip(jnp.searchsorted(maturities, maturity), 1, maturities.shape[0] - 1)
    lower, upper = maturities[index - 1], maturities[index]
    below = jnp.take_along_axis(knots, (index - 1)[None], 0)[0]
    above = jnp.take_along_axis(knots, index[None], 0)[0]
    between = below + (above - below) * (maturity - lower) / (upper - lower)
    first, last = knots[0] * maturity / maturities[0], knots[-1] * maturity / maturities[-1]
    return jnp.where(maturity < maturities[0], first, jnp.where(maturity > maturities[-1], last, between))


@jax.jit
def _fit_all(k: Array, volatility: Array, maturity: Array, weights: Array) -> SVIFit:
    return jax.vmap(fit_one)(k, volatility, maturity, weights)


def fit_one(k: Quotes, volatility: Quotes, maturity: Scalar, weights: Quotes) -> SVIFit:
    """One slice of `fit_slices` on JAX arrays; works under `vmap`, and its parameters have derivatives in the quotes.

    Derivatives are those of the minimum, by the implicit function theorem; there are none where the minimum lies at the
    end of what the coordinates allow (a slice without curvature, say).
    """
    data = k, volatility, maturity, weights
    at = least_squares.implicit(_search, _residuals, data)
    return SVIFit(_from_coordinates(at, _reach(data)), jnp.sqrt(2.0 * least_squares.half_squares(_residuals(at, data))))


_Data = tuple[Quotes, Quotes, Scalar, Quotes]


def _reach(data: _Data) -> Scalar:
    k, _, _, weights = data
    return jnp.max(jnp.where(weights > 0.0, jnp.abs(k), 0.0)) + 1e-6


def _residuals(x: Float[Array, " five"], data: _Data) -> Quotes:
    k, volatility, maturity, weights = data
    w = _from_coordinates(x, _reach(data)).total_variance(k)
    return (jnp.sqrt(w / maturity) - volatility) * least_squares.root(weights / jnp.sum(weights))


def _search(data: _Data) -> Float[Array, " five"]:
    k, volatility, maturity, weights = data
    residuals, reach = partial(_residuals, data=data), _reach(data)
    target, root_weights = volatility**2 * maturity, jnp.sqrt(weights / jnp.sum(weights))
    starts = _starts(k, target, root_weights / (2.0 * volatility * maturity), reach)
    costs = jax.vmap(lambda x: least_squares.half_squares(residuals(x)))(starts)
    chosen = starts[jax.lax.top_k(-costs, REFINED)[1]]
    found = jax.vmap(partial(least_squares.minimise, residuals, steps=STEPS))(chosen)
    return least_squares.minimise(residuals, found.at[jnp.argmin(found.cost)], LAST_STEPS).at


def _from_coordinates(x: Float[Array, " five"], reach: Scalar) -> SVI:
    """From log of the least variance, log b, atanh ρ, m and log σ, the last two in units of `reach`."""
    slope, correlation = jnp.exp(x[1]), jnp.tanh(x[2])
    width = reach * jnp.exp(x[4])
    level = jnp.exp(x[0]) - slope * width / jnp.cosh(x[2])
    return SVI(level, slope, correlation, reach * x[3], width)


def _starts(k: Quotes, target: Quotes, weights: Quotes, reach: Scalar) -> Float[Array, "starts five"]:
    """For each (m, σ) the best a, b and bρ, moved inside the allowed region where they lie outside."""
    centres, widths = (jnp.asarray(x.ravel()) for x in np.meshgrid(CENTRES, WIDTHS))
    smallest = jnp.min(jnp.where(weights > 0.0, target, jnp.inf))

    def start(centre: Scalar, width: Scalar) -> Float[Array, " five"]:
        shifted = (k / reach - centre) / width
        columns = jnp.stack([jnp.ones_like(k), shifted, jnp.sqrt(shifted**2 + 1.0)], 1) * weights[:, None]
        normal = columns.T @ columns
        level, tilt, bend = least_squares.solve(
            normal + 1e-12 * jnp.diag(jnp.diag(normal)), columns.T @ (target * weights)
        )
        bend = jnp.maximum(bend, 1e-3 * smallest)
        correlation = jnp.clip(tilt / bend, -0.98, 0.98)
        least = jnp.maximum(level + bend * jnp.sqrt(1.0 - correlation**2), 0.05 * smallest)
        slope = bend / (width * reach)
        return jnp.stack([jnp.log(least), jnp.log(slope), jnp.arctanh(correlation), centre, jnp.log(width)])

    return jax.vmap(start)(centres, widths)
