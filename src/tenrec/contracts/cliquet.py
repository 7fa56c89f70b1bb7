"""Cliquets: a sum of returns between reset dates, each kept between a floor and a cap, and so their sum."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from tenrec.contracts.base import AbstractExotic


class Cliquet(AbstractExotic):
    """notional·clip(Σ_i clip(S_i/S_{i−1} − 1, local floor, local cap), global floor, global cap).

    Paid at expiry, or (`at_resets`, without a global floor or cap) each coupon when its period ends.

    Fields: every: dates from one reset to the next. collar: a global floor or cap is there. `strike` is only what
    moneyness is measured by. States: log(S at the last reset / spot), and the coupons earned so far.

    Example:
        >>> terms = (jnp.asarray(x) for x in (1.0, 1.0, 2, -1.0, 100.0, 0.0, 0.05, 0.0, 1.0))
        >>> option = Cliquet(*terms, every=1, collar=False, at_resets=False)
        >>> round(float(option.payoff(jnp.array([1.0, 1.1, 1.0]))), 4)
        5.0
    """

    state_names: ClassVar[tuple[str, ...]] = ("log_reset", "coupons")

    strike: Float[Array, "*at"]
    sign: Float[Array, "*at"]
    expiry: Int[Array, "*at"]
    quantity: Float[Array, "*at"]
    notional: Float[Array, "*at"]
    local_floor: Float[Array, "*at"]
    local_cap: Float[Array, "*at"]
    global_floor: Float[Array, "*at"]
    global_cap: Float[Array, "*at"]
    every: int = eqx.field(static=True)
    collar: bool = eqx.field(static=True)
    at_resets: bool = eqx.field(static=True)

    def payoff(self, spot: Float[Array, " dates"]) -> Float[Array, ""]:
        total = self._coupons(spot)[self.expiry]
        return self.notional * jnp.clip(total, self.global_floor, self.global_cap)

    def flows(self, spot: Float[Array, " dates"]) -> Float[Array, " dates"]:
        if not self.at_resets:
            return jnp.zeros_like(spot).at[self.expiry].add(self.payoff(spot))
        coupons = jnp.diff(self._coupons(spot), prepend=0.0)
        return jnp.where(jnp.arange(spot.shape[0]) <= self.expiry, self.notional * coupons, 0.0)

    def states(self, spot: Float[Array, " dates"]) -> Float[Array, "dates states"]:
        last = jnp.arange(spot.shape[0]) // self.every * self.every
        return jnp.stack([jnp.log(spot[last] / spot), self._coupons(spot)], axis=-1)

    def _coupons(self, spot: Float[Array, " dates"]) -> Float[Array, " dates"]:
        """What the periods that have ended by each date earned."""
        dates = jnp.arange(spot.shape[0])
        before = spot[jnp.maximum(dates - self.every, 0)]
        earned = jnp.clip(spot / before - 1.0, self.local_floor, self.local_cap)
        ends = (dates > 0) & (dates % self.every == 0)
        return jnp.cumsum(jnp.where(ends, earned, 0.0))
