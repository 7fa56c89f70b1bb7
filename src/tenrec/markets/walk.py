"""What the simulated markets share: one scan over the periods, in which random numbers are made as they are needed."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.scipy.special import gammaln, ndtr
from jaxtyping import Array, Float

from tenrec.core.paths import MarketPaths
from tenrec.markets.base import AbstractMarket, Scalar, record
from tenrec.markets.draws import Draws

Paths = Float[Array, " paths"]
Period = Callable[[Paths, Any, Any, Float[Array, "factors paths"]], tuple[Paths, Any, Paths | None]]


def walk(
    market: AbstractMarket,
    draws: Draws,
    one_period: Period,
    *,
    spot: Scalar,
    state: Any,
    at: Any,
    volatility: Paths | Scalar,
    every: int = 1,
) -> MarketPaths:
    """The record of a market whose log return takes one step a period.

    Args:
        one_period: (log return since the start, state, row of `at`, random numbers) → the same two a period later,
            and the annualised volatility then, or None where it never changes.
        state: what else is carried, leaves (paths,). at: leaves (steps, …), constants of each period.
        volatility: at the start. every: steps of the walk in each period of the market.
    """
    dtype = market.dt.dtype

    def scanned(carried: tuple[Paths, Any], constants: Any, numbers: Array) -> tuple[tuple[Paths, Any], Any]:
        log_return, inner, seen = one_period(*carried, constants, numbers)
        return (log_return, inner), (spot.astype(dtype) * jnp.exp(log_return), seen)

    start = jnp.zeros(draws.count, dtype)
    _, outputs = draws.scan(scanned, (start, state), at, dtype)
    later, seen = jax.tree.map(lambda rows: rows[every - 1 :: every], outputs)
    spots = jnp.concatenate([_row(spot, draws.count, dtype), later]).T
    first = volatility.astype(dtype)
    levels = first if seen is None else jnp.concatenate([_row(first, draws.count, dtype), seen]).T
    return record(market, spots, volatility=levels)


def _row(first: Paths | Scalar, count: int, dtype: Any) -> Float[Array, "1 paths"]:
    return jnp.broadcast_to(first.astype(dtype), (1, count))


def poisson(z: Paths, mean: Scalar, most: int) -> Paths:
    """A Poisson number from a standard normal: how many of P(N > 0), …, P(N > most − 1) lie above Φ(−z).

    `most` numbers are enough where P(N > most) is below what matters; the caller refuses larger means.

    Example:
        >>> poisson(jnp.array([-1.0, 0.0, 3.0]), jnp.asarray(0.3), 6).tolist()
        [0.0, 0.0, 3.0]
    """
    upper = ndtr(-z)
    return jnp.sum(upper[None] < exceeded(mean, most)[:, None].astype(z.dtype), axis=0).astype(z.dtype)


def exceeded(mean: Scalar, most: int) -> Float[Array, " most"]:
    """P(N > j) of a Poisson number N, j = 0 … most − 1, as sums of positive terms."""
    orders = jnp.arange(most + 10)
    safe = jnp.maximum(mean, jnp.finfo(mean.dtype).tiny)
    terms = jnp.exp(orders * jnp.log(safe) - mean - gammaln(orders + 1.0))
    tails = jnp.cumsum(terms[::-1])[::-1]
    return tails[1 : most + 1]
