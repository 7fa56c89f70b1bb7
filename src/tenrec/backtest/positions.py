"""Recorded margined contracts held in given units, date by date, through the engine."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from tenrec.core.errors import WorkError
from tenrec.hedging import engine
from tenrec.hedging.costs import AbstractCost, HalfSpreadCost

Contracts = Float[np.ndarray, "dates contracts"]
Dates = Float[np.ndarray, " dates"]


@dataclass(frozen=True)
class Held:
    """What holding them came to.

    Args:
        wealth: (dates,) after each date's trade, from 0. cost: (dates,) paid. trade: (dates, contracts) units bought.
    """

    wealth: Dates
    cost: Dates
    trade: Contracts

    @property
    def pnl(self) -> Dates:
        """Change of wealth on each date after the first."""
        return np.diff(self.wealth)


def hold(
    price: Contracts,
    units: Contracts,
    half_spread: Contracts,
    *,
    costs: tuple[AbstractCost, ...] = (HalfSpreadCost(),),
) -> Held:
    """Hold `units` of each contract from each close to the next; the money moves in `engine.step`.

    A contract that is not listed has no price (NaN): it must not be held then, or over the step into it.

    Args:
        price: quote currency; margined, so that nothing is paid for but changes. units: wanted at each close; decided
            by what is known at it. half_spread: quote currency, per unit traded.

    Raises:
        WorkError: units are held where there is no price.
    """
    listed = np.isfinite(price)
    held = np.abs(units) > 0
    if (held & ~listed).any() or (held[:-1] & ~listed[1:]).any():
        row, column = np.argwhere((held & ~listed) | np.pad(held[:-1] & ~listed[1:], ((1, 0), (0, 0))))[0]
        raise WorkError(f"Contract {column} is held at date {row} without a price there; sell it a date before.")
    filled = np.where(listed, price, 0.0)
    before = np.concatenate([filled[:1], filled[:-1]])
    known = listed & np.concatenate([listed[:1], listed[:-1]])
    with jax.enable_x64(True):
        rows = [jnp.asarray(x, jnp.float64) for x in (filled, np.where(known, filled - before, 0.0), half_spread)]
        wealth, cost, trade = _walk(*rows, jnp.asarray(units, jnp.float64), costs)
    return Held(np.asarray(wealth), np.asarray(cost), np.asarray(trade))


@jax.jit
def _walk(
    price: Array, change: Array, half_spread: Array, units: Array, costs: tuple[AbstractCost, ...]
) -> tuple[Array, Array, Array]:
    count = price.shape[1]
    terms = engine.Terms(margined=(True,) * count, costs=costs)
    zero, one = jnp.zeros(()), jnp.ones(())

    def date(account: engine.Account, row: tuple[Array, ...]) -> tuple[engine.Account, tuple[Array, Array, Array]]:
        own_price, own_change, spread, target = row
        quote = engine.Quote(
            price=own_price, change=own_change, growth=one, carry=jnp.zeros(count), half_spread=spread, flow=zero,
            tradable=jnp.asarray(True),
        )  # fmt: skip
        account, entry = engine.step(account, target, quote, terms)
        return account, (entry.cash, entry.cost, entry.trade)

    start = engine.Account(jnp.zeros(count), zero)
    return jax.lax.scan(date, start, (price, change, half_spread, units))[1]
