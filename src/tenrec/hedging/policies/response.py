"""Black–Scholes deltas corrected by how the implied volatility answers a move of the spot."""

import abc
from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray, Shaped

from tenrec.hedging.features import stack_features
from tenrec.hedging.policies.base import AbstractPositionPolicy
from tenrec.hedging.sensitivities import book_delta, leg_delta, leg_vega, on_first_instrument
from tenrec.hedging.view import MarketView
from tenrec.nets import Network, make_network
from tenrec.pricing import black_scholes

MONTH = 30.0 / 365.0
SHORTEST = 1e-8
"""Years to expiry below which a quotient by √τ is taken at this time."""
SPREAD_OF_BIASES = 0.3


class SmileDelta(AbstractPositionPolicy):
    """δ + vega/S·∂σ/∂log S, the response ∂σ/∂log S read off a model of the smile (annualised volatility).

    The response is a signal of the market. Of a smile that moves with the forward (sticky moneyness) it is minus the
    smile's slope in log strike; of SABR with the spot's expected effect on its level it gives Bartlett's delta; of
    Heston the delta that minimises the variance under the model.

    Source: Bartlett (2006), "Hedging under SABR model", Wilmott magazine July/August.
    """

    signal: str = eqx.field(static=True)

    def inputs(self, view: MarketView) -> Float[Array, "*at instruments"]:
        response = stack_features((self.signal,), view)[..., 0]
        exposure = jnp.sum(view.quantity * leg_vega(view, view.volatility), axis=-1) / view.spot
        return on_first_instrument(view, book_delta(view, view.volatility) + exposure * response)

    def target(
        self, known: Float[Array, " instruments"], position: Float[Array, " instruments"]
    ) -> Float[Array, " instruments"]:
        return known


class AbstractResponse(eqx.Module):
    """How much the 30-day implied volatility moves with log S, given the state of the market; bounded."""

    bound: eqx.AbstractVar[Float[Array, ""]]

    @abc.abstractmethod
    def __call__(self, state: Float[Array, "*at features"]) -> Float[Array, "*at"]:
        """∂σ/∂log S, annualised volatility for a move of 1 in log S."""


class ClippedLinear(AbstractResponse):
    """w·x, cut off at ± the bound: without an intercept, so that a neutral state is hedged as by Black–Scholes."""

    weights: Float[Array, " features"]
    bound: Float[Array, ""]

    def __call__(self, state: Float[Array, "*at features"]) -> Float[Array, "*at"]:
        bound = jax.lax.stop_gradient(self.bound)
        return jnp.clip(state @ self.weights, -bound, bound)


class OddNetworks(AbstractResponse):
    """The mean over seeds of b·tanh((h(x) − h(−x))/2b): odd, bounded by b, and nothing in a neutral state."""

    networks: Network
    bound: Float[Array, ""]

    def __call__(self, state: Float[Array, "*at features"]) -> Float[Array, "*at"]:
        flat, bound = state.reshape(-1, state.shape[-1]), jax.lax.stop_gradient(self.bound)

        def one(network: Network) -> Float[Array, " states"]:
            odd = 0.5 * (jax.vmap(network)(flat) - jax.vmap(network)(-flat))[:, 0]
            return bound * jnp.tanh(odd / bound)

        return jnp.mean(eqx.filter_vmap(one)(self.networks), axis=0).reshape(state.shape[:-1])


class ResponseDelta(AbstractPositionPolicy):
    """δ + φ(d₁)·(τ/30 d)^p·g(x): δ corrected for a response of volatility g that depends on the state of the market.

    A move d log S that takes the implied volatility of maturity τ along by g·(τ/30 d)^(p − ½)·d log S changes the
    option by vega times that, and vega/S = φ(d₁)·√τ. With p = ½ all maturities answer alike, with p = 0 short ones
    more, as in Hull and White (2017). x are features through tanh.
    """

    names: tuple[str, ...] = eqx.field(static=True)
    response: AbstractResponse
    exponent: float = eqx.field(static=True, default=0.25)

    def inputs(self, view: MarketView) -> Float[Array, "*at instruments"]:
        response = self.response(jnp.tanh(stack_features(self.names, view)))
        exposure = response_exposure(view, self.exponent) * response
        return on_first_instrument(view, book_delta(view, view.volatility) + exposure)

    def target(
        self, known: Float[Array, " instruments"], position: Float[Array, " instruments"]
    ) -> Float[Array, " instruments"]:
        return known


def response_exposure(view: MarketView, exponent: float) -> Float[Array, "*at"]:
    """Σ quantity·φ(d₁)·(τ/30 d)^p over the legs: units of the underlying for a response of 1."""
    time = jnp.maximum(view.time_to_expiry, SHORTEST)
    density = leg_vega(view, view.volatility) / (view.spot[..., None] * jnp.sqrt(time))
    return jnp.sum(view.quantity * density * (time / MONTH) ** exponent, axis=-1)


class GreeksRegression(AbstractPositionPolicy):
    """a·δ + b·vega/S + c·vanna of each option: a hedge ratio that is linear in its sensitivities.

    The coefficients are fitted on training steps, those of calls (row 0) and of puts (row 1) apart.

    Source: Ruf and Wang (2022), "Hedging with linear regressions and neural networks", J. Business & Economic
    Statistics 40, the delta–vega–vanna regression.
    """

    coefficients: Float[Array, "2 3"]

    def inputs(self, view: MarketView) -> Float[Array, "*at instruments"]:
        own = jnp.where(view.sign[..., None] > 0, self.coefficients[0], self.coefficients[1])
        ratio = jnp.sum(leg_greeks(view) * own, axis=-1)
        return on_first_instrument(view, jnp.sum(view.quantity * ratio, axis=-1))

    def target(
        self, known: Float[Array, " instruments"], position: Float[Array, " instruments"]
    ) -> Float[Array, " instruments"]:
        return known


def leg_greeks(view: MarketView) -> Float[Array, "*at legs 3"]:
    """Delta, vega/S and vanna of one unit of each leg."""
    volatility = view.volatility[..., None]
    total = black_scholes.total_volatility(volatility, view.time_to_expiry)
    upper = black_scholes.d1(view.forward, view.strike, total)
    carried = view.discount * view.forward / view.spot[..., None]
    vanna = -carried * jnp.exp(-0.5 * upper**2) / (2.0 * jnp.pi) ** 0.5 * (upper - total) / volatility
    vega = leg_vega(view, view.volatility) / view.spot[..., None]
    return jnp.stack([leg_delta(view, view.volatility), vega, vanna], axis=-1)


def make_odd_networks(
    inputs: int, hidden: Sequence[int], *, keys: Shaped[Array, " seeds"], bound: float, activation: str = "tanh"
) -> OddNetworks:
    """Untrained networks, one for each key; they start as no response.

    The hidden layers start with biases: without them a network of odd activations would stay odd by itself, and its
    biases would never move.
    """

    def one(key: PRNGKeyArray) -> Network:
        made = make_network(inputs, hidden, 1, key=key, activation=activation, output_scale=0.0)
        first = made.layers[0]
        assert first.bias is not None
        moved = SPREAD_OF_BIASES * jax.random.normal(jax.random.fold_in(key, 1), first.bias.shape)
        return eqx.tree_at(lambda network: network.layers[0].bias, made, moved)

    networks = eqx.filter_vmap(one)(keys)
    return OddNetworks(networks=networks, bound=jnp.asarray(bound, jnp.float32))
