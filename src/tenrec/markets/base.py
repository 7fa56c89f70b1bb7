"""What every market is: parameters and a time grid that give paths."""

import abc
from collections.abc import Iterator
from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, PRNGKeyArray

from tenrec.core.checks import as_optional_array
from tenrec.core.errors import ConfigError
from tenrec.core.paths import MarketPaths, market_paths
from tenrec.markets.draws import Draws, Randomness, Sampling, make_draws

HedgeWith = Literal["spot", "future"]
Scalar = Float[Array, ""]


class AbstractMarket(eqx.Module):
    """A market model on fixed trading dates.

    Its numbers are arrays: differentiate a result with respect to them, or `vmap` over several sets. Paths come in the
    precision of `dt`, the length of each period in years (`TimeGrid.dt`).

    Example:
        >>> from tenrec.core.grid import TimeGrid
        >>> from tenrec.markets import BlackScholesMarket
        >>> market = BlackScholesMarket(spot=1.0, volatility=0.2, dt=TimeGrid(days=30.0, steps=30).dt)
        >>> market.simulate(jax.random.key(0), 5).spot.shape
        (5, 31)
    """

    dt: eqx.AbstractVar[Float[Array, " steps"]]
    rate: eqx.AbstractVar[Scalar]
    dividend_yield: eqx.AbstractVar[Scalar | None]
    hedge_with: eqx.AbstractVar[HedgeWith]

    @abc.abstractmethod
    def randomness(self) -> Randomness:
        """What drives the paths."""

    @abc.abstractmethod
    def generate(self, draws: Draws) -> MarketPaths:
        """The paths that the draws give; pure, for use inside `jax.jit`."""

    def simulate(self, key: PRNGKeyArray, count: int, *, sampling: Sampling = "pseudo") -> MarketPaths:
        """Fresh paths: `count` of them, the same for the same key.

        Args:
            key: random key. count: number of paths.
            sampling: "pseudo", "antithetic" (pairs; an even count) or "sobol" (made on the host, not in `jax.jit`).

        Raises:
            ConfigError: a sampling or count that cannot be served; see `make_draws`.
        """
        if sampling == "sobol":
            return _generate(self, make_draws(self.randomness(), key, count, sampling))
        return _simulate(self, key, count, sampling)

    @property
    def steps(self) -> int:
        """Number of periods N."""
        return self.dt.shape[0]

    @property
    def elapsed(self) -> Float[Array, " steps"]:
        """Length of each period in years on the clock of interest, dividends and growth."""
        return self.dt

    @property
    def margined(self) -> tuple[bool, ...]:
        """Whether only price changes of the instrument on the underlying are settled (a future)."""
        return (self.hedge_with == "future",)


@eqx.filter_jit
def _simulate(market: AbstractMarket, key: PRNGKeyArray, count: int, sampling: Sampling) -> MarketPaths:
    return market.generate(make_draws(market.randomness(), key, count, sampling))


@eqx.filter_jit
def _generate(market: AbstractMarket, draws: Draws) -> MarketPaths:
    return market.generate(draws)


def simulate_blocks(
    market: AbstractMarket, key: PRNGKeyArray, count: int, *, block: int = 65_536, sampling: Sampling = "pseudo"
) -> Iterator[MarketPaths]:
    """`count` paths in blocks of at most `block`, so that memory holds one block at a time; each has its own key."""
    for number, start in enumerate(range(0, count, block)):
        yield market.simulate(jax.random.fold_in(key, number), min(block, count - start), sampling=sampling)


def record(
    market: AbstractMarket,
    spot: Float[Array, "paths dates"],
    *,
    volatility: Float[Array, "*paths dates"] | Scalar,
    **signals: Any,
) -> MarketPaths:
    """The record of simulated spots, with the instrument that the market hedges with.

    spot: the underlying itself, which pays its dividends as carry. future: F_k = S_k·exp((r − y)·τ_k), τ_k the time
    to the grid's end, without carry.
    """
    steps, dates = market.dt.shape, spot.shape[-1:]
    dividend_yield = market.dividend_yield
    price, carry = spot[..., None], None
    if market.hedge_with == "future":
        left = jnp.append(jnp.cumsum(market.elapsed[::-1])[::-1], 0.0)
        price = price * jnp.exp(growth(None, market.rate, dividend_yield) * left)[:, None]
    elif dividend_yield is not None:
        carry = _dividends(spot, market.elapsed, dividend_yield)
    # A rate is earned by the calendar; told on the clock of `dt`, it earns the same over each period.
    speed = market.elapsed / market.dt
    return market_paths(
        spot=spot,
        price=price,
        dt=market.dt,
        volatility=volatility if volatility.ndim else jnp.broadcast_to(volatility, dates),
        rate=jnp.broadcast_to(market.rate * speed, steps),
        dividend_yield=0.0 if dividend_yield is None else jnp.broadcast_to(dividend_yield * speed, steps),
        carry=carry,
        **signals,
    )


def _dividends(
    spot: Float[Array, "paths dates"], dt: Float[Array, " steps"], dividend_yield: Scalar
) -> Float[Array, "paths dates 1"]:
    """Cash received at each date per unit of spot held since the date before: S_{k−1}·(exp(y·Δt) − 1)."""
    paid = spot[:, :-1] * jnp.expm1(dividend_yield * dt)
    return jnp.pad(paid, ((0, 0), (1, 0)))[..., None]


def check_hedge_with(hedge_with: str) -> None:
    """Refuse an unknown hedging instrument."""
    if hedge_with not in ("spot", "future"):
        raise ConfigError(f"hedge_with is {hedge_with!r}; choose from spot, future.")


def growth(drift: Scalar | None, rate: Scalar, dividend_yield: Scalar | None) -> Scalar:
    """Annual growth μ of the expected spot: the drift, or r − y where none is given."""
    if drift is not None:
        return drift
    return rate if dividend_yield is None else rate - dividend_yield


def as_dividend_yield(value: ArrayLike | None) -> Array | None:
    """A yield as an array; a plain 0 becomes None, so that no path carries a column of zero dividends.

    Give `jnp.asarray(0.0)` to differentiate with respect to the yield at 0.
    """
    return None if isinstance(value, int | float) and value == 0 else as_optional_array(value)
