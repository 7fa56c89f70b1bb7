"""The Merton market: Brownian motion with lognormal jumps."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from tenrec.core.checks import as_array, as_optional_array, is_traced, require, require_finite, require_positive
from tenrec.core.errors import ConfigError
from tenrec.core.paths import MarketPaths
from tenrec.markets.base import AbstractMarket, HedgeWith, Scalar, as_dividend_yield, check_hedge_with, growth
from tenrec.markets.draws import Draws, Randomness
from tenrec.markets.walk import Paths, poisson, walk

MOST_JUMPS, MOST_EXPECTED = 10, 1.0
"""Jumps that a period can hold, and the largest number expected in one: P(N > 10) is then 1e-8."""


class MertonMarket(AbstractMarket):
    """Geometric Brownian motion with jumps, exact on the grid:

        S_{k+1} = S_k·exp((μ − λκ − σ²/2)·Δt + σ·√Δt·Z + Σ_{j ≤ N} Y_j),   N ~ Poisson(λΔt),  Y_j ~ normal(m, δ²)

    with κ = E e^Y − 1, so that μ is the growth of the expected spot.

    Args:
        spot: S₀, quote currency.
        volatility: σ of the Brownian part, annualised decimal.
        jump_intensity: λ, jumps a year. jump_mean: m. jump_deviation: δ, both of the log jump.
        dt: (steps,) length of each period in years.
        rate, drift, dividend_yield, hedge_with: as in `BlackScholesMarket`.

    The record's volatility is that of the whole, √(σ² + λ(m² + δ²)). Source: Merton (1976), "Option pricing when
    underlying stock returns are discontinuous", J. Financial Economics 3.

    Raises:
        ConfigError: a number that is not finite or outside its range, or more than one jump expected in a period.

    Example:
        >>> import jax
        >>> market = MertonMarket(spot=1.0, volatility=0.15, jump_intensity=2.0, jump_mean=-0.05, jump_deviation=0.1,
        ...                       dt=jnp.full(30, 1 / 365))
        >>> market.simulate(jax.random.key(0), 5).spot.shape
        (5, 31)
    """

    spot: Scalar = eqx.field(converter=as_array)
    volatility: Scalar = eqx.field(converter=as_array)
    jump_intensity: Scalar = eqx.field(converter=as_array)
    jump_mean: Scalar = eqx.field(converter=as_array)
    jump_deviation: Scalar = eqx.field(converter=as_array)
    dt: Float[Array, " steps"] = eqx.field(converter=as_array)
    rate: Scalar = eqx.field(converter=as_array, default=0.0)
    drift: Scalar | None = eqx.field(converter=as_optional_array, default=None)
    dividend_yield: Scalar | None = eqx.field(converter=as_dividend_yield, default=None)
    hedge_with: HedgeWith = eqx.field(static=True, default="spot")

    def __check_init__(self) -> None:
        require_positive(spot=self.spot, volatility=self.volatility, dt=self.dt)
        for name in ("jump_intensity", "jump_deviation"):
            require(name, getattr(self, name), lambda numbers: numbers >= 0, "a number of at least 0")
        require_finite(jump_mean=self.jump_mean, rate=self.rate, drift=self.drift, dividend_yield=self.dividend_yield)
        check_hedge_with(self.hedge_with)
        check_expected_jumps(self.jump_intensity, self.dt, MOST_EXPECTED)

    def randomness(self) -> Randomness:
        """Two normals for each period: how many jumps, and how far all of it goes."""
        return Randomness(self.dt, factors=2, law="normal")

    def generate(self, draws: Draws) -> MarketPaths:
        """The paths that the draws give."""
        mean, variance = self.jump_mean, self.jump_deviation**2
        compensator = self.jump_intensity * jnp.expm1(mean + 0.5 * variance)
        drift = growth(self.drift, self.rate, self.dividend_yield) - compensator - 0.5 * self.volatility**2
        at = drift * self.dt, self.jump_intensity * self.dt, self.volatility**2 * self.dt

        def one_period(
            log_return: Paths, state: None, row: tuple[Scalar, Scalar, Scalar], z: Float[Array, "factors paths"]
        ) -> tuple[Paths, None, None]:
            jumps = poisson(z[0], row[1], MOST_JUMPS)
            deviation = jnp.sqrt(row[2] + jumps * variance)
            return log_return + row[0] + jumps * mean + deviation * z[1], state, None

        whole = jnp.sqrt(self.volatility**2 + self.jump_intensity * (mean**2 + variance))
        return walk(self, draws, one_period, spot=self.spot, state=None, at=at, volatility=whole)


def check_expected_jumps(intensity: Scalar, dt: Float[Array, " steps"], most: float) -> None:
    """Refuse periods in which more jumps are expected than are drawn."""
    if is_traced(intensity) or is_traced(dt):
        return
    expected = float(jnp.max(intensity * dt))
    if expected > most:
        raise ConfigError(
            f"jump_intensity is {float(jnp.max(intensity)):g} a year, that is {expected:.3g} jumps in the longest "
            f"period; at most {most:g} can be drawn, so give grid.steps more steps."
        )
