"""A market whose variance runs on another clock than its interest."""

import dataclasses
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from tenrec.core.checks import as_array, require_positive
from tenrec.core.errors import ConfigError
from tenrec.core.paths import MarketPaths
from tenrec.markets.base import AbstractMarket, HedgeWith, Scalar, growth, record
from tenrec.markets.draws import Draws, Randomness


class ClockMarket(AbstractMarket):
    """A model of prices on its own clock, with growth, interest and dividends by the calendar:

        S_k = S₀·M_k·exp(μ·t_k),    t_k = Σ_{j<k} calendar_dt_j,

    M the model without growth, on its periods `dt` (`TimeGrid.dt` of weekdays, say, on which a weekend is short). The
    record's `dt` is the clock of variance, and so that of all features and deltas; its rates are told on that clock
    such that every period earns what the calendar gives.

    Args:
        model: any model with a drift; its own rate, drift and yield become those of the whole.
        calendar_dt: (steps,) length of each period in years of the calendar (`TimeGrid.elapsed`).

    Raises:
        ConfigError: a model without a drift of its own, or one with further instruments.

    Example:
        >>> import datetime, jax
        >>> from tenrec.core.grid import TimeGrid
        >>> from tenrec.markets import BlackScholesMarket
        >>> grid = TimeGrid(7, 5, calendar="weekdays", weekend_weight=0.25, start=datetime.date(2024, 1, 5))
        >>> model = BlackScholesMarket(spot=1.0, volatility=0.2, rate=0.05, dt=grid.dt)
        >>> paths = ClockMarket(model=model, calendar_dt=grid.elapsed).simulate(jax.random.key(0), 3)
        >>> [round(365 * float(number), 3) for number in paths.rate * paths.dt][:2]
        [0.15, 0.05]
    """

    model: AbstractMarket
    calendar_dt: Float[Array, " steps"]
    drift: Scalar | None
    dt: Float[Array, " steps"]
    rate: Scalar
    dividend_yield: Scalar | None
    hedge_with: HedgeWith = eqx.field(static=True)

    def __init__(self, *, model: AbstractMarket, calendar_dt: Any, **shared: Any) -> None:
        if not hasattr(model, "drift") or getattr(model, "variance_swap", False):
            raise ConfigError(
                f"{type(model).__name__} cannot run on a clock of its own; choose a model of one asset that is hedged "
                "with its spot or future."
            )
        plain: Any = dataclasses.replace(model, **shared) if shared else model  # has a drift, as was asked above
        self.model = plain
        self.calendar_dt = as_array(calendar_dt)
        require_positive(calendar_dt=self.calendar_dt)
        self.drift, self.dt, self.rate = plain.drift, plain.dt, plain.rate
        self.dividend_yield, self.hedge_with = plain.dividend_yield, plain.hedge_with

    @property
    def elapsed(self) -> Float[Array, " steps"]:
        """Length of each period in years of the calendar."""
        return self.calendar_dt

    def randomness(self) -> Randomness:
        """What drives the model."""
        return self.model.randomness()

    def generate(self, draws: Draws) -> MarketPaths:
        """The paths that the draws give."""
        changes: dict[str, Any] = {"rate": 0.0, "drift": 0.0, "dividend_yield": None, "hedge_with": "spot"}
        still = dataclasses.replace(self.model, **changes).generate(draws)
        mean = growth(self.drift, self.rate, self.dividend_yield)
        grown = jnp.exp(mean * jnp.concatenate([jnp.zeros(1, self.dt.dtype), jnp.cumsum(self.elapsed)]))
        return record(self, still.spot * grown.astype(still.spot.dtype), volatility=still.volatility)
