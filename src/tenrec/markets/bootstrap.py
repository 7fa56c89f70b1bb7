"""Paths resampled in blocks from a recorded series."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from tenrec.core.checks import as_array, as_optional_array, require, require_finite, require_positive
from tenrec.core.errors import ConfigError
from tenrec.core.paths import MarketPaths
from tenrec.markets.base import AbstractMarket, HedgeWith, Scalar, as_dividend_yield, check_hedge_with, record
from tenrec.markets.draws import Draws, Randomness

Paths = Int[Array, " paths"]


def _as_rows(value: object) -> Array | None:
    """Columns of a table; one series becomes a table of one column."""
    rows = as_optional_array(value)  # type: ignore[arg-type]
    return rows[:, None] if rows is not None and rows.ndim == 1 else rows


class BootstrapMarket(AbstractMarket):
    """The stationary bootstrap of Politis and Romano: blocks of recorded days, of geometric length, wrapped around.

    Day k+1 of a path follows day k of the record with probability 1 − 1/`mean_block`, else it is any recorded day.
    What was observed at a day's close comes along with its return, so joint days stay joint. One recorded return
    makes one step of the grid, whatever `dt` says of its length.

    Args:
        returns: (days,) log returns; entry j leads from close j to close j + 1.
        dt: (steps,) length of each period in years.
        spot: S₀, quote currency.
        volatility: (days + 1,) annualised volatility observed at each close, or one number; None for the standard
            deviation of the returns, annualised with the mean of `dt`.
        signals: (days + 1, signals) further states observed at each close; `signal_names` names the columns.
        mean_block: mean block length in days; 1 draws single days.
        drift: continuous annual growth of the expected spot, to which the returns are shifted, log E exp(return) =
            drift·Δt for one day drawn at random; None keeps the recorded mean.
        rate, dividend_yield, hedge_with: as in `BlackScholesMarket`.

    Source: Politis and Romano (1994), "The stationary bootstrap", J. American Statistical Association 89.

    Raises:
        ConfigError: lengths that do not fit together, or a number outside its range.

    Example:
        >>> market = BootstrapMarket(returns=jnp.array([0.01, -0.02, 0.01]), dt=jnp.full(5, 1 / 250), drift=0.0)
        >>> market.simulate(jax.random.key(0), 4).spot.shape
        (4, 6)
    """

    returns: Float[Array, " days"] = eqx.field(converter=as_array)
    dt: Float[Array, " steps"] = eqx.field(converter=as_array)
    spot: Scalar = eqx.field(converter=as_array, default=1.0)
    volatility: Float[Array, "*closes"] | None = eqx.field(converter=as_optional_array, default=None)
    signals: Float[Array, "closes signals"] | None = eqx.field(converter=_as_rows, default=None)
    signal_names: tuple[str, ...] = eqx.field(static=True, default=())
    mean_block: Scalar = eqx.field(converter=as_array, default=20.0)
    drift: Scalar | None = eqx.field(converter=as_optional_array, default=None)
    rate: Scalar = eqx.field(converter=as_array, default=0.0)
    dividend_yield: Scalar | None = eqx.field(converter=as_dividend_yield, default=None)
    hedge_with: HedgeWith = eqx.field(static=True, default="spot")

    def __check_init__(self) -> None:
        require_positive(spot=self.spot, dt=self.dt, volatility=self.volatility)
        require("mean_block", self.mean_block, lambda numbers: numbers >= 1, "a number of at least 1")
        require_finite(returns=self.returns, signals=self.signals, rate=self.rate, drift=self.drift)
        require_finite(dividend_yield=self.dividend_yield)
        check_hedge_with(self.hedge_with)
        closes = self.returns.shape[0] + 1
        if closes < 3:
            raise ConfigError(f"{closes - 1} returns are given to resample; at least 2 are needed.")
        for name, series in (("volatility", self.volatility), ("signals", self.signals)):
            if series is not None and series.ndim and series.shape[0] != closes:
                raise ConfigError(
                    f"{name} has {series.shape[0]} rows for {closes - 1} returns; one row for each close, the first "
                    f"one included, is needed ({closes})."
                )
        columns = 0 if self.signals is None else self.signals.shape[1]
        if columns != len(self.signal_names):
            raise ConfigError(f"{columns} signals are given with {len(self.signal_names)} names; name each column.")

    def randomness(self) -> Randomness:
        """Two uniforms for each period: whether a new block starts, and where."""
        return Randomness(self.dt, factors=2, law="uniform")

    def generate(self, draws: Draws) -> MarketPaths:
        """The paths that the draws give."""
        dtype = self.dt.dtype
        days = self.days(draws)
        shifted = self.returns if self.drift is None else self.returns - jnp.log(jnp.mean(jnp.exp(self.returns)))
        shift = jnp.zeros_like(self.dt) if self.drift is None else self.drift * self.dt
        total = jnp.cumsum(shifted.astype(dtype)[days] + shift[:, None], axis=0)
        spot = self.spot * jnp.exp(jnp.concatenate([jnp.zeros((1, draws.count), dtype), total])).T
        closes = jnp.concatenate([days[:1], days + 1]).T
        return record(
            self,
            spot,
            volatility=self._volatility(closes),
            signals=None if self.signals is None else self.signals.astype(dtype)[closes],
            signal_names=self.signal_names,
        )

    def days(self, draws: Draws) -> Int[Array, "steps paths"]:
        """Which recorded day makes each step of each path."""
        length = self.returns.shape[0]

        def one_period(day: Paths, numbers: Array) -> tuple[Paths, Paths]:
            fresh, place = draws.read(numbers, self.dt.dtype)
            anywhere = jnp.minimum((place * length).astype(int), length - 1)
            day = jnp.where((day < 0) | (fresh * self.mean_block < 1.0), anywhere, (day + 1) % length)
            return day, day

        _, days = jax.lax.scan(one_period, jnp.full(draws.count, -1), draws.rows)
        return days

    def _volatility(self, closes: Int[Array, "paths dates"]) -> Float[Array, "*paths_dates"]:
        dtype = self.dt.dtype
        if self.volatility is None:
            return (jnp.std(self.returns) / jnp.sqrt(jnp.mean(self.dt))).astype(dtype)
        return self.volatility.astype(dtype)[closes] if self.volatility.ndim else self.volatility
