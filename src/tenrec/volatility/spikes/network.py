"""The logit with a small network on what it misses: log odds f + c·tanh(g(x)/c), walked forward.

Like the hybrid of `tenrec.volatility.forecast.hybrid`: it is trained on the first four fifths of the days known, the
weights that do best on the last fifth are kept, and it starts where the logit is.
"""

from collections.abc import Callable
from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.special import expit

from tenrec.nets import FitSettings, FitState, Progress, best_models, fit, make_network, start
from tenrec.nets.columns import columnar
from tenrec.volatility.forecast.hybrid import Correction
from tenrec.volatility.forecast.targets import learnable
from tenrec.volatility.spikes.probability import SpikeProbability

Days = Float[np.ndarray, " days"]
VALIDATION_SHARE = 0.2


@dataclass(frozen=True)
class NetworkSettings:
    """How the networks are made and trained.

    Args:
        hidden: sizes of the layers. bound: c, the largest change of the log odds. seeds: networks, averaged.
        updates: most gradient steps. seed: of the first network.
    """

    hidden: tuple[int, ...] = (8,)
    bound: float = 1.0
    seeds: int = 5
    updates: int = 120
    learning_rate: float = 4e-3
    seed: int = 0


class Lesson(eqx.Module):
    """What one network learns from; rows are days."""

    x: Float[Array, "days features"]
    odds: Float[Array, " days"]
    outcome: Float[Array, " days"]
    train: Float[Array, " days"]
    judge: Float[Array, " days"]


def walk_network(
    found: SpikeProbability,
    settings: NetworkSettings | None = None,
    tell: Callable[[int, int], None] | None = None,
) -> Float[np.ndarray, "seeds days"]:
    """Probabilities of every seed after each day; NaN before the walk starts.

    Args:
        found: the logit's walk, which is corrected; its calibration is laid over the sum.
        tell: called with (updates done, updates).
    """
    settings = settings or NetworkSettings()
    lessons = [_lesson(found, cutoff) for cutoff in found.fits]
    corrections = _train(lessons, settings, tell)
    out = np.full((settings.seeds, len(found.dates)), np.nan)
    cutoffs = [*found.fits, len(found.dates)]
    for group, cutoff in enumerate(found.fits):
        own, block = found.fits[cutoff], slice(cutoff, cutoffs[group + 1])
        x = own.scale(found.inputs.values[block])
        for seed in range(settings.seeds):
            change = _changes(corrections, group * settings.seeds + seed, x)
            out[seed, block] = expit(own.calibration(own.logit.log_odds(x) + change))
    return out


def _lesson(found: SpikeProbability, cutoff: int) -> Lesson:
    own, horizon = found.fits[cutoff], found.event.horizon
    known = learnable(found.outcome, cutoff, horizon)
    rows = np.isfinite(known)
    order = np.flatnonzero(rows)
    last = order[int(len(order) * (1 - VALIDATION_SHARE))]
    day = np.arange(len(known))
    x = own.scale(found.inputs.values)
    train, judge = rows & (day < last - horizon + 1), rows & (day >= last)
    return Lesson(
        x=jnp.asarray(np.where(rows[:, None], x, 0.0), jnp.float32),
        odds=jnp.asarray(own.logit.log_odds(x), jnp.float32),
        outcome=jnp.asarray(np.nan_to_num(known), jnp.float32),
        train=jnp.asarray(train / max(train.sum(), 1), jnp.float32),
        judge=jnp.asarray(judge / max(judge.sum(), 1), jnp.float32),
    )


def _log_loss(model: Correction, lesson: Lesson, weight: Float[Array, " days"]) -> Float[Array, ""]:
    line = lesson.odds + jax.vmap(columnar(model))(lesson.x)
    return jnp.sum(weight * (jax.nn.softplus(line) - lesson.outcome * line))


def _loss(model: Correction, _: Array, lesson: Lesson) -> Float[Array, ""]:
    weights = jax.tree.leaves(eqx.filter(model.network, eqx.is_inexact_array))
    ridge = sum((jnp.sum(leaf**2) for leaf in weights if leaf.ndim == 2), jnp.zeros(()))
    return _log_loss(model, lesson, lesson.train) + 1e-3 * ridge


def _score(model: Correction, lesson: Lesson) -> Float[Array, ""]:
    return _log_loss(model, lesson, lesson.judge)


def _train(lessons: list[Lesson], settings: NetworkSettings, tell: Callable[[int, int], None] | None) -> Correction:
    """All cutoffs and seeds in one compiled loop; the leading axis is cutoff × seed."""
    repeated = [lesson for lesson in lessons for _ in range(settings.seeds)]
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *repeated)
    keys = jnp.tile(jax.random.split(jax.random.key(settings.seed), settings.seeds), len(lessons))
    inputs = lessons[0].x.shape[1]

    def make(key: Array) -> Correction:
        network = make_network(inputs, list(settings.hidden), 1, key=key, output_scale=0.0)
        return Correction(network, jnp.asarray(settings.bound, jnp.float32))

    def on_progress(progress: Progress, state: FitState) -> None:
        if tell is not None:
            tell(progress.update, progress.updates)

    rule = FitSettings(
        updates=settings.updates,
        per_dispatch=min(20, settings.updates),
        learning_rate=settings.learning_rate,
        average=0.95,
        seed=settings.seed,
    )
    state = fit(start(eqx.filter_vmap(make)(keys), rule), _loss, _score, rule, data=stacked, on_progress=on_progress)
    return best_models(state)


def _changes(corrections: Correction, index: int, x: Float[np.ndarray, "days features"]) -> Days:
    arrays, rest = eqx.partition(corrections, eqx.is_array)
    weights = jax.tree.map(lambda leaf: np.asarray(leaf)[index], arrays)
    return np.asarray(_apply(eqx.combine(weights, rest), jnp.asarray(x, jnp.float32)), np.float64)


@eqx.filter_jit
def _apply(model: Correction, x: Float[Array, "days features"]) -> Float[Array, " days"]:
    return jax.vmap(model)(x)
