"""Learn a hedge: losses and scores of a policy for the generic fit loop, both from the engine's ledger."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from tenrec.contracts import AbstractContract
from tenrec.core.paths import MarketPaths
from tenrec.hedging.assess import Sample
from tenrec.hedging.engine import Terms, over_paths, run, terminal_pnl
from tenrec.hedging.marks import marked_pnl
from tenrec.hedging.policies.base import AbstractPolicy

PERCENT = 100.0
Weights = Float[Array, " paths"] | None
RiskOfLoss = Callable[[Float[Array, " paths"], Weights], Float[Array, ""]]
Objective = Callable[[AbstractPolicy, Sample, Weights], Float[Array, ""]]


def loss_per_spot(policy: AbstractPolicy, sample: Sample, terms: Terms) -> Float[Array, " paths"]:
    """ℓ = −P&L_T/S₀ of every path."""
    pnl = over_paths(terminal_pnl, policy, sample.paths, sample.contract, terms, sample.premium)
    return -pnl / sample.paths.spot[..., 0]


def terminal_objective(risk: RiskOfLoss, terms: Terms) -> Objective:
    """The risk of the terminal loss, in percent of the initial spot."""

    def objective(policy: AbstractPolicy, sample: Sample, weights: Weights = None) -> Float[Array, ""]:
        return PERCENT * risk(loss_per_spot(policy, sample, terms), weights)

    return objective


def local_objective(terms: Terms) -> Objective:
    """√E Σ_k (change of the marked P&L over period k)², in percent of the initial spot.

    Every date of every path counts, so that few recorded paths go further than with the terminal P&L alone.

    Source: local risk minimisation, Föllmer and Schweizer (1989), with the recorded mark in the place of the price.
    """

    def changes(
        policy: AbstractPolicy, paths: MarketPaths, contract: AbstractContract, terms: Terms, premium: Float[Array, ""]
    ) -> Float[Array, ""]:
        lines = run(policy, paths, contract, terms, premium)
        pnl = marked_pnl(lines, paths, contract, terms) / paths.spot[0]
        return jnp.sum(jnp.diff(pnl) ** 2)

    def objective(policy: AbstractPolicy, sample: Sample, weights: Weights = None) -> Float[Array, ""]:
        summed = over_paths(changes, policy, sample.paths, sample.contract, terms, sample.premium)
        return PERCENT * jnp.sqrt(jnp.average(summed, weights=weights))

    return objective


def ridge(policy: AbstractPolicy, weight_decay: float) -> Float[Array, ""] | float:
    """weight_decay · Σ (weights of the policy's network)²."""
    if weight_decay == 0.0:
        return 0.0
    return weight_decay * sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(getattr(policy, "network", None)))
