"""Spectral risk: tails of several levels, weighed."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from tenrec.core.checks import as_array, is_traced, require
from tenrec.core.errors import ConfigError
from tenrec.risk.base import AbstractRisk, Losses, Scalar
from tenrec.risk.cvar import ConditionalValueAtRisk


class SpectralRisk(AbstractRisk):
    """Σ_j w_j·CVaR_{α_j}(ℓ): quantiles under the spectrum φ(u) = Σ_j w_j·1{u ≥ α_j}/(1 − α_j), which never falls.

    Every spectral measure is such a mixture, or the limit of some.

    Args:
        levels: (tails,) α_j in [0, 1). weights: (tails,) w_j ≥ 0 with sum 1.

    Sources: Acerbi (2002), "Spectral measures of risk", J. Banking & Finance 26; Kusuoka (2001), "On law invariant
    coherent risk measures", Advances in Mathematical Economics 3.

    Example:
        >>> risk = SpectralRisk(levels=jnp.array([0.0, 0.5]), weights=jnp.array([0.25, 0.75]))
        >>> float(risk(jnp.array([0.0, 4.0])))
        3.5
    """

    cash_invariant: ClassVar[bool] = True
    monotone: ClassVar[bool] = True
    positively_homogeneous: ClassVar[bool] = True
    auxiliaries: ClassVar[int | None] = None

    levels: Float[Array, " tails"] = eqx.field(converter=as_array)
    weights: Float[Array, " tails"] = eqx.field(converter=as_array)

    def __check_init__(self) -> None:
        require("levels", self.levels, lambda numbers: (numbers >= 0) & (numbers < 1), "a number from 0 to below 1")
        require("weights", self.weights, lambda numbers: numbers >= 0, "a number of at least 0")
        if self.levels.shape != self.weights.shape or self.levels.ndim != 1 or not self.levels.size:
            raise ConfigError(
                f"risk has {self.levels.size} levels and {self.weights.size} weights; one weight for each level is "
                "needed, and at least one."
            )
        if not is_traced(self.weights) and abs(float(np.sum(np.asarray(self.weights, np.float64))) - 1.0) > 1e-6:
            raise ConfigError(f"risk weights sum to {float(jnp.sum(self.weights)):.6g}; they must sum to 1.")

    def __call__(self, loss: Losses, weights: Losses | None = None) -> Scalar:
        """The risk of a sample."""
        tails = jax.vmap(lambda level: ConditionalValueAtRisk(level)(loss, weights))(self.levels)
        return self.weights.astype(loss.dtype) @ tails

    def initial_auxiliary(self, loss: Losses, weights: Losses | None = None) -> Float[Array, " tails"]:
        """The value at risk of each level."""
        return jax.vmap(lambda level: ConditionalValueAtRisk(level).initial_auxiliary(loss, weights)[0])(self.levels)

    def per_path(self, loss: Losses, auxiliary: Float[Array, " tails"]) -> Losses:
        """Σ_j w_j·(q_j + max(ℓ − q_j, 0)/(1 − α_j))."""
        terms = jax.vmap(lambda level, start: ConditionalValueAtRisk(level).per_path(loss, start[None]))
        return self.weights.astype(loss.dtype) @ terms(self.levels, auxiliary)
