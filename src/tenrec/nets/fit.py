"""The one loop that fits a model by stochastic gradients: networks, bands and pricers alike."""

import dataclasses
from collections.abc import Callable
from typing import Any, Literal, Protocol, runtime_checkable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray


@dataclasses.dataclass(frozen=True)
class FitSettings:
    """How a model is fitted.

    Args:
        updates: gradient steps in all. per_dispatch: steps in one compiled call; validation follows each call.
        learning_rate: peak of the schedule. schedule: "cosine" (short warm-up, down to 1 %) or "constant".
        clip: largest gradient norm. average: decay of the running average of the weights that is validated and kept
            (0 keeps the raw weights).
        patience: validations without improvement after which a model stops; 0 never stops early.
        seed: of everything random.
    """

    updates: int = 1000
    per_dispatch: int = 50
    learning_rate: float = 1e-3
    schedule: Literal["cosine", "constant"] = "cosine"
    clip: float = 1.0
    average: float = 0.99
    patience: int = 0
    seed: int = 0


class FitState(eqx.Module):
    """Everything that the loop carries, for `seeds` models at once (leading axis of every leaf but `update`)."""

    models: Any
    averaged: Any
    optimizer: Any
    best: Any
    best_score: Float[Array, " seeds"]
    best_update: Int[Array, " seeds"]
    update: Int[Array, ""]


@dataclasses.dataclass(frozen=True)
class Progress:
    """What is reported after each compiled call: losses and validation scores, one per seed.

    Fields:
        failed: the first update, counted from one, whose loss of any seed was not a finite number; None if all were.
    """

    update: int
    updates: int
    loss: tuple[float, ...]
    score: tuple[float, ...]
    failed: int | None = None


@runtime_checkable
class OnProgress(Protocol):
    """Called after each compiled call, with the state that would resume from there."""

    def __call__(self, progress: Progress, state: FitState) -> None: ...


Loss = Callable[[Any, PRNGKeyArray, Any], Float[Array, ""]]
Score = Callable[[Any, Any], Float[Array, ""]]


def optimizer(settings: FitSettings) -> optax.GradientTransformation:
    """Adam with clipped gradients and the settings' schedule."""
    rate: Any = settings.learning_rate
    if settings.schedule == "cosine":
        warm = min(max(settings.updates // 50, 1), settings.updates - 1)
        rate = optax.warmup_cosine_decay_schedule(
            0.1 * settings.learning_rate,
            settings.learning_rate,
            warm,
            max(settings.updates, warm + 1),
            0.01 * settings.learning_rate,
        )
    return optax.chain(optax.clip_by_global_norm(settings.clip), optax.adam(rate))


def start(models: Any, settings: FitSettings) -> FitState:
    """The state before the first update; `models` carries a leading axis of seeds on every array."""
    trained = eqx.filter(models, eqx.is_inexact_array)
    seeds = jax.tree.leaves(trained)[0].shape[0]
    state = FitState(
        models=models,
        averaged=trained,
        optimizer=eqx.filter_vmap(optimizer(settings).init)(trained),
        best=trained,
        best_score=jnp.full(seeds, jnp.inf),
        best_update=jnp.zeros(seeds, jnp.int32),
        update=jnp.zeros((), jnp.int32),
    )
    return jax.tree.map(_strongly_typed, state)


def _strongly_typed(leaf: Any) -> Any:
    """Without this a Python scalar among the leaves changes its type after the first call and compiles it twice."""
    return jax.lax.convert_element_type(leaf, leaf.dtype) if eqx.is_array(leaf) else leaf


def fit(
    state: FitState,
    loss: Loss,
    score: Score,
    settings: FitSettings,
    *,
    data: Any = None,
    on_progress: OnProgress | None = None,
) -> FitState:
    """Run the updates that are left and return the final state; `best_models` reads the result.

    Args:
        loss: (model, key, own data) → loss on fresh randomness drawn from the key; minimised.
        score: (model, own data) → score on common data; the averaged weights with the smallest score are kept.
        data: what each model has of its own (its part of a record, say), leading axis seeds on every array.

    Large arrays that the loss or score use belong into an `eqx.Partial` of it, not into a closure: there they are
    arguments of the compiled code, in a closure constants that the compiler works on for long.

    The key of update i of seed s depends on (settings.seed, s, i) alone, so that a resumed fit repeats an uninterrupted
    one bit by bit.
    """
    _, static = eqx.partition(state.models, eqx.is_array)
    advance = _compile(settings)
    arrays = eqx.filter(state, eqx.is_array)
    while int(arrays.update) < settings.updates and bool(jnp.any(_improving(arrays, settings))):
        count = min(settings.per_dispatch, settings.updates - int(arrays.update))
        arrays, losses, scores = advance(arrays, static, data, loss, score, count)
        done = int(arrays.update)
        if on_progress is not None:
            bad = np.flatnonzero(~np.isfinite(np.asarray(losses)).all(axis=1))
            failed = done - count + 1 + int(bad[0]) if bad.size else None
            report = Progress(done, settings.updates, tuple(map(float, losses[-1])), tuple(map(float, scores)), failed)
            on_progress(report, _rebuild(arrays, static))
    return _rebuild(arrays, static)


def best_models(state: FitState) -> Any:
    """The models with the averaged weights that scored best, one per seed on the leading axis."""
    return eqx.combine(state.best, state.models)


def _improving(state: FitState, settings: FitSettings) -> Bool[Array, " seeds"]:
    """Which models are not yet out of patience; one that is keeps its best weights for good, as if it ran alone."""
    if settings.patience == 0:
        return jnp.ones_like(state.best_update, bool)
    return state.update - state.best_update < settings.patience * settings.per_dispatch


def _each(function: Callable[..., Any], *trees: Any) -> Any:
    """`function` of every seed's part of the trees, which give each array a leading axis of seeds.

    All at once by `vmap`; on a CPU, where a batch of small matrix products is slower than its members, in turns.
    """
    arrays, rest = eqx.partition(trees, eqx.is_array)

    def one(own: Any) -> Any:
        return function(*eqx.combine(own, rest))

    return jax.lax.map(one, arrays) if jax.default_backend() == "cpu" else jax.vmap(one)(arrays)


def _rebuild(arrays: FitState, static: Any) -> FitState:
    return dataclasses.replace(arrays, models=eqx.combine(arrays.models, static))


def _compile(settings: FitSettings) -> Callable[..., tuple[FitState, Array, Array]]:
    rule = optimizer(settings)
    root = jax.random.key(settings.seed)

    def update_one(
        index: Array, loss: Loss, model: Any, averaged: Any, memory: Any, key: PRNGKeyArray, own: Any
    ) -> tuple[Any, Any, Any, Array]:
        value, gradient = eqx.filter_value_and_grad(loss)(model, key, own)
        trained = eqx.filter(model, eqx.is_inexact_array)
        change, memory = rule.update(gradient, memory, trained)
        model = eqx.apply_updates(model, change)
        fresh = eqx.filter(model, eqx.is_inexact_array)
        keep = jnp.minimum(settings.average, (1.0 + index) / (10.0 + index))
        averaged = jax.tree.map(lambda old, new: keep * old + (1.0 - keep) * new, averaged, fresh)
        return eqx.filter(model, eqx.is_array), averaged, memory, value

    @eqx.filter_jit
    def advance(
        state: FitState, static: Any, data: Any, loss: Loss, score: Score, count: int
    ) -> tuple[FitState, Array, Array]:
        seeds = state.best_score.shape[0]
        keys = jax.vmap(lambda seed: jax.random.fold_in(root, seed))(jnp.arange(seeds))

        def body(carry: tuple[Any, Any, Any], index: Array) -> tuple[tuple[Any, Any, Any], Array]:
            arrays, averaged, memory = carry
            step_keys = jax.vmap(lambda key: jax.random.fold_in(key, index))(keys)
            models = eqx.combine(arrays, static)
            arrays, averaged, memory, value = _each(
                lambda *own: update_one(index, loss, *own), models, averaged, memory, step_keys, data
            )
            return (arrays, averaged, memory), value

        indices = state.update + jnp.arange(count)
        carry = (state.models, state.averaged, state.optimizer)
        (arrays, averaged, memory), values = jax.lax.scan(body, carry, indices)
        models = eqx.combine(averaged, eqx.combine(arrays, static))
        scores = _each(score, models, data)
        better = (scores < state.best_score) & _improving(state, settings)
        best = jax.tree.map(
            lambda new, old: jnp.where(better.reshape((-1,) + (1,) * (new.ndim - 1)), new, old), averaged, state.best
        )
        done = state.update + count
        return (
            FitState(
                models=arrays,
                averaged=averaged,
                optimizer=memory,
                best=best,
                best_score=jnp.where(better, scores, state.best_score),
                best_update=jnp.where(better, done, state.best_update),
                update=done,
            ),
            values,
            scores,
        )

    return advance
