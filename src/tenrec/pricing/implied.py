"""Implied volatility from prices: one branch-free path, to the last digits that the price holds.

With x = |log(F/K)|, h = x/s, t = s/2, R the Mills ratio and β the undiscounted out-of-the-money price over √(FK), the
total volatility s = σ√τ solves one of

    log β          = −(h² + t²)/2 − log √(2π) + log(R(h − t) − R(h + t))     below half of the bound b̄ = √(min/max)
    log (b̄ − β)    = −(h² + t²)/2 − log √(2π) + log(R(t − h) + R(h + t))     above it

Neither loses digits, however small the price (for small s and x the difference is summed as its Taylor series), and all
derivatives are free, since ∂β/∂s is the Gaussian before the bracket. The guess inverts Bachelier's formula (below) or
β = 1 − 2Φ(−s/2) (above) by short rational functions; three Householder steps of order four in s² or s⁻² follow, of
which two suffice for |log(F/K)| ≤ 5.

Sources: Jäckel (2015), "Let's be rational", Wilmott 75 (normalised price, objectives, steps); Jäckel (2017), "Implied
normal volatility" (Bachelier's inverse). Derivatives of the result come from the implicit function theorem.
"""

from collections.abc import Callable
from enum import IntEnum
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float, Int

from tenrec.pricing import mills

Numbers = Float[Array, "..."]
Triple = tuple[Numbers, Numbers, Numbers]

STEPS = 3
BLOCK = 8192
"""Quotes inverted at once by `implied_volatilities`: what is in flight stays in the cache."""

LOG_ROOT_TWO_PI = 0.5 * float(np.log(2.0 * np.pi))
LOG_TWO = float(np.log(2.0))
ROOT_TWO_PI = float(np.sqrt(2.0 * np.pi))


class Status(IntEnum):
    """What came of one quote."""

    OK = 0
    BELOW_INTRINSIC = 1
    """Less than the discounted intrinsic value: no volatility."""
    ABOVE_BOUND = 2
    """The discounted forward (call) or strike (put), or more: no finite volatility."""
    INVALID = 3
    """Not finite; or a forward, strike, maturity or discount factor that is not positive; or a sign that is not ±1."""


class ImpliedVolatility(NamedTuple):
    """Annualised volatility, NaN wherever the `Status` is not `OK`."""

    volatility: Float[Array, "..."]
    status: Int[Array, "..."]


class ImpliedVolatilities(NamedTuple):
    """The same as NumPy arrays in double precision."""

    volatility: Float[np.ndarray, "..."]
    status: Int[np.ndarray, "..."]


def implied_volatility(
    price: ArrayLike,
    forward: ArrayLike,
    strike: ArrayLike,
    maturity: ArrayLike,
    sign: ArrayLike,
    discount: ArrayLike = 1.0,
) -> ImpliedVolatility:
    """Black's volatility (1976) of European prices; all arguments broadcast, and nothing is raised.

    Works under `jit`, `vmap` and `grad`, in the precision in force (`jax.enable_x64(True)` for twelve digits). A price
    equal to the intrinsic value has volatility 0.

    Args:
        price: quote currency. forward, strike: quote currency. maturity: years. sign: +1 call, −1 put.
        discount: discount factor to expiry.

    Example:
        >>> with jax.enable_x64(True):
        ...     found = implied_volatility(np.array([2.2871, 50.0]), 100.0, 100.0, 30 / 365, 1.0)
        >>> [f"{vol:.6f}" for vol in found.volatility.tolist()], found.status.tolist()
        (['0.199996', '4.705342'], [0, 0])
    """
    quote = _broadcast(price, forward, strike, maturity, sign, discount)
    return _implied(_black_total, _black_bound, *quote)


def bachelier_volatility(
    price: ArrayLike,
    forward: ArrayLike,
    strike: ArrayLike,
    maturity: ArrayLike,
    sign: ArrayLike,
    discount: ArrayLike = 1.0,
) -> ImpliedVolatility:
    """Bachelier's (normal) volatility, quote currency per √year; otherwise as `implied_volatility`.

    Forward and strike may have any sign, and the price has no upper bound.

    Example:
        >>> with jax.enable_x64(True):
        ...     found = bachelier_volatility(0.3989422804, 0.0, 0.0, 1.0, 1.0)
        >>> f"{float(found.volatility):.6f}"
        '1.000000'
    """
    quote = _broadcast(price, forward, strike, maturity, sign, discount)
    return _implied(_bachelier_total, _bachelier_bound, *quote)


def implied_volatilities(
    price: ArrayLike,
    forward: ArrayLike,
    strike: ArrayLike,
    maturity: ArrayLike,
    sign: ArrayLike,
    discount: ArrayLike = 1.0,
) -> ImpliedVolatilities:
    """`implied_volatility` for whole tables: NumPy in and out, always in double precision, and as fast as it gets.

    Example:
        >>> found = implied_volatilities(np.array([2.2871, 101.0, -1.0]), 100.0, 100.0, 30 / 365, 1.0)
        >>> found.volatility.round(4), found.status
        (array([0.2, nan, nan]), array([0, 2, 1], dtype=int32))
    """
    given = (price, forward, strike, maturity, sign, discount)
    columns = np.broadcast_arrays(*(np.asarray(numbers, np.float64) for numbers in given))
    volatility, status = np.empty(columns[0].shape), np.empty(columns[0].shape, np.int32)
    flat = [np.ravel(column) for column in columns]
    with jax.enable_x64(True):
        for start in range(0, volatility.size, BLOCK):
            quotes = [_padded(column[start : start + BLOCK]) for column in flat]
            found, quality = (np.asarray(part) for part in _block(*quotes))
            stop = min(start + BLOCK, volatility.size)
            volatility.reshape(-1)[start:stop] = found[: stop - start]
            status.reshape(-1)[start:stop] = quality[: stop - start]
    return ImpliedVolatilities(volatility, status)


def _padded(part: Float[np.ndarray, " few"]) -> Float[np.ndarray, " block"]:
    """To a power of two, so that few shapes are ever compiled."""
    size = min(BLOCK, 1 << max(part.size - 1, 31).bit_length())
    return part if part.size == size else np.pad(part, (0, size - part.size), constant_values=1.0)


def _broadcast(*given: ArrayLike) -> tuple[Numbers, ...]:
    kind = jnp.result_type(float)
    return tuple(jnp.broadcast_arrays(*(jnp.asarray(numbers, kind) for numbers in given)))


@partial(jax.jit, static_argnums=(0, 1))
def _implied(
    total: Callable[[Numbers, Numbers, Numbers], Numbers],
    bound: Callable[[Numbers, Numbers, Numbers], Numbers],
    price: Numbers,
    forward: Numbers,
    strike: Numbers,
    maturity: Numbers,
    sign: Numbers,
    discount: Numbers,
) -> ImpliedVolatility:
    """Sort the quotes, move to the out-of-the-money side by parity, solve there."""
    value = price / discount
    out_of_the_money = jnp.where(strike >= forward, 1.0, -1.0)
    intrinsic = jnp.where(sign == out_of_the_money, 0.0, sign * (forward - strike))
    excess = value - intrinsic
    valid = jnp.isfinite(price) & jnp.isfinite(forward) & jnp.isfinite(strike) & jnp.isfinite(maturity)
    valid &= (jnp.abs(sign) == 1.0) & (maturity > 0.0) & (discount > 0.0) & jnp.isfinite(discount)
    most = bound(forward, strike, sign)
    valid &= jnp.isfinite(value) & ~jnp.isnan(most)
    solvable = valid & (excess > 0.0) & (value < most)
    # Quotes without a volatility are replaced by a harmless one, so that no derivative meets a NaN.
    safe_forward, safe_strike = jnp.where(solvable, forward, 1.0), jnp.where(solvable, strike, 1.0)
    solved = total(jnp.where(solvable, excess, 0.1), safe_forward, safe_strike)
    volatility = solved / jnp.sqrt(jnp.where(valid, maturity, 1.0))
    at_intrinsic = valid & (excess == 0.0) & (value < most)
    volatility = jnp.where(solvable, volatility, jnp.where(at_intrinsic, 0.0, jnp.nan))
    status = jnp.where(value >= most, Status.ABOVE_BOUND, Status.OK)
    status = jnp.where(excess < 0.0, Status.BELOW_INTRINSIC, status)
    return ImpliedVolatility(volatility, jnp.where(valid, status, Status.INVALID).astype(jnp.int32))


def _black_bound(forward: Numbers, strike: Numbers, sign: Numbers) -> Numbers:
    """The undiscounted price at infinite volatility; NaN where forward or strike is not positive."""
    return jnp.where((forward > 0.0) & (strike > 0.0), jnp.where(sign > 0.0, forward, strike), jnp.nan)


@jax.custom_jvp
def _black_total(excess: Numbers, forward: Numbers, strike: Numbers) -> Numbers:
    """s of the out-of-the-money option (the call at the money) that costs `excess`."""
    smaller, distance = jnp.minimum(forward, strike), jnp.abs(forward - strike)
    x = jnp.log1p(distance / smaller)
    scale = 1.0 / (jnp.sqrt(forward) * jnp.sqrt(strike))
    price, room = excess * scale, (smaller - excess) * scale
    low = price < room
    target = jnp.log(jnp.where(low, price, room))
    s = jnp.where(low, _low_guess(price, x, distance * scale), _high_guess(target))
    for _ in range(STEPS):
        bracket = _bracket(x, s, low)
        s = _step(x / s, 0.5 * s, s, bracket, target, low)
    return s


@_black_total.defjvp
def _black_total_jvp(primals: Triple, tangents: Triple) -> tuple[Numbers, Numbers]:
    """From β's total differential: ∂s = ∂excess/(F·φ(d₁)) − q·R(−q·d₁)·∂F/F + q·R(−q·d₂)·∂K/K, q = +1 call, −1 put."""
    (excess, forward, strike), (change, forward_change, strike_change) = primals, tangents
    s = _black_total(excess, forward, strike)
    side = jnp.where(forward > strike, -1.0, 1.0)
    upper = (jnp.log(forward) - jnp.log(strike)) / s + 0.5 * s
    density = jnp.exp(-0.5 * upper**2) / ROOT_TWO_PI
    from_forward = mills.ratio(-side * upper) * side * forward_change / forward
    from_strike = mills.ratio(-side * (upper - s)) * side * strike_change / strike
    return s, change / (forward * density) - from_forward + from_strike


def _bachelier_bound(forward: Numbers, strike: Numbers, sign: Numbers) -> Numbers:
    return jnp.full_like(forward, jnp.inf)


@jax.custom_jvp
def _bachelier_total(excess: Numbers, forward: Numbers, strike: Numbers) -> Numbers:
    """σ√τ of Bachelier's out-of-the-money option that costs `excess` = s·φ(h)·(1 − h·R(h)), h = |F − K|/s."""
    distance = jnp.abs(forward - strike)
    target = jnp.log(excess)
    s = _bachelier_guess(excess, distance, jnp.ones_like(excess))
    for _ in range(STEPS):
        h = distance / s
        s = _step(h, jnp.zeros_like(h), s, s * (1.0 - h * mills.ratio_above(h)), target, jnp.full(h.shape, True))
    return s


@_bachelier_total.defjvp
def _bachelier_total_jvp(primals: Triple, tangents: Triple) -> tuple[Numbers, Numbers]:
    (excess, forward, strike), (change, forward_change, strike_change) = primals, tangents
    s = _bachelier_total(excess, forward, strike)
    side = jnp.where(forward > strike, -1.0, 1.0)
    upper = (forward - strike) / s
    density = jnp.exp(-0.5 * upper**2) / ROOT_TWO_PI
    return s, change / density - side * mills.ratio(-side * upper) * (forward_change - strike_change)


def _bracket(x: Numbers, s: Numbers, low: Bool[Array, "..."]) -> Numbers:
    """R(h − t) − R(h + t) below half of the bound, R(t − h) + R(h + t) above it."""
    h, t = x / s, 0.5 * s
    far = mills.ratio_above(h + t)
    near = mills.ratio_above(jnp.where(low, h - t, t - h))
    bracket = jnp.where(low, near - far, near + far)
    return jnp.where(low & (t < 0.15) & (x < 0.3), _series(h, t), bracket)


def _series(h: Numbers, t: Numbers) -> Numbers:
    """R(h − t) − R(h + t) = 2·Σ Y⁽²ᵏ⁺¹⁾(−h)·t²ᵏ⁺¹/(2k + 1)!, with Y(z) = R(−z) and Y⁽ⁿ⁺¹⁾ = z·Y⁽ⁿ⁾ + n·Y⁽ⁿ⁻¹⁾."""
    before = mills.ratio_above(h)
    derivative = 1.0 - h * before
    total, power = derivative * t, t
    for n in range(1, 12, 2):
        before = n * before - h * derivative
        derivative = (n + 1) * derivative - h * before
        power = power * t * t * (1.0 / ((n + 1) * (n + 2)))
        total = total + derivative * power
    return 2.0 * total


def _step(h: Numbers, t: Numbers, s: Numbers, bracket: Numbers, target: Numbers, low: Bool[Array, "..."]) -> Numbers:
    """Householder's step of order four on the log-price, in u = s² (below half of the bound) or s⁻² (above).

    With b′ the Gaussian and B the bracket, s·f′ = ±s/B; s·b″/b′ = h² − t² and s²·b‴/b′ = (h² − t²)² − 3h² − t².
    """
    miss = jnp.log(bracket) - 0.5 * (h * h + t * t) - LOG_ROOT_TWO_PI - target
    first = jnp.where(low, 1.0, -1.0) * s / bracket
    bend = h * h - t * t
    second = first * (bend - first)
    third = first * (bend * bend - 3.0 * h * h - t * t) - first * first * (3.0 * bend - 2.0 * first)
    # Derivatives along log s, then along log u = k·log s, then along u/u₀.
    along_second, along_third = second + first, third + 3.0 * second + first
    inverse = jnp.where(low, 0.5, -0.5)
    slope, along_second, along_third = first * inverse, along_second * 0.25, along_third * 0.25 * inverse
    curve, jerk = (along_second - slope) / slope, (along_third - 3.0 * along_second + 2.0 * slope) / slope
    newton = -miss / slope
    step = newton * (1.0 + 0.5 * curve * newton) / (1.0 + newton * (curve + jerk * newton / 6.0))
    factor = jnp.sqrt(jnp.clip(1.0 + step, 0.04, 25.0))
    return jnp.where(low, s * factor, s / factor)


def _low_guess(price: Numbers, x: Numbers, distance: Numbers) -> Numbers:
    """Bachelier's s at the distance 2·sinh(x/2), moved to log-coordinates; its leading error s²/24 is taken off."""
    per_distance = jnp.where(distance > 0.0, x / jnp.where(distance > 0.0, distance, 1.0), 1.0)
    s = _bachelier_guess(price, distance, per_distance)
    return s * (1.0 + s * s / 24.0)


def _bachelier_guess(price: Numbers, distance: Numbers, per_distance: Numbers) -> Numbers:
    """Bachelier's s times `per_distance`, to 0.08 %; ρ = distance/(√(2π)·price), h is rational in ρ or √(2·log ρ)."""
    scaled = ROOT_TWO_PI * price
    far = distance / scaled
    near = jnp.minimum(far, 3.0)
    quotient = (1.0 + near * (1.08059635 + near * 0.03677873)) / (1.0 + near * (2.331194 + near * 0.92318924))
    root = jnp.sqrt(2.0 * jnp.log(jnp.maximum(far, 2.0)))
    upper = 0.3969286 + root * (0.27528448 + root * (-0.13616284 + root * 0.16051375))
    h = upper / (1.0 + root * (-0.08625448 + root * 0.15986178))
    return per_distance * jnp.where(far < np.e, scaled / quotient, distance / h)


def _high_guess(log_room: Numbers) -> Numbers:
    """s = −2·Φ⁻¹(room/2) to 0.2 %: exact at the money, some 20 % too high at x = 5."""
    root = jnp.sqrt(-2.0 * (jnp.minimum(log_room, 0.0) - LOG_TWO))
    upper = -2.31144626 + root * (0.83001437 + root * 0.96736111)
    return 2.0 * upper / (1.0 + root * (0.961062004 + root * 9.30265571e-5))


@jax.jit
def _block(*quotes: Numbers) -> ImpliedVolatility:
    return implied_volatility(*quotes)
