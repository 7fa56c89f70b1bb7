"""Black–Scholes values and Greeks, written off the forward (Black 1976) and safe at expiry.

With forward F, strike K, total volatility w = σ√τ and discount factor D:

    value = D·s·(F·N(s·d₁) − K·N(s·d₂)),   d₁ = log(F/K)/w + w/2,   d₂ = d₁ − w,   s = +1 call, −1 put

Greeks are given with respect to the *spot*; F is proportional to it, so ∂F/∂S = F/S. At τ = 0 the value is the
intrinsic value, and every Greek and every derivative of one is finite.

Source: Black (1976), "The pricing of commodity contracts", J. Financial Economics 3.
"""

import jax.numpy as jnp
import numpy as np
from jax.scipy.stats import norm
from jaxtyping import Array, Float

Values = Float[Array, "..."]
Real = Values | Float[np.ndarray, "..."] | float
SMALLEST_TOTAL_VOLATILITY = SMALLEST_REFLECTED = 1e-6


def total_volatility(volatility: Real, time_to_expiry: Real) -> Values:
    """σ√τ, kept above a floor so that quotients by it stay finite at expiry."""
    floor = SMALLEST_TOTAL_VOLATILITY
    return jnp.maximum(volatility, floor) * jnp.sqrt(jnp.maximum(time_to_expiry, floor**2))


def reflected_volatility(volatility: Real, time_to_expiry: Real) -> Values:
    """σ√τ where a price is reflected: that divides by σ²τ, whose derivatives need σ⁴τ² to be a number in float32."""
    return jnp.maximum(total_volatility(volatility, time_to_expiry), SMALLEST_REFLECTED)


def d1(forward: Real, strike: Real, total_vol: Real) -> Values:
    """log(F/K)/w + w/2, dimensionless."""
    return jnp.log(forward / strike) / total_vol + 0.5 * total_vol


def value(
    sign: Real, forward: Real, strike: Real, volatility: Real, time_to_expiry: Real, discount: Real = 1.0
) -> Values:
    """Value of a European option in the quote currency; all arguments broadcast.

    Args:
        sign: +1 call, −1 put.
        forward: forward price to expiry. strike: quote currency.
        volatility: annualised decimal. time_to_expiry: years. discount: discount factor to expiry.

    Example:
        >>> round(float(value(1.0, 1.0, 1.0, 0.2, 30 / 365)), 6)
        0.022871
    """
    total_vol = total_volatility(volatility, time_to_expiry)
    upper = d1(forward, strike, total_vol)
    received, paid = norm.cdf(sign * upper) * forward, norm.cdf(sign * (upper - total_vol)) * strike
    return (received - paid) * sign * discount


def delta(
    sign: Real,
    forward: Real,
    strike: Real,
    volatility: Real,
    time_to_expiry: Real,
    *,
    spot: Real,
    discount: Real = 1.0,
) -> Values:
    """∂value/∂spot = D·(F/S)·s·N(s·d₁), in units of the underlying."""
    upper = d1(forward, strike, total_volatility(volatility, time_to_expiry))
    return norm.cdf(sign * upper) * sign * discount * (forward / spot)


def gamma(
    forward: Real,
    strike: Real,
    volatility: Real,
    time_to_expiry: Real,
    *,
    spot: Real,
    discount: Real = 1.0,
) -> Values:
    """∂²value/∂spot² = D·(F/S)·φ(d₁)/(S·w), the same for call and put."""
    total_vol = total_volatility(volatility, time_to_expiry)
    return norm.pdf(d1(forward, strike, total_vol)) / total_vol * discount * (forward / spot) / spot


def vega(forward: Real, strike: Real, volatility: Real, time_to_expiry: Real, *, discount: Real = 1.0) -> Values:
    """∂value/∂σ = D·F·φ(d₁)·√τ, quote currency per unit of annualised volatility."""
    total_vol = total_volatility(volatility, time_to_expiry)
    alive = jnp.asarray(time_to_expiry) > 0.0
    root_time = jnp.where(alive, jnp.sqrt(jnp.where(alive, time_to_expiry, 1.0)), 0.0)
    return norm.pdf(d1(forward, strike, total_vol)) * root_time * discount * forward
