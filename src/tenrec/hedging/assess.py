"""Run policies over many paths and keep what comparisons need."""

import dataclasses
from collections.abc import Mapping

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from tenrec.contracts import AbstractContract
from tenrec.core.listed import ROLLS
from tenrec.core.paths import MarketPaths, batch_axes
from tenrec.hedging.engine import Entry, Terms, over_paths, run
from tenrec.hedging.margin import Margin
from tenrec.hedging.marks import marked_pnl
from tenrec.hedging.policies.base import AbstractPolicy
from tenrec.hedging.view import MarketView, observe


class Sample(eqx.Module):
    """Paths with what is hedged on them; contract and premium may be one for all paths or one each."""

    paths: MarketPaths
    contract: AbstractContract
    premium: Float[Array, "*paths"]


@eqx.filter_jit
def views(sample: Sample) -> MarketView:
    """What the hedger sees on all trading dates of all paths, leading axes (paths, dates)."""
    contract_axis = 0 if sample.contract.strike.ndim > 1 else None
    return jax.vmap(observe, in_axes=(batch_axes(sample.paths), contract_axis))(sample.paths, sample.contract)


class Outcome(eqx.Module):
    """Per path: P&L at the end, cost paid, value traded (all quote currency), and number of trades.

    shortfall: the most by which the account fell below its maintenance margin, quote currency; None without a margin.
    """

    pnl: Float[Array, " paths"]
    cost: Float[Array, " paths"]
    traded: Float[Array, " paths"]
    trades: Float[Array, " paths"]
    shortfall: Float[Array, " paths"] | None = None


def ledgers(policies: Mapping[str, AbstractPolicy], sample: Sample, terms: Terms) -> dict[str, Entry]:
    """Every line of the ledger of every path, by policy; shapes (paths, dates, …)."""
    return dict(zip(policies, _ledgers(tuple(policies.values()), sample, terms), strict=True))


def assess(
    policies: Mapping[str, AbstractPolicy], sample: Sample, terms: Terms, margin: Margin | None = None
) -> dict[str, Outcome]:
    """The outcome of each policy on the same paths."""
    return dict(zip(policies, _outcomes(tuple(policies.values()), sample, terms, margin), strict=True))


@eqx.filter_jit
def _ledgers(policies: tuple[AbstractPolicy, ...], sample: Sample, terms: Terms) -> tuple[Entry, ...]:
    paths, contract, premium = sample.paths, sample.contract, sample.premium
    return tuple(over_paths(run, policy, paths, contract, terms, premium) for policy in policies)


@eqx.filter_jit
def _outcomes(
    policies: tuple[AbstractPolicy, ...], sample: Sample, terms: Terms, margin: Margin | None
) -> tuple[Outcome, ...]:
    outcomes = []
    for lines in _ledgers(policies, sample, terms):
        outcome = outcome_of(lines, sample.paths, terms)
        if margin is not None:
            worst = worst_shortfall(lines, sample, terms, margin)
            outcome = dataclasses.replace(outcome, shortfall=worst)
        outcomes.append(outcome)
    return tuple(outcomes)


def outcome_of(lines: Entry, paths: MarketPaths, terms: Terms | None = None) -> Outcome:
    """What the ledgers of many paths come to; giving up the last position is not counted as a trade."""
    trade = lines.trade[:, :-1]
    price = jnp.broadcast_to(paths.price, lines.trade.shape)[:, :-1]
    inverse = terms is not None and terms.inverse
    rate = jnp.broadcast_to(paths.spot, lines.cash.shape) if inverse else jnp.ones((), price.dtype)
    value = jnp.abs(trade) * (1.0 if inverse else price)
    moved = jnp.abs(trade) > 1e-7
    if lines.closed is not None and paths.listed is not None:
        rolled = jnp.where(paths.listed.life == ROLLS, lines.closed, 0.0)[:, :-1]
        value = value + jnp.abs(rolled) * jnp.broadcast_to(paths.listed.closing, lines.trade.shape)[:, :-1]
        moved = moved | (jnp.abs(rolled) > 1e-7)
    return Outcome(
        pnl=(rate * lines.cash)[:, -1],
        cost=jnp.sum(rate * lines.cost, axis=-1),
        traded=jnp.sum(value, axis=(-1, -2)),
        trades=jnp.sum(jnp.any(moved, axis=-1), axis=-1).astype(price.dtype),
    )


def worst_shortfall(lines: Entry, sample: Sample, terms: Terms, margin: Margin) -> Float[Array, " paths"]:
    """By how much each path's account fell below its maintenance margin at the worst date, quote currency."""
    price = 1.0 if terms.inverse else sample.paths.price
    equity = margin.collateral + marks(lines, sample, terms)
    return jnp.max(jnp.maximum(margin.required(lines.position, price, margin.maintenance) - equity, 0.0), axis=-1)


@eqx.filter_jit
def marks(lines: Entry, sample: Sample, terms: Terms) -> Float[Array, "paths dates"]:
    """The marked P&L of every path at every date."""
    contract_axis = 0 if sample.contract.strike.ndim > 1 else None
    axes = (0, batch_axes(sample.paths), contract_axis, None)
    return jax.vmap(marked_pnl, in_axes=axes)(lines, sample.paths, sample.contract, terms)


def in_chunks(count: int, size: int) -> list[int]:
    """Sizes of the chunks that `count` paths are simulated in."""
    return [min(size, count - start) for start in range(0, count, size)]


def join(outcomes: list[Outcome]) -> Outcome:
    """Outcomes of several chunks as one."""
    return jax.tree.map(lambda *parts: jnp.concatenate(parts), *outcomes)
