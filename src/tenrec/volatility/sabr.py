"""SABR, one expiry a slice: Hagan's formula fitted to implied volatilities, thousands of slices at once.

The elasticity β is given, since level and skew hardly tell it from the correlation; level, volatility of volatility and
correlation are found by Levenberg–Marquardt from several starts, in coordinates that keep a, ν > 0 and |ρ| < 1.

Source: Hagan, Kumar, Lesniewski and Woodward (2002), "Managing smile risk", Wilmott September, section 3.
"""

from functools import partial
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from tenrec.core.checks import require
from tenrec.pricing import sabr as formula
from tenrec.volatility import least_squares

Scalar = Float[Array, ""]
Quotes = Float[Array, " quotes"]
Three = Float[Array, " three"]

CORRELATIONS = (-0.7, 0.0, 0.5)
SMILES = (0.3, 1.2)
"""Starts: correlations, and volatility of volatility times √τ, but no more than `MOST`."""
MOST = 4.0
REFINED, STEPS, LAST_STEPS = 2, 6, 20


class SABR(eqx.Module):
    """Parameters of one slice, or of many with a leading axis.

    Fields: level: a for a forward of 1, that is a·F^{β−1}, per √year. elasticity: β. vol_of_vol: ν, per √year.
    correlation: ρ.
    """

    level: Float[Array, "..."]
    elasticity: Float[Array, "..."]
    vol_of_vol: Float[Array, "..."]
    correlation: Float[Array, "..."]

    def volatility(self, log_moneyness: ArrayLike, maturity: ArrayLike) -> Float[Array, "..."]:
        """Implied volatility at log(strike/forward), annualised decimal.

        Example:
            >>> slice_ = SABR(*(jnp.asarray(x) for x in (0.2, 1.0, 0.8, -0.5)))
            >>> round(float(slice_.volatility(jnp.log(0.9), 0.5)), 4)
            0.2253
        """
        named = {"level": self.level, "elasticity": self.elasticity}
        strike = jnp.exp(jnp.asarray(log_moneyness))
        return formula.implied_volatility(
            1.0, strike, maturity, **named, vol_of_vol=self.vol_of_vol, correlation=self.correlation
        )


class SABRFit(NamedTuple):
    """Slices and the root-mean-square error of each one's volatility, annualised decimal."""

    slices: SABR
    error: Float[Array, " slices"]


def fit_slices(
    log_moneyness: Float[np.ndarray, "slices quotes"],
    volatility: Float[np.ndarray, "slices quotes"],
    maturity: Float[np.ndarray, " slices"],
    weights: Float[np.ndarray, "slices quotes"] | None = None,
    *,
    elasticity: float | Float[np.ndarray, " slices"] = 1.0,
) -> SABRFit:
    """Fit every slice to its implied volatilities in the weighted least-squares sense, in double precision.

    Args:
        log_moneyness: log(strike/forward). volatility: annualised decimal. maturity: years.
        weights: of each squared error; 0 leaves a quote out, so that slices of several lengths share one array.
        elasticity: β, from 0 to 1, for all or for each slice.

    Raises:
        ConfigError: an elasticity outside 0 to 1.

    Example:
        >>> k = np.linspace(-0.3, 0.2, 11)
        >>> with jax.enable_x64(True):
        ...     true = SABR(*(jnp.asarray(x) for x in (0.25, 0.5, 0.9, -0.4)))
        ...     quotes = np.asarray(true.volatility(k, 0.5))
        >>> found = fit_slices(k[None], quotes[None], np.array([0.5]), elasticity=0.5)
        >>> round(float(found.slices.correlation[0]), 4)
        -0.4
    """
    require("elasticity", elasticity, lambda beta: (beta >= 0.0) & (beta <= 1.0), "a number from 0 to 1")
    given = np.ones_like(log_moneyness) if weights is None else weights
    betas = np.broadcast_to(np.asarray(elasticity, np.float64), maturity.shape)
    with jax.enable_x64(True):
        columns = (np.asarray(x, np.float64) for x in (log_moneyness, volatility, maturity, given, betas))
        return _fit_all(*(jnp.asarray(x) for x in columns))


@jax.jit
def _fit_all(k: Array, volatility: Array, maturity: Array, weights: Array, elasticity: Array) -> SABRFit:
    return jax.vmap(fit_one)(k, volatility, maturity, weights, elasticity)


_Data = tuple[Quotes, Quotes, Scalar, Quotes, Scalar]


def fit_one(k: Quotes, volatility: Quotes, maturity: Scalar, weights: Quotes, elasticity: Scalar) -> SABRFit:
    """One slice of `fit_slices` on JAX arrays; works under `vmap`, and its parameters have derivatives in the quotes.

    Derivatives are those of the minimum, by the implicit function theorem.
    """
    data = k, volatility, maturity, weights, elasticity
    at = least_squares.implicit(_search, _residuals, data)
    error = jnp.sqrt(2.0 * least_squares.half_squares(_residuals(at, data)))
    return SABRFit(_from_coordinates(at, elasticity), error)


def _residuals(x: Three, data: _Data) -> Quotes:
    k, volatility, maturity, weights, elasticity = data
    found = _from_coordinates(x, elasticity).volatility(k, maturity)
    return jnp.where(weights > 0.0, found - volatility, 0.0) * least_squares.root(weights / jnp.sum(weights))


def _search(data: _Data) -> Three:
    k, volatility, maturity, weights, _ = data
    residuals = partial(_residuals, data=data)
    level = jnp.log(volatility[jnp.argmin(jnp.where(weights > 0.0, jnp.abs(k), jnp.inf))])
    starts = jnp.stack(
        [
            jnp.stack([level, jnp.log(jnp.minimum(smile / jnp.sqrt(maturity), MOST)), jnp.arctanh(rho + 0.0 * level)])
            for smile in SMILES
            for rho in CORRELATIONS
        ]
    )
    costs = jax.vmap(lambda x: least_squares.half_squares(residuals(x)))(starts)
    chosen = starts[jax.lax.top_k(-costs, REFINED)[1]]
    found = jax.vmap(partial(least_squares.minimise, residuals, steps=STEPS))(chosen)
    return least_squares.minimise(residuals, found.at[jnp.argmin(found.cost)], LAST_STEPS).at


def _from_coordinates(x: Three, elasticity: Scalar) -> SABR:
    return SABR(jnp.exp(x[0]), elasticity, jnp.exp(x[1]), jnp.tanh(x[2]))
