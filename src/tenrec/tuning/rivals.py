"""What a tuned rule is compared with, and what each of them acts on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from tenrec.hedging.costs import AbstractCost
from tenrec.hedging.policies import (
    AbstractPolicy,
    NoHedge,
    RuleView,
    TickBandNetwork,
    WhalleyWilmott,
    cadence_threshold,
)
from tenrec.tuning.scoring import Scores, Window, score_one
from tenrec.tuning.search import Space

NEVER = 1e12
"""Seconds or shares that are never reached: a trigger or a limit that is switched off."""
FIXED_CADENCE: dict[str, Any] = {
    "delta_threshold": NEVER,
    "hedge_ratio": 1.0,
    "gamma_scalp_threshold": NEVER,
    "max_hedge_per_interval": NEVER,
    "min_order": 0.0,
    "to_edge": 0.0,
    "asymmetry": 1.0,
}


@dataclass(frozen=True)
class Rival:
    """A policy by its key and its name for readers; what it acts on follows from its kind."""

    key: str
    label: str
    policy: AbstractPolicy
    aversion: float | None = None
    seed: int | None = None


def no_hedge() -> Rival:
    """Trade nothing."""
    return Rival("no_hedge", "No hedge", NoHedge())


def fixed_cadence(seconds: float, cost: float) -> Rival:
    """Hedge the whole delta every so many seconds."""
    rule = cadence_threshold(cadence_seconds=seconds, cost=cost, **FIXED_CADENCE)
    return Rival(f"every_{seconds:g}s", f"Every {clock(seconds)}", rule)


def whalley_wilmott(aversion: float, cost: float, notional: float) -> Rival:
    """The band of Whalley and Wilmott (1997) for an absolute aversion of `aversion`/notional, looked at every tick."""
    policy = WhalleyWilmott(jnp.asarray(cost), jnp.asarray(aversion / notional))
    return Rival("whalley_wilmott", f"Whalley–Wilmott, aversion {aversion:g}", policy, aversion=aversion / notional)


def ideal_hedge() -> AbstractPolicy:
    """The whole delta at every tick."""
    return fixed_cadence(0.0, 0.0).policy


def with_ideal(window: Window) -> Window:
    """The window with the P&L of an ideal hedge among its facts: the whole delta at every tick, free of cost."""
    found = score_one(ideal_hedge(), window, ())
    return replace(window, facts=window.facts._replace(ideal=float(found.tally.wealth)))


def from_space(key: str, label: str, space: Space, values: dict[str, float]) -> Rival:
    """The rule with these values."""
    return Rival(key, label, space.policies({name: np.asarray(value) for name, value in values.items()}))


def clock(seconds: float) -> str:
    """A time span in words.

    Example:
        >>> clock(30), clock(300), clock(7200)
        ('30 s', '5 min', '2 h')
    """
    if seconds < 60 or seconds % 60:
        return f"{seconds:g} s"
    return f"{seconds / 60:g} min" if seconds < 3600 or seconds % 3600 else f"{seconds / 3600:g} h"


def acts_on(rival: Rival, window: Window) -> Any:
    """What the rival's policy sees at every tick of a window; None for the rule's own view."""
    seen = jax.tree.map(np.asarray, window.known)
    if isinstance(rival.policy, NoHedge):
        return np.zeros((*seen.spot.shape, 1))
    if isinstance(rival.policy, WhalleyWilmott):
        centre = -seen.delta / seen.delta_per_contract
        cost = float(np.asarray(rival.policy.cost))
        half = np.cbrt(1.5 * cost * seen.spot * seen.gamma**2 / (rival.aversion or 1.0))
        width = half / seen.delta_per_contract
        return (centre - width)[..., None], (centre + width)[..., None]
    if isinstance(rival.policy, TickBandNetwork):
        return jax.tree.map(np.asarray, _bands(rival.policy, seen))
    return None


@eqx.filter_jit
def _bands(policy: TickBandNetwork, seen: RuleView) -> Any:
    return policy.band(seen)


def score_rivals(rivals: Sequence[Rival], window: Window, costs: tuple[AbstractCost, ...]) -> list[Scores]:
    """Each rival on one window, in float64."""
    return [score_one(one.policy, window, costs, acts_on(one, window)) for one in rivals]
