"""Contracts that the user writes: any function of the spots that JAX can trace."""

from collections.abc import Callable
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from tenrec.contracts.base import AbstractTerminal


class CustomPayoff(AbstractTerminal):
    """What `function` makes of the spots of the dates 0 … e, paid at expiry e.

    Its state is what it would pay if the spot stayed where it is, less that at the start.

    Fields: function: (e + 1,) spots → a number. at_start: what it pays if the spot never moves, quote currency.

    Example:
        >>> terms = (jnp.asarray(x) for x in (1.0, 1.0, 2, -1.0, 0.0))
        >>> option = CustomPayoff(*terms, function=lambda spot: jnp.max(spot) - jnp.min(spot), last=2)
        >>> round(float(option.payoff(jnp.array([1.0, 0.9, 1.2]))), 6)
        0.3
    """

    state_names: ClassVar[tuple[str, ...]] = ("payoff_so_far",)

    strike: Float[Array, "*at"]
    sign: Float[Array, "*at"]
    expiry: Int[Array, "*at"]
    quantity: Float[Array, "*at"]
    at_start: Float[Array, "*at"]
    function: Callable[[Array], Array] = eqx.field(static=True)
    last: int = eqx.field(static=True)

    def payoff(self, spot: Float[Array, " dates"]) -> Float[Array, ""]:
        return self.function(spot[: self.last + 1]).astype(spot.dtype)

    def states(self, spot: Float[Array, " dates"]) -> Float[Array, "dates states"]:
        dates = jnp.arange(self.last + 1)
        still = jax.vmap(lambda date: self.payoff(spot[jnp.minimum(dates, date)]))(dates)
        change = still - still[0]
        return jnp.concatenate([change, jnp.broadcast_to(change[-1], (spot.shape[0] - self.last - 1,))])[:, None]
