"""Comparisons of policies on common paths: values, ratios and differences with 95 % confidence intervals.

Simulated paths are independent, so that the influence of each path gives the standard error; antithetic ones are
independent in pairs, whose influences are summed first. Recorded contracts of one expiry share a history: there, whole
expiries are resampled (a cluster bootstrap, percentile intervals). The pairing of policies on the same paths is kept.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from tenrec.core.errors import WorkError
from tenrec.risk import RISKS, AbstractRisk

NORMAL_95 = 1.959964
DRAWS = 2000
Interval = dict[str, float]
Weighted = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Statistic:
    """A number of a loss sample, with the influence of each path on it and its value under resampled weights.

    Args:
        influence: (paths,) → value, (paths,) influence values with mean zero.
        weighted: losses (paths,), weights (draws, paths) → (draws,) values.
    """

    influence: Callable[[np.ndarray], tuple[float, np.ndarray]]
    weighted: Weighted


def _mean_influence(loss: np.ndarray) -> tuple[float, np.ndarray]:
    value = float(loss.mean())
    return value, loss - value


def _std_influence(loss: np.ndarray) -> tuple[float, np.ndarray]:
    centred = loss - loss.mean()
    value = float(np.sqrt(np.mean(centred**2)))
    return value, (centred**2 - value**2) / (2.0 * max(value, 1e-300))


def _mean_weighted(loss: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return weights @ loss / weights.sum(axis=1)


def _std_weighted(loss: np.ndarray, weights: np.ndarray) -> np.ndarray:
    total = weights.sum(axis=1)
    mean = weights @ loss / total
    return np.sqrt(np.maximum(weights @ loss**2 / total - mean**2, 0.0))


def tail_statistic(level: float) -> Statistic:
    """CVaR: the mean of the worst 1 − level of losses, with the fraction of the boundary loss counted exactly."""

    def influence(loss: np.ndarray) -> tuple[float, np.ndarray]:
        ordered = np.sort(loss)[::-1]
        mass = (1.0 - level) * len(loss)
        whole = int(np.floor(mass))
        edge = ordered[min(whole, len(loss) - 1)]
        value = (ordered[:whole].sum() + (mass - whole) * edge) / mass
        return float(value), edge + np.maximum(loss - edge, 0.0) / (1.0 - level) - value

    def weighted(loss: np.ndarray, weights: np.ndarray) -> np.ndarray:
        order = np.argsort(-loss)
        ordered, drawn = loss[order], weights[:, order]
        mass = (1.0 - level) * drawn.sum(axis=1, keepdims=True)
        before = np.cumsum(drawn, axis=1) - drawn
        taken = np.clip(mass - before, 0.0, drawn)
        return (taken @ ordered) / mass[:, 0]

    return Statistic(influence, weighted)


def entropic_statistic(aversion: float) -> Statistic:
    """(1/a)·log E exp(a·loss)."""

    def influence(loss: np.ndarray) -> tuple[float, np.ndarray]:
        top = loss.max()
        tilted = np.exp(aversion * (loss - top))
        mean = tilted.mean()
        return float(top + np.log(mean) / aversion), (tilted / mean - 1.0) / aversion

    def weighted(loss: np.ndarray, weights: np.ndarray) -> np.ndarray:
        top = loss.max()
        return top + np.log(weights @ np.exp(aversion * (loss - top)) / weights.sum(axis=1)) / aversion

    return Statistic(influence, weighted)


def _combined(share: float, power: int) -> Statistic:
    """E loss + share·std^power."""

    def influence(loss: np.ndarray) -> tuple[float, np.ndarray]:
        mean, around = _mean_influence(loss)
        std, spread = _std_influence(loss)
        slope = share * power * std ** (power - 1)
        return mean + share * std**power, around + slope * spread

    def weighted(loss: np.ndarray, weights: np.ndarray) -> np.ndarray:
        return _mean_weighted(loss, weights) + share * _std_weighted(loss, weights) ** power

    return Statistic(influence, weighted)


MEAN = Statistic(_mean_influence, _mean_weighted)
STD = Statistic(_std_influence, _std_weighted)
CVAR95 = tail_statistic(0.95)


def _root_influence(loss: np.ndarray) -> tuple[float, np.ndarray]:
    mean, around = _mean_influence(loss**2)
    root = float(np.sqrt(mean))
    return root, around / (2.0 * max(root, 1e-300))


ROOT_MEAN_SQUARE = Statistic(_root_influence, lambda loss, weights: np.sqrt(_mean_weighted(loss**2, weights)))


SHOWN_BY_ROOT = ("quadratic", "semi_quadratic")
"""Measures in squares of the loss."""


def _of_measure(measure: AbstractRisk, power: float = 1.0) -> Statistic:
    """The statistic that a risk measure itself gives, to a power (½ for a mean square)."""

    def influence(loss: np.ndarray) -> tuple[float, np.ndarray]:
        with jax.enable_x64(True):
            losses = jnp.asarray(loss, jnp.float64)
            value, around = float(measure(losses)), np.asarray(measure.influence(losses))
        return value**power, power * max(value, 1e-300) ** (power - 1.0) * around

    def weighted(loss: np.ndarray, weights: np.ndarray) -> np.ndarray:
        with jax.enable_x64(True):
            losses = jnp.asarray(loss, jnp.float64)
            rows = jnp.asarray(weights, jnp.float64)
            values = np.asarray(jax.jit(lambda drawn: jax.lax.map(lambda row: measure(losses, row), drawn))(rows))
        return values**power

    return Statistic(influence, weighted)


def risk_statistic(risk: Mapping[str, Any]) -> Statistic:
    """The statistic of a configured risk measure (`{"measure": "cvar", "level": 0.95}`).

    Mean squares are shown by their roots, so that they read in basis points like the others.
    """
    measure = str(risk["measure"])
    if measure == "entropic":
        return entropic_statistic(float(risk["aversion"]))
    if measure == "cvar":
        return tail_statistic(float(risk["level"]))
    if measure == "quadratic":
        return ROOT_MEAN_SQUARE
    if measure == "mean_variance":
        return _combined(float(risk["aversion"]) / 2.0, 2)
    if measure == "mean_std":
        return _combined(float(risk["k"]), 1)
    parameters = {name: np.asarray(value, float) for name, value in risk.items() if name != "measure"}
    with jax.enable_x64(True):
        return _of_measure(RISKS[measure](**parameters), 0.5 if measure in SHOWN_BY_ROOT else 1.0)


class Comparison:
    """Losses of several policies on the same paths.

    Args:
        losses: by policy, shapes (paths,), finite. clusters: (paths,) labels of the paths that share a history, which
            are resampled together. pairs: (paths,) labels of the few paths each that were drawn together (antithetic
            ones), where there are no clusters. seed: of the resampling.

    Raises:
        WorkError: a loss that is not finite, or a ratio to nothing.

    Example:
        >>> losses = {"band": np.array([1.0, 2.0, 3.0]), "delta": np.array([2.0, 4.0, 6.0])}
        >>> Comparison(losses).ratio(STD, "band", "delta")["value"]
        0.5
    """

    def __init__(
        self,
        losses: Mapping[str, np.ndarray],
        clusters: np.ndarray | None = None,
        *,
        pairs: np.ndarray | None = None,
        seed: int = 0,
    ) -> None:
        self.losses = {name: np.asarray(loss, np.float64) for name, loss in losses.items()}
        for name, loss in self.losses.items():
            if not np.isfinite(loss).all():
                raise WorkError(
                    f"The P&L of {name} is not a number on {np.sum(~np.isfinite(loss)):,} of {len(loss):,} paths; "
                    "check the sizes of spot, strike and quantity."
                )
        self.pairs = None if pairs is None else np.unique(pairs, return_inverse=True)[1]
        self.weights = None if clusters is None else _cluster_weights(clusters, seed)

    def value(self, statistic: Statistic, name: str, scale: float = 1.0) -> Interval:
        """A policy's statistic times `scale`."""
        return self._interval(statistic, lambda values: values[0], [name], scale)

    def difference(self, statistic: Statistic, name: str, reference: str, scale: float = 1.0) -> Interval:
        """A policy's statistic less the reference's, paired."""
        return self._interval(statistic, lambda values: values[0] - values[1], [name, reference], scale)

    def ratio(self, statistic: Statistic, name: str, reference: str) -> Interval:
        """A policy's statistic over the reference's, paired."""
        if statistic.influence(self.losses[reference])[0] == 0.0:
            raise WorkError(
                f"The P&L of {reference} is 0 on every path that counts, so that no ratio to it exists; "
                "choose another evaluate.reference, or a contract that can pay."
            )
        return self._interval(statistic, lambda values: values[0] / values[1], [name, reference], 1.0)

    def _interval(
        self, statistic: Statistic, combine: Callable[[list], np.ndarray], names: list[str], scale: float
    ) -> Interval:
        parts = [statistic.influence(self.losses[name]) for name in names]
        value = scale * float(combine([part[0] for part in parts]))
        if self.weights is not None:
            drawn = scale * combine([statistic.weighted(self.losses[name], self.weights) for name in names])
            low, high = np.nanpercentile(drawn, [2.5, 97.5])
        else:
            half = NORMAL_95 * _standard_error(combine, parts, self.pairs) * abs(scale)
            low, high = value - half, value + half
        return {"value": value, "low": float(low), "high": float(high)}


def _standard_error(
    combine: Callable[[list], np.ndarray], parts: list[tuple[float, np.ndarray]], pairs: np.ndarray | None
) -> float:
    """Delta method: the gradient of `combine`, by central differences, applied to the influences."""
    values = np.array([part[0] for part in parts])
    total = np.zeros_like(parts[0][1])
    for index, (value, influence) in enumerate(parts):
        step = 1e-6 * max(abs(value), 1e-12)
        up, down = values.copy(), values.copy()
        up[index] += step
        down[index] -= step
        total = total + (combine(list(up)) - combine(list(down))) / (2.0 * step) * influence
    if pairs is not None:
        return float(np.sqrt(np.sum(np.bincount(pairs, weights=total) ** 2)) / len(total))
    return float(np.std(total) / np.sqrt(len(total)))


def _cluster_weights(clusters: np.ndarray, seed: int) -> np.ndarray:
    """How often each path is drawn when whole clusters are drawn with replacement, shape (draws, paths)."""
    labels, member = np.unique(clusters, return_inverse=True)
    generator = np.random.default_rng(seed)
    counts = generator.multinomial(len(labels), np.full(len(labels), 1.0 / len(labels)), size=DRAWS)
    return counts[:, member].astype(np.float64)
