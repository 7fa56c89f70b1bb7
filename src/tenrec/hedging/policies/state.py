"""Black–Scholes delta corrected by what the state of the market says about the next move of volatility."""

from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from tenrec.hedging.features import POSITION, stack_features
from tenrec.hedging.policies.base import AbstractPositionPolicy
from tenrec.hedging.sensitivities import book_delta, book_vega, on_first_instrument
from tenrec.hedging.view import MarketView
from tenrec.nets import Network, make_network

MONTH = 30.0 / 365.0


class StateDelta(AbstractPositionPolicy):
    """δ + φ(d₁)·√(τ/30 d)·g(x): the delta that minimises variance when volatility responds to the spot.

    A move d log S that takes the implied volatility along by β·d log S changes the option by vega·β, and
    vega/S = φ(d₁)·√τ, so the right hedge is the Black–Scholes delta plus that times β. The network reads β off the
    state x (recent returns in units of implied deviation, each through tanh). It is odd and bounded by b,

        g(x) = b·tanh((h(x) − h(−x))/2b),

    so that in a neutral state the hedge is the Black–Scholes delta, and never further from it than b·φ(d₁)·√(τ/30 d).

    Source: the minimum-variance delta of Hull and White (2017), J. Banking & Finance 82, with a response that depends
    on the state.
    """

    names: tuple[str, ...] = eqx.field(static=True)
    network: Network
    bound: Float[Array, ""]

    def inputs(self, view: MarketView) -> Float[Array, "*at instruments"]:
        row = jnp.tanh(stack_features(self.names, view))
        bound = jax.lax.stop_gradient(self.bound)
        flat = row.reshape(-1, row.shape[-1])
        odd = 0.5 * (jax.vmap(self.network)(flat) - jax.vmap(self.network)(-flat))
        response = bound * jnp.tanh(odd.reshape(row.shape[:-1]) / bound)
        unit = book_vega(view, view.volatility) / (view.spot * MONTH**0.5)
        return on_first_instrument(view, book_delta(view, view.volatility) + unit * response)

    def target(
        self, known: Float[Array, " instruments"], position: Float[Array, " instruments"]
    ) -> Float[Array, " instruments"]:
        return known


def make_state_delta(
    *, features: Sequence[str], hidden: Sequence[int], activation: str, key: PRNGKeyArray, bound: float = 0.4
) -> StateDelta:
    """An untrained state delta; it starts as the Black–Scholes delta. Without hidden layers the response is linear."""
    names = tuple(name for name in features if name != POSITION)
    network = make_network(len(names), hidden, 1, key=key, activation=activation, output_scale=0.0)
    return StateDelta(names, network, jnp.asarray(bound, jnp.float32))
