"""Policies by name: built for a run, written to its folder, and brought back without the training code."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from tenrec.core.errors import ConfigError
from tenrec.hedging.features import OWN_FEATURES, POSITION, WEALTH, FeatureMap
from tenrec.hedging.policies import (
    AbstractPolicy,
    BandNetwork,
    BlackScholesDelta,
    DeltaResidual,
    FeedForward,
    ForecastDelta,
    GreekHedge,
    Leland,
    MinimumVarianceDelta,
    NoHedge,
    Static,
    WealthBandNetwork,
    WealthFeedForward,
    WealthScale,
    WhalleyWilmott,
    Zakamouline,
    assemble_recurrent_band,
    empty_neural_delta,
    ensemble,
    fit_wealth_scale,
    make_band_network,
    make_delta_residual,
    make_feed_forward,
    make_recurrent_band,
    make_state_delta,
    neural_delta,
)
from tenrec.hedging.view import MarketView
from tenrec.nets import make_network
from tenrec.runs.build import assets_of
from tenrec.runs.config import HedgeConfig
from tenrec.runs.custom import make_policy
from tenrec.runs.files import write_atomically
from tenrec.runs.folder import read_leaves
from tenrec.runs.policy_specs import PolicySpec
from tenrec.runs.price import load_price_run
from tenrec.runs.setting import neutral_view

LABELS = {
    "band_network": "Band network",
    "black_scholes_delta": "Black–Scholes delta",
    "black_scholes_delta_entry": "Black–Scholes delta, vol at sale",
    "custom": "Custom policy",
    "delta_gamma": "Delta–gamma hedge",
    "delta_vega": "Delta–vega hedge",
    "delta_residual": "Delta and correction",
    "feed_forward": "Feed-forward network",
    "forecast_delta": "Delta at forecast vol",
    "leland": "Leland delta",
    "minimum_variance_delta": "Minimum-variance delta",
    "neural_delta": "Neural-pricer delta",
    "no_hedge": "No hedge",
    "recurrent": "Recurrent band",
    "state_delta": "State delta",
    "static": "Static units",
    "static_delta": "Static units and delta",
    "whalley_wilmott": "Whalley–Wilmott band",
    "zakamouline": "Zakamouline band",
}
FITTED = {
    "band_network",
    "custom",
    "delta_residual",
    "feed_forward",
    "forecast_delta",
    "minimum_variance_delta",
    "neural_delta",
    "recurrent",
    "state_delta",
    "static",
    "static_delta",
}
BANDED = {"band_network", "recurrent"}
DEFAULT_AVERSION, SMALLEST_COST = 20.0, 1e-5


def aversion_of(config: HedgeConfig) -> float:
    """The aversion of the classical bands: of an entropic or mean–variance risk, else from the policy, else 20."""
    if config.policy.aversion is not None:
        return config.policy.aversion
    return getattr(config.risk, "aversion", DEFAULT_AVERSION)


def baseline(
    name: str,
    config: HedgeConfig,
    coefficients: Sequence[float] | np.ndarray = (0.0, 0.0, 0.0),
    units: np.ndarray | None = None,
) -> AbstractPolicy:
    """A classical policy with the run's cost and aversion.

    Args:
        coefficients: of the minimum-variance delta. units: of each instrument that a static policy holds.
    """
    if name == "neural_delta":
        return neural_delta(load_price_run(str(config.evaluate.pricer)).pricer)
    cost = jnp.asarray(config.costs.linear, jnp.float32)
    aversion = jnp.asarray(aversion_of(config), jnp.float32)
    still = jnp.zeros(len(config.hedge_with)) if units is None else jnp.asarray(units, jnp.float32)
    members: dict[str, AbstractPolicy] = {
        "no_hedge": NoHedge(),
        "delta_gamma": GreekHedge("gamma"),
        "delta_vega": GreekHedge("vega"),
        "static": Static(still),
        "static_delta": Static(still, hedged=True),
        "black_scholes_delta": BlackScholesDelta("current"),
        "black_scholes_delta_entry": BlackScholesDelta("entry"),
        "forecast_delta": ForecastDelta(jnp.ones(())),
        "leland": Leland(cost),
        "minimum_variance_delta": MinimumVarianceDelta(jnp.asarray(coefficients, jnp.float32)),
        "whalley_wilmott": WhalleyWilmott(cost, aversion),
        "zakamouline": Zakamouline(cost, aversion),
    }
    return members[name]


def cost_of(config: HedgeConfig) -> float:
    """The proportional cost that the bands of learned policies are drawn for."""
    return max(config.costs.linear, SMALLEST_COST)


def untrained(
    spec: PolicySpec, view: MarketView, config: HedgeConfig, key: PRNGKeyArray, *, aversion: float | None = None
) -> AbstractPolicy:
    """A learned policy before its first update, its features scaled on a sample of what it will see.

    Args:
        aversion: of the classical band that a band network starts from; by default that of the classical policies.
    """
    if spec.kind == "custom":
        return make_policy(spec.source or "", spec.make or "", view, key)
    common: dict[str, Any] = {
        "features": spec.features,
        "hidden": spec.hidden,
        "activation": spec.activation,
        "key": key,
    }
    if spec.kind == "feed_forward":
        plain = make_feed_forward(view, standardise=spec.standardise, **common)
        return WealthFeedForward(plain, fit_wealth_scale(view)) if WEALTH in spec.features else plain
    if spec.kind == "state_delta":
        return make_state_delta(bound=spec.bound, **common)
    if spec.kind == "delta_residual":
        return make_delta_residual(view, standardise=spec.standardise, bound=spec.bound, **common)
    cost, given = cost_of(config), aversion_of(config) if aversion is None else aversion
    if spec.kind == "recurrent":
        return make_recurrent_band(
            view, standardise=spec.standardise, state=spec.state, cost=cost, aversion=given, **common
        )
    band = make_band_network(view, standardise=spec.standardise, cost=cost, aversion=given, **common)
    return WealthBandNetwork(band, fit_wealth_scale(view)) if WEALTH in spec.features else band


def skeleton(spec: PolicySpec, config: HedgeConfig) -> AbstractPolicy:
    """A policy of the right shapes, for the stored numbers of what was learned to be read into."""
    member = _member(spec, config, instruments=len(config.hedge_with) * assets_of(config))
    return ensemble([member] * config.training.seeds) if spec.ensemble else member


def _member(spec: PolicySpec, config: HedgeConfig, instruments: int) -> AbstractPolicy:
    key = jax.random.key(0)
    if spec.kind == "custom":
        return make_policy(spec.source or "", spec.make or "", neutral_view(config), key)
    if spec.kind == "state_delta":
        return make_state_delta(
            features=spec.features, hidden=spec.hidden, activation=spec.activation, key=key, bound=spec.bound
        )
    names = tuple(name for name in spec.features if name not in OWN_FEATURES)
    sees_wealth, scale = WEALTH in spec.features, WealthScale(jnp.zeros(()), jnp.ones(()))
    sees_position = POSITION in spec.features
    features = FeatureMap(names, jnp.zeros(len(names)), jnp.ones(len(names)))
    sizes: dict[str, Any] = {"hidden": spec.hidden, "activation": spec.activation, "key": key}
    if spec.kind == "recurrent":
        seen = scale if sees_wealth else None
        return assemble_recurrent_band(features, seen, jnp.zeros(()), jnp.ones(()), state=spec.state, **sizes)
    if spec.kind == "delta_residual":
        network = make_network(len(names) + sees_position, outputs=1, **sizes)
        return DeltaResidual(features, network, jnp.ones(()), jnp.ones(()), sees_position)
    inputs = len(names) + sees_position * instruments + sees_wealth
    outputs = instruments if spec.kind == "feed_forward" else 3
    network = make_network(inputs, outputs=outputs, **sizes)
    if spec.kind == "feed_forward":
        plain = FeedForward(features, network, jnp.ones(()), sees_position)
        return WealthFeedForward(plain, scale) if sees_wealth else plain
    band = BandNetwork(features, network, jnp.zeros(()), jnp.ones(()))
    return WealthBandNetwork(band, scale) if sees_wealth else band


def policy_name(spec: PolicySpec) -> str:
    """The name a learned policy goes by in tables: its own, or its kind."""
    return spec.name or spec.kind


def spec_named(config: HedgeConfig, name: str) -> PolicySpec | None:
    """The learned policy of the configuration that goes by `name`."""
    for spec in (config.policy, *config.rivals):
        if policy_name(spec) == name:
            return spec
    return None


def save_policy(folder: Path, name: str, policy: AbstractPolicy) -> None:
    """Write a policy's numbers to `<folder>/<name>.eqx`."""
    write_atomically(folder / f"{name}.eqx", lambda part: eqx.tree_serialise_leaves(part, policy))


def load_policy(folder: Path, name: str, config: HedgeConfig) -> AbstractPolicy:
    """Read back a policy that `save_policy` wrote; a baseline that needs no fit is there in any run."""
    path, spec = folder / f"{name}.eqx", spec_named(config, name)
    if not path.is_file():
        if name in LABELS and spec is None and name not in FITTED:
            return baseline(name, config)
        known = ", ".join(sorted({*(stored.stem for stored in folder.glob("*.eqx")), *set(LABELS) - FITTED}))
        raise ConfigError(f"This run holds no policy {name!r}; choose from {known}.")
    if spec is not None:
        return read_leaves(path, skeleton(spec, config))
    return read_leaves(path, empty_neural_delta() if name == "neural_delta" else baseline(name, config))


def with_seed(policies: Any, seed: int) -> Any:
    """One model out of several stacked on the leading axis of every array."""
    return jax.tree.map(lambda leaf: leaf[seed] if eqx.is_array(leaf) else leaf, policies)
