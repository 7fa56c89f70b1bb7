"""Recursions of the conditional variance, one step each; lanes (series) are the last axis throughout."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array

from tenrec.volatility.garch.densities import DENSITIES, Density

MEAN_SIZE = math.sqrt(2.0 / math.pi)
"""E|Z| of a standard normal, by which EGARCH centres the size of a shock, whatever its density."""
HIGHEST = 30.0
"""Of |log h|, so that a wild trial step gives a bad likelihood and not a NaN."""


@dataclass(frozen=True)
class GarchModel:
    """A recursion and a density.

    Args:
        name, label: key, and for readers. density: of the shocks.
        names: parameters of the recursion, the density's follow. start: where their unbounded values start.
        bounded: (unbounded values, scale of the variance) → parameters.
        first: (parameters, backcast) → state before the first return.
        variance: state → conditional variance.
        step: (parameters, state, return, log measure) → the next state.
        persistence: parameters → how much of today's variance tomorrow's keeps.
        measured: (parameters, variance, shock, log measure) → log density of the measure; None where the model has no
            use for one.
        constant: parameters → constant of the recursion of the variance's expectation (or of its logarithm's).
    """

    name: str
    label: str
    density: Density
    names: tuple[str, ...]
    start: tuple[float, ...]
    bounded: Callable[[Array, Array], Array]
    first: Callable[[Array, Array], Array]
    variance: Callable[[Array], Array]
    step: Callable[[Array, Array, Array, Array], Array]
    persistence: Callable[[Array], Array]
    measured: Callable[[Array, Array, Array, Array], Array] | None = None
    constant: Callable[[Array], Array] = lambda p: p[0]

    @property
    def size(self) -> int:
        """Number of unbounded values."""
        return len(self.start) + len(self.density.start)

    def parameters(self, free: Array, scale: Array) -> tuple[Array, Array]:
        """Parameters of the recursion and of the density."""
        own = len(self.start)
        return self.bounded(free[:own], scale), self.density.bounded(free[own:])


def _logit(p: float) -> float:
    return math.log(p / (1 - p))


def _symmetric(free: Array, scale: Array) -> Array:
    """ω > 0, α = share·P, β = (1 − share)·P with the persistence P in (0, 1)."""
    total, share = jax.nn.sigmoid(free[1]), jax.nn.sigmoid(free[2])
    return jnp.stack([scale * jnp.exp(free[0]), share * total, (1 - share) * total])


def _asymmetric(free: Array, scale: Array) -> Array:
    """ω, α, γ, β with P = α + γ/2 + β, α ≥ 0 and α + γ ≥ 0; the share of falls in the news is free."""
    total, share, falls = jax.nn.sigmoid(free[1]), jax.nn.sigmoid(free[2]), jax.nn.sigmoid(free[3])
    news = 2 * share * total
    alpha = (1 - falls) * news
    return jnp.stack([scale * jnp.exp(free[0]), alpha, falls * news - alpha, (1 - share) * total])


def _exponential(free: Array, scale: Array) -> Array:
    """log-variance level, α, γ, β in (−1, 1); ω = level·(1 − β)."""
    beta = jnp.tanh(free[3])
    return jnp.stack([(free[0] + jnp.log(scale)) * (1 - beta), free[1], free[2], beta])


def _garch(density: str) -> GarchModel:
    name = "garch" if density == "normal" else f"garch_{density}"
    return GarchModel(
        name=name,
        label="GARCH" if density == "normal" else f"GARCH-{density}",
        density=DENSITIES[density],
        names=("omega", "alpha", "beta"),
        start=(math.log(0.02), _logit(0.97), _logit(0.08)),
        bounded=_symmetric,
        first=lambda p, back: p[0] + (p[1] + p[2]) * back,
        variance=lambda state: state,
        step=lambda p, h, r, _: p[0] + p[1] * r**2 + p[2] * h,
        persistence=lambda p: p[1] + p[2],
    )


def _gjr(density: str) -> GarchModel:
    return GarchModel(
        name="gjr" if density == "normal" else f"gjr_{density}",
        label="GJR" if density == "normal" else f"GJR-{density}",
        density=DENSITIES[density],
        names=("omega", "alpha", "gamma", "beta"),
        start=(math.log(0.02), _logit(0.97), _logit(0.08), _logit(0.7)),
        bounded=_asymmetric,
        first=lambda p, back: p[0] + (p[1] + 0.5 * p[2] + p[3]) * back,
        variance=lambda state: state,
        step=lambda p, h, r, _: p[0] + (p[1] + p[2] * (r < 0)) * r**2 + p[3] * h,
        persistence=lambda p: p[1] + 0.5 * p[2] + p[3],
    )


def _egarch(density: str) -> GarchModel:
    def step(p: Array, log_h: Array, r: Array, _: Array) -> Array:
        z = r * jnp.exp(-0.5 * log_h)
        log_next = p[0] + p[1] * (jnp.abs(z) - MEAN_SIZE) + p[2] * z + p[3] * log_h
        return jnp.clip(log_next, -HIGHEST, HIGHEST)

    return GarchModel(
        name="egarch" if density == "normal" else f"egarch_{density}",
        label="EGARCH" if density == "normal" else f"EGARCH-{density}",
        density=DENSITIES[density],
        names=("omega", "alpha", "gamma", "beta"),
        start=(0.0, 0.15, -0.08, math.atanh(0.97)),
        bounded=_exponential,
        first=lambda p, back: p[0] + p[3] * jnp.log(back),
        variance=jnp.exp,
        step=step,
        persistence=lambda p: p[3],
    )


def _realised_parameters(free: Array, scale: Array) -> Array:
    """ω, β, γ, ξ, φ, τ₁, τ₂, σ_u with persistence β + γφ in (0, 1), β, γ, φ and σ_u positive."""
    total, news, phi = jax.nn.sigmoid(free[1]), jax.nn.sigmoid(free[2]), jnp.exp(free[4])
    gamma, xi = news * total / phi, free[3]
    omega = (1 - total) * (free[0] + jnp.log(scale)) - gamma * xi
    return jnp.stack([omega, (1 - news) * total, gamma, xi, phi, free[5], free[6], jnp.exp(free[7])])


def _realised(density: str) -> GarchModel:
    """log h' = ω + β·log h + γ·log x,  log x = ξ + φ·log h + τ₁·z + τ₂·(z² − 1) + u,  u ~ N(0, σ_u²).

    Source: Hansen, Huang and Shek (2012), "Realized GARCH: a joint model for returns and realized measures of
    volatility", J. Applied Econometrics 27, the log-linear specification.
    """

    def measured(p: Array, h: Array, z: Array, log_x: Array) -> Array:
        error = (log_x - p[3] - p[4] * jnp.log(h) - p[5] * z - p[6] * (z**2 - 1)) / p[7]
        return -0.5 * (math.log(2 * math.pi) + error**2) - jnp.log(p[7])

    def step(p: Array, log_h: Array, _: Array, log_x: Array) -> Array:
        return jnp.clip(p[0] + p[1] * log_h + p[2] * log_x, -HIGHEST, HIGHEST)

    return GarchModel(
        name="realised_garch" if density == "normal" else f"realised_garch_{density}",
        label="Realized GARCH" if density == "normal" else f"Realized GARCH-{density}",
        density=DENSITIES[density],
        names=("omega", "beta", "gamma", "xi", "phi", "tau_1", "tau_2", "sigma_u"),
        start=(0.0, _logit(0.96), _logit(0.4), -0.3, 0.0, -0.05, 0.1, math.log(0.5)),
        bounded=_realised_parameters,
        first=lambda p, back: p[0] + p[2] * p[3] + (p[1] + p[2] * p[4]) * jnp.log(back),
        variance=jnp.exp,
        step=step,
        persistence=lambda p: p[1] + p[2] * p[4],
        measured=measured,
        constant=lambda p: p[0] + p[2] * p[3],
    )


GARCH_MODELS = {
    model.name: model
    for density in DENSITIES
    for model in (_garch(density), _gjr(density), _egarch(density), _realised(density))
}
