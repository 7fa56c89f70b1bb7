"""A variance swap as a second hedging instrument."""

import dataclasses

import jax.numpy as jnp
from jaxtyping import Array, Float

from tenrec.core.paths import MarketPaths


def with_variance_swap(
    paths: MarketPaths,
    *,
    mean_reversion: Float[Array, ""],
    long_run_variance: Float[Array, ""],
    notional: Float[Array, ""],
) -> MarketPaths:
    """Beside the spot of `paths`, a variance swap to the last date, where variance reverts as dv = κ(θ − v)·dt + ….

    One unit pays notional·(1/T)·∫₀ᵀ v dt at the last date T; it is paid for, at its price

        P_k = notional/T·e^{−rτ}·(∫₀ᵗ v dt + θτ + (v_k − θ)·B(τ)),    B(τ) = (1 − e^{−κτ})/κ,    τ = T − t

    The accumulated part moves by its expectation plus ½Δt of the step's surprise v_{k+1} − E[v_{k+1} | v_k], the
    trapezoidal rule to O(κ²Δt³), so that the discounted price is a martingale exactly and not to the size of the step.

    Args:
        mean_reversion: κ, per year. long_run_variance: θ, annualised. notional: quote currency per unit of annualised
            variance.

    Source: Buehler, Gonon, Teichmann and Wood (2019), "Deep hedging", Quantitative Finance 19, section 5.1.
    """
    variance, dt, kappa, theta = paths.volatility**2, paths.dt, mean_reversion, long_run_variance
    left = jnp.append(jnp.cumsum(dt[::-1])[::-1], 0.0).astype(dt.dtype)
    slope = -jnp.expm1(-kappa * left) / kappa
    surprise = variance[..., 1:] - theta - (variance[..., :-1] - theta) * jnp.exp(-kappa * dt)
    first = theta * left[0] + (variance[..., :1] - theta) * slope[0]
    later = first + jnp.cumsum((0.5 * dt + slope[1:]) * surprise, axis=-1)
    interest = jnp.append(jnp.cumsum((paths.rate * dt)[::-1])[::-1], 0.0)
    price = notional / left[0] * jnp.exp(-interest) * jnp.concatenate([first, later], axis=-1)
    return with_instruments(paths, price[..., None])


def with_recorded_variance_swap(
    paths: MarketPaths, implied: Float[Array, "... dates"], *, notional: Float[Array, ""]
) -> MarketPaths:
    """Beside recorded prices, a variance swap to the last date, marked at each date's implied volatility.

    One unit pays notional·(1/T)·Σ log(S_i/S_{i−1})² at the last date; it is paid for, at what has been realised and
    what is implied for the time τ that is left:

        P_k = notional/T·e^{−rτ}·(Σ_{i ≤ k} log(S_i/S_{i−1})² + τ·implied_k²)

    Steps without time (the padding of recorded contracts that have expired) add nothing.

    Args:
        implied: annualised volatility whose square is the fair variance to the last date, known at each date: a
            variance swap's strike (`tenrec vol index`), or the at-the-money volatility as its lower stand-in.
        notional: quote currency per unit of annualised variance.

    Source: Demeterfi, Derman, Kamal and Zou (1999), "More than you ever wanted to know about volatility swaps".

    Example:
        >>> from tenrec.core.paths import market_paths
        >>> spot = jnp.array([[100.0, 110.0, 99.0]])
        >>> paths = market_paths(spot=spot, dt=jnp.full(2, 0.5), volatility=0.2)
        >>> two = with_recorded_variance_swap(paths, jnp.full((1, 3), 0.2), notional=jnp.asarray(1.0))
        >>> [round(float(price), 4) for price in two.price[0, :, 1]]
        [0.04, 0.0291, 0.0202]
    """
    left = jnp.cumsum(paths.dt[..., ::-1], axis=-1)[..., ::-1]
    left = jnp.concatenate([left, jnp.zeros_like(left[..., :1])], axis=-1)
    moves = jnp.diff(jnp.log(paths.spot), axis=-1)
    realised = jnp.cumsum(jnp.where(paths.dt > 0.0, moves**2, 0.0), axis=-1)
    realised = jnp.concatenate([jnp.zeros_like(realised[..., :1]), realised], axis=-1)
    ahead = jnp.cumsum((paths.rate * paths.dt)[..., ::-1], axis=-1)[..., ::-1]
    interest = jnp.concatenate([ahead, jnp.zeros_like(ahead[..., :1])], axis=-1)
    price = notional / left[..., :1] * jnp.exp(-interest) * (realised + left * implied**2)
    return with_instruments(paths, price[..., None])


def with_instruments(paths: MarketPaths, price: Float[Array, "... dates more"]) -> MarketPaths:
    """The paths with further hedging instruments at these mid prices, without carry or spread of their own."""
    none = jnp.zeros(price.shape[-1], paths.price.dtype)

    def widened(column: Float[Array, "... dates instruments"]) -> Float[Array, "... dates all"]:
        return jnp.concatenate([column, jnp.broadcast_to(none, (*column.shape[:-1], len(none)))], axis=-1)

    return dataclasses.replace(
        paths,
        price=jnp.concatenate([paths.price, price.astype(paths.price.dtype)], axis=-1),
        carry=widened(paths.carry),
        half_spread=widened(paths.half_spread),
    )
