"""A hedge that is shrunk towards none where it does not pay: in the wings."""

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from tenrec.hedging.policies.base import AbstractPositionPolicy
from tenrec.hedging.sensitivities import book_delta, leg_delta, leg_vega, on_first_instrument
from tenrec.hedging.view import MarketView

EDGES = (0.01, 0.02, 0.05, 0.10, 0.20)
"""Where buckets of |δ|, or of 1 − |δ| in the money, end; nearer to the money nothing is shrunk."""
SMALLEST = 1e-12


class Shrunk(AbstractPositionPolicy):
    """λ times what `inner` holds of an out-of-the-money option, λ of its bucket of |δ|, between 0 and 1.

    In the money it is the distance to one whole unit that is shrunk, so that the put and the call of a strike, which
    parity ties, leave the same error. At λ = 0 nothing is hedged (one whole unit is), at λ = 1 this is `inner`. What
    `inner` holds beyond the Black–Scholes delta of a book is shrunk by the mean λ of its legs, weighted by vega.

    Fields:
        kept: λ of strikes above the forward (row 0) and below it (row 1), by bucket of `EDGES`.
    """

    inner: AbstractPositionPolicy
    kept: Float[Array, "sides buckets"]

    def inputs(self, view: MarketView) -> Any:
        delta = leg_delta(view, view.volatility)
        share = self.share(view, delta)
        whole = view.sign * view.discount * view.forward / view.spot[..., None]
        far = jnp.where(view.sign * (view.forward - view.strike) > 0.0, delta - whole, delta)
        less = on_first_instrument(view, jnp.sum(view.quantity * (share - 1.0) * far, axis=-1))
        weight = jnp.abs(view.quantity) * leg_vega(view, view.volatility)
        mean = jnp.sum(weight * share, axis=-1) / jnp.maximum(jnp.sum(weight, axis=-1), SMALLEST)
        plain = on_first_instrument(view, book_delta(view, view.volatility))
        return self.inner.inputs(view), plain, less, mean

    def target(self, known: Any, position: Float[Array, " instruments"]) -> Float[Array, " instruments"]:
        wanted, plain, less, mean = known
        return plain + less + mean * (self.inner.target(wanted, position) - plain)

    def share(self, view: MarketView, delta: Float[Array, "*at legs"]) -> Float[Array, "*at legs"]:
        """λ of every leg."""
        distance = jnp.minimum(jnp.abs(delta), 1.0 - jnp.abs(delta))
        bucket = jnp.searchsorted(jnp.asarray(EDGES), distance, side="right")
        side = jnp.where(view.strike >= view.forward, 0, 1)
        return jnp.where(bucket < len(EDGES), self.kept[side, jnp.minimum(bucket, len(EDGES) - 1)], 1.0)
