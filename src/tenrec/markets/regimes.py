"""The regime-switching market: a volatility for each state of a hidden Markov chain that the hedger can tell."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.scipy.special import ndtr
from jaxtyping import Array, Float, Int

from tenrec.core.checks import as_array, as_optional_array, require_finite, require_positive
from tenrec.core.errors import ConfigError
from tenrec.core.paths import MarketPaths
from tenrec.markets.base import AbstractMarket, HedgeWith, Scalar, as_dividend_yield, check_hedge_with, growth
from tenrec.markets.draws import Draws, Randomness
from tenrec.markets.walk import Paths, walk


class RegimesMarket(AbstractMarket):
    """Lognormal prices whose volatility is that of the regime at the period's start:

        S_{k+1} = S_k·exp((μ − σ_i²/2)·Δt + σ_i·√Δt·Z),    P(i → j over Δt) = (e^{QΔt})_{ij}

    A regime i is left at the rate 1/years_i, for each other one with the same probability.

    Args:
        spot: S₀, quote currency. volatilities: (regimes,) σ_i, annualised decimals.
        years: (regimes,) mean time spent in each at a stay, in years. The paths start in the first.
        dt: (steps,) length of each period in years.
        rate, drift, dividend_yield, hedge_with: as in `BlackScholesMarket`.

    The record's volatility is σ_i. Source: Hamilton (1989), Econometrica 57; Hardy (2001), "A regime-switching model of
    long-term stock returns", North American Actuarial J. 5.

    Raises:
        ConfigError: a number that is not positive and finite, or fewer than two regimes.

    Example:
        >>> market = RegimesMarket(spot=1.0, volatilities=jnp.array([0.12, 0.4]), years=jnp.array([0.5, 0.1]),
        ...                        dt=jnp.full(30, 1 / 365))
        >>> bool(jnp.isin(market.simulate(jax.random.key(0), 5).volatility, market.volatilities).all())
        True
    """

    spot: Scalar = eqx.field(converter=as_array)
    volatilities: Float[Array, " regimes"] = eqx.field(converter=as_array)
    years: Float[Array, " regimes"] = eqx.field(converter=as_array)
    dt: Float[Array, " steps"] = eqx.field(converter=as_array)
    rate: Scalar = eqx.field(converter=as_array, default=0.0)
    drift: Scalar | None = eqx.field(converter=as_optional_array, default=None)
    dividend_yield: Scalar | None = eqx.field(converter=as_dividend_yield, default=None)
    hedge_with: HedgeWith = eqx.field(static=True, default="spot")

    def __check_init__(self) -> None:
        require_positive(spot=self.spot, volatilities=self.volatilities, years=self.years, dt=self.dt)
        require_finite(rate=self.rate, drift=self.drift, dividend_yield=self.dividend_yield)
        check_hedge_with(self.hedge_with)
        if self.volatilities.ndim != 1 or self.volatilities.shape != self.years.shape or self.volatilities.size < 2:
            raise ConfigError(
                f"{self.volatilities.size} volatilities and {self.years.size} years are given; one of each for every "
                "regime is needed, and at least two regimes."
            )

    def randomness(self) -> Randomness:
        """Two normals for each period: the move, and the next regime."""
        return Randomness(self.dt, factors=2, law="normal")

    def transition(self) -> Float[Array, "steps regimes regimes"]:
        """P(regime j at the end | i at the start) of each period."""
        count = self.volatilities.shape[0]
        leaving = jnp.broadcast_to(1.0 / self.years[:, None], (count, count)) / (count - 1)
        generator = jnp.where(jnp.eye(count, dtype=bool), -1.0 / self.years[:, None], leaving)
        return jax.vmap(lambda period: jax.scipy.linalg.expm(generator * period))(self.dt)

    def generate(self, draws: Draws) -> MarketPaths:
        """The paths that the draws give."""
        dtype = self.dt.dtype
        drift = growth(self.drift, self.rate, self.dividend_yield)
        levels = self.volatilities.astype(dtype)
        at = drift * self.dt, self.dt, jnp.cumsum(self.transition(), axis=-1)[..., :-1].astype(dtype)

        def one_period(
            log_return: Paths,
            regime: Int[Array, " paths"],
            row: tuple[Scalar, Scalar, Float[Array, "regimes others"]],
            z: Float[Array, "factors paths"],
        ) -> tuple[Paths, Int[Array, " paths"], Paths]:
            now = levels[regime]
            log_return = log_return + row[0] - 0.5 * now**2 * row[1] + now * jnp.sqrt(row[1]) * z[0]
            later = jnp.sum(ndtr(z[1])[:, None] >= row[2][regime], axis=-1).astype(regime.dtype)
            return log_return, later, levels[later]

        start = jnp.zeros(draws.count, jnp.int32)
        return walk(self, draws, one_period, spot=self.spot, state=start, at=at, volatility=levels[0])
