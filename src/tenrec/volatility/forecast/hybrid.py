"""A classical forecast times the exponential of a small bounded network, learned on what the classical model misses.

    f_t = b_t·exp(s·c·tanh(g(x_t)/c)),   s = n/(n + 500)

b is the classical forecast, x its own standardised regressors, c the largest change of the logarithm, n the days
learned from: with few of them, little is left of the network. It is trained by QLIKE on the first four fifths of the
past, and the weights that do best on the last fifth are kept. Without a classical part (a constant b, a wide c), the
same code is a pure network.
"""

from collections.abc import Callable
from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from tenrec.nets import FitSettings, FitState, Network, Progress, best_models, fit, make_network, start
from tenrec.nets.columns import columnar
from tenrec.volatility.forecast.linear import UNIT, LinearModel, fit_linear
from tenrec.volatility.forecast.targets import Schedule, future_mean, learnable
from tenrec.volatility.record import VarianceRecord

Days = Float[np.ndarray, " days"]

SHRINKING_DAYS = 500
VALIDATION_SHARE = 0.2
WIDEST = 4.0
"""Standard deviations to which regressors are cut, so that no day lies far outside of what was learned."""


@dataclass(frozen=True)
class HybridSettings:
    """How the network is made and trained.

    Args:
        hidden: sizes of its layers. bound: c, the largest change of the log forecast. seeds: networks, averaged.
        updates: most gradient steps. seed: of the first network.
    """

    hidden: tuple[int, ...] = (16,)
    bound: float = 0.5
    seeds: int = 5
    updates: int = 240
    learning_rate: float = 4e-3
    seed: int = 0


class Correction(eqx.Module):
    """The bounded change of the log forecast."""

    network: Network
    bound: Float[Array, ""]

    def __call__(self, x: Float[Array, " regressors"]) -> Float[Array, ""]:
        """c·tanh(g(x)/c)."""
        bound = jax.lax.stop_gradient(self.bound)
        return bound * jnp.tanh(self.network(x)[0] / bound)


class Lesson(eqx.Module):
    """What one group of networks learns from; rows are days."""

    x: Float[Array, "days regressors"]
    excess: Float[Array, " days"]
    train: Float[Array, " days"]
    judge: Float[Array, " days"]


@dataclass(frozen=True)
class Prepared:
    """A lesson, and how the regressors of other days are brought to its scale."""

    lesson: Lesson
    x: Float[np.ndarray, "days regressors"]
    level: float
    shrink: float


def prepare(
    design: Float[np.ndarray, "days regressors"], target: Days, cutoff: int, horizon: int, base: LinearModel | None
) -> Prepared:
    """Everything learned from the days up to `cutoff`; target in percent squared."""
    known = learnable(target, cutoff, horizon)
    rows = np.isfinite(known) & np.isfinite(design).all(1)
    mean, spread = design[rows].mean(0), design[rows].std(0) + 1e-12
    x = np.clip((design - mean) / spread, -WIDEST, WIDEST)
    level = float(np.log(np.mean(known[rows])))
    log_base = np.full(len(target), level)
    if base is not None:
        log_base = np.log(fit_linear(design, known, log=base.log).predict(design))
    order = np.flatnonzero(rows)
    last = order[int(len(order) * (1 - VALIDATION_SHARE))]
    # Days whose horizon runs into the judged part are learned from by neither.
    day = np.arange(len(target))
    excess = np.where(rows, np.log(np.where(rows, known, 1.0)) - np.where(rows, log_base, 0.0), 0.0)
    lesson = Lesson(
        x=jnp.asarray(np.where(rows[:, None], x, 0.0), jnp.float32),
        excess=jnp.asarray(excess, jnp.float32),
        train=jnp.asarray(_share(rows & (day < last - horizon + 1)), jnp.float32),
        judge=jnp.asarray(_share(rows & (day >= last)), jnp.float32),
    )
    return Prepared(lesson, np.nan_to_num(x), level, len(order) / (len(order) + SHRINKING_DAYS))


def _share(rows: np.ndarray) -> np.ndarray:
    return rows / max(rows.sum(), 1)


def _qlike(model: Correction, lesson: Lesson, weight: Float[Array, " days"]) -> Float[Array, ""]:
    left = lesson.excess - jax.vmap(columnar(model))(lesson.x)
    return jnp.sum(weight * (jnp.exp(left) - left - 1.0))


def _loss(model: Correction, _: Array, lesson: Lesson) -> Float[Array, ""]:
    weights = jax.tree.leaves(eqx.filter(model.network, eqx.is_inexact_array))
    ridge = sum((jnp.sum(leaf**2) for leaf in weights if leaf.ndim == 2), jnp.zeros(()))
    return _qlike(model, lesson, lesson.train) + 1e-4 * ridge


def _score(model: Correction, lesson: Lesson) -> Float[Array, ""]:
    return _qlike(model, lesson, lesson.judge)


def walk_hybrid(
    record: VarianceRecord,
    base: LinearModel,
    classical: dict[int, Days] | None,
    schedule: Schedule,
    horizons: tuple[int, ...],
    settings: HybridSettings | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> dict[int, Float[np.ndarray, "seeds days"]]:
    """Forecasts of every seed for every horizon; decimals, NaN before the schedule starts.

    Args:
        base: whose regressors the network sees, and whose in-sample fit at each cutoff leaves what it learns from.
        classical: walk-forward forecasts of `base` by horizon, which the network corrects; None for a pure network.
        schedule: when networks are trained anew.
    """
    settings = settings or HybridSettings()
    design, cutoffs = base.design(record), [int(cutoff) for cutoff in schedule.cutoffs]
    targets = {horizon: future_mean(record.variance, horizon) * UNIT for horizon in horizons}
    part = base if classical is not None else None
    prepared = [
        (horizon, cutoff, prepare(design, targets[horizon], cutoff, horizon, part))
        for horizon in horizons
        for cutoff in cutoffs
    ]
    corrections = _train([entry for *_, entry in prepared], settings, pure=part is None, on_progress=on_progress)
    out = {horizon: np.full((settings.seeds, len(record)), np.nan) for horizon in horizons}
    for group, (horizon, cutoff, entry) in enumerate(prepared):
        block = schedule.block(cutoff)
        shrink = 1.0 if classical is None else entry.shrink
        start = np.exp(entry.level) / UNIT if classical is None else classical[horizon][block]
        for seed in range(settings.seeds):
            change = _changes(corrections, group * settings.seeds + seed, entry.x[block])
            out[horizon][seed, block] = start * np.exp(shrink * change)
    return out


def _train(
    prepared: list[Prepared], settings: HybridSettings, *, pure: bool, on_progress: Callable[[int, int], None] | None
) -> Correction:
    """All groups and seeds in one compiled loop; the leading axis is group × seed."""
    repeated = [entry.lesson for entry in prepared for _ in range(settings.seeds)]
    lessons = jax.tree.map(lambda *leaves: jnp.stack(leaves), *repeated)
    keys = jnp.tile(jax.random.split(jax.random.key(settings.seed), settings.seeds), len(prepared))
    inputs, bound = prepared[0].x.shape[1], WIDEST if pure else settings.bound

    def make(key: Array) -> Correction:
        scale = 0.1 if pure else 0.0
        network = make_network(inputs, list(settings.hidden), 1, key=key, output_scale=scale)
        return Correction(network, jnp.asarray(bound, jnp.float32))

    rule = FitSettings(
        updates=2 * settings.updates if pure else settings.updates,
        per_dispatch=30,
        learning_rate=settings.learning_rate,
        average=0.95,
        seed=settings.seed,
    )

    def tell(progress: Progress, state: FitState) -> None:
        if on_progress is not None:
            on_progress(progress.update, progress.updates)

    state = fit(start(eqx.filter_vmap(make)(keys), rule), _loss, _score, rule, data=lessons, on_progress=tell)
    return best_models(state)


def _changes(corrections: Correction, index: int, x: Float[np.ndarray, "days regressors"]) -> Days:
    arrays, rest = eqx.partition(corrections, eqx.is_array)
    weights = jax.tree.map(lambda leaf: np.asarray(leaf)[index], arrays)
    return np.asarray(_apply(eqx.combine(weights, rest), jnp.asarray(x, jnp.float32)), np.float64)


@eqx.filter_jit
def _apply(model: Correction, x: Float[Array, "days regressors"]) -> Float[Array, " days"]:
    return jax.vmap(model)(x)
