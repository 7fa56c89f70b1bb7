"""What every hedging policy is: a map from what is known and held to what to hold next."""

import abc
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from tenrec.hedging.view import MarketView


class Own(eqx.Module):
    """What the hedger knows of itself at a date, before it trades.

    Fields:
        position: units held of each instrument. wealth: cash and what was paid for at mid prices, the premium counted
        in, quote currency. memory: what the policy itself carried over from the date before.
    """

    position: Float[Array, " instruments"]
    wealth: Float[Array, ""]
    memory: Any = None


class AbstractPolicy(eqx.Module):
    """A hedging rule.

    `inputs` is elementwise in the view's leading axes and does everything that the own account does not touch, once
    for all dates; `act` is called date by date inside the engine. What a policy carries from date to date beyond its
    position and wealth is its memory: `start` gives the first one.
    """

    @abc.abstractmethod
    def inputs(self, view: MarketView) -> Any:
        """A tree of arrays whose leading axes are the view's."""

    @abc.abstractmethod
    def act(self, known: Any, own: Own) -> tuple[Float[Array, " instruments"], Any]:
        """Units to hold of each instrument, given one date of `inputs` and the own account; and the next memory."""

    def start(self) -> Any:
        """The memory before the first date: arrays, or None for a policy without one."""
        return None


class AbstractPositionPolicy(AbstractPolicy):
    """A rule that sees nothing of its own account but the position."""

    @abc.abstractmethod
    def target(self, known: Any, position: Float[Array, " instruments"]) -> Float[Array, " instruments"]:
        """Units to hold of each instrument, given one date of `inputs` and the units held now."""

    def act(self, known: Any, own: Own) -> tuple[Float[Array, " instruments"], Any]:
        """`target`, with nothing remembered."""
        return self.target(known, own.position), own.memory


class AbstractBandPolicy(AbstractPositionPolicy):
    """A rule that only trades when its position leaves a band, and then only to the band's edge."""

    @abc.abstractmethod
    def edges(self, known: Any) -> tuple[Float[Array, "*at instruments"], Float[Array, "*at instruments"]]:
        """Lower and upper edge of the no-trade band, units of each instrument."""

    def target(self, known: Any, position: Float[Array, " instruments"]) -> Float[Array, " instruments"]:
        """The position clipped into the band."""
        lower, upper = self.edges(known)
        return jnp.clip(position, lower, upper)


class AbstractOwnBandPolicy(AbstractPolicy):
    """A band whose edges depend on more of the own account than the position: on the wealth, say, or a memory."""

    @abc.abstractmethod
    def edges(self, known: Any, own: Own) -> tuple[Float[Array, " instruments"], Float[Array, " instruments"]]:
        """Lower and upper edge of the no-trade band at one date, units of each instrument; this date is remembered."""

    def remember(self, known: Any, own: Own) -> Any:
        """The memory with this date in it; what there was, for a policy without one."""
        return own.memory

    def act(self, known: Any, own: Own) -> tuple[Float[Array, " instruments"], Any]:
        """The position clipped into the band that this date leads to."""
        memory = self.remember(known, own)
        lower, upper = self.edges(known, Own(own.position, own.wealth, memory))
        return jnp.clip(own.position, lower, upper), memory
