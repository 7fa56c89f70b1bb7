"""A small network trained on the earlier weeks, as a rival of the tuned rule: it places the edges of a no-trade band.

The loss of an aversion a is mean cost + a/2·risk/notional of a week. The risk is the quadratic variation of what the
hedge makes beyond an ideal one (the whole delta at every tick, free of cost): where prices are a martingale its mean is
the variance of that deviation, with far less noise than the weeks' P&L shows. One network serves all aversions.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from tenrec.hedging.costs import AbstractCost
from tenrec.hedging.engine import Account, Entry, Quote, Terms, fold
from tenrec.hedging.policies import RuleView, TickBandNetwork, make_tick_band_network
from tenrec.nets import FitSettings, Network, best_models, fit, start
from tenrec.tuning.rivals import Rival, ideal_hedge
from tenrec.tuning.scoring import Window, replay

STEPS = 2016
"""Ticks of a window that the training sees: one every five minutes of a week."""
MOST_WEEKS = 64
"""Windows that the training sees, spread over those it may."""
LANES = 48
LATER_SHARE = 1 / 3
"""Of the training weeks: those whose loss decides when to stop."""


class Course(eqx.Module):
    """A window as the training walks it: flat arrays over ticks, float32.

    Fields:
        gap: value of the book less the P&L of the ideal hedge. conversion: quote currency per unit of the ledger.
    """

    quote: Quote
    known: RuleView
    conversion: Float[Array, "*weeks ticks"]
    gap: Float[Array, "*weeks ticks"]


class Sums(eqx.Module):
    """What is kept of a ledger in training."""

    deviation: Float[Array, ""]
    squared: Float[Array, ""]
    cost: Float[Array, ""]


@dataclass(frozen=True)
class NetworkSettings:
    """How the rival is trained.

    Args:
        aversions: per unit of notional; the network is trained for all of them and shown at the best in sample.
    """

    aversions: tuple[float, ...]
    notional: float
    cost: float
    hidden: tuple[int, ...] = (8, 8)
    updates: int = 240
    seeds: int = 2
    seed: int = 0
    patience: int = 4


def course(window: Window) -> Course:
    """A (thinned) window, ready for training."""
    ideal = replay(ideal_hedge(), window, ())
    quote, known, marks = (
        jax.tree.map(lambda leaf: np.asarray(leaf).reshape(-1, *leaf.shape[2:]), part)
        for part in (window.quote, window.known, window.marks)
    )
    best = ideal.cash * marks.conversion + marks.book
    with jax.enable_x64(True):
        gap = jnp.asarray(marks.book - best)
        quote, known, conversion = jax.tree.map(jnp.asarray, (quote, known, marks.conversion))
        whole = Course(quote, known, conversion, gap)
    return jax.tree.map(_single, whole)


def _single(leaf: Any) -> Array:
    return jnp.asarray(leaf, jnp.float32) if jnp.issubdtype(leaf.dtype, jnp.floating) else jnp.asarray(leaf)


def train(
    courses: Sequence[Course],
    costs: tuple[AbstractCost, ...],
    settings: NetworkSettings,
    on_progress: Callable[[int], None] = lambda done: None,
) -> list[Rival]:
    """Networks of every seed at every aversion, trained on the earlier of these weeks and stopped by the later."""
    later = max(round(LATER_SHARE * len(courses)), 1)
    parts = [courses[: len(courses) - later] or courses, courses[-later:]]
    earlier, held = (jax.tree.map(lambda *leaves: jnp.stack(leaves), *part) for part in parts)
    terms = Terms((True,), jax.tree.map(_single, costs))
    aversion = jnp.asarray(settings.aversions, jnp.float32)
    cost = jnp.float32(settings.cost)
    models = _untrained(settings)
    first = jax.tree.map(lambda leaf: leaf[0] if eqx.is_array(leaf) else leaf, models)
    table = _everywhere(first, earlier, aversion, cost, terms)
    held_table = _everywhere(first, held, aversion, cost, terms)
    loss = eqx.Partial(_sampled, earlier, aversion, table, cost, terms)
    score = eqx.Partial(_whole, held, aversion, held_table, cost, terms)
    fitted = fit(
        start(models, _fit_settings(settings)), loss, score, _fit_settings(settings),
        on_progress=lambda progress, state: on_progress(progress.update),
    )  # fmt: skip
    return [
        _rival(network, seed, a, settings)
        for seed, network in enumerate(_unstacked(best_models(fitted), settings.seeds))
        for a in settings.aversions
    ]


def _untrained(settings: NetworkSettings) -> Any:
    """A network for each seed, a leading axis on every array."""

    def one(key: PRNGKeyArray) -> Network:
        return make_tick_band_network(cost=settings.cost, aversion=1.0, hidden=settings.hidden, key=key).network

    return eqx.filter_jit(eqx.filter_vmap(one))(jax.random.split(jax.random.key(settings.seed), settings.seeds))


def _fit_settings(settings: NetworkSettings) -> FitSettings:
    return FitSettings(
        updates=settings.updates, per_dispatch=max(settings.updates // 12, 1), learning_rate=5e-3, average=0.95,
        patience=settings.patience, seed=settings.seed,
    )  # fmt: skip


def _rival(network: Network, seed: int, aversion: float, settings: NetworkSettings) -> Rival:
    policy = TickBandNetwork(network, jnp.asarray(settings.cost), jnp.asarray(aversion))
    label = f"Trained band network, aversion {aversion:g}"
    return Rival("network", label, policy, aversion=aversion / settings.notional, seed=seed)


def _unstacked(models: Any, count: int) -> list[Any]:
    return [jax.tree.map(lambda leaf, i=i: leaf[i] if eqx.is_array(leaf) else leaf, models) for i in range(count)]


def _loss_of(network: Network, week: Course, aversion: Array, cost: Array, terms: Terms) -> Float[Array, ""]:
    """Cost + a/2·quadratic variation of the deviation, quote currency, of one week."""
    policy = TickBandNetwork(network, cost, aversion)
    zero = jnp.zeros((), week.gap.dtype)
    account = Account(jnp.zeros_like(week.quote.price[0]), zero)
    state = (account, policy.start(), Sums(zero, zero, zero))
    extra = (week.conversion, week.gap)
    _, _, sums = fold(policy, week.quote, policy.band(week.known), terms, _tallied, state, extra)
    return sums.cost + 0.5 * aversion * sums.squared / week.known.notional[0]


def _tallied(sums: Sums, account: Account, entry: Entry, extra: tuple[Array, Array]) -> Sums:
    conversion, gap = extra
    cost = sums.cost + entry.cost * conversion
    deviation = account.cash * conversion + cost + gap
    return Sums(deviation, sums.squared + (deviation - sums.deviation) ** 2, cost)


def _sampled(
    weeks: Course, aversion: Array, table: Array, cost: Array, terms: Terms,
    network: Network, key: PRNGKeyArray, own: Any,
) -> Float[Array, ""]:  # fmt: skip
    """Mean of the loss over drawn weeks and aversions, each against its mean before training."""
    key_week, key_aversion = jax.random.split(key)
    week = jax.random.randint(key_week, (LANES,), 0, weeks.gap.shape[0])
    which = jax.random.randint(key_aversion, (LANES,), 0, aversion.shape[0])
    chosen = jax.tree.map(lambda leaf: leaf[week], weeks)
    losses = jax.vmap(lambda one, a: _loss_of(network, one, a, cost, terms))(chosen, aversion[which])
    return jnp.mean(losses / jnp.mean(table, axis=1)[which])


def _whole(
    weeks: Course, aversion: Array, table: Array, cost: Array, terms: Terms, network: Network, own: Any
) -> Float[Array, ""]:
    """The same over all weeks and aversions."""
    losses = _grid(network, weeks, aversion, cost, terms)
    return jnp.mean(jnp.mean(losses, axis=1) / jnp.mean(table, axis=1))


@eqx.filter_jit
def _everywhere(network: Network, weeks: Course, aversion: Array, cost: Array, terms: Terms) -> Array:
    return _grid(network, weeks, aversion, cost, terms)


def _grid(
    network: Network, weeks: Course, aversion: Array, cost: Array, terms: Terms
) -> Float[Array, "aversions weeks"]:
    return jax.vmap(lambda a: jax.vmap(lambda week: _loss_of(network, week, a, cost, terms))(weeks))(aversion)
