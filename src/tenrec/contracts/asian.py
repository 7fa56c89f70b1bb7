"""Asian options: the average over the dates in the place of the last price."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from tenrec.contracts.base import AbstractTerminal


class AsianOption(AbstractTerminal):
    """max(sign·(A − K), 0) at expiry e, A the arithmetic or geometric mean of the spots of the dates 1 … e.

    Its state is log(average so far / spot), 0 at the start.

    Example:
        >>> option = AsianOption(*(jnp.asarray(x) for x in (1.0, 1.0, 2, -1.0)), geometric=False)
        >>> round(float(option.payoff(jnp.array([1.0, 1.1, 1.3]))), 6)
        0.2
    """

    state_names: ClassVar[tuple[str, ...]] = ("log_average",)

    strike: Float[Array, "*at"]
    sign: Float[Array, "*at"]
    expiry: Int[Array, "*at"]
    quantity: Float[Array, "*at"]
    geometric: bool = eqx.field(static=True)

    def payoff(self, spot: Float[Array, " dates"]) -> Float[Array, ""]:
        return jnp.maximum(self.sign * (self._averages(spot)[self.expiry] - self.strike), 0.0)

    def states(self, spot: Float[Array, " dates"]) -> Float[Array, "dates states"]:
        return jnp.log(self._averages(spot) / spot)[:, None]

    def _averages(self, spot: Float[Array, " dates"]) -> Float[Array, " dates"]:
        """The mean of the dates 1 … k at each date k; the spot itself at the start."""
        counted = jnp.arange(1, spot.shape[0])
        total = jnp.cumsum(jnp.log(spot[1:]) if self.geometric else spot[1:]) / counted
        means = jnp.exp(total) if self.geometric else total
        return jnp.concatenate([spot[:1], means.astype(spot.dtype)])
