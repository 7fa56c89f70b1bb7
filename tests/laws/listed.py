"""A listed option beside the spot of any record, priced by hand: one expires, one is rolled, one expires early."""

import dataclasses

import jax.numpy as jnp
import numpy as np
from scipy.stats import norm

from tenrec.core.listed import EXPIRES, GOES_ON, GONE, ROLLS, Listed
from tenrec.core.paths import MarketPaths

OPTIONS = ((0, 3, 1.0, EXPIRES), (3, 5, -1.0, ROLLS), (5, 7, 1.0, GONE))
"""First and last date of each option, its sign, and how it ends; the second one would live on beyond the record."""
BEYOND = 5 / 365


def with_option(paths: MarketPaths) -> MarketPaths:
    """The record with a second instrument, at Black-Scholes prices of SciPy at each date's volatility."""
    count, dates = paths.spot.shape
    spot, volatility = np.asarray(paths.spot), np.broadcast_to(np.asarray(paths.volatility), (count, dates))
    steps = [np.broadcast_to(np.asarray(leaf), (count, dates - 1)) for leaf in (paths.dt, paths.rate)]
    dividends = np.broadcast_to(np.asarray(paths.dividend_yield), (count, dates - 1))
    time, interest, paid = (
        np.pad(np.cumsum(per_step, axis=1), ((0, 0), (1, 0)))
        for per_step in (steps[0], steps[0] * steps[1], steps[0] * dividends)
    )
    column = {
        name: np.full((count, dates), value)
        for name, value in {
            "sign": 0.0, "strike": 1.0, "time": 0.0, "growth": 1.0, "discount": 1.0, "price": 0.0, "closing": 0.0
        }.items()
    }  # fmt: skip
    life = np.full(dates, GOES_ON, np.int32)
    for first, last, sign, ends in OPTIONS:
        strike = 1.01 * spot[:, first]
        for date in range(first, last + 1):
            left = time[:, last] - time[:, date] + BEYOND * (ends == ROLLS)
            growth = np.exp(interest[:, last] - interest[:, date] - paid[:, last] + paid[:, date])
            discount = np.exp(interest[:, date] - interest[:, last])
            worth = black(sign, spot[:, date] * growth, strike, volatility[:, date], left, discount)
            if date > first:
                column["closing"][:, date] = worth
            if date < last:
                told = {"sign": sign, "strike": strike, "time": left, "growth": growth, "discount": discount}
                for name, value in (told | {"price": worth}).items():
                    column[name][:, date] = value
        life[last] = ends
    life[OPTIONS[-1][1] :] = GONE
    rows = {name: jnp.asarray(value) for name, value in column.items()}
    # An option that is listed anew on the date on which another ends has a price of its own.
    closing = jnp.where(jnp.asarray(life) == GOES_ON, rows["price"], rows.pop("closing"))
    price = jnp.stack([paths.price[..., 0], rows.pop("price")], axis=-1)
    own = {"sign": 0.0, "strike": 1.0, "time": 0.0, "growth": 1.0, "discount": 1.0}
    beside = {name: jnp.stack([jnp.full_like(paths.spot, own[name]), rows[name]], axis=-1) for name in own}
    listed = Listed(
        **beside,
        closing=jnp.stack([paths.price[..., 0], closing], axis=-1),
        life=jnp.stack([jnp.zeros(dates, jnp.int32), jnp.asarray(life)], axis=-1),
    )
    nothing = jnp.zeros_like(paths.carry)
    return dataclasses.replace(
        paths,
        price=price,
        carry=jnp.concatenate([paths.carry, nothing], axis=-1),
        half_spread=jnp.concatenate([paths.half_spread, jnp.zeros_like(paths.half_spread)], axis=-1),
        listed=listed,
    )


def black(
    sign: float, forward: np.ndarray, strike: np.ndarray, volatility: np.ndarray, time: np.ndarray, discount: np.ndarray
) -> np.ndarray:
    """Black (1976), and the payoff where no time is left."""
    total = np.maximum(volatility * np.sqrt(time), 1e-12)
    upper = np.log(forward / strike) / total + 0.5 * total
    return discount * sign * (forward * norm.cdf(sign * upper) - strike * norm.cdf(sign * (upper - total)))
