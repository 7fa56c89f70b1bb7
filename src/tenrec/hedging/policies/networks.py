"""Policies that are learned."""

from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from tenrec.hedging.features import OWN_FEATURES, POSITION, WEALTH, FeatureMap, fit_features
from tenrec.hedging.policies.bands import Edges, Zakamouline
from tenrec.hedging.policies.base import AbstractBandPolicy, AbstractPositionPolicy
from tenrec.hedging.view import MarketView
from tenrec.nets import Network, make_network

WIDEST = 5.0
Features = tuple[Float[Array, "..."], ...]


class FeedForward(AbstractPositionPolicy):
    """A network from features (and, if asked, the own position) straight to the units to hold."""

    features: FeatureMap
    network: Network
    scale: Float[Array, ""]
    sees_position: bool = eqx.field(static=True)

    def inputs(self, view: MarketView) -> Features:
        return self.features(view)

    def target(self, known: Features, position: Float[Array, " instruments"]) -> Float[Array, " instruments"]:
        scale = jax.lax.stop_gradient(self.scale)
        own = (position / scale,) if self.sees_position else ()
        return scale * self.network(*known, *own)


class BandNetwork(AbstractBandPolicy):
    """A network that places the two edges of a no-trade band around the delta.

    With (c, H) the centre and half-width of Zakamouline's band and network outputs (m, l, h):

        lower = c + H·(m − e^l),    upper = c + H·(m + e^h)

    Before training this is Zakamouline's band; the network learns what the formula leaves out. The position is only
    clipped into the band, which is the form of the exact optimum under proportional costs.

    Source: Imaki, Imajo, Ito, Minami and Nakagawa (2021), "No-transaction band network", arXiv 2103.01775, with the
    classical band in the place of their bare delta.
    """

    features: FeatureMap
    network: Network
    cost: Float[Array, ""]
    aversion: Float[Array, ""]

    def inputs(self, view: MarketView) -> tuple[Features, Array, Array]:
        cost, aversion = jax.lax.stop_gradient((self.cost, self.aversion))
        lower, upper = Zakamouline(cost, aversion).inputs(view)
        return self.features(view), 0.5 * (lower + upper), 0.5 * (upper - lower)[..., 0]

    def edges(self, known: tuple[Features, Array, Array]) -> Edges:
        features, centre, half = known
        shift, low, high = self.network(*features)
        return (
            centre.at[0].add(half * (shift - jnp.exp(jnp.minimum(low, WIDEST)))),
            centre.at[0].add(half * (shift + jnp.exp(jnp.minimum(high, WIDEST)))),
        )


def make_feed_forward(
    view: MarketView,
    *,
    features: Sequence[str],
    hidden: Sequence[int],
    activation: str,
    standardise: bool,
    key: PRNGKeyArray,
) -> FeedForward:
    """An untrained feed-forward policy, its features scaled on a sample of views; `wealth` adds a last input.

    That input starts without weight: wealth moves positions and positions move wealth, and a random network turns
    this circle into losses beyond all numbers, of several instruments above all.
    """
    sees_position = POSITION in features
    names = [name for name in features if name not in OWN_FEATURES]
    instruments = view.price.shape[-1]
    network = make_network(
        len(names) + sees_position * instruments + (WEALTH in features),
        hidden,
        instruments,
        key=key,
        activation=activation,
    )
    if WEALTH in features:
        network = eqx.tree_at(lambda made: made.layers[0].weight, network, replace_fn=lambda w: w.at[:, -1].set(0.0))
    scale = jnp.maximum(jnp.max(view.size), 1e-12)
    return FeedForward(fit_features(names, view, standardise=standardise), network, scale, sees_position)


def make_band_network(
    view: MarketView,
    *,
    features: Sequence[str],
    hidden: Sequence[int],
    activation: str,
    standardise: bool,
    cost: float,
    aversion: float,
    key: PRNGKeyArray,
) -> BandNetwork:
    """An untrained band network; it starts as Zakamouline's band. The feature `wealth` adds a last input."""
    names = [name for name in features if name not in OWN_FEATURES]
    network = make_network(
        len(names) + (WEALTH in features), hidden, 3, key=key, activation=activation, output_scale=0.0
    )
    return BandNetwork(
        fit_features(names, view, standardise=standardise),
        network,
        jnp.asarray(cost, jnp.float32),
        jnp.asarray(aversion, jnp.float32),
    )
