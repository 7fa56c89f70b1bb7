"""Classical no-trade bands around a delta, derived for exponential utility and small proportional costs."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from tenrec.hedging.policies.base import AbstractBandPolicy
from tenrec.hedging.sensitivities import book_delta, book_gamma, on_first_instrument
from tenrec.hedging.view import MarketView

Edges = tuple[Float[Array, "*at instruments"], Float[Array, "*at instruments"]]


class WhalleyWilmott(AbstractBandPolicy):
    """Band of half-width H = (3/2 · D·c·S·Γ²/a)^{1/3} around the Black–Scholes delta.

    c is the proportional cost, D the discount factor, a the absolute risk aversion = aversion / initial spot.

    Source: Whalley and Wilmott (1997), "An asymptotic analysis of an optimal hedging model for option pricing with
    transaction costs", Mathematical Finance 7, eq. 3.10.
    """

    cost: Float[Array, ""]
    aversion: Float[Array, ""]

    def inputs(self, view: MarketView) -> Edges:
        centre = on_first_instrument(view, book_delta(view, view.volatility))
        width = whalley_wilmott_width(view, self.cost, self.aversion)
        return _around(view, centre, width)

    def edges(self, known: Edges) -> Edges:
        return known


class Zakamouline(AbstractBandPolicy):
    """Band fitted to the exact optimum: wider than zero even without gamma, around a delta at adjusted volatility.

    H₀ = c/(a·S·σ²·τ),  H₁ = 1.12·c^0.31·τ^0.05·(D/σ)^0.25·(|Γ|/a)^0.5,  half-width H₀ + H₁,
    σ_m² = σ²·(1 ± K),  K = 4.76·c^0.78·τ^−0.02·(D/σ)^0.25·(a·S²·|Γ|)^0.15, plus where the book is short gamma.

    Source: Zakamouline (2006), "European option pricing and hedging with both fixed and proportional transaction
    costs", J. Economic Dynamics & Control 30.
    """

    cost: Float[Array, ""]
    aversion: Float[Array, ""]

    def inputs(self, view: MarketView) -> Edges:
        aversion = self.aversion / view.initial_spot
        volatility = view.volatility
        time = jnp.maximum(view.time_to_maturity, 1e-8)
        signed_gamma = book_gamma(view, volatility)
        gamma = jnp.abs(signed_gamma) + 1e-12
        discount = jnp.mean(view.discount, axis=-1)
        cost = jnp.maximum(self.cost, 1e-12)
        base = (discount / volatility) ** 0.25
        adjustment = 4.76 * cost**0.78 * time**-0.02 * base * (aversion * view.spot**2 * gamma) ** 0.15
        adjusted = volatility * jnp.sqrt(jnp.clip(1.0 - jnp.sign(signed_gamma) * adjustment, 0.01, 100.0))
        flat = cost / (aversion * view.spot * volatility**2 * time)
        curved = 1.12 * cost**0.31 * time**0.05 * base * jnp.sqrt(gamma / aversion)
        centre = on_first_instrument(view, book_delta(view, adjusted))
        return _around(view, centre, flat + curved)

    def edges(self, known: Edges) -> Edges:
        return known


def whalley_wilmott_width(view: MarketView, cost: Float[Array, ""], aversion: Float[Array, ""]) -> Float[Array, "*at"]:
    """Half-width of the Whalley–Wilmott band in units of the underlying."""
    absolute = aversion / view.initial_spot
    discount = jnp.mean(view.discount, axis=-1)
    squared = book_gamma(view, view.volatility) ** 2
    return jnp.cbrt(1.5 * discount * cost * view.spot * squared / absolute)


def _around(view: MarketView, centre: Float[Array, "*at instruments"], width: Float[Array, "*at"]) -> Edges:
    """The band on the first instrument; the others are held at their centre."""
    half = jnp.zeros_like(centre).at[..., 0].set(width * view.spot / view.price[..., 0])
    return centre - half, centre + half
