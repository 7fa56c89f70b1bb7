"""Hidden Markov chains by expectation–maximisation: many windows of a record, many starts, one compiled loop."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import digamma, gammaln
from jaxtyping import Array, Float

from tenrec.volatility.forecast.targets import trailing_mean
from tenrec.volatility.regimes.hidden_markov import GAUSSIAN, HiddenMarkov

Days = Float[np.ndarray, " days"]
Law = Literal["t", "normal"]

MOST_STEPS, TOLERANCE = 400, 1e-7
"""Steps of a fit; it ends where its log likelihood gains less than the tolerance a day."""
LEAST_SCALE = 0.05
"""Smallest scale of a regime, in scales of the record: a regime of a few equal days is none."""
FREEDOM = (2.1, 100.0)
MONTH = 22


@dataclass(frozen=True)
class RegimeFit:
    """A chain and how well it fits the days it was fitted to.

    Args:
        chain: regimes from the quietest to the wildest. log_likelihood: of its days. days: their number.
    """

    chain: HiddenMarkov
    log_likelihood: float
    days: int

    @property
    def bic(self) -> float:
        """−2·log L + parameters·log days (Schwarz, 1978); lower is better."""
        return -2.0 * self.log_likelihood + self.chain.parameters * float(np.log(self.days))


def fit_regimes(
    values: Days,
    regimes: int,
    *,
    lengths: Sequence[int] | None = None,
    law: Law = "t",
    starts: int = 6,
    seed: int = 0,
) -> list[RegimeFit]:
    """One chain for each window of the first `length` values; the best of several starts is kept.

    Args:
        values: returns, or any number a day; NaN where unknown. regimes: number of states.
        lengths: windows, by default the whole record. law: of a day within a regime.
        starts: of every window: the first takes the days apart by how restless their month was, the others disturb it.
        seed: of the disturbances.

    Source: Baum, Petrie, Soules and Weiss (1970); for the t law Peel and McLachlan (2000), "Robust mixture modelling
    using the t distribution", equations (27) to (32).
    """
    windows = [len(values)] if lengths is None else [int(length) for length in lengths]
    spread = float(np.nanstd(values[: min(windows)]))  # a unit that no window takes from days after it
    first = [_starts(values[:length] / spread, regimes, starts, seed) for length in windows]
    batch = [np.concatenate([own[place] for own in first]) for place in range(4)]
    known = np.isfinite(values)
    inside = np.arange(len(values)) < np.repeat(windows, starts)[:, None]
    with jax.enable_x64(True):
        given = (jnp.asarray(np.nan_to_num(values) / spread), jnp.asarray(known & inside), jnp.asarray(inside))
        freedom = jnp.full(len(inside), 6.0 if law == "t" else GAUSSIAN)
        found, likelihood = _search(law)(*given, (*map(jnp.asarray, batch), freedom))
        found, likelihood = jax.tree.map(np.asarray, (found, likelihood))
    fits = []
    for window, length in enumerate(windows):
        own = slice(window * starts, (window + 1) * starts)
        best = window * starts + int(np.argmax(likelihood[own]))
        count = int(known[:length].sum())
        total = float(likelihood[best]) - count * np.log(spread)
        fits.append(RegimeFit(_chain([leaf[best] for leaf in found], spread), total, count))
    return fits


def _chain(found: Sequence[Any], spread: float) -> HiddenMarkov:
    initial, transition, means, scales, freedom = found
    order = np.argsort(scales)
    return HiddenMarkov(
        initial[order], transition[np.ix_(order, order)], means[order] * spread, scales[order] * spread, float(freedom)
    )


def _starts(values: Days, regimes: int, starts: int, seed: int) -> list[np.ndarray]:
    """(starts, …) initial probabilities, transitions, means and scales."""
    rng = np.random.default_rng(seed)
    own = np.nan_to_num(values)
    month = np.sqrt(trailing_mean(own**2, min(MONTH, max(len(own) // 4, 1))))
    levels = np.quantile(month[np.isfinite(month)], (np.arange(regimes) + 0.5) / regimes)
    noise = rng.standard_normal((starts, regimes)) * np.where(np.arange(starts) > 0, 0.3, 0.0)[:, None]
    scales = np.maximum(levels, 2 * LEAST_SCALE) * np.exp(noise)
    stay = np.where(np.arange(starts) > 0, rng.uniform(0.9, 0.99, starts), 0.97)
    away = (1.0 - stay) / max(regimes - 1, 1)
    transition = np.broadcast_to(away[:, None, None], (starts, regimes, regimes)).copy()
    transition[:, np.arange(regimes), np.arange(regimes)] = stay[:, None] if regimes > 1 else 1.0
    means = np.full((starts, regimes), own.mean())
    return [np.full((starts, regimes), 1.0 / regimes), transition, means, np.sort(scales, axis=1)]


Chain = tuple[Array, Array, Array, Array, Array]
"""Initial probabilities, transitions, means, scales, degrees of freedom; on one scale of the record."""


@functools.cache
def _search(law: Law) -> Callable[..., tuple[Chain, Array]]:
    @jax.jit
    def run(values: Array, known: Array, inside: Array, chains: Chain) -> tuple[Chain, Array]:
        days = known.sum(1)

        def step(chains: Chain) -> tuple[Chain, Array]:
            one = functools.partial(_improve, law, values)
            return jax.vmap(one)(known, inside, chains)

        def body(state: tuple[Chain, Array, Array, Array]) -> tuple[Chain, Array, Array, Array]:
            chains, before, done, count = state
            better, now = step(chains)
            # Each fit ends for itself, so that none depends on the windows beside it.
            kept = [
                jnp.where(done.reshape((-1,) + (1,) * (new.ndim - 1)), old, new)
                for old, new in zip(chains, better, strict=True)
            ]
            return (*kept,), now, done | ((now - before) / days < TOLERANCE), count + 1  # type: ignore[return-value]

        def more(state: tuple[Chain, Array, Array, Array]) -> Array:
            return ~jnp.all(state[2]) & (state[3] < MOST_STEPS)

        start = (chains, jnp.full(len(days), -jnp.inf), jnp.zeros(len(days), bool), jnp.asarray(0))
        chains, *_ = jax.lax.while_loop(more, body, start)
        return chains, step(chains)[1]

    return run


def _improve(law: Law, values: Array, known: Array, inside: Array, chain: Chain) -> tuple[Chain, Array]:
    """One step of expectation–maximisation, and the log likelihood before it."""
    initial, transition, means, scales, freedom = chain
    z = (values[:, None] - means) / scales
    log = jnp.where(known[:, None], _log_density(law, z, freedom) - jnp.log(scales), 0.0)
    top = log.max(1)
    density = jnp.exp(log - top[:, None])

    def forwards(state: Array, likelihood: Array) -> tuple[Array, tuple[Array, Array]]:
        joint = state * likelihood
        scale = joint.sum()
        return (joint / scale) @ transition, (joint / scale, scale)

    _, (after, scale) = jax.lax.scan(forwards, initial, density)

    def backwards(later: Array, day: tuple[Array, Array]) -> tuple[Array, tuple[Array, Array]]:
        likelihood, scale = day
        reached = likelihood * later / scale
        return transition @ reached, (later, reached)

    _, (later, reached) = jax.lax.scan(backwards, jnp.ones_like(initial), (density, scale), reverse=True)
    smoothed = after * later
    moves = transition * (after[:-1].T @ (reached[1:] * inside[1:, None]))
    weight = smoothed * known[:, None]
    pull = (freedom + 1.0) / (freedom + z**2) if law == "t" else jnp.ones_like(z)
    total = weight.sum(0) + 1e-12
    means = (weight * pull * values[:, None]).sum(0) / ((weight * pull).sum(0) + 1e-12)
    spread = (weight * pull * (values[:, None] - means) ** 2).sum(0) / total
    scales = jnp.sqrt(jnp.maximum(spread, LEAST_SCALE**2))
    if law == "t":
        freedom = _freedom(freedom, jnp.sum(weight * (jnp.log(pull) - pull)) / weight.sum())
    moves = moves + 1e-10
    better = (smoothed[0], moves / moves.sum(1, keepdims=True), means, scales, freedom)
    return better, jnp.sum(jnp.where(inside, jnp.log(scale) + top, 0.0))


def _log_density(law: Law, z: Array, freedom: Array) -> Array:
    if law == "normal":
        return -0.5 * z**2 - 0.5 * jnp.log(2 * jnp.pi)
    constant = gammaln((freedom + 1) / 2) - gammaln(freedom / 2) - 0.5 * jnp.log(freedom * jnp.pi)
    return constant - (freedom + 1) / 2 * jnp.log1p(z**2 / freedom)


def _freedom(old: Array, seen: Array) -> Array:
    """The root in ν of log(ν/2) − ψ(ν/2) + 1 + mean(log u − u) + ψ((ν₀+1)/2) − log((ν₀+1)/2), by halving."""
    rest = 1.0 + seen + digamma((old + 1) / 2) - jnp.log((old + 1) / 2)

    def halve(_: Array, ends: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = ends
        middle = 0.5 * (low + high)
        nu = jnp.exp(middle)
        above = jnp.log(nu / 2) - digamma(nu / 2) + rest > 0  # falls in ν
        return jnp.where(above, middle, low), jnp.where(above, high, middle)

    ends = (jnp.full_like(old, jnp.log(FREEDOM[0])), jnp.full_like(old, jnp.log(FREEDOM[1])))
    low, high = jax.lax.fori_loop(0, 40, halve, ends)
    return jnp.exp(0.5 * (low + high))
