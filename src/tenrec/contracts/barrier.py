"""Options that a barrier brings to life or kills, and cash for touching one; watched on the trading dates."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from tenrec.contracts.base import AbstractTerminal

TOUCHED = "touched"


class BarrierOption(AbstractTerminal):
    """max(sign·(S_e − K), 0) at expiry if the spot has touched the barrier on a date (knock-in), or has not.

    Fields: barrier: quote currency. direction: +1 an upper barrier, −1 a lower one. knocks_in: else it knocks out.
    """

    state_names: ClassVar[tuple[str, ...]] = (TOUCHED,)

    strike: Float[Array, "*at"]
    sign: Float[Array, "*at"]
    expiry: Int[Array, "*at"]
    quantity: Float[Array, "*at"]
    barrier: Float[Array, "*at"]
    direction: Float[Array, "*at"]
    knocks_in: bool = eqx.field(static=True)

    def payoff(self, spot: Float[Array, " dates"]) -> Float[Array, ""]:
        plain = jnp.maximum(self.sign * (spot[self.expiry] - self.strike), 0.0)
        touched = touches(spot, self.barrier, self.direction)[self.expiry]
        return jnp.where(touched == self.knocks_in, plain, 0.0)

    def states(self, spot: Float[Array, " dates"]) -> Float[Array, "dates states"]:
        return touches(spot, self.barrier, self.direction).astype(spot.dtype)[:, None]


class OneTouch(AbstractTerminal):
    """`cash` at expiry if the spot has touched the barrier on a date; its strike is the barrier."""

    state_names: ClassVar[tuple[str, ...]] = (TOUCHED,)

    strike: Float[Array, "*at"]
    sign: Float[Array, "*at"]
    expiry: Int[Array, "*at"]
    quantity: Float[Array, "*at"]
    cash: Float[Array, "*at"]

    def payoff(self, spot: Float[Array, " dates"]) -> Float[Array, ""]:
        touched = touches(spot, self.strike, self.sign)[self.expiry]
        return jnp.where(touched, self.cash, 0.0).astype(spot.dtype)

    def states(self, spot: Float[Array, " dates"]) -> Float[Array, "dates states"]:
        return touches(spot, self.strike, self.sign).astype(spot.dtype)[:, None]


def touches(spot: Float[Array, " dates"], barrier: Array, direction: Array) -> Array:
    """Whether the barrier has been touched on this date or one before."""
    return jnp.cumsum((direction * (spot - barrier) >= 0.0).astype(jnp.int32)) > 0
