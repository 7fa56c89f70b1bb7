"""Several policies that hedge as one: the mean of what they would hold, or of the edges of their bands."""

from collections.abc import Sequence
from typing import Any

from jaxtyping import Array, Float

from tenrec.hedging.policies.base import (
    AbstractBandPolicy,
    AbstractOwnBandPolicy,
    AbstractPolicy,
    AbstractPositionPolicy,
    Own,
)
from tenrec.hedging.view import MarketView

Units = Float[Array, "*at instruments"]


class BandEnsemble(AbstractBandPolicy):
    """The band between the mean lower and the mean upper edge of its members."""

    members: tuple[AbstractBandPolicy, ...]

    def inputs(self, view: MarketView) -> Any:
        return _inputs(self.members, view)

    def edges(self, known: Any) -> tuple[Units, Units]:
        return _middle([member.edges(row) for member, row in zip(self.members, known, strict=True)])


class PositionEnsemble(AbstractPositionPolicy):
    """The mean of what its members hold next; they see the position that is held in common."""

    members: tuple[AbstractPositionPolicy, ...]

    def inputs(self, view: MarketView) -> Any:
        return _inputs(self.members, view)

    def target(self, known: Any, position: Float[Array, " instruments"]) -> Float[Array, " instruments"]:
        return _mean([member.target(row, position) for member, row in zip(self.members, known, strict=True)])


class OwnBandEnsemble(AbstractOwnBandPolicy):
    """The mean band of members that see more of their account than the position; each keeps its own memory."""

    members: tuple[AbstractOwnBandPolicy, ...]

    def start(self) -> Any:
        return _start(self.members)

    def inputs(self, view: MarketView) -> Any:
        return _inputs(self.members, view)

    def remember(self, known: Any, own: Own) -> Any:
        if own.memory is None:
            return None
        accounts = _accounts(self.members, own)
        return tuple(m.remember(row, one) for m, row, one in zip(self.members, known, accounts, strict=True))

    def edges(self, known: Any, own: Own) -> tuple[Float[Array, " instruments"], Float[Array, " instruments"]]:
        accounts = _accounts(self.members, own)
        return _middle([m.edges(row, one) for m, row, one in zip(self.members, known, accounts, strict=True)])


class Ensemble(AbstractPolicy):
    """The mean of what its members hold next, whatever they see; each keeps its own memory."""

    members: tuple[AbstractPolicy, ...]

    def start(self) -> Any:
        return _start(self.members)

    def inputs(self, view: MarketView) -> Any:
        return _inputs(self.members, view)

    def act(self, known: Any, own: Own) -> tuple[Float[Array, " instruments"], Any]:
        accounts = _accounts(self.members, own)
        acts = [m.act(row, one) for m, row, one in zip(self.members, known, accounts, strict=True)]
        memory = None if own.memory is None else tuple(kept for _, kept in acts)
        return _mean([wanted for wanted, _ in acts]), memory


def ensemble(members: Sequence[AbstractPolicy]) -> AbstractPolicy:
    """The members as one policy of the kind that they all are.

    Example:
        >>> import jax.numpy as jnp
        >>> from tenrec.hedging.policies import WhalleyWilmott
        >>> cost, aversions = jnp.asarray(0.001), [jnp.asarray(10.0), jnp.asarray(20.0)]
        >>> type(ensemble([WhalleyWilmott(cost, aversion) for aversion in aversions])).__name__
        'BandEnsemble'
    """
    kinds = {
        AbstractBandPolicy: BandEnsemble,
        AbstractPositionPolicy: PositionEnsemble,
        AbstractOwnBandPolicy: OwnBandEnsemble,
    }
    for base, kind in kinds.items():
        if all(isinstance(member, base) for member in members):
            return kind(tuple(members))
    return Ensemble(tuple(members))


def _inputs(members: Sequence[AbstractPolicy], view: MarketView) -> tuple[Any, ...]:
    return tuple(member.inputs(view) for member in members)


def _start(members: Sequence[AbstractPolicy]) -> Any:
    """The members' memories; None where none of them remembers."""
    memories = tuple(member.start() for member in members)
    return None if all(memory is None for memory in memories) else memories


def _accounts(members: Sequence[AbstractPolicy], own: Own) -> list[Own]:
    """The account as each member knows it: all in common but the memory."""
    memories = (None,) * len(members) if own.memory is None else own.memory
    return [Own(own.position, own.wealth, memory) for memory in memories]


def _mean(parts: Sequence[Units]) -> Units:
    return sum(parts[1:], start=parts[0]) / len(parts)


def _middle(edges: Sequence[tuple[Units, Units]]) -> tuple[Units, Units]:
    return _mean([lower for lower, _ in edges]), _mean([upper for _, upper in edges])
