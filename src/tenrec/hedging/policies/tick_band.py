"""A learned no-trade band on ticks: where a network puts the edges that Whalley and Wilmott's formula approximates."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from tenrec.hedging.policies.bands import Edges
from tenrec.hedging.policies.base import AbstractBandPolicy
from tenrec.hedging.policies.cadence import RuleView, rule_view
from tenrec.hedging.view import MarketView
from tenrec.nets import Network, make_network

WIDEST = 5.0
FLATTEST = 1e-4
"""Gamma-dollar share of the notional below which all books look alike."""
DECADES = 3.0
INPUTS, OUTPUTS = 4, 3


class TickBandNetwork(AbstractBandPolicy):
    """A band around the delta whose edges a network places, looked at every tick.

    With D the book's delta, H = (3/2·c·S·Γ²·notional/a)^{1/3} the half-width of Whalley and Wilmott, and the network's
    outputs (m, l, h):

        net delta in [H·(m − e^l), H·(m + e^h)],    the position is only clipped into it

    Inputs: log(|Γ|S²/notional), log(σ/σ_ref), D/N, and log a, so that one network serves all aversions.
    Before training this is Whalley and Wilmott's band.

    Fields:
        cost c: proportional. aversion a: times the notional, a pure number.

    Source: the form of Imaki, Imajo, Ito, Minami and Nakagawa (2021), "No-transaction band network", arXiv 2103.01775.
    """

    network: Network
    cost: Float[Array, ""]
    aversion: Float[Array, ""]

    def inputs(self, view: MarketView) -> Edges:
        """The band on the first instrument; nothing is held of the others."""
        low, high = self.band(rule_view(view))
        others = [(0, 0)] * low.ndim
        others[-1] = (0, view.price.shape[-1] - 1)
        return jnp.pad(low, others), jnp.pad(high, others)

    def edges(self, known: Edges) -> Edges:
        return known

    def band(self, seen: RuleView) -> tuple[Float[Array, "*at 1"], Float[Array, "*at 1"]]:
        """Least and most hedging contracts to hold at each of the dates."""
        cost, aversion = jax.lax.stop_gradient((self.cost, self.aversion))
        half = jnp.cbrt(1.5 * cost * seen.spot * seen.gamma**2 * seen.notional / aversion)
        features = (
            jnp.log(jnp.maximum(jnp.abs(seen.gamma) * seen.spot**2 / seen.notional, FLATTEST)),
            seen.log_volatility,
            seen.delta / jnp.maximum(seen.units, 1e-12),
            jnp.log(aversion) / DECADES,
        )
        rows = jnp.stack(jnp.broadcast_arrays(*features), axis=-1)
        shift, low, high = jnp.moveaxis(_each_row(self.network, rows), -1, 0)
        least = (half * (shift - jnp.exp(jnp.minimum(low, WIDEST))) - seen.delta) / seen.delta_per_contract
        most = (half * (shift + jnp.exp(jnp.minimum(high, WIDEST))) - seen.delta) / seen.delta_per_contract
        return least[..., None], most[..., None]


def _each_row(network: Network, rows: Float[Array, "*at inputs"]) -> Float[Array, "*at outputs"]:
    flat = jax.vmap(network)(rows.reshape(-1, rows.shape[-1]))
    return flat.reshape(*rows.shape[:-1], flat.shape[-1])


def make_tick_band_network(
    *, cost: float, aversion: float, hidden: Sequence[int] = (8, 8), activation: str = "silu", key: PRNGKeyArray
) -> TickBandNetwork:
    """An untrained network, in the precision in force; it starts as Whalley and Wilmott's band.

    Example:
        >>> policy = make_tick_band_network(cost=6e-4, aversion=1.0, key=jax.random.key(0))
        >>> len(policy.network.layers)
        3
    """
    network = make_network(INPUTS, hidden, OUTPUTS, key=key, activation=activation, output_scale=0.0)
    return TickBandNetwork(network, jnp.asarray(cost, float), jnp.asarray(aversion, float))
