"""Learn a hedge: losses and scores of a policy for the generic fit loop, both from the engine's ledger."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from tenrec.contracts import AbstractContract
from tenrec.core.paths import MarketPaths
from tenrec.hedging.assess import Sample
from tenrec.hedging.engine import Terminal, Terms, over_paths, run, terminal, terminal_pnl
from tenrec.hedging.marks import marked_pnl
from tenrec.hedging.policies import AbstractPolicy, BlackScholesDelta

PERCENT = 100.0
Weights = Float[Array, " paths"] | None
RiskOfLoss = Callable[[Float[Array, " paths"], Weights], Float[Array, ""]]
Objective = Callable[[AbstractPolicy, Sample, Weights], Float[Array, ""]]


def loss_per_spot(policy: AbstractPolicy, sample: Sample, terms: Terms) -> Float[Array, " paths"]:
    """ℓ = −P&L_T/S₀ of every path."""
    pnl = over_paths(terminal_pnl, policy, sample.paths, sample.contract, terms, sample.premium)
    return -pnl / sample.paths.spot[..., 0]


def terminal_objective(risk: RiskOfLoss, terms: Terms, *, fair_game: bool = False) -> Objective:
    """The risk of the terminal loss, in percent of the initial spot.

    Args:
        fair_game: the discounted prices are martingales, so that trading gains G have mean zero whatever the policy.
            Then the slope is that of risk(ℓ) + mean G/S₀: the same in expectation for a cash-invariant risk, and free
            of most noise: losses enter the slope of an entropic risk with weights near one, and G takes the one away.
    """

    def objective(policy: AbstractPolicy, sample: Sample, weights: Weights = None) -> Float[Array, ""]:
        if not fair_game:
            return PERCENT * risk(loss_per_spot(policy, sample, terms), weights)
        value, gains = _risk_and_gains(risk, terms, policy, sample, weights)
        return PERCENT * (value + gains - jax.lax.stop_gradient(gains))

    return objective


def fair_game_score(risk: RiskOfLoss, terms: Terms) -> Objective:
    """What ranks policies where trading gains have mean zero: their risk as if that held on the sample, in percent.

    The gains of the Black–Scholes delta on the same paths are taken off, which leaves the risk itself in expectation
    and, for a policy near that delta, in value.
    """

    def objective(policy: AbstractPolicy, sample: Sample, weights: Weights = None) -> Float[Array, ""]:
        value, gains = _risk_and_gains(risk, terms, policy, sample, weights)
        _, usual = _risk_and_gains(risk, terms, BlackScholesDelta(), sample, weights)
        return PERCENT * (value + gains - usual)

    return objective


def _risk_and_gains(
    risk: RiskOfLoss, terms: Terms, policy: AbstractPolicy, sample: Sample, weights: Weights
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """The risk of the terminal loss and the mean trading gains, both per unit of the initial spot."""
    ended: Terminal = over_paths(terminal, policy, sample.paths, sample.contract, terms, sample.premium)
    spot = sample.paths.spot[..., 0]
    return risk(-ended.pnl / spot, weights), jnp.average(ended.gains / spot, weights=weights)


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
