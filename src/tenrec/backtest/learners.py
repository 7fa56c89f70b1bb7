"""Deltas that are fitted on one-session steps; every number they are fitted on is a P&L of the engine."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from tenrec.core.paths import select
from tenrec.hedging.assess import Sample, assess, views
from tenrec.hedging.engine import Terms, over_paths, terminal_pnl
from tenrec.hedging.policies import (
    AbstractPolicy,
    AbstractPositionPolicy,
    BlackScholesDelta,
    ClippedLinear,
    FeedForward,
    GreeksRegression,
    MinimumVarianceDelta,
    NoHedge,
    OddNetworks,
    PremiumAdjusted,
    ResponseDelta,
    Shrunk,
    make_feed_forward,
    make_odd_networks,
)
from tenrec.hedging.policies.response import AbstractResponse
from tenrec.hedging.policies.shrunk import EDGES
from tenrec.hedging.sensitivities import leg_delta
from tenrec.nets import FitSettings, FitState, best_models, fit, start
from tenrec.nets import Progress as FitProgress
from tenrec.nets.fit import OnProgress

FREE = Terms(margined=(True,))
"""Terms on which hedge errors are compared: the forward is margined, and trading costs nothing."""
RIDGE = 0.1
"""Share of a weight's own curvature that is added against it."""
DECAY = 3e-4
PRIOR_SESSIONS = 10.0
"""Sessions of an exact Black–Scholes delta that stand against shrinking it."""
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Lesson:
    """What every fit starts from, one row a step.

    Fields:
        sample: the steps. weight: of each squared error. day: number of the session at which a step starts, from 0.
        pnl: P&L of the Black–Scholes delta. response: what a response of 1 would add to it. state: features, raw.
        names: of the features. exponent: of maturity in the response.
    """

    sample: Sample
    weight: Float[np.ndarray, " steps"]
    day: Int[np.ndarray, " steps"]
    pnl: Float[np.ndarray, " steps"]
    response: Float[np.ndarray, " steps"]
    state: Float[np.ndarray, "steps features"]
    names: tuple[str, ...]
    exponent: float
    terms: Terms = FREE


class _Unit(AbstractResponse):
    """A response of `bound` in every state."""

    bound: Float[Array, ""]

    def __call__(self, state: Float[Array, "*at features"]) -> Float[Array, "*at"]:
        return jnp.broadcast_to(self.bound, state.shape[:-1])


def make_lesson(
    sample: Sample, day: Int[np.ndarray, " steps"], weight: Float[np.ndarray, " steps"], *,
    names: tuple[str, ...], exponent: float, terms: Terms = FREE,
) -> Lesson:  # fmt: skip
    """Run the engine for the Black–Scholes delta and for a response of 1; all else is affine in the response."""
    units = {str(size): ResponseDelta(names, _Unit(jnp.asarray(size)), exponent) for size in (0.0, 1.0)}
    ends = pnl_of(units, sample, terms)
    none, one = ends["0.0"], ends["1.0"]
    columns = [sample.paths.signal_names.index(name) for name in names]
    state = np.asarray(sample.paths.signals[:, 0], float)[:, columns]
    return Lesson(sample, weight, day, none, one - none, state, names, exponent, terms)


def pnl_of(policies: Mapping[str, AbstractPolicy], sample: Sample, terms: Terms = FREE) -> dict[str, np.ndarray]:
    """P&L of every step under each policy, in units of the forward at the start."""
    held = settled_in(policies, terms)
    return {name: np.asarray(found.pnl, float) for name, found in assess(held, sample, terms).items()}


def settled_in(policies: Mapping[str, AbstractPolicy], terms: Terms) -> dict[str, AbstractPolicy]:
    """The policies as they are held on these terms: where options settle in coin, less the coin that they are worth."""
    return {name: _adjusted(policy, terms) for name, policy in policies.items()}


def _adjusted(policy: AbstractPolicy, terms: Terms) -> AbstractPolicy:
    if not terms.inverse or isinstance(policy, NoHedge) or not isinstance(policy, AbstractPositionPolicy):
        return policy
    return PremiumAdjusted(policy)


def hull_white(lesson: Lesson, cutoffs: Sequence[Bool[np.ndarray, " steps"]]) -> list[AbstractPolicy]:
    """The minimum-variance delta of Hull and White (2017), one for each set of training steps."""
    return _affine(lambda numbers: MinimumVarianceDelta(numbers), 3, lesson, cutoffs)


def greeks_regression(lesson: Lesson, cutoffs: Sequence[Bool[np.ndarray, " steps"]]) -> list[AbstractPolicy]:
    """The delta–vega–vanna regression of Ruf and Wang (2022), one for each set of training steps."""
    return _affine(lambda numbers: GreeksRegression(numbers.reshape(2, 3)), 6, lesson, cutoffs)


def clipped_linear(
    lesson: Lesson, cutoffs: Sequence[Bool[np.ndarray, " steps"]], *, bound: float = 0.3
) -> list[AbstractPolicy]:
    """The best response that is linear in the state, cut off at ± the bound."""
    state, fitted = np.tanh(lesson.state), []
    for inside in cutoffs:
        gain = lesson.response[inside, None] * state[inside]
        squares = (gain * lesson.weight[inside, None]).T @ gain
        cross = -(gain * lesson.weight[inside, None]).T @ lesson.pnl[inside]
        weights = np.linalg.solve(squares + RIDGE * np.diag(np.diag(squares)) + 1e-30 * np.eye(len(cross)), cross)
        response = ClippedLinear(weights=jnp.asarray(weights, jnp.float32), bound=jnp.asarray(bound, jnp.float32))
        fitted.append(ResponseDelta(lesson.names, response, lesson.exponent))
    return fitted


def wing_shares(
    lesson: Lesson, cutoffs: Sequence[Bool[np.ndarray, " steps"]]
) -> list[Float[np.ndarray, "sides buckets"]]:
    """The shares λ of the delta that `Shrunk` keeps in each bucket of the wings, for each set of training steps.

    The P&L of a step is affine in its λ, so that λ = −Σ w·p₀·u/Σ w·u², p₀ without a hedge and u what the delta brings;
    pulled towards 1 as by `PRIOR_SESSIONS` more sessions of an exact delta, and kept within 0 and 1.
    """
    base = BlackScholesDelta("current")
    ends = {str(share): Shrunk(base, jnp.full((2, len(EDGES)), share)) for share in (0.0, 1.0)}
    pnl = pnl_of(ends, lesson.sample, lesson.terms)
    none, hedge = pnl["0.0"], pnl["1.0"] - pnl["0.0"]
    cell = _cells(lesson.sample)
    found = []
    for inside in cutoffs:
        rows = inside & (cell >= 0)
        weight, cells = lesson.weight[rows], 2 * len(EDGES)
        squares, cross = (
            np.bincount(cell[rows], weight * part * hedge[rows], cells) for part in (hedge[rows], -none[rows])
        )
        days = [len(np.unique(lesson.day[rows & (cell == n)])) for n in range(cells)]
        prior = np.where(squares > 0, squares * PRIOR_SESSIONS / np.maximum(days, 1), 1.0)
        found.append(np.clip((cross + prior) / (squares + prior), 0.0, 1.0).reshape(2, len(EDGES)))
    return found


def _cells(sample: Sample) -> Int[np.ndarray, " steps"]:
    """Number of the share that applies to each step, −1 where none does."""
    view = views(sample)
    first = jax.tree.map(lambda leaf: leaf[:, 0], view)
    size = np.abs(np.asarray(leg_delta(first, first.volatility), float))[:, 0]
    bucket = np.searchsorted(np.asarray(EDGES), np.minimum(size, 1.0 - size), side="right")
    below = np.asarray(first.strike < first.forward)[:, 0]
    return np.where(bucket < len(EDGES), bucket + len(EDGES) * below, -1)


def state_networks(
    lesson: Lesson,
    cutoffs: Sequence[Bool[np.ndarray, " steps"]],
    *,
    hidden: Sequence[int] = (8,),
    bound: float = 0.4,
    seeds: int = 6,
    seed: int = 0,
    updates: int = 400,
    learning_rate: float = 0.02,
    on_progress: Progress | None = None,
) -> list[AbstractPolicy]:
    """The mean of odd networks of the state, trained from several seeds.

    The squared P&L of a day's steps is a parabola in that day's response, Σ w·(pnl + g·unit)², so that its two
    coefficients are all that training needs of the day: thousands of steps come to a few hundred rows, exactly.
    """
    days, first = np.unique(lesson.day, return_index=True)
    state = jnp.asarray(np.tanh(lesson.state[first]), jnp.float32)
    rows = [_daily(lesson, inside, len(days)) for inside in cutoffs]
    tiled = [jnp.asarray(np.repeat(np.stack(part), seeds, axis=0), jnp.float32) for part in zip(*rows, strict=True)]
    keys = jax.random.split(jax.random.key(seed), seeds)
    made = [make_odd_networks(state.shape[1], hidden, keys=key[None], bound=bound) for key in keys] * len(cutoffs)
    models = jax.tree.map(lambda *leaves: jnp.stack(leaves), *made)
    settings = FitSettings(
        updates=updates, per_dispatch=max(updates // 10, 1), learning_rate=learning_rate, average=0.0, seed=seed
    )
    loss = eqx.Partial(_daily_loss, state=state)
    score = eqx.Partial(_daily_score, state=state)
    report = None if on_progress is None else _hearing(on_progress)
    best = best_models(fit(start(models, settings), loss, score, settings, data=tuple(tiled), on_progress=report))
    return [_together(best, slice(n * seeds, (n + 1) * seeds), lesson) for n in range(len(cutoffs))]


def _hearing(on_progress: Progress) -> OnProgress:
    """Tells updates done and in all."""

    def told(progress: FitProgress, state: FitState) -> None:
        del state
        on_progress(progress.update, progress.updates)

    return told


def _together(models: OddNetworks, rows: slice, lesson: Lesson) -> ResponseDelta:
    """The networks of one set of training steps as one policy."""
    networks = jax.tree.map(lambda leaf: leaf[rows][:, 0] if eqx.is_array(leaf) else leaf, models.networks)
    return ResponseDelta(lesson.names, OddNetworks(networks=networks, bound=models.bound[0]), lesson.exponent)


def _daily(lesson: Lesson, inside: np.ndarray, days: int) -> tuple[np.ndarray, np.ndarray]:
    """Σ w·unit² and −Σ w·pnl·unit of each day over the training steps, as shares of the first one's sum."""
    weight = lesson.weight * inside
    squares = np.bincount(lesson.day, weight * lesson.response**2, days)
    cross = -np.bincount(lesson.day, weight * lesson.pnl * lesson.response, days)
    return squares / squares.sum(), cross / squares.sum()


def _daily_score(model: OddNetworks, own: tuple[Array, Array], *, state: Array) -> Float[Array, ""]:
    squares, cross = own
    response = model(state)
    weights = jax.tree.leaves([layer.weight for layer in model.networks.layers])
    return jnp.sum(response**2 * squares - 2.0 * response * cross) + DECAY * sum(jnp.sum(w**2) for w in weights)


def _daily_loss(model: OddNetworks, _: PRNGKeyArray, own: tuple[Array, Array], *, state: Array) -> Float[Array, ""]:
    return _daily_score(model, own, state=state)


def ratio_networks(
    lesson: Lesson,
    cutoffs: Sequence[Bool[np.ndarray, " steps"]],
    *,
    features: Sequence[str],
    hidden: Sequence[int] = (32, 32),
    seed: int = 0,
    updates: int = 600,
    batch: int = 2048,
    learning_rate: float = 3e-3,
    on_progress: Progress | None = None,
) -> list[AbstractPolicy]:
    """A network that learns the hedge ratio itself, trained by gradient through the engine, for each training set.

    Steps must be sorted by date, so that every training set is a first part of them.
    """
    sample, known = lesson.sample, views(lesson.sample)
    first = jax.tree.map(lambda leaf: leaf[:, :1], known)
    model = make_feed_forward(
        first, features=features, hidden=hidden, activation="silu", standardise=True, key=jax.random.key(seed)
    )
    models = jax.tree.map(lambda leaf: jnp.stack([leaf] * len(cutoffs)) if eqx.is_array(leaf) else leaf, model)
    counts = jnp.asarray([int(inside.sum()) for inside in cutoffs])
    weight = jnp.asarray(lesson.weight / lesson.weight.mean(), jnp.float32)
    settings = FitSettings(updates=updates, per_dispatch=max(updates // 10, 1), learning_rate=learning_rate, seed=seed)
    loss = eqx.Partial(_ratio_loss, sample=sample, weight=weight, terms=lesson.terms, batch=batch)
    score = eqx.Partial(_ratio_score, sample=sample, weight=weight, terms=lesson.terms)
    report = None if on_progress is None else _hearing(on_progress)
    best = best_models(fit(start(models, settings), loss, score, settings, data=counts, on_progress=report))
    return [jax.tree.map(lambda leaf, n=n: leaf[n] if eqx.is_array(leaf) else leaf, best) for n in range(len(cutoffs))]


def _squares(policy: FeedForward, sample: Sample, weight: Array, terms: Terms, rows: Array) -> Float[Array, ""]:
    """Mean weighted squared P&L of some steps, in percent squared."""
    contract = jax.tree.map(lambda leaf: leaf[rows], sample.contract)
    part = Sample(select(sample.paths, rows), contract, sample.premium[rows])
    pnl = over_paths(terminal_pnl, _adjusted(policy, terms), part.paths, part.contract, terms, part.premium)
    return 1e4 * jnp.mean(weight[rows] * pnl**2)


def _ratio_loss(
    policy: FeedForward, key: PRNGKeyArray, count: Array, *, sample: Sample, weight: Array, terms: Terms, batch: int
) -> Float[Array, ""]:
    return _squares(policy, sample, weight, terms, jax.random.randint(key, (batch,), 0, count))


def _ratio_score(policy: FeedForward, count: Array, *, sample: Sample, weight: Array, terms: Terms) -> Float[Array, ""]:
    rows = (jnp.arange(8192) * count) // 8192
    return _squares(policy, sample, weight, terms, rows)


def _affine(
    make: Callable[[Array], AbstractPolicy],
    size: int,
    lesson: Lesson,
    cutoffs: Sequence[Bool[np.ndarray, " steps"]],
) -> list[AbstractPolicy]:
    """Least squares of the P&L over a family whose position, and so whose P&L, is affine in its numbers."""
    points = {
        str(n): make(jnp.asarray(row, jnp.float32)) for n, row in enumerate(np.vstack([np.zeros(size), np.eye(size)]))
    }
    pnl = pnl_of(points, lesson.sample, lesson.terms)
    columns = np.stack([pnl[str(n + 1)] - pnl["0"] for n in range(size)], axis=1)
    root = np.sqrt(lesson.weight)
    found = [
        np.linalg.lstsq(root[inside, None] * columns[inside], -root[inside] * pnl["0"][inside], rcond=None)[0]
        for inside in cutoffs
    ]
    return [make(jnp.asarray(numbers, jnp.float32)) for numbers in found]
