"""Policies that hold listed options: against gamma, against vega, or once and for all."""

from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from tenrec.hedging.policies.base import AbstractPositionPolicy
from tenrec.hedging.sensitivities import (
    book_delta,
    book_gamma,
    book_vega,
    on_first_instrument,
    option_deltas,
    option_gammas,
    option_vegas,
)
from tenrec.hedging.view import MarketView
from tenrec.pricing import black_scholes

RIDGE = 0.1
"""Share of the Greek of the same option at the money, below which an option is of little use as a hedge."""
MOST = 1.0
"""Units of each option held at most, per unit of the book: no more options are bought than were sold. A book's gamma
grows without bound at its expiry, and a longer option offsets it only in numbers whose vega and cost are the risk."""


class GreekHedge(AbstractPositionPolicy):
    """Offset the book's gamma (or vega) with the listed options, and what delta is left with the first instrument.

    With b the book's Greek, g_j those of the options, a_j those of the same at the money and h_j = g_j/a_j,

        n_j = −(b/a_j)·h_j/(Σ_i h_i² + r²), at most MOST units per unit of the book,   first = −(δ_b + Σ n_j·δ_j)

    small positions that offset b where the options have the Greek, and none where it vanishes (far from the strike,
    or near expiry): r = RIDGE keeps them bounded. Greeks are Black–Scholes at the date's volatility. Without options
    this is the Black–Scholes delta.
    """

    greek: Literal["gamma", "vega"] = eqx.field(static=True, default="gamma")

    def inputs(self, view: MarketView) -> Float[Array, "*at instruments"]:
        volatility = view.volatility
        if view.options is None:
            return on_first_instrument(view, book_delta(view, volatility))
        gamma = self.greek == "gamma"
        of_book = (book_gamma if gamma else book_vega)(view, volatility)[..., None]
        of_options = (option_gammas if gamma else option_vegas)(view, volatility)
        largest = _at_the_money(view, volatility, gamma=gamma)
        share = of_options / largest
        use = jnp.sum(share**2, axis=-1, keepdims=True)
        units = -(of_book / largest) * share / (use + RIDGE**2)
        most = MOST * view.size[..., None]
        return with_delta(view, jnp.clip(units, -most, most))

    def target(
        self, known: Float[Array, " instruments"], position: Float[Array, " instruments"]
    ) -> Float[Array, " instruments"]:
        return known


class Static(AbstractPositionPolicy):
    """Hold the same units of every instrument to the end; if `hedged`, the first one offsets the delta that is left.

    Example:
        >>> Static(jnp.array([0.5, -1.0]), hedged=False).target(jnp.array([0.5, -1.0]), jnp.zeros(2)).tolist()
        [0.5, -1.0]
    """

    units: Float[Array, " instruments"]
    hedged: bool = eqx.field(static=True, default=False)

    def inputs(self, view: MarketView) -> Float[Array, "*at instruments"]:
        units = jnp.broadcast_to(jax.lax.stop_gradient(self.units), view.price.shape).astype(view.price.dtype)
        return with_delta(view, units.at[..., 0].set(0.0)) if self.hedged else units

    def target(
        self, known: Float[Array, " instruments"], position: Float[Array, " instruments"]
    ) -> Float[Array, " instruments"]:
        return known


def with_delta(view: MarketView, units: Float[Array, "*at instruments"]) -> Float[Array, "*at instruments"]:
    """Units of the options, with as much of the first instrument as offsets their delta and the book's."""
    delta = book_delta(view, view.volatility)
    if view.options is not None:
        delta = delta + jnp.sum(units * option_deltas(view, view.volatility), axis=-1)
    return units.at[..., 0].set(on_first_instrument(view, delta)[..., 0])


def _at_the_money(view: MarketView, volatility: Float[Array, "*at"], *, gamma: bool) -> Float[Array, "*at instruments"]:
    """The Greek of each option were it struck at the forward; of what is no option, or has expired, 1."""
    options = view.options
    if options is None:
        return jnp.ones_like(view.price)
    alive = (options.sign != 0.0) & (options.time > 0.0)
    time, sigma = jnp.where(alive, options.time, 1.0), volatility[..., None]
    forward = jnp.where(alive, options.forward, 1.0)
    if gamma:
        spot = view.spot[..., None]
        found = black_scholes.gamma(forward, forward, sigma, time, spot=spot, discount=options.discount)
    else:
        found = black_scholes.vega(forward, forward, sigma, time, discount=options.discount)
    return jnp.where(alive, jnp.maximum(found, 1e-12), 1.0)
