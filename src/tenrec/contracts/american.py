"""American puts whose owner exercises by a rule: below a boundary."""

from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from tenrec.contracts.base import AbstractExotic


class AmericanPut(AbstractExotic):
    """K − S at the first date 1 … e − 1 on which S ≤ the boundary of the date; else max(K − S, 0) at expiry e.

    Fields: boundary: a level for each date of the grid, quote currency. The state is 1 once it has been exercised.

    Example:
        >>> terms = (jnp.asarray(x) for x in (1.0, -1.0, 3, -1.0))
        >>> option = AmericanPut(*terms, boundary=jnp.array([0.8, 0.8, 0.85, 1.0]))
        >>> option.flows(jnp.array([1.0, 0.75, 0.9, 0.7])).tolist()
        [0.0, 0.25, 0.0, 0.0]
    """

    state_names: ClassVar[tuple[str, ...]] = ("exercised",)

    strike: Float[Array, "*at"]
    sign: Float[Array, "*at"]
    expiry: Int[Array, "*at"]
    quantity: Float[Array, "*at"]
    boundary: Float[Array, "*at dates"]

    def payoff(self, spot: Float[Array, " dates"]) -> Float[Array, ""]:
        return jnp.sum(self.flows(spot))

    def flows(self, spot: Float[Array, " dates"]) -> Float[Array, " dates"]:
        ended = self._ended(spot)
        first = ended & ~jnp.concatenate([jnp.zeros(1, bool), ended[:-1]])
        return jnp.where(first, jnp.maximum(self.strike - spot, 0.0), 0.0)

    def states(self, spot: Float[Array, " dates"]) -> Float[Array, "dates states"]:
        return self._ended(spot).astype(spot.dtype)[:, None]

    def _ended(self, spot: Float[Array, " dates"]) -> Array:
        """Whether it has been exercised, or has expired, by each date."""
        dates = jnp.arange(spot.shape[0])
        exercised = (spot <= self.boundary) & (dates > 0) & (dates < self.expiry)
        return jnp.cumsum((exercised | (dates == self.expiry)).astype(jnp.int32)) > 0
