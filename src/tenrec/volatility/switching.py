"""Two volatilities between which returns switch: a Gaussian hidden Markov chain by expectation–maximisation."""

import math
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

MOST_ROUNDS = 300
CLOSE_ENOUGH = 1e-8
"""Relative gain of the log likelihood at which the rounds end."""


@dataclass(frozen=True)
class SwitchingFit:
    """The chain that was found; regimes by rising volatility.

    Args:
        volatility: of a day's return in each regime, decimal. stay: P(the same regime tomorrow).
        filtered: P(regime) after the last return. log_likelihood: of all returns.
    """

    volatility: Float[np.ndarray, " 2"]
    stay: Float[np.ndarray, " 2"]
    filtered: Float[np.ndarray, " 2"]
    log_likelihood: float


def fit_switching(returns: Float[np.ndarray, " days"]) -> SwitchingFit:
    """Maximum likelihood of r_t ~ N(0, σ_i²), i a Markov chain of two states that starts anywhere.

    Args:
        returns: decimal, of mean zero.

    Source: Hamilton (1989), Econometrica 57, with the rounds of Baum and Welch.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> calm = np.repeat([True, False, True, False], 250)
        >>> fit = fit_switching(np.where(calm, 0.005, 0.02) * rng.standard_normal(1000))
        >>> fit.volatility.round(3).tolist()
        [0.005, 0.019]
    """
    with jax.enable_x64(True):
        r = jnp.asarray(returns, jnp.float64)
        middle = float(jnp.mean(r**2))
        variance, stay = jnp.array([0.4, 2.5]) * middle, jnp.array([0.98, 0.95])
        before, rounds = -math.inf, 0
        new_variance, new_stay, filtered, value = _round(variance, stay, r)
        while float(value) - before >= CLOSE_ENOUGH * abs(float(value)) and rounds < MOST_ROUNDS:
            before, rounds, variance, stay = float(value), rounds + 1, new_variance, new_stay
            new_variance, new_stay, filtered, value = _round(variance, stay, r)
        order = np.argsort(np.asarray(variance))
        parts = (np.sqrt(np.asarray(variance)), np.asarray(stay), np.asarray(filtered))
        volatility, kept, last = (part[order] for part in parts)
    return SwitchingFit(volatility, kept, last, float(value))


@jax.jit
def _round(variance: Array, stay: Array, r: Array) -> tuple[Array, Array, Array, Array]:
    """One round: new variances and probabilities of staying; filter and likelihood under the old ones."""
    move = jnp.array([[stay[0], 1 - stay[0]], [1 - stay[1], stay[1]]])
    density = jnp.exp(-0.5 * r[:, None] ** 2 / variance) / jnp.sqrt(2 * jnp.pi * variance)

    def forward(prior: Array, here: Array) -> tuple[Array, tuple[Array, Array]]:
        joint = prior * here
        total = joint.sum()
        known = joint / total
        return known @ move, (known, total)

    def backward(later: Array, row: tuple[Array, Array]) -> tuple[Array, Array]:
        here, total = row
        return move @ (here * later) / total, later

    _, (known, total) = jax.lax.scan(forward, jnp.array([0.5, 0.5]), density)
    _, later = jax.lax.scan(backward, jnp.ones(2), (density, total), reverse=True)
    smooth = known * later
    pairs = known[:-1, :, None] * move * (density[1:] * later[1:])[:, None, :] / total[1:, None, None]
    counts = pairs.sum(0)
    new = (smooth * r[:, None] ** 2).sum(0) / smooth.sum(0)
    return new, jnp.diag(counts) / counts.sum(1), known[-1], jnp.log(total).sum()
