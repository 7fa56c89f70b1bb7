"""Policies that hedge by a forecast: of volatility, in the delta, or of a spike, in the band."""

from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from tenrec.hedging.features import FeatureMap, feature_columns, fit_features
from tenrec.hedging.policies.bands import Edges, WhalleyWilmott
from tenrec.hedging.policies.base import AbstractBandPolicy, AbstractPositionPolicy
from tenrec.hedging.sensitivities import delta_hedge
from tenrec.hedging.view import MarketView
from tenrec.nets import Network, make_network

FORECAST_SIGNAL = "forecast_to_implied"
"""Log ratio of a forecast volatility to the implied one: a market signal, 0 where there is no forecast."""
WIDEST_RATIO = 3.0


class ForecastDelta(AbstractPositionPolicy):
    """Black–Scholes delta at a forecast volatility, σ·exp(forecast_to_implied): the smile, scaled to the forecast.

    `share` of the log ratio is taken: 1 is the forecast, 0 the implied volatility. A ratio beyond 3 is cut there, so
    that a forecast made from bad data does not make the delta one of another option.
    """

    share: Float[Array, ""] = eqx.field(converter=jnp.asarray, default=1.0)
    signal: str = eqx.field(static=True, default=FORECAST_SIGNAL)

    def inputs(self, view: MarketView) -> Float[Array, "*at instruments"]:
        ratio, limit = feature_columns([self.signal], view)[0], jnp.log(WIDEST_RATIO)
        return delta_hedge(view, view.volatility * jnp.exp(self.share * jnp.clip(ratio, -limit, limit)))

    def target(
        self, known: Float[Array, " instruments"], position: Float[Array, " instruments"]
    ) -> Float[Array, " instruments"]:
        return known


class ForecastingDelta(AbstractPositionPolicy):
    """Black–Scholes delta at a volatility that a network forecasts, σ·exp(b·tanh(g(x)/b)).

    x are the features, b the largest change of the logarithm. The forecast can be learned for its own sake (QLIKE of
    `forecast` against what came) or through the hedge: the delta, the engine's ledger and the risk are one gradient. An
    untrained one is the delta at the implied volatility.
    """

    features: FeatureMap
    network: Network
    bound: Float[Array, ""]

    def forecast(self, view: MarketView) -> Float[Array, "*at"]:
        """The annualised volatility in whose delta the policy trusts."""
        bound = jax.lax.stop_gradient(self.bound)
        x = jnp.stack(self.features(view), axis=-1)
        raw = jax.vmap(self.network)(x.reshape(-1, x.shape[-1]))[..., 0].reshape(view.volatility.shape)
        return view.volatility * jnp.exp(bound * jnp.tanh(raw / bound))

    def inputs(self, view: MarketView) -> Float[Array, "*at instruments"]:
        return delta_hedge(view, self.forecast(view))

    def target(
        self, known: Float[Array, " instruments"], position: Float[Array, " instruments"]
    ) -> Float[Array, " instruments"]:
        return known


def make_forecasting_delta(
    view: MarketView,
    *,
    features: Sequence[str],
    hidden: Sequence[int],
    activation: str,
    key: PRNGKeyArray,
    bound: float = 0.5,
) -> ForecastingDelta:
    """An untrained forecaster; its features are scaled on a sample of views."""
    network = make_network(len(features), hidden, 1, key=key, activation=activation, output_scale=0.0)
    return ForecastingDelta(fit_features(features, view), network, jnp.asarray(bound, jnp.float32))


class TightenedBand(AbstractBandPolicy):
    """Whalley and Wilmott's band, whose half-width is times 1 − tighten·p, p a signal from 0 (calm) to 1 (a spike).

    With tighten = 1 the hedge is the bare delta where a spike is certain.
    """

    cost: Float[Array, ""]
    aversion: Float[Array, ""]
    tighten: Float[Array, ""]
    signal: str = eqx.field(static=True, default="spike_probability")

    def inputs(self, view: MarketView) -> Edges:
        lower, upper = WhalleyWilmott(self.cost, self.aversion).inputs(view)
        alarm = jnp.clip(feature_columns([self.signal], view)[0], 0.0, 1.0)[..., None]
        centre, half = 0.5 * (lower + upper), 0.5 * (upper - lower) * (1.0 - self.tighten * alarm)
        return centre - half, centre + half

    def edges(self, known: Edges) -> Edges:
        return known
