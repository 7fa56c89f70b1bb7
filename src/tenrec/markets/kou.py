"""The Kou market: Brownian motion with double-exponential jumps."""

import equinox as eqx
import jax.numpy as jnp
from jax.scipy.special import ndtr
from jaxtyping import Array, Float

from tenrec.core.checks import as_array, as_optional_array, require, require_finite, require_positive
from tenrec.core.paths import MarketPaths
from tenrec.markets.base import AbstractMarket, HedgeWith, Scalar, as_dividend_yield, check_hedge_with, growth
from tenrec.markets.draws import Draws, Randomness
from tenrec.markets.merton import check_expected_jumps
from tenrec.markets.walk import Paths, poisson, walk

MOST_JUMPS, MOST_EXPECTED = 4, 0.25
"""Jumps that a period can hold, and the largest number expected in one: P(N > 4) is then 7e-6."""


class KouMarket(AbstractMarket):
    """Geometric Brownian motion with double-exponential jumps:

        S_{k+1} = S_k·exp((μ − λκ − σ²/2)·Δt + σ·√Δt·Z + Σ_{j ≤ N} Y_j),   N ~ Poisson(λΔt),
        Y up with probability p, exponential of mean 1/η₁; else down, of mean 1/η₂

    with κ = p·η₁/(η₁ − 1) + (1 − p)·η₂/(η₂ + 1) − 1, so that μ is the growth of the expected spot.

    Args:
        spot: S₀, quote currency.
        volatility: σ of the Brownian part, annualised decimal.
        jump_intensity: λ, jumps a year. up_probability: p. up_rate: η₁ > 1. down_rate: η₂ > 0.
        dt: (steps,) length of each period in years.
        rate, drift, dividend_yield, hedge_with: as in `BlackScholesMarket`.

    The record's volatility is that of the whole, √(σ² + λ·E Y²). Source: Kou (2002), "A jump-diffusion model for option
    pricing", Management Science 48.

    Raises:
        ConfigError: a number that is not finite or outside its range, or more than a quarter of a jump expected in a
            period.

    Example:
        >>> import jax
        >>> market = KouMarket(spot=1.0, volatility=0.15, jump_intensity=3.0, up_probability=0.4, up_rate=25.0,
        ...                    down_rate=20.0, dt=jnp.full(30, 1 / 365))
        >>> market.simulate(jax.random.key(0), 5).spot.shape
        (5, 31)
    """

    spot: Scalar = eqx.field(converter=as_array)
    volatility: Scalar = eqx.field(converter=as_array)
    jump_intensity: Scalar = eqx.field(converter=as_array)
    up_probability: Scalar = eqx.field(converter=as_array)
    up_rate: Scalar = eqx.field(converter=as_array)
    down_rate: Scalar = eqx.field(converter=as_array)
    dt: Float[Array, " steps"] = eqx.field(converter=as_array)
    rate: Scalar = eqx.field(converter=as_array, default=0.0)
    drift: Scalar | None = eqx.field(converter=as_optional_array, default=None)
    dividend_yield: Scalar | None = eqx.field(converter=as_dividend_yield, default=None)
    hedge_with: HedgeWith = eqx.field(static=True, default="spot")

    def __check_init__(self) -> None:
        require_positive(spot=self.spot, volatility=self.volatility, down_rate=self.down_rate, dt=self.dt)
        require("jump_intensity", self.jump_intensity, lambda numbers: numbers >= 0, "a number of at least 0")
        require("up_rate", self.up_rate, lambda numbers: numbers > 1, "a number above 1")
        require(
            "up_probability",
            self.up_probability,
            lambda numbers: (numbers >= 0) & (numbers <= 1),
            "a share from 0 to 1",
        )
        require_finite(rate=self.rate, drift=self.drift, dividend_yield=self.dividend_yield)
        check_hedge_with(self.hedge_with)
        check_expected_jumps(self.jump_intensity, self.dt, MOST_EXPECTED)

    def randomness(self) -> Randomness:
        """Normals for each period: the Brownian move, how many jumps, and each one's size."""
        return Randomness(self.dt, factors=2 + MOST_JUMPS, law="normal")

    def generate(self, draws: Draws) -> MarketPaths:
        """The paths that the draws give."""
        up, rise, fall = self.up_probability, self.up_rate, self.down_rate
        compensator = self.jump_intensity * (up / (rise - 1.0) - (1.0 - up) / (fall + 1.0))
        drift = growth(self.drift, self.rate, self.dividend_yield) - compensator - 0.5 * self.volatility**2
        at = drift * self.dt, self.jump_intensity * self.dt, self.volatility * jnp.sqrt(self.dt)
        order = jnp.arange(MOST_JUMPS)[:, None]

        def one_period(
            log_return: Paths, state: None, row: tuple[Scalar, Scalar, Scalar], z: Float[Array, "factors paths"]
        ) -> tuple[Paths, None, None]:
            counted = order < poisson(z[1], row[1], MOST_JUMPS)
            moved = jnp.sum(jnp.where(counted, self._jump(z[2:]), 0.0), axis=0)
            return log_return + row[0] + row[2] * z[0] + moved, state, None

        squared = 2.0 * (up / rise**2 + (1.0 - up) / fall**2)
        whole = jnp.sqrt(self.volatility**2 + self.jump_intensity * squared)
        return walk(self, draws, one_period, spot=self.spot, state=None, at=at, volatility=whole)

    def _jump(self, z: Float[Array, "jumps paths"]) -> Float[Array, "jumps paths"]:
        """Log jumps from normals, by the inverse of either tail, so that far jumps keep their precision."""
        tiny = jnp.finfo(z.dtype).tiny
        above, below = jnp.maximum(ndtr(-z), tiny), jnp.maximum(ndtr(z), tiny)
        up, down = jnp.maximum(self.up_probability, tiny), jnp.maximum(1.0 - self.up_probability, tiny)
        rises = above < self.up_probability
        return jnp.where(
            rises,
            -jnp.log(jnp.minimum(above / up, 1.0)) / self.up_rate,
            jnp.log(jnp.minimum(below / down, 1.0)) / self.down_rate,
        )
