"""What every hedging policy is: a map from what is known and held to what to hold next."""

import abc
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from tenrec.hedging.view import MarketView


class AbstractPolicy(eqx.Module):
    """A hedging rule.

    `inputs` is elementwise in the view's leading axes and does everything that the own position does not touch, once
    for all dates; `target` is called date by date inside the engine.
    """

    @abc.abstractmethod
    def inputs(self, view: MarketView) -> Any:
        """A tree of arrays whose leading axes are the view's."""

    @abc.abstractmethod
    def target(self, known: Any, position: Float[Array, " instruments"]) -> Float[Array, " instruments"]:
        """Units to hold of each instrument, given one date of `inputs` and the units held now."""


class AbstractBandPolicy(AbstractPolicy):
    """A rule that only trades when its position leaves a band, and then only to the band's edge."""

    @abc.abstractmethod
    def edges(self, known: Any) -> tuple[Float[Array, "*at instruments"], Float[Array, "*at instruments"]]:
        """Lower and upper edge of the no-trade band, units of each instrument."""

    def target(self, known: Any, position: Float[Array, " instruments"]) -> Float[Array, " instruments"]:
        """The position clipped into the band."""
        lower, upper = self.edges(known)
        return jnp.clip(position, lower, upper)
