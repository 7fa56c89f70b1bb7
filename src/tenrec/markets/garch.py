"""The GARCH market: variance that answers the last return, falls more than rises."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from tenrec.core.checks import as_array, as_optional_array, is_traced, require, require_finite, require_positive
from tenrec.core.errors import ConfigError
from tenrec.core.paths import MarketPaths
from tenrec.markets.base import AbstractMarket, HedgeWith, Scalar, as_dividend_yield, check_hedge_with, growth
from tenrec.markets.draws import Draws, Randomness
from tenrec.markets.walk import Paths, walk


class GarchMarket(AbstractMarket):
    """GJR-GARCH(1, 1), one recursion a period, in annualised variances v:

        log S_{k+1}/S_k = (μ − v_k/2)·Δt + √(v_k·Δt)·Z
        v_{k+1} = (1 − persistence)·θ + (α·Z² + γ·Z²·1{Z < 0} + β)·v_k,    persistence = α + β + γ/2

    so that E v tends to θ = long_run_volatility² and the spot grows by μ exactly.

    Args:
        spot: S₀, quote currency. volatility: √v₀ and long_run_volatility: √θ, annualised decimals.
        alpha: answer to every shock. beta: memory. gamma: further answer to a fall. All at least 0, persistence < 1.
        dt: (steps,) length of each period in years; the parameters are those of this period.
        rate, drift, dividend_yield, hedge_with: as in `BlackScholesMarket`.

    The record's volatility is √v_k, known at the date. Sources: Glosten, Jagannathan and Runkle (1993), J. Finance 48;
    Duan (1995), "The GARCH option pricing model", Mathematical Finance 5 (no drift beyond μ).

    Raises:
        ConfigError: a number that is not finite or outside its range, or a persistence of 1 or more.

    Example:
        >>> import jax
        >>> market = GarchMarket(spot=1.0, volatility=0.2, long_run_volatility=0.2, alpha=0.03, beta=0.9, gamma=0.1,
        ...                      dt=jnp.full(30, 1 / 252))
        >>> market.simulate(jax.random.key(0), 5).volatility.shape
        (5, 31)
    """

    spot: Scalar = eqx.field(converter=as_array)
    volatility: Scalar = eqx.field(converter=as_array)
    long_run_volatility: Scalar = eqx.field(converter=as_array)
    alpha: Scalar = eqx.field(converter=as_array)
    beta: Scalar = eqx.field(converter=as_array)
    gamma: Scalar = eqx.field(converter=as_array)
    dt: Float[Array, " steps"] = eqx.field(converter=as_array)
    rate: Scalar = eqx.field(converter=as_array, default=0.0)
    drift: Scalar | None = eqx.field(converter=as_optional_array, default=None)
    dividend_yield: Scalar | None = eqx.field(converter=as_dividend_yield, default=None)
    hedge_with: HedgeWith = eqx.field(static=True, default="spot")

    def __check_init__(self) -> None:
        require_positive(
            spot=self.spot, volatility=self.volatility, long_run_volatility=self.long_run_volatility, dt=self.dt
        )
        for name in ("alpha", "beta", "gamma"):
            require(name, getattr(self, name), lambda numbers: numbers >= 0, "a number of at least 0")
        require_finite(rate=self.rate, drift=self.drift, dividend_yield=self.dividend_yield)
        check_hedge_with(self.hedge_with)
        persistence = self.alpha + self.beta + 0.5 * self.gamma
        if not is_traced(persistence) and float(jnp.max(persistence)) >= 1.0:
            raise ConfigError(
                f"alpha + beta + gamma/2 is {float(jnp.max(persistence)):.4g}; below 1 is needed, or variance would "
                "not come back to its long run."
            )

    def randomness(self) -> Randomness:
        """One normal for each period."""
        return Randomness(self.dt, factors=1, law="normal")

    def generate(self, draws: Draws) -> MarketPaths:
        """The paths that the draws give."""
        persistence = self.alpha + self.beta + 0.5 * self.gamma
        base = (1.0 - persistence) * self.long_run_volatility**2
        at = growth(self.drift, self.rate, self.dividend_yield) * self.dt, self.dt

        def one_period(
            log_return: Paths, variance: Paths, row: tuple[Scalar, Scalar], z: Float[Array, "factors paths"]
        ) -> tuple[Paths, Paths, Paths]:
            shock = z[0]
            step = variance * row[1]
            log_return = log_return + row[0] - 0.5 * step + jnp.sqrt(step) * shock
            answer = (self.alpha + jnp.where(shock < 0.0, self.gamma, 0.0)) * shock**2
            later = base + (answer + self.beta) * variance
            return log_return, later, jnp.sqrt(later)

        state = jnp.broadcast_to(self.volatility**2, draws.count).astype(self.dt.dtype)
        return walk(self, draws, one_period, spot=self.spot, state=state, at=at, volatility=self.volatility)
