"""Digital options: cash where the spot ends on the right side of the strike."""

from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from tenrec.contracts.base import AbstractTerminal, no_states


class DigitalOption(AbstractTerminal):
    """`cash` at expiry if sign·(S_e − K) > 0.

    Example:
        >>> option = DigitalOption(*(jnp.asarray(x) for x in (1.0, 1.0, 2, -1.0, 0.1)))
        >>> round(float(option.payoff(jnp.array([1.0, 0.9, 1.2]))), 6)
        0.1
    """

    state_names: ClassVar[tuple[str, ...]] = ()

    strike: Float[Array, "*at"]
    sign: Float[Array, "*at"]
    expiry: Int[Array, "*at"]
    quantity: Float[Array, "*at"]
    cash: Float[Array, "*at"]

    def payoff(self, spot: Float[Array, " dates"]) -> Float[Array, ""]:
        return jnp.where(self.sign * (spot[self.expiry] - self.strike) > 0.0, self.cash, 0.0).astype(spot.dtype)

    def states(self, spot: Float[Array, " dates"]) -> Float[Array, "dates states"]:
        return no_states(spot)
