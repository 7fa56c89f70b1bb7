"""Black–Scholes values of forward-start options and cliquets, finite with all derivatives up to expiry.

Returns over periods that do not overlap are independent and lognormal: a forward-start option is an option on one of
them, and a coupon kept between floor and cap a call spread. A floor or cap of the sum needs its law, which is taken
from the product of the coupons' characteristic functions by a cosine series.

Sources: Rubinstein (1991), "Pay now, choose later", Risk 4; Fang and Oosterlee (2008), SIAM J. Scientific Computing 31.
"""

import jax.numpy as jnp
import numpy as np
from jax.scipy.stats import norm
from jaxtyping import Array, Float

from tenrec.pricing import black_scholes
from tenrec.pricing.black_scholes import Real, total_volatility

Values = Float[Array, "..."]
NODES, WEIGHTS = np.polynomial.legendre.leggauss(12)
TERMS = 24
REACH, SMALLEST = 7.0, 1e-4


def forward_start(
    sign: Real,
    forward_at_start: Real,
    forward: Real,
    moneyness: Real,
    volatility: Real,
    time_after_start: Real,
    discount: Real = 1.0,
) -> Values:
    """An option struck at m times the spot of a later date, before that date; `time_after_start` runs from there.

    Example:
        >>> round(float(forward_start(1.0, 100.0, 100.0, 1.0, 0.2, 1.0)), 4)
        7.9656
    """
    return black_scholes.value(sign, forward, moneyness * forward_at_start, volatility, time_after_start, discount)


def coupon(growth: Real, volatility: Real, time: Real, floor: Real, cap: Real) -> Values:
    """E clip(R − 1, floor, cap) of a lognormal R with mean `growth`."""
    low, high = jnp.maximum(1.0 + jnp.asarray(floor), SMALLEST), jnp.maximum(1.0 + jnp.asarray(cap), SMALLEST)
    spread = black_scholes.value(1.0, growth, low, volatility, time) - black_scholes.value(
        1.0, growth, high, volatility, time
    )
    return jnp.asarray(floor + spread)


def annuity(interest: Real, count: Real) -> Values:
    """Σ_{i=1}^{count} exp(−interest·i).

    Example:
        >>> round(float(annuity(0.01, 2.0)), 6), round(float(annuity(0.0, 2.0)), 4)
        (1.970249, 2.0)
    """
    interest = jnp.where(jnp.abs(jnp.asarray(interest)) < 1e-6, 1e-6, interest)
    return jnp.exp(-interest) * jnp.expm1(-interest * count) / jnp.expm1(-interest)


def collared_sum(
    growths: tuple[Values, Values],
    volatility: Values,
    times: tuple[Values, Values],
    later: Values,
    earned: Values,
    local: tuple[Values, Values],
    collar: tuple[Values, Values],
) -> Values:
    """E clip(earned + X₀ + Σ X_i, collar), X₀ the running coupon and X_i `later` further ones, all alike.

    Args:
        growths, times: mean and years of the running and of each later return. local, collar: floor and cap.
    """
    floor, cap = local
    # Where no cap holds, what lies REACH deviations up is one.
    top = jnp.exp(REACH * volatility * jnp.sqrt(times[1])) * jnp.maximum(growths[0], growths[1]) - 1.0
    cap = jnp.maximum(jnp.minimum(cap, top), floor + 1e-6)
    low, width = floor * (1.0 + later), (cap - floor) * (1.0 + later)
    frequency = jnp.arange(TERMS) * jnp.pi / width[..., None]
    now = _turned(growths[0], volatility, times[0], floor, cap, frequency)
    then = _turned(growths[1], volatility, times[1], floor, cap, frequency)
    size = jnp.maximum(then[0] ** 2 + then[1] ** 2, 1e-30) ** (0.5 * later[..., None])
    angle = later[..., None] * _angle(*then) + _angle(*now)
    real = size * jnp.sqrt(jnp.maximum(now[0] ** 2 + now[1] ** 2, 1e-30)) * jnp.cos(angle)
    return _clipped(real, frequency, width, earned + low, collar)


def _clipped(real: Values, frequency: Values, width: Values, lowest: Values, collar: tuple[Values, Values]) -> Values:
    """Σ' of the cosine coefficients of clip(lowest + z, collar), z in [0, width], times those of the law of z."""
    first, last = (jnp.clip(edge - lowest, 0.0, width) for edge in collar)
    at_low, at_high = (jnp.clip(lowest + z, *collar) for z in (jnp.zeros_like(width), width))
    area = at_low * first + (last - first) * (lowest + 0.5 * (first + last)) + at_high * (width - last)
    rates = frequency[..., 1:]
    bends = (jnp.cos(rates * last[..., None]) - jnp.cos(rates * first[..., None])) / rates**2
    return area / width + jnp.sum(real[..., 1:] * bends, axis=-1) * 2.0 / width


def _turned(growth: Values, volatility: Values, time: Values, floor: Values, cap: Values, frequency: Values) -> tuple:
    """Real and imaginary part of E exp(iu(X − floor)), X the coupon: atoms at floor and cap, quadrature between."""
    total = total_volatility(volatility, time)
    mean = jnp.log(growth) - 0.5 * total**2
    low, high = (
        (jnp.log(jnp.maximum(1.0 + edge, SMALLEST)) - mean) / total for edge in jnp.broadcast_arrays(floor, cap)
    )
    nodes, weights = jnp.asarray(NODES, total.dtype), jnp.asarray(WEIGHTS, total.dtype)
    first, last = jnp.clip(low, -REACH, REACH), jnp.clip(high, -REACH, REACH)
    z = 0.5 * (first + last)[..., None] + 0.5 * (last - first)[..., None] * nodes
    weight = norm.pdf(z) * 0.5 * (last - first)[..., None] * weights
    earned = jnp.exp(mean[..., None] + total[..., None] * z) - 1.0 - floor[..., None]
    turn = frequency[..., :, None] * earned[..., None, :]
    at_cap = frequency * (cap - floor)[..., None]
    above, below = norm.cdf(-high)[..., None], norm.cdf(low)[..., None]
    real = jnp.sum(jnp.cos(turn) * weight[..., None, :], axis=-1) + below + above * jnp.cos(at_cap)
    imaginary = jnp.sum(jnp.sin(turn) * weight[..., None, :], axis=-1) + above * jnp.sin(at_cap)
    return real, imaginary


def _angle(real: Values, imaginary: Values) -> Values:
    """arg, with derivatives that stay finite where the number vanishes."""
    small = real**2 + imaginary**2 < 1e-24
    return jnp.arctan2(jnp.where(small, 0.0, imaginary), jnp.where(small, 1.0, real))
