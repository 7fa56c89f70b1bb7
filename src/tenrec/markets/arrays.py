"""Paths that somebody else made, served as a market."""

import dataclasses
from typing import Literal

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from tenrec.core.checks import as_array, as_optional_array, require_finite, require_positive
from tenrec.core.errors import ConfigError
from tenrec.core.paths import MarketPaths
from tenrec.markets.base import AbstractMarket, HedgeWith, Scalar, as_dividend_yield, check_hedge_with, record
from tenrec.markets.draws import Draws, Randomness
from tenrec.markets.variance_swap import with_instruments, with_recorded_variance_swap

Order = Literal["served", "random"]


class ArraysMarket(AbstractMarket):
    """Given price paths, served in their order or as rows drawn at random with replacement.

    Args:
        prices: (rows, dates) spot of the underlying, quote currency.
        dt: (steps,) length of each period in years; steps = dates − 1.
        volatility: (rows, dates), or one annualised number; None for the standard deviation of all log returns.
        order: "served" gives rows 0 … count − 1, whatever the key; "random" draws them.
        rate, dividend_yield, hedge_with: as in `BlackScholesMarket`.
        variance_swap: whether a swap to the last date, marked at the volatility of each date, is a second instrument;
            see `with_recorded_variance_swap`, spot at the start·variance a unit.
        further: prices of more hedging instruments, after these.

    Raises:
        ConfigError: shapes that do not fit together, or a price that is not positive and finite; on simulation, more
            paths than there are rows to serve in order.

    Example:
        >>> import jax
        >>> market = ArraysMarket(prices=jnp.array([[1.0, 1.1], [1.0, 0.9]]), dt=jnp.array([0.25]), volatility=0.2)
        >>> market.simulate(jax.random.key(0), 2).spot.tolist()[1]
        [1.0, 0.89...]
    """

    prices: Float[Array, "rows dates"] = eqx.field(converter=as_array)
    dt: Float[Array, " steps"] = eqx.field(converter=as_array)
    volatility: Float[Array, "*rows_dates"] | None = eqx.field(converter=as_optional_array, default=None)
    order: Order = eqx.field(static=True, default="served")
    rate: Scalar = eqx.field(converter=as_array, default=0.0)
    dividend_yield: Scalar | None = eqx.field(converter=as_dividend_yield, default=None)
    hedge_with: HedgeWith = eqx.field(static=True, default="spot")
    variance_swap: bool = eqx.field(static=True, default=False)
    further: Float[Array, "rows dates instruments"] | None = eqx.field(converter=as_optional_array, default=None)

    def __check_init__(self) -> None:
        require_positive(prices=self.prices, dt=self.dt, volatility=self.volatility)
        require_finite(rate=self.rate, dividend_yield=self.dividend_yield)
        check_hedge_with(self.hedge_with)
        if self.order not in ("served", "random"):
            raise ConfigError(f"order is {self.order!r}; choose from served, random.")
        dates = self.prices.shape[1]
        if dates != self.steps + 1:
            raise ConfigError(f"price paths have {dates} dates for {self.steps} steps; {self.steps + 1} are needed.")
        if self.further is not None and self.further.shape[:2] != self.prices.shape:
            raise ConfigError(
                f"further instruments have prices of shape {self.further.shape} beside {self.prices.shape} of the "
                "underlying; one for each row and date is needed."
            )
        if self.volatility is not None and self.volatility.ndim and self.volatility.shape != self.prices.shape:
            raise ConfigError(
                f"volatility has shape {self.volatility.shape} for prices of shape {self.prices.shape}; one number, or "
                "one for each price, is needed."
            )

    def randomness(self) -> Randomness:
        """One uniform for each path: its row."""
        return Randomness(jnp.ones(1, self.dt.dtype), factors=1, law="uniform")

    def generate(self, draws: Draws) -> MarketPaths:
        """The paths that the draws give."""
        rows, dtype = self._rows(draws), self.dt.dtype
        spot = self.prices.astype(dtype)[rows]
        if self.volatility is None:
            returns = jnp.diff(jnp.log(self.prices), axis=1)
            volatility = jnp.sqrt(jnp.mean(jnp.var(returns, axis=0) / self.dt)).astype(dtype)
        else:
            volatility = self.volatility.astype(dtype)[rows] if self.volatility.ndim else self.volatility
        paths = record(self, spot, volatility=volatility)
        if self.variance_swap:
            notional = self.prices[0, 0].astype(dtype)
            paths = with_recorded_variance_swap(
                paths, jnp.broadcast_to(paths.volatility, spot.shape), notional=notional
            )
        return paths if self.further is None else with_instruments(paths, self.further.astype(dtype)[rows])

    def _rows(self, draws: Draws) -> Int[Array, " paths"]:
        available = self.prices.shape[0]
        if self.order == "random":
            place = draws.read(draws.rows[0], self.dt.dtype)[0]
            return jnp.minimum((place * available).astype(int), available - 1)
        if draws.count > available:
            raise ConfigError(
                f"{draws.count} paths are asked of {available} rows; ask for fewer, or set order: random."
            )
        return jnp.arange(draws.count)


def split_rows(market: ArraysMarket, test: int) -> tuple[ArraysMarket, ArraysMarket]:
    """The first rows to train on and the last `test` rows to test on.

    Raises:
        ConfigError: no row left on one side.
    """
    available = market.prices.shape[0]
    if not 0 < test < available:
        raise ConfigError(f"{test} test rows are asked of {available}; between 1 and {available - 1} are needed.")
    train, held_out = slice(0, available - test), slice(available - test, available)
    return _rows_of(market, train), _rows_of(market, held_out)


def _rows_of(market: ArraysMarket, rows: slice) -> ArraysMarket:
    volatility, further = market.volatility, market.further
    return dataclasses.replace(
        market,
        prices=market.prices[rows],
        volatility=volatility[rows] if volatility is not None and volatility.ndim else volatility,
        further=None if further is None else further[rows],
    )
