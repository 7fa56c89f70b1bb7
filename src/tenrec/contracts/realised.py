"""Swaps of the variance or volatility that the spot realises on the dates."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from tenrec.contracts.base import AbstractTerminal

REALISED = "realised_variance"


class RealisedSwap(AbstractTerminal):
    """notional·(σ_r² − K²), or notional·(σ_r − K) with `root`; σ_r² = Σ log(S_i/S_{i−1})² / years over 1 … e.

    Fields: level: K, annualised volatility, decimal. years: from the start to expiry. `strike` is only what moneyness
    is measured by. The state is Σ log(S_i/S_{i−1})² so far.

    Example:
        >>> swap = RealisedSwap(*(jnp.asarray(x) for x in (1.0, 1.0, 2, 1.0, 100.0, 0.2, 0.5)), root=False)
        >>> round(float(swap.payoff(jnp.exp(jnp.array([0.0, 0.2, 0.4])))), 3)
        12.0
    """

    state_names: ClassVar[tuple[str, ...]] = (REALISED,)

    strike: Float[Array, "*at"]
    sign: Float[Array, "*at"]
    expiry: Int[Array, "*at"]
    quantity: Float[Array, "*at"]
    notional: Float[Array, "*at"]
    level: Float[Array, "*at"]
    years: Float[Array, "*at"]
    root: bool = eqx.field(static=True)

    def payoff(self, spot: Float[Array, " dates"]) -> Float[Array, ""]:
        variance = self._summed(spot)[self.expiry] / self.years
        paid = jnp.sqrt(variance) - self.level if self.root else variance - self.level**2
        return self.notional * paid

    def states(self, spot: Float[Array, " dates"]) -> Float[Array, "dates states"]:
        return self._summed(spot)[:, None]

    def _summed(self, spot: Float[Array, " dates"]) -> Float[Array, " dates"]:
        moves = jnp.diff(jnp.log(spot), prepend=jnp.log(spot[:1]))
        return jnp.cumsum(moves**2)
