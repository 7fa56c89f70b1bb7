"""Maximum likelihood by damped Newton steps, all series at once.

Value, gradient and Hessian come from one pass over the returns: forward derivatives ride along with the recursion, so
that nothing of length "days" is kept. The steps are those of Levenberg and Marquardt on the absolute eigenvalues.
"""

import functools
import os
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from tenrec.core.errors import ConfigError
from tenrec.volatility.garch.models import GarchModel

UNIT = 100.0
"""Returns are fitted in percent."""
BACKCAST_DAYS, BACKCAST_DECAY = 75, 0.94
"""The variance before the first return: a weighted mean of the first squares, as in the arch package."""
MOST_STEPS = 80
CLOSE_ENOUGH = 1e-12
"""Predicted gain of a step, relative to the mean log likelihood, at which a series is done."""
NEARLY_ONE = 0.9995
"""Persistence from which a fit is called non-stationary."""


@dataclass(frozen=True)
class GarchFit:
    """Maximum-likelihood fits, one a series.

    Args:
        model: what was fitted. parameters: series → values in the order of `names`, for returns in percent.
        free: their unbounded values, in which the search ran. log_likelihood: of all the returns of a series.
        converged: whether the search came to rest. persistence, constant: of the recursion of the expected variance
            (of its logarithm, where the model is in logarithms).
    """

    model: GarchModel
    parameters: Float[np.ndarray, "series parameters"]
    free: Float[np.ndarray, "series parameters"]
    log_likelihood: Float[np.ndarray, " series"]
    converged: np.ndarray
    persistence: Float[np.ndarray, " series"]
    constant: Float[np.ndarray, " series"]

    @property
    def names(self) -> tuple[str, ...]:
        """Of the parameters."""
        return self.model.names + self.model.density.names


def backcast(returns: Float[np.ndarray, "series days"]) -> Float[np.ndarray, " series"]:
    """Σ w_i r_i² over the first 75 returns, w_i ∝ 0.94^i; in the square of the returns' unit."""
    first = returns[:, :BACKCAST_DAYS]
    weight = BACKCAST_DECAY ** np.arange(first.shape[1])
    return first**2 @ (weight / weight.sum())


def fit_garch(
    model: GarchModel,
    returns: Float[np.ndarray, "series days"],
    lengths: np.ndarray | None = None,
    *,
    measures: Float[np.ndarray, "series days"] | None = None,
    warn: bool = False,
) -> GarchFit:
    """Fit a model to many series of returns (decimal, mean zero) at once.

    Args:
        model: one of `GARCH_MODELS`. returns: one row a series.
        lengths: how many returns of each row are learned from, by default all: expanding windows are rows that repeat
            one record.
        measures: the variance that was measured on each day, decimal, for a model that has use for one.
        warn: say with a UserWarning where the persistence comes to one.
    """
    percent = np.ascontiguousarray(returns, dtype=np.float64) * UNIT
    log_measures = _log_measures(model, percent.shape, measures)
    counts = np.full(len(percent), percent.shape[1]) if lengths is None else np.asarray(lengths)
    scale = np.array([np.mean(row[:count] ** 2) for row, count in zip(percent, counts, strict=True)])
    parts = _parts(len(percent))
    with ThreadPoolExecutor(len(parts)) as pool:  # compiled code runs outside Python's lock
        given = (percent, log_measures, counts, scale)
        found = list(pool.map(lambda part: _search(model, *(array[part] for array in given)), parts))
    free, value, converged = (np.concatenate([np.asarray(one[place]) for one in found]) for place in range(3))
    with jax.enable_x64(True):
        own, shape = model.parameters(jnp.asarray(free.T), jnp.asarray(scale))
        persistence, constant = np.asarray(model.persistence(own)), np.asarray(model.constant(own))
        parameters = np.concatenate([np.asarray(own), np.asarray(shape).reshape(-1, len(percent))]).T
    if warn and np.any(persistence > NEARLY_ONE):
        warnings.warn(
            f"{model.label}: the persistence is {persistence.max():.5f} in {int((persistence > NEARLY_ONE).sum())} of "
            f"{len(percent)} fits, so that long forecasts hardly revert; fit a longer record "
            "(warn=False silences this).",
            UserWarning,
            stacklevel=2,
        )
    return GarchFit(model, parameters, free, -value * counts, converged, persistence, constant)


def _log_measures(model: GarchModel, shape: tuple[int, ...], measures: np.ndarray | None) -> np.ndarray:
    """Logarithms in percent squared; zeros for a model that does not look at them."""
    if model.measured is None:
        return np.zeros(shape)
    if measures is None or np.shape(measures) != shape or not np.all(np.asarray(measures) > 0):
        raise ConfigError(f"{model.label} needs a positive measured variance for every return; give `measures`.")
    return np.log(np.asarray(measures, np.float64) * UNIT**2)


def filter_variances(
    fit: GarchFit,
    returns: Float[np.ndarray, " days"],
    start: Float[np.ndarray, " series"],
    measures: Float[np.ndarray, " days"] | None = None,
) -> Float[np.ndarray, "series days"]:
    """Conditional variance of the *next* day at each close, under each fit, of one record; decimal.

    Args:
        returns: decimal. start: variance before the first return under each fit, in percent squared. measures: as
            in `fit_garch`.
    """
    log_measures = _log_measures(fit.model, returns.shape, measures)
    with jax.enable_x64(True):
        given = (fit.parameters.T, returns * UNIT, log_measures, start)
        variances = _filter(fit.model)(*(jnp.asarray(array) for array in given))
        return np.asarray(variances).T / UNIT**2


@functools.cache
def _filter(model: GarchModel) -> Callable[..., Array]:
    @jax.jit
    def run(parameters: Array, returns: Array, log_measures: Array, start: Array) -> Array:
        own = parameters[: len(model.start)]

        def step(state: Array, day: tuple[Array, Array]) -> tuple[Array, Array]:
            state = model.step(own, state, *day)
            return state, model.variance(state)

        return jax.lax.scan(step, model.first(own, start), (returns, log_measures))[1]

    return run


def _parts(series: int) -> list[slice]:
    """As many parts as there are cores, of at least 32 series, so that short fits do not compile twice."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    count = max(min(cores, series // 32), 1)
    size = -(-series // count)
    return [slice(start, min(start + size, series)) for start in range(0, series, size)]


def _search(
    model: GarchModel, percent: np.ndarray, log_measures: np.ndarray, counts: np.ndarray, scale: np.ndarray
) -> tuple[Array, ...]:
    with jax.enable_x64(True):
        given = (percent.T, log_measures.T, counts, scale, backcast(percent))
        return jax.block_until_ready(_newton(model)(*(jnp.asarray(array) for array in given)))


@functools.cache
def _newton(model: GarchModel) -> Callable[..., tuple[Array, Array, Array]]:
    @jax.jit
    def run(
        returns: Array, log_measures: Array, counts: Array, scale: Array, back: Array
    ) -> tuple[Array, Array, Array]:
        series = returns.shape[1]
        start = jnp.asarray((*model.start, *model.density.start))
        free = jnp.broadcast_to(start[:, None], (model.size, series))

        def loss(free: Array) -> Array:
            return _mean_loss(model, free, (returns, log_measures), counts, scale, back)

        def body(state: tuple) -> tuple:
            free, value, gradient, hessian, damping, done, count = state
            move, gain = _move(gradient, hessian, damping)
            tried = free + move
            new_value, new_gradient, new_hessian = _derivatives(loss, tried)
            better = jnp.isfinite(new_value) & (new_value <= value) & ~done
            done = done | (gain < CLOSE_ENOUGH * (1 + jnp.abs(value))) | (damping > 1e12)
            return (
                jnp.where(better, tried, free),
                jnp.where(better, new_value, value),
                jnp.where(better, new_gradient, gradient),
                jnp.where(better, new_hessian, hessian),
                jnp.where(better, jnp.maximum(damping / 8, 1e-14), damping * 8),
                done,
                count + 1,
            )

        first = (free, *_derivatives(loss, free), jnp.full(series, 1e-3), jnp.zeros(series, bool), 0)
        state = jax.lax.while_loop(lambda state: ~jnp.all(state[5]) & (state[6] < MOST_STEPS), body, first)
        return state[0].T, state[1], state[5]

    return run


def _mean_loss(
    model: GarchModel, free: Array, seen: tuple[Array, Array], counts: Array, scale: Array, back: Array
) -> Array:
    """Mean negative log likelihood of every series."""
    own, shape = model.parameters(free, scale)

    def step(carry: tuple[Array, Array], day: tuple[Array, Array, Array]) -> tuple[tuple[Array, Array], None]:
        (state, total), (r, log_x, index) = carry, day
        h = model.variance(state)
        z = r / jnp.sqrt(h)
        here = model.density.log(z, shape) - 0.5 * jnp.log(h)
        if model.measured is not None:
            here = here + model.measured(own, h, z, log_x)
        total = total + jnp.where(index < counts, here, 0.0)
        return (model.step(own, state, r, log_x), total), None

    first = (model.first(own, back), jnp.zeros_like(back))
    (_, total), _ = jax.lax.scan(step, first, (*seen, jnp.arange(len(seen[0]))))
    return -total / counts


def _derivatives(loss: Callable[[Array], Array], free: Array) -> tuple[Array, Array, Array]:
    """Value, gradient (parameters, series) and Hessian (parameters, parameters, series) in one pass."""
    directions = jnp.broadcast_to(jnp.eye(len(free))[:, :, None], (len(free), *free.shape))

    def first(free: Array) -> tuple[Array, Array]:
        return jax.vmap(lambda d: jax.jvp(loss, (free,), (d,)), out_axes=(None, 0))(directions)

    (value, gradient), (_, hessian) = jax.vmap(
        lambda d: jax.jvp(first, (free,), (d,)), out_axes=((None, None), (0, 0))
    )(directions)
    return value, gradient, hessian


def _move(gradient: Array, hessian: Array, damping: Array) -> tuple[Array, Array]:
    """Newton's step on the absolute eigenvalues, each lifted by the damping, and the gain that it promises."""
    values, vectors = jnp.linalg.eigh(jnp.moveaxis(hessian, -1, 0))
    lifted = jnp.maximum(jnp.abs(values), 1e-12) + damping[:, None]
    along = jnp.einsum("sij,is->sj", vectors, gradient)
    move = -jnp.einsum("sij,sj->is", vectors, along / lifted)
    return jnp.clip(move, -2.0, 2.0), 0.5 * jnp.sum(along**2 / lifted, axis=1)
