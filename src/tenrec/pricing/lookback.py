"""Black–Scholes values of lookback options, finite with all derivatives up to expiry.

With M the running maximum and X = max(M, K), a fixed call is worth D·max(M − K, 0) + c(S, X), where

    c(S, X) = D·E max(max S_t − X, 0) = D·∫_X^∞ P(max S_t > m) dm

is integrated over log m with the law of the maximum (reflection principle). The closed forms of Goldman, Sosin and
Gatto and of Conze and Viswanathan are this integral; they divide by the growth r − y, which the integral does not.

Sources: Goldman, Sosin and Gatto (1979), J. Finance 34; Conze and Viswanathan (1991), J. Finance 46; Broadie,
Glasserman and Kou (1999), "Connecting discrete and continuous path-dependent options", Finance and Stochastics 3.
"""

import jax.numpy as jnp
import numpy as np
from jax.scipy.stats import norm
from jaxtyping import Array, Float

from tenrec.pricing import black_scholes
from tenrec.pricing.black_scholes import Real, reflected_volatility
from tenrec.pricing.exotics import DISCRETE

Values = Float[Array, "..."]
NODES, WEIGHTS = (
    0.5 * (part + shift) for part, shift in zip(np.polynomial.legendre.leggauss(24), (1.0, 0.0), strict=True)
)
REACH = 8.0
"""Deviations beyond which the extreme does not come."""


def beyond(
    direction: Real, spot: Real, forward: Real, level: Real, volatility: Real, time: Real, discount: Real = 1.0
) -> Values:
    """D·E max(±(X − level), 0), X the maximum (direction +1) or minimum (−1) of a price that is watched all the time.

    Example:
        >>> round(float(beyond(1.0, 100.0, 100.0, 100.0, 0.2, 1.0)), 4)
        16.9843
    """
    spot, forward, level, total = jnp.broadcast_arrays(spot, forward, level, reflected_volatility(volatility, time))
    drift = direction * (jnp.log(forward / spot) - 0.5 * total**2)
    first = jnp.maximum(direction * jnp.log(level / spot), 0.0)
    width = REACH * total + jnp.maximum(drift, 0.0)
    nodes, weights = jnp.asarray(NODES, total.dtype), jnp.asarray(WEIGHTS, total.dtype)
    away = first[..., None] + width[..., None] * nodes
    drift, total = drift[..., None], total[..., None]
    lifted = jnp.exp(jnp.clip(2.0 * drift * away / total**2, -40.0, 40.0))
    chance = norm.cdf((drift - away) / total) + lifted * norm.cdf((-drift - away) / total)
    moved = jnp.exp(jnp.asarray(direction)[..., None] * away) * jnp.minimum(chance, 1.0)
    already = jnp.maximum(direction * (spot - level), 0.0)
    return jnp.asarray(discount * (already + spot * width * jnp.sum(moved * weights, axis=-1)))


def beyond_on_dates(
    direction: Real,
    spot: Real,
    forward: Real,
    level: Real,
    volatility: Real,
    time: Real,
    period: Real,
    discount: Real = 1.0,
) -> Values:
    """The same of the dates to come, one a period: exact for one, with a correction for dates for more."""
    shift = jnp.exp(direction * DISCRETE * volatility * jnp.sqrt(period))
    many = beyond(direction, spot, forward, level * shift, volatility, time, discount) / shift
    one = black_scholes.value(direction, forward, level, volatility, time, discount)
    return jnp.where(time < 1.5 * period, one, many)


def lookback(
    sign: Real,
    spot: Real,
    forward: Real,
    strike: Real,
    volatility: Real,
    time: Real,
    period: Real,
    extreme: Real,
    discount: Real = 1.0,
    *,
    floating: bool,
) -> Values:
    """A lookback option on the dates; `extreme` is the maximum or minimum so far (0 periods: watched all the time)."""
    direction = -sign if floating else sign
    level = extreme if floating else direction * jnp.maximum(direction * extreme, direction * strike)
    to_come = beyond_on_dates(direction, spot, forward, level, volatility, time, period, discount)
    if floating:
        return jnp.asarray(discount * direction * (extreme - forward) + to_come)
    return jnp.asarray(discount * jnp.maximum(direction * (extreme - strike), 0.0) + to_come)
