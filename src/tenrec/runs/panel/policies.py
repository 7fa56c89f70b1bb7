"""The deltas of a panel backtest: fixed ones, and learned ones for every cut-off of the walk forward."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from tenrec.backtest.learners import (
    clipped_linear,
    greeks_regression,
    hull_white,
    ratio_networks,
    state_networks,
    wing_shares,
)
from tenrec.hedging.assess import views
from tenrec.hedging.policies import (
    AbstractPolicy,
    AbstractPositionPolicy,
    BlackScholesDelta,
    ClippedLinear,
    ForecastDelta,
    GreeksRegression,
    MinimumVarianceDelta,
    NoHedge,
    OddNetworks,
    ResponseDelta,
    Shrunk,
    SmileDelta,
    make_feed_forward,
    make_odd_networks,
)
from tenrec.hedging.policies.shrunk import EDGES
from tenrec.runs.panel.config import FORECAST, SMILE_MODELS
from tenrec.runs.panel.desk import PanelDesk

RATIO_FEATURES = ("delta", "standardised_moneyness", "sqrt_time_to_maturity", "volatility")
RATIO_HIDDEN = (32, 32)
FIXED: dict[str, AbstractPolicy] = {
    "no_hedge": NoHedge(),
    "black_scholes_delta": BlackScholesDelta("current"),
    "black_scholes_delta_entry": BlackScholesDelta("entry"),
    FORECAST: ForecastDelta(jnp.ones(())),
    **{name: SmileDelta(name) for names in SMILE_MODELS.values() for name in names},
}
SHRUNK = ("shrunk_delta", "clipped_linear", "state_network", "ratio_network")
"""Learned deltas that are shrunk towards no hedge in the wings, as far as their training steps say."""
Progress = Callable[[int, int], None]


def learn(name: str, desk: PanelDesk, cutoffs: list[np.ndarray], on_progress: Progress) -> list[AbstractPolicy]:
    """A learned delta, fitted on each set of training steps."""
    found = _fitted(name, desk, cutoffs, on_progress)
    if name not in SHRUNK:
        return found
    shares = wing_shares(desk.lesson, cutoffs)
    return [
        Shrunk(policy, jnp.asarray(kept, jnp.float32))
        for policy, kept in zip(found, shares, strict=True)
        if isinstance(policy, AbstractPositionPolicy)
    ]


def _fitted(name: str, desk: PanelDesk, cutoffs: list[np.ndarray], on_progress: Progress) -> list[AbstractPolicy]:
    config, lesson = desk.config, desk.lesson
    state, training = config.state, config.training
    match name:
        case "shrunk_delta":
            return [BlackScholesDelta("current")] * len(cutoffs)
        case "minimum_variance_delta":
            return hull_white(lesson, cutoffs)
        case "greeks_regression":
            return greeks_regression(lesson, cutoffs)
        case "clipped_linear":
            return clipped_linear(lesson, cutoffs, bound=state.clip)
        case "state_network":
            return state_networks(
                lesson, cutoffs, hidden=state.hidden, bound=state.bound, seeds=training.seeds, seed=training.seed,
                updates=training.updates, learning_rate=training.learning_rate, on_progress=on_progress,
            )  # fmt: skip
        case "ratio_network":
            features = (*RATIO_FEATURES, *state.features)
            return ratio_networks(
                lesson, cutoffs, features=features, hidden=RATIO_HIDDEN, seed=training.seed,
                updates=training.updates, on_progress=on_progress,
            )  # fmt: skip
    raise KeyError(name)


def skeleton(name: str, desk: PanelDesk) -> AbstractPolicy:
    """A learned delta of the right shapes, for stored numbers to be read into."""
    inner = _empty(name, desk)
    if name in SHRUNK and isinstance(inner, AbstractPositionPolicy):
        return Shrunk(inner, jnp.zeros((2, len(EDGES))))
    return inner


def _empty(name: str, desk: PanelDesk) -> AbstractPolicy:
    state, seeds = desk.config.state, desk.config.training.seeds
    width = len(state.features)
    match name:
        case "shrunk_delta":
            return BlackScholesDelta("current")
        case "minimum_variance_delta":
            return MinimumVarianceDelta(jnp.zeros(3))
        case "greeks_regression":
            return GreeksRegression(jnp.zeros((2, 3)))
        case "clipped_linear":
            return ResponseDelta(state.features, ClippedLinear(jnp.zeros(width), jnp.zeros(())), state.exponent)
        case "state_network":
            made: OddNetworks = make_odd_networks(
                width, state.hidden, keys=jax.random.split(jax.random.key(0), seeds), bound=state.bound
            )
            return ResponseDelta(state.features, made, state.exponent)
        case "ratio_network":
            sample: Any = views(desk.sample)
            first = jax.tree.map(lambda leaf: leaf[:2, :1], sample)
            return make_feed_forward(
                first, features=(*RATIO_FEATURES, *state.features), hidden=RATIO_HIDDEN, activation="silu",
                standardise=True, key=jax.random.key(0),
            )  # fmt: skip
    raise KeyError(name)


def response_of(policy: AbstractPolicy, states: np.ndarray) -> np.ndarray | None:
    """The response of a delta in states (rows, features), None for a delta that is no `ResponseDelta`."""
    inner = policy.inner if isinstance(policy, Shrunk) else policy
    if not isinstance(inner, ResponseDelta):
        return None
    return np.asarray(inner.response(jnp.tanh(jnp.asarray(states, jnp.float32))), float)
