"""The ledger marked to market: what the hedger is worth at every date, not only at the end."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from tenrec.contracts import AbstractContract
from tenrec.core.paths import MarketPaths
from tenrec.hedging.engine import Entry, Terms
from tenrec.hedging.sensitivities import book_value
from tenrec.hedging.view import observe


def marked_pnl(lines: Entry, paths: MarketPaths, contract: AbstractContract, terms: Terms) -> Float[Array, " dates"]:
    """P&L of one path at every date, quote currency: cash + funded positions + book at its Black–Scholes mark.

    The mark uses the volatility of the date, so that on recorded options it is the quote itself. On the last date
    everything has been settled and the P&L is the cash. A ledger in coin is told at each date's spot.
    """
    funded = ~jnp.asarray(terms.margined)
    holdings = jnp.sum(jnp.where(funded, lines.position * paths.price, 0.0), axis=-1)
    view = observe(paths, contract)
    marks = jnp.append(book_value(view, view.volatility), 0.0)
    cash = lines.cash * paths.spot if terms.inverse else lines.cash
    return cash + holdings + marks
