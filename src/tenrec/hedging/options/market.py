"""A simulated market on which options are listed beside its other hedging instruments."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from tenrec.core.errors import ConfigError
from tenrec.core.listed import EXPIRES, GOES_ON, Listed
from tenrec.core.paths import MarketPaths
from tenrec.hedging.options.prices import AbstractPricer, make_pricer
from tenrec.hedging.options.slot import OptionSlot, strikes_at
from tenrec.markets import AbstractMarket
from tenrec.markets.base import HedgeWith, Scalar
from tenrec.markets.draws import Draws, Randomness

CLOSE = 1e-9
"""Years by which two times to expiry may differ and be priced by one row."""


class Timetable(eqx.Module):
    """What is known of a slot beforehand; rows are those of the pricer's times.

    Fields:
        segment, life, row: by date, which option is traded, what becomes of what was held, and its pricer's row.
        first: date at which each option is listed. ends, closing_row: dates at which one ends, and its row there.
        time: (dates,) years to the expiry of the option that is traded. listing_time: (options,) when it is listed.
        closing_time: (ends,) years that are left to the one that ends.
    """

    segment: tuple[int, ...] = eqx.field(static=True)
    life: tuple[int, ...] = eqx.field(static=True)
    row: tuple[int, ...] = eqx.field(static=True)
    first: tuple[int, ...] = eqx.field(static=True)
    ends: tuple[int, ...] = eqx.field(static=True)
    closing_row: tuple[int, ...] = eqx.field(static=True)
    time: Float[Array, " dates"]
    listing_time: Float[Array, " options"]
    closing_time: Float[Array, " ends"]


class ListedMarket(AbstractMarket):
    """Another market with listed options after its own instruments, in the order of `slots`.

    Options are paid for, at the price that the market's model gives them at the path's spot and variance, so that their
    discounted prices are martingales where the discounted spot is one. Build with `list_options`.
    """

    model: AbstractMarket
    pricer: AbstractPricer
    timetables: tuple[Timetable, ...]
    dt: Float[Array, " steps"]
    rate: Scalar
    dividend_yield: Scalar | None
    slots: tuple[OptionSlot, ...] = eqx.field(static=True)
    hedge_with: HedgeWith = eqx.field(static=True)

    def randomness(self) -> Randomness:
        """That of the model."""
        return self.model.randomness()

    def generate(self, draws: Draws) -> MarketPaths:
        """The model's paths with the options on them."""
        paths = self.model.generate(draws)
        pairs = zip(self.slots, self.timetables, strict=True)
        columns = [_own_instruments(paths), *(self._column(paths, slot, table) for slot, table in pairs)]

        def joined(name: str) -> Array:
            return jnp.concatenate([column[name] for column in columns], axis=-1)

        return dataclasses.replace(
            paths,
            price=joined("price"),
            carry=_widened(paths.carry, len(self.slots)),
            half_spread=_widened(paths.half_spread, len(self.slots)),
            listed=Listed(
                **{name: joined(name) for name in ("sign", "strike", "time", "growth", "discount", "closing", "life")}
            ),
        )

    def _column(self, paths: MarketPaths, slot: OptionSlot, table: Timetable) -> dict[str, Array]:
        """One slot: what is traded at every date, and what it was worth when it ended; last axis one instrument."""
        dtype, dates = paths.spot.dtype, np.arange(len(table.life))
        volatility = jnp.broadcast_to(paths.volatility, paths.spot.shape)
        time, segment, ends = table.time.astype(dtype), np.array(table.segment), np.array(table.ends, int)
        strikes = self._strikes(paths.spot, volatility, slot, table)

        def worth(at: np.ndarray, strike: Array, left: Array, row: tuple[int, ...]) -> Array:
            growth, discount = self._to_expiry(left)
            where = {"time": left, "row": jnp.asarray(row, jnp.int32), "growth": growth, "discount": discount}
            return self.pricer(slot.sign, paths.spot[..., at], strike, volatility[..., at], **where).astype(dtype)

        strike = strikes[..., segment]
        price = closing = worth(dates, strike, time, table.row)
        if len(ends):
            left = table.closing_time.astype(dtype)
            closing = closing.at[..., ends].set(worth(ends, strikes[..., segment[ends - 1]], left, table.closing_row))
        listed = np.array(table.life) <= EXPIRES
        growth, discount = self._to_expiry(time)
        column = {
            "price": jnp.where(listed, price, 0.0),
            "closing": jnp.where(listed | np.isin(dates, ends), closing, 0.0),
            "strike": strike,
            "sign": jnp.asarray(np.where(listed, slot.sign, 0.0), dtype),
            "time": jnp.where(listed, time, 0.0),
            "growth": growth,
            "discount": discount,
            "life": jnp.asarray(table.life, jnp.int32),
        }
        return {name: values[..., None] for name, values in column.items()}

    def _strikes(
        self,
        spot: Float[Array, "paths dates"],
        volatility: Float[Array, "paths dates"],
        slot: OptionSlot,
        table: Timetable,
    ) -> Float[Array, "paths options"]:
        """The strike of each option of a slot, by what was known when it was listed."""
        first, left = np.array(table.first), table.listing_time.astype(spot.dtype)
        growth, discount = self._to_expiry(left)
        return strikes_at(
            slot,
            spot=spot[..., first],
            volatility=volatility[..., first],
            time=left,
            growth=growth,
            dividend_discount=growth * discount,
        )

    def _to_expiry(self, left: Float[Array, " times"]) -> tuple[Float[Array, " times"], Float[Array, " times"]]:
        """Forward per unit of spot, and discount factor, over a time left."""
        paid = 0.0 if self.dividend_yield is None else self.dividend_yield
        return jnp.exp((self.rate - paid) * left).astype(left.dtype), jnp.exp(-self.rate * left).astype(left.dtype)


def list_options(market: AbstractMarket, slots: Sequence[OptionSlot]) -> ListedMarket:
    """The market with options listed on it.

    Raises:
        ConfigError: a market that has no option prices, or an option whose dates do not fit the grid.

    Example:
        >>> import jax
        >>> from tenrec.markets import BlackScholesMarket
        >>> model = BlackScholesMarket(spot=1.0, volatility=0.2, dt=jnp.full(30, 1 / 365))
        >>> market = list_options(model, [OptionSlot(life=30 / 365)])
        >>> market.simulate(jax.random.key(0), 5).price.shape
        (5, 31, 2)
    """
    if market.hedge_with != "spot" and market.hedge_with != "future":
        raise ConfigError(f"hedge_with is {market.hedge_with!r}; options are listed beside a spot or a future.")
    dt = np.asarray(market.dt, np.float64)
    plans = [_plan(slot, dt) for slot in slots]
    everything = np.concatenate([[0.0], *(np.concatenate([plan["time"], plan["closing_time"]]) for plan in plans)])
    times = np.unique(np.round(everything / CLOSE) * CLOSE)
    tables = tuple(_timetable(plan, times) for plan in plans)
    return ListedMarket(
        model=market,
        pricer=make_pricer(market, times),
        timetables=tables,
        dt=market.dt,
        rate=market.rate,
        dividend_yield=market.dividend_yield,
        slots=tuple(slots),
        hedge_with=market.hedge_with,
    )


def _plan(slot: OptionSlot, dt: Float[np.ndarray, " steps"]) -> dict[str, Any]:
    """Dates and times of a slot on a grid, float64."""
    start = np.concatenate([[0.0], np.cumsum(dt)])
    parts, life = slot.segments(dt), slot.lives(dt)
    segment = np.searchsorted([part.first for part in parts], np.arange(len(start)), side="right") - 1
    expiry = np.array([part.expiry for part in parts])
    ends = np.array([part.last for part in parts if life[part.last] != GOES_ON], int)
    return {
        "segment": segment,
        "life": life,
        "first": np.array([part.first for part in parts]),
        "ends": ends,
        "time": np.maximum(expiry[segment] - start, 0.0),
        "listing_time": np.array([part.expiry - start[part.first] for part in parts]),
        "closing_time": np.maximum(np.array([part.expiry for part in parts])[: len(ends)] - start[ends], 0.0),
    }


def _timetable(plan: dict[str, Any], times: Float[np.ndarray, " times"]) -> Timetable:
    def rows(left: np.ndarray) -> tuple[int, ...]:
        return tuple(int(row) for row in np.abs(left[:, None] - times).argmin(axis=1))

    whole: dict[str, Any] = {
        name: tuple(int(number) for number in plan[name]) for name in ("segment", "life", "first", "ends")
    }
    real: dict[str, Any] = {name: jnp.asarray(plan[name], float) for name in ("time", "listing_time", "closing_time")}
    return Timetable(**whole, **real, row=rows(plan["time"]), closing_row=rows(plan["closing_time"]))


def _own_instruments(paths: MarketPaths) -> dict[str, Array]:
    """The model's own columns, which are no options."""
    dates, own = paths.price.shape[-2:]
    nothing, one = jnp.zeros((dates, own), paths.price.dtype), jnp.ones((dates, own), paths.price.dtype)
    return {
        "price": paths.price,
        "closing": paths.price,
        "strike": jnp.broadcast_to(one, paths.price.shape),
        "sign": nothing,
        "time": nothing,
        "growth": one,
        "discount": one,
        "life": jnp.zeros((dates, own), jnp.int32),
    }


def _widened(column: Float[Array, "... dates own"], more: int) -> Float[Array, "... dates instruments"]:
    """Nothing of it for further instruments."""
    return jnp.pad(column, [(0, 0)] * (column.ndim - 1) + [(0, more)])
