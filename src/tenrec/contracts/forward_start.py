"""Options whose strike is set at a later date, and options that are sold at a later date."""

from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from tenrec.contracts.base import AbstractExotic, AbstractTerminal

LOG_START = "log_start"


class ForwardStart(AbstractTerminal):
    """max(±(S_e − m·S_s), 0), the strike set at date s as m = `moneyness` times the spot.

    The state is log(S_s / spot) once the strike is set. `strike` is only what moneyness is measured by before.

    Example:
        >>> option = ForwardStart(*(jnp.asarray(x) for x in (1.0, 1.0, 2, -1.0, 1, 1.0)))
        >>> round(float(option.payoff(jnp.array([1.0, 1.1, 1.3]))), 6)
        0.2
    """

    state_names: ClassVar[tuple[str, ...]] = (LOG_START,)

    strike: Float[Array, "*at"]
    sign: Float[Array, "*at"]
    expiry: Int[Array, "*at"]
    quantity: Float[Array, "*at"]
    start: Int[Array, "*at"]
    moneyness: Float[Array, "*at"]

    def payoff(self, spot: Float[Array, " dates"]) -> Float[Array, ""]:
        return jnp.maximum(self.sign * (spot[self.expiry] - self.moneyness * spot[self.start]), 0.0)

    def states(self, spot: Float[Array, " dates"]) -> Float[Array, "dates states"]:
        return log_start(spot, self.start)


class LaterSale(AbstractExotic):
    """A plain option that changes hands at date s for `price` times the spot then, struck at m times that spot.

    Its owner pays −price·S_s at s and receives max(±(S_e − m·S_s), 0) at e, so that a sale (quantity −1) brings its
    premium in when it is made.

    Example:
        >>> option = LaterSale(*(jnp.asarray(x) for x in (1.0, 1.0, 2, -1.0, 1, 1.0, 0.05)))
        >>> [round(flow, 4) for flow in option.flows(jnp.array([1.0, 1.1, 1.3])).tolist()]
        [0.0, -0.055, 0.2]
    """

    state_names: ClassVar[tuple[str, ...]] = (LOG_START,)

    strike: Float[Array, "*at"]
    sign: Float[Array, "*at"]
    expiry: Int[Array, "*at"]
    quantity: Float[Array, "*at"]
    start: Int[Array, "*at"]
    moneyness: Float[Array, "*at"]
    price: Float[Array, "*at"]

    def payoff(self, spot: Float[Array, " dates"]) -> Float[Array, ""]:
        return jnp.maximum(self.sign * (spot[self.expiry] - self.moneyness * spot[self.start]), 0.0)

    def flows(self, spot: Float[Array, " dates"]) -> Float[Array, " dates"]:
        paid = jnp.zeros_like(spot).at[self.start].add(-self.price * spot[self.start])
        return paid.at[self.expiry].add(self.payoff(spot))

    def states(self, spot: Float[Array, " dates"]) -> Float[Array, "dates states"]:
        return log_start(spot, self.start)


def log_start(spot: Float[Array, " dates"], start: Int[Array, ""]) -> Float[Array, "dates 1"]:
    """log(S_s / spot) from date s on, 0 before."""
    begun = jnp.arange(spot.shape[0]) >= start
    return jnp.where(begun, jnp.log(spot[start] / spot), 0.0)[:, None]
