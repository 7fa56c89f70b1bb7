"""What a hedger knows at a date, whatever the market it came from; everything but its own position."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from tenrec.contracts import AbstractContract, AbstractExotic, seen_by
from tenrec.core.paths import MarketPaths


class OptionView(eqx.Module):
    """The options that may be traded at a date, a column for each hedging instrument; sign 0 where it is none.

    Fields as in `tenrec.core.listed.Listed`: forward and strike in the quote currency, time in years.
    """

    sign: Float[Array, "*at instruments"]
    strike: Float[Array, "*at instruments"]
    time: Float[Array, "*at instruments"]
    forward: Float[Array, "*at instruments"]
    discount: Float[Array, "*at instruments"]


class MarketView(eqx.Module):
    """The state-free part of an observation, for one date or for many at once (leading axes `*at`).

    Units: prices in the quote currency, times in years, volatilities annualised decimals, returns as log returns.
    `forward`, `discount` and `time_to_expiry` are those of each leg of the book; the `quantity` of one that has paid is
    zero.
    """

    spot: Float[Array, "*at"]
    initial_spot: Float[Array, "*at"]
    time_to_maturity: Float[Array, "*at"]
    maturity: Float[Array, "*at"]
    period: Float[Array, "*at"]
    last_return: Float[Array, "*at"]
    volatility: Float[Array, "*at"]
    entry_volatility: Float[Array, "*at"]
    price: Float[Array, "*at instruments"]
    forward: Float[Array, "*at legs"]
    discount: Float[Array, "*at legs"]
    time_to_expiry: Float[Array, "*at legs"]
    strike: Float[Array, "*at legs"]
    sign: Float[Array, "*at legs"]
    quantity: Float[Array, "*at legs"]
    signals: Float[Array, "*at signals"]
    signal_names: tuple[str, ...] = eqx.field(static=True, default=())
    exotics: tuple[AbstractExotic, ...] = ()
    options: OptionView | None = None

    @property
    def size(self) -> Float[Array, "*at"]:
        """Units owned or owed in all."""
        plain = jnp.sum(jnp.abs(self.quantity), axis=-1)
        return sum((jnp.abs(exotic.quantity) for exotic in self.exotics), start=plain)


def observe(paths: MarketPaths, contract: AbstractContract) -> MarketView:
    """What is known on the trading dates 0..N−1 of one path; nothing here looks ahead."""
    zero = jnp.zeros_like(paths.dt[:1])
    time = jnp.concatenate([zero, jnp.cumsum(paths.dt)])
    interest = jnp.concatenate([zero, jnp.cumsum(paths.rate * paths.dt)])
    dividends = jnp.concatenate([zero, jnp.cumsum(paths.dividend_yield * paths.dt)])
    spot, steps = paths.spot[:-1], paths.steps
    at = (steps, contract.legs)
    dates = jnp.arange(steps)[:, None]
    time_to_expiry = time[contract.expiry] - time[:-1, None]
    discount = jnp.exp(interest[:-1, None] - interest[contract.expiry])
    growth = jnp.exp(dividends[:-1, None] - dividends[contract.expiry])
    log_spot = jnp.log(spot)
    maturity = jnp.max(time[contract.expiry])
    return MarketView(
        spot=spot,
        initial_spot=jnp.broadcast_to(spot[0], (steps,)),
        time_to_maturity=jnp.maximum(maturity - time[:-1], 0.0),
        maturity=jnp.broadcast_to(maturity, (steps,)),
        period=paths.dt,
        last_return=jnp.diff(log_spot, prepend=log_spot[:1]),
        volatility=paths.volatility[:-1],
        entry_volatility=jnp.broadcast_to(paths.volatility[0], (steps,)),
        price=paths.price[:-1],
        forward=spot[:, None] * growth / discount,
        discount=discount,
        time_to_expiry=jnp.maximum(time_to_expiry, 0.0),
        strike=jnp.broadcast_to(contract.strike, at),
        sign=jnp.broadcast_to(contract.sign, at),
        quantity=jnp.where(dates < contract.expiry, contract.quantity, 0.0),
        signals=_with_states(paths.signals, paths.levels, contract)[:-1],
        signal_names=(*paths.signal_names, *contract.state_names),
        exotics=_spread(contract, (steps,)),
        options=_options(paths),
    )


def _options(paths: MarketPaths) -> OptionView | None:
    """The listed options of one path on its trading dates."""
    listed = paths.listed
    if listed is None:
        return None
    shape = paths.price.shape
    sign, strike, time, growth, discount = (
        jnp.broadcast_to(leaf, shape)[:-1]
        for leaf in (listed.sign, listed.strike, listed.time, listed.growth, listed.discount)
    )
    return OptionView(sign, strike, time, growth * paths.spot[:-1, None], discount)


def _with_states(
    signals: Float[Array, "dates signals"], levels: Float[Array, "dates *assets"], contract: AbstractContract
) -> Float[Array, "dates all"]:
    """The market's signals, and what the exotic contracts know of the path."""
    known = [exotic.states(seen_by(exotic, levels)) for exotic in contract.exotics]
    if not known:
        return signals
    return jnp.concatenate([jnp.broadcast_to(signals, (levels.shape[0], signals.shape[-1])), *known], axis=-1)


def _spread(contract: AbstractContract, at: tuple[Any, ...]) -> tuple[AbstractExotic, ...]:
    """The exotic contracts with a copy of their numbers for each state."""
    return jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (*at, *leaf.shape)), contract.exotics)


def view_at(
    contract: AbstractContract,
    *,
    spot: Float[Array, "*at"],
    time_to_expiry: Float[Array, "*at legs"],
    volatility: Float[Array, "*at"],
    maturity: float | Float[Array, "*at"],
    period: float | Float[Array, "*at"],
    initial_spot: float | Float[Array, "*at"],
    entry_volatility: Float[Array, "*at"] | None = None,
    last_return: float | Float[Array, "*at"] = 0.0,
    rate: float = 0.0,
    dividend_yield: float = 0.0,
    price: Float[Array, "*at instruments"] | None = None,
    signals: Float[Array, "*at signals"] | None = None,
    signal_names: tuple[str, ...] = (),
    options: OptionView | None = None,
) -> MarketView:
    """The view of a hedger at given states instead of along a path; `contract` holds the strikes of one book.

    `signals` default to zero, which is their neutral value; `price` to the spot as the only instrument.
    """
    legs = jnp.broadcast_shapes((*spot.shape, contract.legs), time_to_expiry.shape)
    at = legs[:-1]
    time_to_expiry = jnp.broadcast_to(time_to_expiry, legs)
    discount = jnp.exp(-rate * time_to_expiry)
    spot = jnp.broadcast_to(spot, at)

    def wide(value: float | Array) -> Array:
        return jnp.broadcast_to(jnp.asarray(value, spot.dtype), at)

    return MarketView(
        spot=spot,
        initial_spot=wide(initial_spot),
        time_to_maturity=jnp.max(time_to_expiry, axis=-1),
        maturity=wide(maturity),
        period=wide(period),
        last_return=wide(last_return),
        volatility=wide(volatility),
        entry_volatility=wide(volatility if entry_volatility is None else entry_volatility),
        price=spot[..., None] if price is None else price,
        forward=spot[..., None] * jnp.exp((rate - dividend_yield) * time_to_expiry),
        discount=discount,
        time_to_expiry=time_to_expiry,
        strike=jnp.broadcast_to(contract.strike, legs),
        sign=jnp.broadcast_to(contract.sign, legs),
        quantity=jnp.where(time_to_expiry > 0, contract.quantity, 0.0),
        signals=jnp.zeros((*at, len(signal_names)), spot.dtype) if signals is None else signals,
        signal_names=signal_names,
        exotics=_spread(contract, at),
        options=options,
    )
