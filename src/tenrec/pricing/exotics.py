"""Black–Scholes values of digitals, barriers, one-touches and Asian options, finite with all derivatives up to expiry.

Every function is elementwise in its arguments; S spot, F forward to expiry, D discount factor, w = σ√τ. Greeks come by
autodiff: quotients are kept away from w = 0, and both branches of a choice are finite.

Sources: Reiner and Rubinstein (1991), "Breaking down the barriers" and "Unscrambling the binary code", Risk 4; Broadie,
Glasserman and Kou (1997), "A continuity correction for discrete barrier options", Mathematical Finance 7; Kemna and
Vorst (1990), J. Banking & Finance 14; Levy (1992), J. International Money and Finance 11.
"""

import jax.numpy as jnp
from jax.scipy.stats import norm
from jaxtyping import Array, Float

from tenrec.pricing import black_scholes
from tenrec.pricing.black_scholes import d1, reflected_volatility, total_volatility

Values = Float[Array, "..."]
Real = Values | float

DISCRETE = 0.5825971579390107
"""−ζ(½)/√(2π): how many deviations of one period a barrier watched only on dates lies further away."""


def digital(sign: Real, forward: Real, strike: Real, volatility: Real, time: Real, discount: Real = 1.0) -> Values:
    """One unit of cash at expiry where the spot ends above the strike (sign +1) or below it (−1): D·N(s·d₂).

    Example:
        >>> round(float(digital(1.0, 100.0, 100.0, 0.2, 1.0)), 5)
        0.46017
    """
    total = total_volatility(volatility, time)
    return discount * norm.cdf(sign * (d1(forward, strike, total) - total))


def shifted_barrier(barrier: Real, direction: Real, volatility: Real, period: Real) -> Values:
    """The barrier that a price watched all the time would have to cross as often: H·exp(±0.5826·σ·√Δt)."""
    return barrier * jnp.exp(direction * DISCRETE * volatility * jnp.sqrt(period))


def knock_in(
    sign: Real,
    direction: Real,
    spot: Real,
    forward: Real,
    strike: Real,
    barrier: Real,
    volatility: Real,
    time: Real,
    discount: Real = 1.0,
) -> Values:
    """An option that lives once the spot has touched the barrier; direction +1 up, −1 down; a plain one beyond it.

    Example:
        >>> round(float(knock_in(1.0, 1.0, 100.0, 100.0, 100.0, 110.0, 0.2, 0.5)), 4)
        5.3458
    """
    total = reflected_volatility(volatility, time)
    plain = black_scholes.value(sign, forward, strike, volatility, time, discount)
    touched = direction * (spot - barrier) >= 0.0
    # Beyond the barrier the reflected terms are not meant; they are taken at it.
    inside = jnp.where(touched, barrier, spot)
    level = inside * (forward / spot)
    drift = jnp.log(forward / spot) / total**2 - 0.5
    reflected = 2.0 * jnp.clip(drift * jnp.log(barrier / inside), -40.0, 40.0)
    lifted = jnp.exp(reflected)
    mirror = level * (barrier / inside) ** 2

    def part(eta: Real, start: Real, edge: Real, weight: Real) -> Values:
        """Value of the option struck at `strike` on a price that starts at `start`, where it ends beyond `edge`."""
        upper = d1(start, edge, total)
        received = start * norm.cdf(eta * upper)
        return weight * sign * discount * (received - strike * norm.cdf(eta * (upper - total)))

    a, b = part(sign, level, strike, 1.0), part(sign, level, barrier, 1.0)
    c, d = part(-direction, mirror, strike, lifted), part(-direction, mirror, barrier, lifted)
    # With the strike on the far side of the barrier every exercise has crossed it.
    crossing = sign * direction > 0.0
    value = jnp.where(
        crossing,
        jnp.where(direction * (strike - barrier) >= 0.0, a, b - c + d),
        jnp.where(direction * (strike - barrier) >= 0.0, a - b + d, c),
    )
    return jnp.where(touched, plain, jnp.clip(value, 0.0, plain))


def touch(
    direction: Real, spot: Real, forward: Real, barrier: Real, volatility: Real, time: Real, discount: Real = 1.0
) -> Values:
    """One unit of cash at expiry where the spot touches the barrier before; direction +1 up, −1 down."""
    total = reflected_volatility(volatility, time)
    touched = direction * (spot - barrier) >= 0.0
    inside = jnp.where(touched, barrier, spot)
    away = direction * jnp.log(barrier / inside)
    drift = direction * (jnp.log(forward / spot) - 0.5 * total**2)
    lifted = jnp.exp(jnp.clip(2.0 * drift * away / total**2, -40.0, 40.0))
    chance = norm.cdf((drift - away) / total) + lifted * norm.cdf((-drift - away) / total)
    return discount * jnp.where(touched, 1.0, jnp.clip(chance, 0.0, 1.0))


def asian(
    sign: Real,
    spot: Real,
    forward: Real,
    strike: Real,
    volatility: Real,
    period: Real,
    dates: Real,
    left: Real,
    average: Real,
    discount: Real = 1.0,
    *,
    geometric: bool,
) -> Values:
    """An option on the mean of `dates` spots, `left` of them still to come, one a period; `average` is that so far.

    Geometric: exact. Arithmetic: what is to come is taken as lognormal with its own first two moments (Levy), which
    misses the price by some 0.1 % at usual volatilities.
    """
    rest = jnp.maximum(left, 1.0)
    step_growth = jnp.log(forward / spot) / rest
    variance = volatility**2 * period * left * (left + 1.0) * (2.0 * left + 1.0) / 6.0
    share = left / dates
    if geometric:
        middle = step_growth - 0.5 * volatility**2 * period
        log_mean = (
            (1.0 - share) * jnp.log(average) + share * jnp.log(spot) + middle * left * (left + 1.0) / (2.0 * dates)
        )
        variance = jnp.maximum(variance / dates**2, 1e-12)
        return black_scholes.value(sign, jnp.exp(log_mean + 0.5 * variance), strike, jnp.sqrt(variance), 1.0, discount)
    coming = spot * jnp.exp(step_growth * (left + 1.0) / 2.0)
    needed = (strike - (1.0 - share) * average) / jnp.maximum(share, 1e-6)
    # The variance of the logarithm of an arithmetic mean, to second order in variance and growth.
    first = variance / rest**2
    deviation = jnp.sqrt(jnp.maximum(first * (1.0 + 0.25 * (first + step_growth * left)), 1e-12))
    open_value = share * black_scholes.value(sign, coming, jnp.maximum(needed, 1e-6 * spot), deviation, 1.0, discount)
    certain = discount * jnp.maximum(sign * (share * coming + (1.0 - share) * average - strike), 0.0)
    return jnp.where((needed > 1e-6 * spot) & (left > 0.5), open_value, certain)
