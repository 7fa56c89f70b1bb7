"""What every contract is to the engine: legs with strikes and expiries, and cash at dates."""

import abc
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int


class AbstractContract(eqx.Module):
    """A signed book on one underlying.

    Shapes: every field (legs,), or (paths, legs) when each path carries a contract of its own. `quantity` counts only
    the plain options among the legs; the others are `exotics`, each with a quantity of its own.
    """

    strike: eqx.AbstractVar[Float[Array, "*paths legs"]]
    sign: eqx.AbstractVar[Float[Array, "*paths legs"]]
    expiry: eqx.AbstractVar[Int[Array, "*paths legs"]]
    quantity: eqx.AbstractVar[Float[Array, "*paths legs"]]

    @property
    @abc.abstractmethod
    def exotics(self) -> tuple["AbstractExotic", ...]:
        """The contracts that are more than plain options; the last legs."""

    @abc.abstractmethod
    def flows(self, spot: Float[Array, "dates *assets"]) -> Float[Array, " dates"]:
        """Cash that the owner of the book receives at each date (one path)."""

    @property
    def legs(self) -> int:
        """Number of options in the book."""
        return self.strike.shape[-1]

    @property
    def state_names(self) -> tuple[str, ...]:
        """What the hedger knows of the path so far, by name; numbered where several contracts know the same."""
        names = [name for exotic in self.exotics for name in exotic.state_names]
        seen = [names[:place].count(name) for place, name in enumerate(names)]
        return tuple(name if not before else f"{name}_{before + 1}" for name, before in zip(names, seen, strict=True))


class AbstractExotic(eqx.Module):
    """One contract that is more than a plain option; what it knows of its past is a state on every date.

    Fields: scalars. strike, sign, expiry: as in `AbstractContract`. quantity: units owned. parameters may follow.
    """

    state_names: ClassVar[tuple[str, ...]]

    strike: eqx.AbstractVar[Float[Array, "*at"]]
    sign: eqx.AbstractVar[Float[Array, "*at"]]
    expiry: eqx.AbstractVar[Int[Array, "*at"]]
    quantity: eqx.AbstractVar[Float[Array, "*at"]]

    @abc.abstractmethod
    def payoff(self, spot: Float[Array, "dates *assets"]) -> Float[Array, ""]:
        """What one unit pays when it ends (one path)."""

    @abc.abstractmethod
    def flows(self, spot: Float[Array, "dates *assets"]) -> Float[Array, " dates"]:
        """Cash that the owner of one unit receives at each date (one path)."""

    @abc.abstractmethod
    def states(self, spot: Float[Array, "dates *assets"]) -> Float[Array, "dates states"]:
        """What is known of the path at each date, 0 where nothing has happened yet; a column for each name."""


def first_asset(levels: Float[Array, "dates *assets"]) -> Float[Array, " dates"]:
    """The spot of a market of one asset, or of the first of several."""
    return levels if levels.ndim == 1 else levels[:, 0]


def seen_by(exotic: AbstractExotic, levels: Float[Array, "dates *assets"]) -> Float[Array, "dates *seen"]:
    """All assets for a contract on several, the first one for others."""
    return levels if getattr(exotic, "assets", 1) != 1 else first_asset(levels)


class AbstractTerminal(AbstractExotic):
    """A contract that pays once, at its expiry."""

    def flows(self, spot: Float[Array, " dates"]) -> Float[Array, " dates"]:
        """The payoff at the expiry."""
        return jnp.zeros_like(spot).at[self.expiry].add(self.payoff(spot))


def no_states(spot: Float[Array, " dates"]) -> Any:
    """The states of a contract without memory."""
    return spot[:, None][:, :0]
