"""The SABR market: lognormal stochastic volatility with a constant elasticity."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from tenrec.core.checks import as_array, as_optional_array, require, require_finite, require_positive
from tenrec.core.paths import MarketPaths
from tenrec.markets.base import AbstractMarket, HedgeWith, Scalar, as_dividend_yield, check_hedge_with, growth
from tenrec.markets.draws import Draws, Randomness
from tenrec.markets.walk import Paths, walk


class SabrMarket(AbstractMarket):
    """The SABR model of the forward F, written in volatilities:

        dF/F = a·(F/F₀)^{β−1}·dW,    da = ν·a·dB,    d⟨W, B⟩ = ρ·dt,    S = F·e^{growth·t}

    so that a₀ is the lognormal volatility at the start whatever β is (Hagan's α is a₀·F₀^{1−β}). The volatility
    a is drawn exactly; the price moves at the volatility that the period starts with, which keeps it a martingale
    exactly and has a bias of first order in the period. The price never reaches zero, which for β < 1 the model's own
    does, far below all strikes that matter.

    Args:
        spot: S₀, quote currency. volatility: a₀, annualised decimal.
        elasticity: β in [0, 1]. vol_of_vol: ν, per square root of a year. correlation: ρ.
        dt: (steps,) length of each period in years.
        rate, drift, dividend_yield, hedge_with: as in `BlackScholesMarket`.

    The record's volatility is a·(F/F₀)^{β−1}. Source: Hagan, Kumar, Lesniewski and Woodward (2002), "Managing smile
    risk", Wilmott Magazine.

    Raises:
        ConfigError: a number that is not finite or outside its range.

    Example:
        >>> import jax
        >>> market = SabrMarket(spot=1.0, volatility=0.2, elasticity=0.7, vol_of_vol=0.8, correlation=-0.5,
        ...                     dt=jnp.full(30, 1 / 365))
        >>> market.simulate(jax.random.key(0), 5).volatility.shape
        (5, 31)
    """

    spot: Scalar = eqx.field(converter=as_array)
    volatility: Scalar = eqx.field(converter=as_array)
    elasticity: Scalar = eqx.field(converter=as_array)
    vol_of_vol: Scalar = eqx.field(converter=as_array)
    correlation: Scalar = eqx.field(converter=as_array)
    dt: Float[Array, " steps"] = eqx.field(converter=as_array)
    rate: Scalar = eqx.field(converter=as_array, default=0.0)
    drift: Scalar | None = eqx.field(converter=as_optional_array, default=None)
    dividend_yield: Scalar | None = eqx.field(converter=as_dividend_yield, default=None)
    hedge_with: HedgeWith = eqx.field(static=True, default="spot")

    def __check_init__(self) -> None:
        require_positive(spot=self.spot, volatility=self.volatility, dt=self.dt)
        require("vol_of_vol", self.vol_of_vol, lambda numbers: numbers >= 0, "a number of at least 0")
        require("elasticity", self.elasticity, lambda x: (x >= 0) & (x <= 1), "a number from 0 to 1")
        require("correlation", self.correlation, lambda numbers: np.abs(numbers) <= 1, "a number from -1 to 1")
        require_finite(rate=self.rate, drift=self.drift, dividend_yield=self.dividend_yield)
        check_hedge_with(self.hedge_with)

    def randomness(self) -> Randomness:
        """Two normals for each period: of the volatility, and the rest of the price."""
        return Randomness(self.dt, factors=2, law="normal")

    def generate(self, draws: Draws) -> MarketPaths:
        """The paths that the draws give."""
        drift = growth(self.drift, self.rate, self.dividend_yield)
        rho, nu = self.correlation, self.vol_of_vol
        rest = jnp.sqrt(jnp.maximum(1.0 - rho**2, 0.0))
        elapsed = jnp.cumsum(self.dt) * drift
        at = drift * self.dt, self.dt, elapsed

        def one_period(
            log_return: Paths,
            state: tuple[Paths, Paths],
            row: tuple[Scalar, Scalar, Scalar],
            z: Float[Array, "factors paths"],
        ) -> tuple[Paths, tuple[Paths, Paths], Paths]:
            log_level, deviation = state
            root = jnp.sqrt(row[1])
            moved = deviation * root * (rho * z[0] + rest * z[1]) - 0.5 * deviation**2 * row[1]
            log_return = log_return + row[0] + moved
            log_level = log_level + nu * root * z[0] - 0.5 * nu**2 * row[1]
            later = self.volatility * jnp.exp(log_level + (self.elasticity - 1.0) * (log_return - row[2]))
            return log_return, (log_level, later), later

        zero = jnp.zeros(draws.count, self.dt.dtype)
        state = zero, zero + self.volatility.astype(self.dt.dtype)
        return walk(self, draws, one_period, spot=self.spot, state=state, at=at, volatility=self.volatility)
