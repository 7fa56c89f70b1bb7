"""One example of each policy, and states for it to look at, for the tests that every policy passes."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PRNGKeyArray

from tenrec.contracts import EuropeanBook, european
from tenrec.hedging.features import option_feature_names
from tenrec.hedging.policies import (
    AbstractPolicy,
    BandNetwork,
    BlackScholesDelta,
    ClippedLinear,
    DeltaResidual,
    ForecastDelta,
    ForecastingDelta,
    GreekHedge,
    GreeksRegression,
    Leland,
    MinimumVarianceDelta,
    NoHedge,
    PremiumAdjusted,
    RecurrentBand,
    ResponseDelta,
    Shrunk,
    SmileDelta,
    StateDelta,
    Static,
    TickBandNetwork,
    TightenedBand,
    WealthBandNetwork,
    WealthFeedForward,
    WhalleyWilmott,
    Zakamouline,
    cadence_threshold,
    ensemble,
    fit_wealth_scale,
    make_band_network,
    make_delta_residual,
    make_feed_forward,
    make_forecasting_delta,
    make_odd_networks,
    make_recurrent_band,
    make_state_delta,
    make_tick_band_network,
)
from tenrec.hedging.policies.neural_delta import MATURITIES, POINTS, NeuralDelta
from tenrec.hedging.view import MarketView, view_at

COST, AVERSION, BOUND = 0.002, 15.0, 0.4
# The mean of policies of one kind, and of two that have nothing in common.
ENSEMBLES = {
    "band_ensemble": ("band_network", "band_network"),
    "ensemble": ("wealth_feed_forward", "recurrent"),
    "own_band_ensemble": ("recurrent", "wealth_band_network"),
    "position_ensemble": ("feed_forward", "delta_residual"),
}
BANDS = ["band_ensemble", "band_network", "tick_band_network", "tightened_band", "whalley_wilmott", "zakamouline"]
LEARNED = [
    "band_network",
    "delta_residual",
    "feed_forward",
    "recurrent",
    "state_delta",
    "wealth_band_network",
    "wealth_feed_forward",
]
# Networks that hold what they like, and those that know the side of the book and the cost.
FREE = {"ensemble", "feed_forward", "position_ensemble", "wealth_feed_forward"}
TRAINED = {*FREE, *ENSEMBLES, "band_network", "delta_residual", "recurrent", "tick_band_network", "wealth_band_network"}
POLICIES = sorted(
    [
        *BANDS,
        *LEARNED[1:],
        *(name for name in ENSEMBLES if name not in BANDS),
        "black_scholes_delta",
        "black_scholes_delta_entry",
        "cadence_threshold",
        "delta_gamma",
        "delta_vega",
        "forecast_delta",
        "forecasting_delta",
        "leland",
        "minimum_variance_delta",
        "greeks_regression",
        "linear_response",
        "network_response",
        "neural_delta",
        "no_hedge",
        "premium_adjusted",
        "shrunk",
        "smile_delta",
        "static_delta",
    ]
)
# What may hold listed options, and the delta, which must leave them alone.
WITH_OPTIONS = ["black_scholes_delta", "delta_gamma", "delta_vega", "feed_forward", "static", "static_delta"]
FEATURES = ("log_moneyness", "sqrt_time_to_maturity", "volatility", "last_log_return")


def make_policy(name: str, view: MarketView, key: PRNGKeyArray) -> AbstractPolicy:
    """A policy in the precision in force; a learned one has random weights, as if somewhere in its training."""
    cost, aversion = jnp.asarray(COST, float), jnp.asarray(AVERSION, float)
    if name in ENSEMBLES:
        keys = jax.random.split(key, 2)
        return ensemble([make_policy(*one) for one in zip(ENSEMBLES[name], (view, view), keys, strict=True)])
    common = {"hidden": (8, 8), "activation": "silu", "key": key}
    match name:
        case "no_hedge":
            return NoHedge()
        case "black_scholes_delta":
            return BlackScholesDelta("current")
        case "black_scholes_delta_entry":
            return BlackScholesDelta("entry")
        case "cadence_threshold":
            return cadence_threshold(max_hedge_per_interval=1e9, gamma_scaling=1.0, volatility_scaling=0.5)
        case "delta_gamma":
            return GreekHedge("gamma")
        case "delta_vega":
            return GreekHedge("vega")
        case "static":
            return Static(_units(view))
        case "static_delta":
            return Static(_units(view), hedged=True)
        case "forecast_delta":
            return ForecastDelta(jnp.asarray(0.7, float), signal="last_log_return")
        case "forecasting_delta":
            made = make_forecasting_delta(view, features=FEATURES, bound=BOUND, **common)
            return stirred(made, key)
        case "tightened_band":
            return TightenedBand(cost, aversion, jnp.asarray(0.6, float), signal="time_fraction")
        case "leland":
            return Leland(cost)
        case "minimum_variance_delta":
            return MinimumVarianceDelta(jnp.asarray([-0.25, -0.4, 0.3], float))
        case "greeks_regression":
            return GreeksRegression(jnp.asarray([[0.97, -0.1, 0.02], [1.02, -0.05, 0.01]], float))
        case "neural_delta":
            slopes = 0.2 * jax.random.normal(key, (MATURITIES, POINTS), float)
            return NeuralDelta(slopes, *(jnp.asarray(number, float) for number in (0.02, 1.5, 0.2)))
        case "premium_adjusted":
            return PremiumAdjusted(SmileDelta("last_log_return"))
        case "shrunk":
            return Shrunk(SmileDelta("last_log_return"), jax.random.uniform(key, (2, 5), float))
        case "smile_delta":
            return SmileDelta("last_log_return")
        case "linear_response":
            response = ClippedLinear(jnp.asarray([0.3, -0.2], float), jnp.asarray(BOUND, float))
            return ResponseDelta(("last_log_return", "standardised_moneyness"), response)
        case "network_response":
            networks = make_odd_networks(2, (4,), keys=jax.random.split(key, 3), bound=BOUND)
            networks = eqx.tree_at(lambda made: made.bound, networks, jnp.asarray(BOUND, float))
            return ResponseDelta(("last_log_return", "standardised_moneyness"), networks)
        case "whalley_wilmott":
            return WhalleyWilmott(cost, aversion)
        case "zakamouline":
            return Zakamouline(cost, aversion)
        case "feed_forward":
            seen = (*FEATURES, *option_feature_names(view), "position")
            return make_feed_forward(view, features=seen, standardise=True, **common)
        case "band_network":
            return stirred(
                make_band_network(view, features=FEATURES, standardise=True, cost=COST, aversion=AVERSION, **common),
                key,
            )
        case "tick_band_network":
            return stirred(make_tick_band_network(cost=COST, aversion=AVERSION, key=key), key)
        case "delta_residual":
            features = (*FEATURES, "position")
            made = make_delta_residual(view, features=features, standardise=True, bound=BOUND, **common)
            return stirred(eqx.tree_at(lambda whole: whole.bound, made, jnp.asarray(BOUND, float)), key)
        case "recurrent":
            features, numbers = (*FEATURES, "wealth"), {"cost": COST, "aversion": AVERSION}
            return stirred(
                make_recurrent_band(view, features=features, standardise=True, state=4, **numbers, **common), key
            )
        case "wealth_feed_forward":
            features = (*FEATURES, "position", "wealth")
            return WealthFeedForward(
                make_feed_forward(view, features=features, standardise=True, **common), fit_wealth_scale(view)
            )
        case "wealth_band_network":
            features = (*FEATURES, "wealth")
            band = make_band_network(view, features=features, standardise=True, cost=COST, aversion=AVERSION, **common)
            return WealthBandNetwork(stirred(band, key), fit_wealth_scale(view))
        case "state_delta":
            seen = view.signal_names or ("last_log_return", "standardised_moneyness")
            return stirred(make_state_delta(features=seen, bound=BOUND, **common), key)
    raise KeyError(name)


def _units(view: MarketView) -> Array:
    """What a static policy holds: some of every listed option, and of the spot where there is one."""
    count = view.price.shape[-1]
    return jnp.zeros(count) if view.options is None else jnp.linspace(0.3, -0.4, count, dtype=float)


def stirred(
    policy: BandNetwork | DeltaResidual | ForecastingDelta | RecurrentBand | StateDelta | TickBandNetwork,
    key: PRNGKeyArray,
) -> AbstractPolicy:
    """The policy with noise on the weights of its network."""
    inner = isinstance(policy, RecurrentBand)
    found = policy.base.network if inner else policy.network
    numbers, rest = eqx.partition(found, eqx.is_inexact_array)
    leaves, tree = jax.tree.flatten(numbers)
    keys = jax.random.split(jax.random.fold_in(key, 1), len(leaves))
    noisy = [leaf + 0.3 * jax.random.normal(k, leaf.shape, leaf.dtype) for leaf, k in zip(leaves, keys, strict=True)]
    network = eqx.combine(jax.tree.unflatten(tree, noisy), rest)
    return eqx.tree_at(lambda whole: whole.base.network if inner else whole.network, policy, network)


def states(
    book: EuropeanBook | None = None,
    *,
    spot: Array | np.ndarray | None = None,
    years: Array | np.ndarray | None = None,
    initial_spot: float = 100.0,
    **more: object,
) -> MarketView:
    """Every combination of spot, time and volatility, wings, tiny times and expiry included; axes (states,)."""
    book = european("call", strike=initial_spot, expiry=30) if book is None else book
    spot = initial_spot * np.array([0.02, 0.5, 0.9, 1.0, 1.1, 2.0, 50.0]) if spot is None else spot
    years = np.array([0.0, 1e-9, 1e-5, 1 / 365, 0.1, 2.0]) if years is None else years
    grid = np.meshgrid(np.asarray(spot), np.asarray(years), np.array([0.03, 0.2, 1.5]), indexing="ij")
    spots, times, volatilities = (jnp.asarray(column.ravel(), float) for column in grid)
    return view_at(
        book,
        spot=spots,
        time_to_expiry=jnp.broadcast_to(times[:, None], (*times.shape, book.legs)),
        volatility=volatilities,
        entry_volatility=jnp.full_like(spots, 0.25),
        maturity=2.0,
        period=1 / 365,
        initial_spot=initial_spot,
        last_return=0.01,
        **more,
    )
