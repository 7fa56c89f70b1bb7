"""A learned correction of the Black–Scholes delta."""

from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from tenrec.hedging.features import OWN_FEATURES, POSITION, FeatureMap, fit_features
from tenrec.hedging.policies.base import AbstractPositionPolicy
from tenrec.hedging.policies.networks import Features
from tenrec.hedging.sensitivities import delta_hedge
from tenrec.hedging.view import MarketView
from tenrec.nets import Network, make_network


class DeltaResidual(AbstractPositionPolicy):
    """δ + N·b·tanh(g(x)/b): the Black–Scholes hedge and a network's correction of at most b for each unit of the book.

    N is the size of the book, b the bound; x are the features and, if asked for, the position per unit of the book. An
    untrained one is the Black–Scholes delta, and no training takes it further from that than b: the hedge can be
    signed off before it is learned.
    """

    features: FeatureMap
    network: Network
    scale: Float[Array, ""]
    bound: Float[Array, ""]
    sees_position: bool = eqx.field(static=True)

    def inputs(self, view: MarketView) -> tuple[Features, Array, Array]:
        unit = jax.lax.stop_gradient(self.scale) * view.spot / view.price[..., 0]
        return self.features(view), delta_hedge(view, view.volatility), unit

    def target(
        self, known: tuple[Features, Array, Array], position: Float[Array, " instruments"]
    ) -> Float[Array, " instruments"]:
        row, centre, unit = known
        bound = jax.lax.stop_gradient(self.bound)
        held = (position[0] / unit,) if self.sees_position else ()
        (raw,) = self.network(*row, *held)
        return centre.at[0].add(unit * bound * jnp.tanh(raw / bound))


def make_delta_residual(
    view: MarketView,
    *,
    features: Sequence[str],
    hidden: Sequence[int],
    activation: str,
    standardise: bool,
    key: PRNGKeyArray,
    bound: float = 0.4,
) -> DeltaResidual:
    """An untrained correction, which is none; its features are scaled on a sample of views."""
    names = [name for name in features if name not in OWN_FEATURES]
    sees_position = POSITION in features
    network = make_network(len(names) + sees_position, hidden, 1, key=key, activation=activation, output_scale=0.0)
    scale = jnp.maximum(jnp.max(view.size), 1e-12)
    limit = jnp.asarray(bound, jnp.float32)
    return DeltaResidual(fit_features(names, view, standardise=standardise), network, scale, limit, sees_position)
