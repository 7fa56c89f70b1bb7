"""Learned policies that see what the hedger is worth: the optimum of CVaR or mean and deviation depends on it."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from tenrec.hedging.policies.base import AbstractOwnBandPolicy, AbstractPolicy, Own
from tenrec.hedging.policies.networks import BandNetwork, FeedForward
from tenrec.hedging.sensitivities import book_value
from tenrec.hedging.view import MarketView
from tenrec.nets import Network


class WealthScale(eqx.Module):
    """The wealth as a network sees it: (wealth + Black–Scholes value of the book)/S₀, standardised.

    What a hedge has missed so far is all that is left of a wealth marked so; its centre is where it starts without a
    premium, its spread a fifteenth of σ√T, the size of a daily hedger's error over a month.
    """

    centre: Float[Array, ""]
    spread: Float[Array, ""]

    def marks(self, view: MarketView) -> tuple[Array, Array]:
        """What does not depend on the wealth: the book's value at each date, and S₀."""
        return book_value(view, view.volatility), view.initial_spot

    def __call__(self, marks: tuple[Array, Array], wealth: Float[Array, ""]) -> Float[Array, " 1"]:
        """The feature at one date."""
        centre, spread = jax.lax.stop_gradient((self.centre, self.spread))
        value, initial_spot = marks
        return (((wealth + value) / initial_spot - centre) / spread)[None]


class WealthFeedForward(AbstractPolicy):
    """A feed-forward policy whose network sees the wealth as its last input."""

    base: FeedForward
    scale: WealthScale

    @property
    def network(self) -> Network:
        """What weight decay acts on."""
        return self.base.network

    def inputs(self, view: MarketView) -> Any:
        return self.base.inputs(view), self.scale.marks(view)

    def act(self, known: Any, own: Own) -> tuple[Float[Array, " instruments"], Any]:
        row, marks = known
        scale = jax.lax.stop_gradient(self.base.scale)
        held = [own.position / scale] if self.base.sees_position else []
        return scale * self.base.network(*row, *held, self.scale(marks, own.wealth)), own.memory


class WealthBandNetwork(AbstractOwnBandPolicy):
    """A band network whose edges depend on the wealth: who is behind hedges differently from who is ahead."""

    base: BandNetwork
    scale: WealthScale

    @property
    def network(self) -> Network:
        """What weight decay acts on."""
        return self.base.network

    def inputs(self, view: MarketView) -> Any:
        return self.base.inputs(view), self.scale.marks(view)

    def edges(self, known: Any, own: Own) -> tuple[Float[Array, " instruments"], Float[Array, " instruments"]]:
        (row, centre, half), marks = known
        return self.base.edges(((*row, self.scale(marks, own.wealth)), centre, half))


def fit_wealth_scale(view: MarketView) -> WealthScale:
    """The scale for a sample of views, leading axes (paths, dates)."""
    marks = (book_value(view, view.volatility) / view.initial_spot).reshape(view.spot.shape)
    deviation = jnp.mean(view.volatility * jnp.sqrt(view.maturity))
    units = jnp.maximum(jnp.max(jnp.sum(jnp.abs(view.quantity), axis=-1)), 1e-12)
    return WealthScale(jnp.mean(marks[..., 0]), deviation * units / 15.0)
