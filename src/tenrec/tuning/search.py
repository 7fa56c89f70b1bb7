"""The space that is searched, and many sets of it at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from scipy.stats import qmc

from tenrec.core.errors import ConfigError
from tenrec.hedging.policies import CadenceThreshold

NOTEBOOK = ("cadence_seconds", "delta_threshold", "hedge_ratio", "gamma_scalp_threshold", "max_hedge_per_interval")
"""The five parameters of the exported `hedging:` section."""
PARAMETERS = (*NOTEBOOK, "min_order", "to_edge", "asymmetry", "gamma_scaling", "volatility_scaling")


@dataclass(frozen=True)
class Dimension:
    """One parameter: some choices, or an interval (uniform, or uniform in its logarithm)."""

    name: str
    choices: tuple[float, ...] = ()
    low: float = 0.0
    high: float = 0.0
    log: bool = False

    def at(self, unit: np.ndarray) -> np.ndarray:
        """Values at points of [0, 1)."""
        if self.choices:
            index = np.minimum((unit * len(self.choices)).astype(int), len(self.choices) - 1)
            return np.asarray(self.choices, float)[index]
        if self.log:
            return self.low * (self.high / self.low) ** unit
        return self.low + (self.high - self.low) * unit


@dataclass(frozen=True)
class Space:
    """The dimensions searched, the values of the other parameters, and how the rule is triggered.

    Raises:
        ConfigError: nothing to search, or an interval that is empty.
    """

    dimensions: tuple[Dimension, ...]
    fixed: Mapping[str, float]
    trigger: Literal["either", "both"] = "either"
    cost: float = 6e-4

    def __post_init__(self) -> None:
        if not self.dimensions:
            raise ConfigError("search.space is empty; give at least one parameter choices or an interval.")
        for one in self.dimensions:
            if one.name not in PARAMETERS:
                raise ConfigError(f"search.space.{one.name} is no parameter; choose from {', '.join(PARAMETERS)}.")
            if not one.choices and not one.low < one.high:
                raise ConfigError(
                    f"search.space.{one.name} runs from {one.low:g} to {one.high:g}; low below high is needed."
                )

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters searched."""
        return tuple(one.name for one in self.dimensions)

    @property
    def scaled(self) -> bool:
        """Whether gamma or volatility may scale the band."""
        return any(
            name in self.names or self.fixed.get(name, 0.0) != 0.0 for name in ("gamma_scaling", "volatility_scaling")
        )

    def policies(self, values: Mapping[str, np.ndarray]) -> CadenceThreshold:
        """Rules with these values, shapes (*sets), and the fixed ones for the rest."""
        shape = np.broadcast_shapes(*(np.shape(value) for value in values.values()))
        rest = {name: np.full(shape, self.fixed[name]) for name in PARAMETERS if name not in values}
        given = {name: np.broadcast_to(np.asarray(value, float), shape) for name, value in values.items()}
        numbers = {**rest, **given, "cost": np.full(shape, self.cost)}
        with jax.enable_x64(True):
            fields = {name: jnp.asarray(value) for name, value in numbers.items()}
        return CadenceThreshold(**fields, trigger=self.trigger, scaled=self.scaled)

    def sobol(self, count: int, seed: int) -> dict[str, np.ndarray]:
        """`count` sets spread evenly: a scrambled Sobol sequence; a power of two is best."""
        points = qmc.Sobol(len(self.dimensions), scramble=True, rng=np.random.default_rng(seed))
        unit = points.random(1 << max(count - 1, 1).bit_length())[:count]
        return {one.name: one.at(unit[:, i]) for i, one in enumerate(self.dimensions)}

    def suggest(self, trial: Any) -> dict[str, float]:
        """One set asked of an Optuna trial."""
        found = {}
        for one in self.dimensions:
            if one.choices:
                found[one.name] = float(trial.suggest_categorical(one.name, list(one.choices)))
            else:
                found[one.name] = trial.suggest_float(one.name, one.low, one.high, log=one.log)
        return found


def main_effects(values: Mapping[str, np.ndarray], score: np.ndarray, bins: int = 16) -> dict[str, float]:
    """Share of the score's variance that each parameter explains alone, Var(E[score | x])/Var(score), 0 to 1.

    The conditional mean is taken in bins of equal count, and the variance that binning noise alone would give is
    subtracted (a one-way analysis of variance: ε² of Kelley 1935).
    """
    shares = {}
    total = float(np.sum((score - score.mean()) ** 2))
    for name, value in values.items():
        group = _groups(value, bins)
        counts = np.bincount(group)
        counts, means = counts[counts > 0], (np.bincount(group, score) / np.maximum(np.bincount(group), 1))
        means = means[np.bincount(group) > 0]
        between = float(np.sum(counts * (means - score.mean()) ** 2))
        free = max(len(score) - len(counts), 1)
        noise = (total - between) / free * (len(counts) - 1)
        shares[name] = max((between - noise) / total, 0.0) if total > 0 else 0.0
    return shares


def _groups(value: np.ndarray, bins: int) -> np.ndarray:
    distinct = np.unique(value)
    if len(distinct) <= bins:
        return np.searchsorted(distinct, value)
    return np.minimum(np.argsort(np.argsort(value)) * bins // len(value), bins - 1)


def best_first(score: np.ndarray, count: int) -> Sequence[int]:
    """Indices of the highest scores, best first."""
    return [int(index) for index in np.argsort(-score, kind="stable")[:count]]
