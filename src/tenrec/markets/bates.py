"""The Bates market: Heston's stochastic variance with Merton's jumps."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from tenrec.core.checks import as_array, as_optional_array, require, require_finite, require_positive
from tenrec.core.paths import MarketPaths
from tenrec.markets.base import AbstractMarket, HedgeWith, Scalar, as_dividend_yield, check_hedge_with, growth
from tenrec.markets.draws import Draws, Randomness
from tenrec.markets.heston import Coefficients, one_step, safe_sqrt, scheme
from tenrec.markets.merton import MOST_EXPECTED, MOST_JUMPS, check_expected_jumps
from tenrec.markets.walk import Paths, poisson, walk


class BatesMarket(AbstractMarket):
    """Heston's model whose price also jumps, N ~ Poisson(λΔt) times a period by a factor e^Y, Y ~ normal(m, δ²):

        dS/S = (μ − λκ)·dt + √v·dW + (e^Y − 1)·dN,    dv = κ_v(θ − v)·dt + ξ·√v·dB,    d⟨W, B⟩ = ρ·dt

    with κ = E e^Y − 1. The variance is drawn by Andersen's scheme, one step a period; the jumps are exact.

    Args:
        spot: S₀, quote currency.
        initial_variance, mean_reversion, long_run_variance, vol_of_vol, correlation: as in `HestonMarket`.
        jump_intensity, jump_mean, jump_deviation: as in `MertonMarket`.
        dt: (steps,) length of each period in years.
        rate, drift, dividend_yield, hedge_with: as in `BlackScholesMarket`.

    The record's volatility is √(v_k + λ(m² + δ²)). Source: Bates (1996), "Jumps and stochastic volatility:
    exchange rate processes implicit in Deutsche mark options", Review of Financial Studies 9.

    Raises:
        ConfigError: a number that is not finite or outside its range, or more than one jump expected in a period.

    Example:
        >>> market = BatesMarket(spot=1.0, initial_variance=0.04, mean_reversion=1.0, long_run_variance=0.04,
        ...                      vol_of_vol=0.5, correlation=-0.7, jump_intensity=1.0, jump_mean=-0.05,
        ...                      jump_deviation=0.1, dt=jnp.full(30, 1 / 365))
        >>> market.simulate(jax.random.key(0), 5).volatility.shape
        (5, 31)
    """

    spot: Scalar = eqx.field(converter=as_array)
    initial_variance: Scalar = eqx.field(converter=as_array)
    mean_reversion: Scalar = eqx.field(converter=as_array)
    long_run_variance: Scalar = eqx.field(converter=as_array)
    vol_of_vol: Scalar = eqx.field(converter=as_array)
    correlation: Scalar = eqx.field(converter=as_array)
    jump_intensity: Scalar = eqx.field(converter=as_array)
    jump_mean: Scalar = eqx.field(converter=as_array)
    jump_deviation: Scalar = eqx.field(converter=as_array)
    dt: Float[Array, " steps"] = eqx.field(converter=as_array)
    rate: Scalar = eqx.field(converter=as_array, default=0.0)
    drift: Scalar | None = eqx.field(converter=as_optional_array, default=None)
    dividend_yield: Scalar | None = eqx.field(converter=as_dividend_yield, default=None)
    hedge_with: HedgeWith = eqx.field(static=True, default="spot")

    def __check_init__(self) -> None:
        require_positive(spot=self.spot, mean_reversion=self.mean_reversion, vol_of_vol=self.vol_of_vol, dt=self.dt)
        for name in ("initial_variance", "long_run_variance", "jump_intensity", "jump_deviation"):
            require(name, getattr(self, name), lambda numbers: numbers >= 0, "a number of at least 0")
        require("correlation", self.correlation, lambda numbers: np.abs(numbers) <= 1, "a number from -1 to 1")
        require_finite(jump_mean=self.jump_mean, rate=self.rate, drift=self.drift, dividend_yield=self.dividend_yield)
        check_hedge_with(self.hedge_with)
        check_expected_jumps(self.jump_intensity, self.dt, MOST_EXPECTED)

    def randomness(self) -> Randomness:
        """Normals for each period: of the variance, the price, how many jumps, and how far they go."""
        return Randomness(self.dt, factors=4, law="normal")

    def generate(self, draws: Draws) -> MarketPaths:
        """The paths that the draws give."""
        mean, deviation = self.jump_mean, self.jump_deviation
        compensator = self.jump_intensity * jnp.expm1(mean + 0.5 * deviation**2)
        jumping = self.jump_intensity * (mean**2 + deviation**2)
        drift = growth(self.drift, self.rate, self.dividend_yield)
        parameters = self.mean_reversion, self.long_run_variance, self.vol_of_vol, self.correlation
        at = jax.vmap(lambda period: scheme(drift, *parameters, period))(self.dt), self.dt

        def one_period(
            log_return: Paths, variance: Paths, row: tuple[Coefficients, Scalar], z: Float[Array, "factors paths"]
        ) -> tuple[Paths, Paths, Paths]:
            coefficients, period = row
            log_return, variance = one_step(log_return, variance, z[:2], coefficients)
            jumps = poisson(z[2], self.jump_intensity * period, MOST_JUMPS)
            moved = jumps * mean + deviation * jnp.sqrt(jumps) * z[3] - compensator * period
            return log_return + moved, variance, safe_sqrt(variance + jumping)

        state = jnp.broadcast_to(self.initial_variance, draws.count).astype(self.dt.dtype)
        first = safe_sqrt(self.initial_variance + jumping)
        return walk(self, draws, one_period, spot=self.spot, state=state, at=at, volatility=first)
