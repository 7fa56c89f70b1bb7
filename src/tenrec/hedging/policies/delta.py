"""Policies that hold a Black–Scholes delta, or nothing."""

from typing import Literal

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from tenrec.hedging.policies.base import AbstractPositionPolicy
from tenrec.hedging.sensitivities import book_delta, book_gamma, delta_hedge, leg_delta, leg_vega, on_first_instrument
from tenrec.hedging.view import MarketView


class NoHedge(AbstractPositionPolicy):
    """Hold nothing."""

    def inputs(self, view: MarketView) -> Float[Array, "*at instruments"]:
        return jnp.zeros_like(view.price)

    def target(
        self, known: Float[Array, " instruments"], position: Float[Array, " instruments"]
    ) -> Float[Array, " instruments"]:
        return known


class BlackScholesDelta(AbstractPositionPolicy):
    """Hold minus the book's Black–Scholes delta, at the volatility of the date or that of the sale."""

    volatility: Literal["current", "entry"] = eqx.field(static=True, default="current")

    def inputs(self, view: MarketView) -> Float[Array, "*at instruments"]:
        volatility = view.volatility if self.volatility == "current" else view.entry_volatility
        return delta_hedge(view, volatility)

    def target(
        self, known: Float[Array, " instruments"], position: Float[Array, " instruments"]
    ) -> Float[Array, " instruments"]:
        return known


class Leland(AbstractPositionPolicy):
    """Black–Scholes delta at a volatility that pays for the trading.

    σ̂² = σ²·(1 ± √(8/π)·c/(σ√Δt)), plus where the book is short gamma, minus where it is long; c is the one-way cost.

    Source: Leland (1985), "Option pricing and replication with transactions costs", J. Finance 40.
    """

    cost: Float[Array, ""]

    def inputs(self, view: MarketView) -> Float[Array, "*at instruments"]:
        volatility = view.volatility
        short = jnp.sign(-book_gamma(view, volatility))
        number = jnp.sqrt(8.0 / jnp.pi) * self.cost / (volatility * jnp.sqrt(jnp.maximum(view.period, 1e-12)))
        adjusted = volatility * jnp.sqrt(jnp.clip(1.0 + short * number, 0.01, 100.0))
        return on_first_instrument(view, book_delta(view, adjusted))

    def target(
        self, known: Float[Array, " instruments"], position: Float[Array, " instruments"]
    ) -> Float[Array, " instruments"]:
        return known


class MinimumVarianceDelta(AbstractPositionPolicy):
    """Black–Scholes delta corrected for how volatility moves with the spot.

    δ_MV = δ + vega/(S√τ)·(a + b·δ + c·δ²) of each option, coefficients (a, b, c) fitted on training paths.

    Source: Hull and White (2017), "Optimal delta hedging for options", J. Banking & Finance 82, eq. 5.
    """

    coefficients: Float[Array, " 3"]

    def inputs(self, view: MarketView) -> Float[Array, "*at instruments"]:
        correction = minimum_variance_regressors(view) @ self.coefficients
        return on_first_instrument(view, book_delta(view, view.volatility) + correction)

    def target(
        self, known: Float[Array, " instruments"], position: Float[Array, " instruments"]
    ) -> Float[Array, " instruments"]:
        return known


def minimum_variance_regressors(view: MarketView) -> Float[Array, "*at 3"]:
    """Σ quantity·vega/(S√τ)·(1, δ, δ²) over the legs of the book, δ and vega those of one unit owned."""
    delta, vega = leg_delta(view, view.volatility), leg_vega(view, view.volatility)
    root_time = jnp.sqrt(jnp.maximum(view.time_to_expiry, 1e-8))
    scale = view.quantity * vega / (view.spot[..., None] * root_time)
    return jnp.stack([jnp.sum(scale * delta**power, axis=-1) for power in range(3)], axis=-1)
