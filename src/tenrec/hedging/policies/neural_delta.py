"""The delta of a fitted option chain, on any path."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from tenrec.hedging.policies.base import AbstractPositionPolicy
from tenrec.hedging.sensitivities import book_delta, leg_delta, leg_vega, on_first_instrument
from tenrec.hedging.view import MarketView
from tenrec.pricing.chain_pricer import ChainPricer

LOWEST, HIGHEST, POINTS, MATURITIES = -4.0, 3.0, 71, 24
"""Range of z = log(K/F)/(reference·√τ) of the table, its points, and its maturities."""
STEP = 1e-3
STEEPEST = 1.0
SHORTEST = 1e-8
"""Years to expiry below which a quotient by √τ is taken at this time."""


class NeuralDelta(AbstractPositionPolicy):
    """Minus the delta of a fitted pricer, at the path's moneyness, time and volatility.

    The chain gives the shape of the smile, the path its level: all volatilities of a maturity are scaled so that the
    option's own is the one that the path shows. With s(z, τ) = −∂log σ/∂z of the fitted surface, which moves along
    with the forward,

        δ = δ_BS(σ) + vega/S·σ·s/(reference·√τ),   z = log(K/F)/(reference·√τ),

    kept between the deltas of nothing and of the forward, as that of any convex price is. Where the path shows the
    fitted volatility this is the pricer's delta. Beyond the table the nearest slope holds.

    Fields:
        slopes: s at uniform z and uniform log τ. shortest, longest: maturities of the first and the last row, years.
        reference: typical volatility of the chain, annualised decimal.
    """

    slopes: Float[Array, "maturities points"]
    shortest: Float[Array, ""]
    longest: Float[Array, ""]
    reference: Float[Array, ""]

    def inputs(self, view: MarketView) -> Float[Array, "*at instruments"]:
        volatility = view.volatility
        plain = leg_delta(view, volatility)
        root_time = jnp.sqrt(jnp.maximum(view.time_to_expiry, SHORTEST))
        scale = volatility[..., None] / (view.spot[..., None] * self.reference * root_time)
        moved = plain + leg_vega(view, volatility) * scale * self.slope(view)
        whole = view.sign * view.discount * view.forward / view.spot[..., None]
        kept = jnp.clip(moved, jnp.minimum(whole, 0.0), jnp.maximum(whole, 0.0))
        more = jnp.sum(view.quantity * (kept - plain), axis=-1)
        return on_first_instrument(view, book_delta(view, volatility) + more)

    def slope(self, view: MarketView) -> Float[Array, "*at legs"]:
        """s of every leg, bilinear between the points of the table."""
        time = jnp.maximum(view.time_to_expiry, SHORTEST)
        z = jnp.log(view.strike / view.forward) / (self.reference * jnp.sqrt(time))
        across = jnp.clip((z - LOWEST) / (HIGHEST - LOWEST), 0.0, 1.0) * (POINTS - 1)
        share = jnp.log(time / self.shortest) / jnp.log(self.longest / self.shortest)
        along = jnp.clip(share, 0.0, 1.0) * (MATURITIES - 1)
        column = jnp.clip(jnp.floor(across).astype(int), 0, POINTS - 2)
        row = jnp.clip(jnp.floor(along).astype(int), 0, MATURITIES - 2)
        right, late = across - column, along - row
        early = (1.0 - right) * self.slopes[row, column] + right * self.slopes[row, column + 1]
        later = (1.0 - right) * self.slopes[row + 1, column] + right * self.slopes[row + 1, column + 1]
        return (1.0 - late) * early + late * later

    def target(
        self, known: Float[Array, " instruments"], position: Float[Array, " instruments"]
    ) -> Float[Array, " instruments"]:
        return known


def empty_neural_delta() -> NeuralDelta:
    """One of the right shapes, for stored numbers to be read into; it is the Black–Scholes delta."""
    one = jnp.ones(())
    return NeuralDelta(jnp.zeros((MATURITIES, POINTS)), one, 2.0 * one, one)


def neural_delta(pricer: ChainPricer) -> NeuralDelta:
    """The policy of a fitted pricer: the slopes of its implied volatility by central differences."""
    shortest, reference = float(pricer.expiries[0]), float(pricer.reference)
    longest = max(float(pricer.expiries[-1]), 1.01 * shortest)
    maturity = np.geomspace(shortest, longest, MATURITIES)
    z = np.linspace(LOWEST, HIGHEST, POINTS)
    at = z[None, :, None] + np.array([-STEP, STEP])
    moneyness = np.exp(at * reference * np.sqrt(maturity)[:, None, None])
    strike = pricer.forward(maturity)[:, None, None] * moneyness
    volatility = pricer.implied_volatility(strike=strike, maturity=maturity[:, None, None])
    slopes = -np.diff(np.log(volatility), axis=-1)[..., 0] / (2.0 * STEP)
    slopes = np.clip(np.nan_to_num(slopes), -STEEPEST, STEEPEST)
    numbers = (slopes, shortest, longest, reference)
    return NeuralDelta(*(jnp.asarray(number, float) for number in numbers))
