"""European options in the SABR model, by Hagan's formula for the implied volatility, with Bartlett's delta.

    dF = a·F^β dW,   da = ν·a dZ,   d⟨W, Z⟩ = ρ dt

The formula is an expansion in small time: at long maturities or far from the money prices can break the bounds of
arbitrage. Everything is differentiable in every argument, also at F = K.

Sources: Hagan, Kumar, Lesniewski and Woodward (2002), "Managing smile risk", Wilmott September, eq. 2.17; Bartlett
(2006), "Hedging under SABR model", Wilmott July/August.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from tenrec.pricing import black_scholes

Scalar = Float[Array, ""]
NEAR = 1e-3
"""Below it log(1 + y)/y is taken from its series, exact to rounding there."""


def implied_volatility(
    forward: ArrayLike,
    strike: ArrayLike,
    time_to_expiry: ArrayLike,
    *,
    level: ArrayLike,
    elasticity: ArrayLike,
    vol_of_vol: ArrayLike,
    correlation: ArrayLike,
) -> Float[Array, "..."]:
    """Lognormal implied volatility, annualised decimal; all arguments broadcast.

    With m = (FK)^{(1−β)/2}, l = log(F/K), z = ν·m·l/a and χ(z) = log((√(1 − 2ρz + z²) + z − ρ)/(1 − ρ)):

        σ = a/(m·(1 + (1−β)²l²/24 + (1−β)⁴l⁴/1920)) · z/χ(z)
            · (1 + ((1−β)²a²/(24m²) + ρβνa/(4m) + (2 − 3ρ²)ν²/24)·T)

    Args:
        forward, strike: quote currency. time_to_expiry: years.
        level: a > 0, quote currency^(1−β) per √year; at β = 1 a volatility. elasticity: 0 ≤ β ≤ 1.
        vol_of_vol: ν ≥ 0, per √year. correlation: −1 < ρ < 1.

    Example:
        >>> found = implied_volatility(100.0, 90.0, 0.5, level=0.2, elasticity=1.0, vol_of_vol=0.8, correlation=-0.5)
        >>> round(float(found), 4)
        0.2253
    """
    forward, strike, time, level, beta, nu, rho = (
        jnp.asarray(x, jnp.result_type(float))
        for x in (forward, strike, time_to_expiry, level, elasticity, vol_of_vol, correlation)
    )
    rest = 1.0 - beta
    distance, middle = jnp.log(forward / strike), (forward * strike) ** (0.5 * rest)
    z = nu * middle * distance / level
    wide = (rest * distance) ** 2
    flat = middle * (1.0 + wide / 24.0 + wide**2 / 1920.0)
    slow = (rest * level / middle) ** 2 / 24.0 + 0.25 * rho * beta * nu * level / middle
    return level / flat * _quotient(z, rho) * (1.0 + (slow + (2.0 - 3.0 * rho**2) * nu**2 / 24.0) * time)


def response(
    forward: ArrayLike,
    strike: ArrayLike,
    time_to_expiry: ArrayLike,
    *,
    level: ArrayLike,
    elasticity: ArrayLike,
    vol_of_vol: ArrayLike,
    correlation: ArrayLike,
    level_moves: bool = True,
) -> Float[Array, "..."]:
    """∂σ/∂log F of the implied volatility, by automatic differentiation; all arguments broadcast.

        F·(∂σ/∂F + ∂σ/∂a·ρν/F^β)

    Args:
        level_moves: Bartlett's: the level a moves with the forward as the model expects it to, da = ρν/F^β·dF. It
            hardly depends on β then. False is Hagan's own: a stands still.
    """
    given = (forward, strike, time_to_expiry, level, elasticity, vol_of_vol, correlation)
    columns = jnp.broadcast_arrays(*(jnp.asarray(x, jnp.result_type(float)) for x in given))

    def one(row: Float[Array, " seven"]) -> Scalar:
        f, k, time, a, beta, nu, rho = row
        expected = rho * nu / f**beta if level_moves else jnp.zeros(())

        def moved(log_forward: Scalar) -> Scalar:
            at = jnp.exp(log_forward)
            later = a + expected * (at - f)
            return implied_volatility(at, k, time, level=later, elasticity=beta, vol_of_vol=nu, correlation=rho)

        return jax.grad(moved)(jnp.log(f))

    return jnp.vectorize(one, signature="(n)->()")(jnp.stack(columns, axis=-1))


def delta(
    sign: ArrayLike,
    forward: ArrayLike,
    strike: ArrayLike,
    time_to_expiry: ArrayLike,
    *,
    level: ArrayLike,
    elasticity: ArrayLike,
    vol_of_vol: ArrayLike,
    correlation: ArrayLike,
    level_moves: bool = True,
) -> Float[Array, "..."]:
    """Undiscounted delta in units of the forward, δ + vega/F·∂σ/∂log F: Bartlett's, or Hagan's with a still level.

    Args:
        sign: +1 call, −1 put. The others as in `response`.

    Example:
        >>> smile = {"level": 0.2, "elasticity": 1.0, "vol_of_vol": 0.8, "correlation": -0.5}
        >>> round(float(delta(1.0, 100.0, 90.0, 0.5, **smile)), 3)
        0.739
    """
    smile = {"level": level, "elasticity": elasticity, "vol_of_vol": vol_of_vol, "correlation": correlation}
    volatility = implied_volatility(forward, strike, time_to_expiry, **smile)
    answer = response(forward, strike, time_to_expiry, **smile, level_moves=level_moves)
    given = (sign, forward, strike, volatility, time_to_expiry)
    sign, forward, strike, volatility, time = (jnp.asarray(x, jnp.result_type(float)) for x in given)
    own = black_scholes.delta(sign, forward, strike, volatility, time, spot=forward)
    return own + black_scholes.vega(forward, strike, volatility, time) / forward * answer


def _quotient(z: Float[Array, "..."], rho: Float[Array, "..."]) -> Float[Array, "..."]:
    """z/χ(z), smooth at z = 0: with y = (√(1 − 2ρz + z²) − 1 + z)/(1 − ρ) = z·g, χ = log(1 + y)."""
    root = jnp.sqrt(1.0 - 2.0 * rho * z + z**2)
    g = (z - 2.0 * rho + root + 1.0) / ((root + 1.0) * (1.0 - rho))
    y = z * g
    near = jnp.abs(y) < NEAR
    safe = jnp.where(near, 1.0, y)
    series = 1.0 - y * (1 / 2 - y * (1 / 3 - y * (1 / 4 - y * (1 / 5 - y * (1 / 6 - y / 7)))))
    return 1.0 / (g * jnp.where(near, series, jnp.log1p(safe) / safe))
