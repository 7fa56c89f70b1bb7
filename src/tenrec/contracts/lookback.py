"""Lookback options: the highest or lowest spot of the dates in the place of the last price or of the strike."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jax.lax import cummax, cummin
from jaxtyping import Array, Float, Int

from tenrec.contracts.base import AbstractTerminal

LOG_EXTREME = "log_extreme"


class LookbackOption(AbstractTerminal):
    """Fixed strike: max(±(X − K), 0); floating strike: ±(S_e − X), X the extreme spot of the dates 0 … e.

    A fixed call and a floating put watch the maximum, the other two the minimum. The state is log(X so far / spot).

    Example:
        >>> option = LookbackOption(*(jnp.asarray(x) for x in (1.0, 1.0, 2, -1.0)), floating=True)
        >>> round(float(option.payoff(jnp.array([1.0, 0.9, 1.2]))), 6)
        0.3
    """

    state_names: ClassVar[tuple[str, ...]] = (LOG_EXTREME,)

    strike: Float[Array, "*at"]
    sign: Float[Array, "*at"]
    expiry: Int[Array, "*at"]
    quantity: Float[Array, "*at"]
    floating: bool = eqx.field(static=True)

    @property
    def direction(self) -> Float[Array, "*at"]:
        """+1 where the maximum is watched, −1 where the minimum is."""
        return -self.sign if self.floating else self.sign

    def payoff(self, spot: Float[Array, " dates"]) -> Float[Array, ""]:
        extreme = self._extremes(spot)[self.expiry]
        if self.floating:
            return self.sign * (spot[self.expiry] - extreme)
        return jnp.maximum(self.sign * (extreme - self.strike), 0.0)

    def states(self, spot: Float[Array, " dates"]) -> Float[Array, "dates states"]:
        return jnp.log(self._extremes(spot) / spot)[:, None]

    def _extremes(self, spot: Float[Array, " dates"]) -> Float[Array, " dates"]:
        return jnp.where(self.direction > 0.0, cummax(spot), cummin(spot))
