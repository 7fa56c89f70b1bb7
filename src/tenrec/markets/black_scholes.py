"""The Black–Scholes market: geometric Brownian motion."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from tenrec.core.checks import as_array, as_optional_array, require_finite, require_positive
from tenrec.core.paths import MarketPaths
from tenrec.markets.base import AbstractMarket, HedgeWith, Scalar, as_dividend_yield, check_hedge_with, growth
from tenrec.markets.draws import Draws, Randomness
from tenrec.markets.walk import Paths, walk


class BlackScholesMarket(AbstractMarket):
    """Lognormal prices, exact on the grid:

        S_{k+1} = S_k·exp((μ − σ²/2)·Δt_k + σ·√Δt_k·Z_k)

    Args:
        spot: S₀, quote currency.
        volatility: σ, annualised decimal.
        dt: (steps,) length of each period in years.
        rate: r, continuous annual interest rate.
        drift: μ, continuous annual growth of the expected spot; None for the risk-neutral r − y.
        dividend_yield: y, continuous annual, paid to whoever holds the spot; None, or a plain 0, for none.
        hedge_with: "spot", or "future" to the end of the grid.

    Raises:
        ConfigError: a number that is not finite, or not positive where it must be.

    Example:
        >>> import jax
        >>> market = BlackScholesMarket(spot=100.0, volatility=0.2, dt=jnp.full(12, 1 / 12), hedge_with="future")
        >>> paths = market.simulate(jax.random.key(0), 4, sampling="antithetic")
        >>> paths.price.shape, market.margined
        ((4, 13, 1), (True,))
    """

    spot: Scalar = eqx.field(converter=as_array)
    volatility: Scalar = eqx.field(converter=as_array)
    dt: Float[Array, " steps"] = eqx.field(converter=as_array)
    rate: Scalar = eqx.field(converter=as_array, default=0.0)
    drift: Scalar | None = eqx.field(converter=as_optional_array, default=None)
    dividend_yield: Scalar | None = eqx.field(converter=as_dividend_yield, default=None)
    hedge_with: HedgeWith = eqx.field(static=True, default="spot")

    def __check_init__(self) -> None:
        require_positive(spot=self.spot, volatility=self.volatility, dt=self.dt)
        require_finite(rate=self.rate, drift=self.drift, dividend_yield=self.dividend_yield)
        check_hedge_with(self.hedge_with)

    def randomness(self) -> Randomness:
        """One normal for each period."""
        return Randomness(self.dt, factors=1, law="normal")

    def generate(self, draws: Draws) -> MarketPaths:
        """The paths that the draws give."""
        drift = growth(self.drift, self.rate, self.dividend_yield)
        means = (drift - 0.5 * self.volatility**2) * self.dt
        deviations = self.volatility * jnp.sqrt(self.dt)

        def one_period(
            log_return: Paths, state: None, row: tuple[Array, Array], z: Float[Array, "1 paths"]
        ) -> tuple[Paths, None, None]:
            mean, deviation = row
            return log_return + mean + deviation * z[0], state, None

        at = means, deviations
        return walk(self, draws, one_period, spot=self.spot, state=None, at=at, volatility=self.volatility)
