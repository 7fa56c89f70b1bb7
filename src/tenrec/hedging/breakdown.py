"""What each hedging instrument gained and cost, date by date."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from tenrec.contracts import AbstractContract
from tenrec.core.paths import MarketPaths, batch_axes
from tenrec.hedging.assess import Sample
from tenrec.hedging.engine import Entry, Terms, charges, quotes


class Breakdown(eqx.Module):
    """By instrument, quote currency, shapes (dates, instruments).

    Fields:
        gain: q·ΔP since the date before, of a listed option that ended up to its closing; carry is not counted in.
        cost: of the trade, and of selling an option that is rolled; the instruments' costs sum to the ledger's.
    """

    gain: Float[Array, "*paths dates instruments"]
    cost: Float[Array, "*paths dates instruments"]


def break_down(lines: Entry, paths: MarketPaths, contract: AbstractContract, terms: Terms) -> Breakdown:
    """The ledger of one path by instrument; `vmap` for many."""
    market = quotes(paths, contract, terms)
    exchange = (paths.spot if terms.inverse else jnp.ones_like(paths.spot))[:, None]
    held = jnp.concatenate([jnp.zeros_like(lines.position[:1]), lines.position[:-1]])
    paid = jax.vmap(charges, in_axes=(0, 0, None))(lines, market, terms)
    if not terms.unwind:
        paid = paid.at[-1].set(0.0)
    return Breakdown(gain=exchange * held * market.change, cost=exchange * paid)


@eqx.filter_jit
def breakdowns(lines: Entry, sample: Sample, terms: Terms) -> Breakdown:
    """The ledgers of many paths by instrument."""
    contract_axis = 0 if sample.contract.strike.ndim > 1 else None
    axes = (0, batch_axes(sample.paths), contract_axis, None)
    return jax.vmap(break_down, in_axes=axes)(lines, sample.paths, sample.contract, terms)
