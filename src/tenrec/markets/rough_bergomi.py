"""The rough Bergomi market: variance driven by a rough path."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from tenrec.core.checks import as_array, as_optional_array, require, require_finite, require_positive
from tenrec.core.paths import MarketPaths
from tenrec.markets.base import AbstractMarket, HedgeWith, Scalar, as_dividend_yield, check_hedge_with, growth, record
from tenrec.markets.draws import Draws, Randomness


class RoughBergomiMarket(AbstractMarket):
    """Variance as the exponential of a Volterra process Y with roughness H:

        dS/S = μ·dt + √v·dW,    v_t = ξ·exp(η·Y_t − η²·Var Y_t/2),    Y_t = √(2H)·∫₀ᵗ (t − u)^{H−½} dB_u,
        d⟨W, B⟩ = ρ·dt

    by the hybrid scheme: the kernel is taken exactly over the last period of each date and by its mean over every
    earlier one, for periods of any length; Var Y is the scheme's own, so that E v = ξ exactly. The price moves at the
    variance that the period starts with, which keeps it a martingale exactly.

    Args:
        spot: S₀, quote currency.
        forward_variance: ξ, annualised. roughness: H in (0, ½]. vol_of_vol: η ≥ 0. correlation: ρ.
        dt: (steps,) length of each period in years.
        rate, drift, dividend_yield, hedge_with: as in `BlackScholesMarket`.

    The record's volatility is √v_k. Sources: Bayer, Friz and Gatheral (2016), "Pricing under rough volatility",
    Quantitative Finance 16; Bennedsen, Lunde and Pakkanen (2017), "Hybrid scheme for Brownian semistationary
    processes", Finance and Stochastics 21 (κ = 1).

    Raises:
        ConfigError: a number that is not finite or outside its range.

    Example:
        >>> import jax
        >>> market = RoughBergomiMarket(spot=1.0, forward_variance=0.04, roughness=0.1, vol_of_vol=1.9,
        ...                             correlation=-0.9, dt=jnp.full(30, 1 / 365))
        >>> market.simulate(jax.random.key(0), 5).volatility.shape
        (5, 31)
    """

    spot: Scalar = eqx.field(converter=as_array)
    forward_variance: Scalar = eqx.field(converter=as_array)
    roughness: Scalar = eqx.field(converter=as_array)
    vol_of_vol: Scalar = eqx.field(converter=as_array)
    correlation: Scalar = eqx.field(converter=as_array)
    dt: Float[Array, " steps"] = eqx.field(converter=as_array)
    rate: Scalar = eqx.field(converter=as_array, default=0.0)
    drift: Scalar | None = eqx.field(converter=as_optional_array, default=None)
    dividend_yield: Scalar | None = eqx.field(converter=as_dividend_yield, default=None)
    hedge_with: HedgeWith = eqx.field(static=True, default="spot")

    def __check_init__(self) -> None:
        require_positive(spot=self.spot, forward_variance=self.forward_variance, dt=self.dt)
        require("roughness", self.roughness, lambda x: (x > 0) & (x <= 0.5), "a number above 0 and up to 0.5")
        require("vol_of_vol", self.vol_of_vol, lambda numbers: numbers >= 0, "a number of at least 0")
        require("correlation", self.correlation, lambda numbers: np.abs(numbers) <= 1, "a number from -1 to 1")
        require_finite(rate=self.rate, drift=self.drift, dividend_yield=self.dividend_yield)
        check_hedge_with(self.hedge_with)

    def randomness(self) -> Randomness:
        """Three normals for each period: of the variance's noise, of its last singular part, and of the price."""
        return Randomness(self.dt, factors=3, law="normal")

    def generate(self, draws: Draws) -> MarketPaths:
        """The paths that the draws give."""
        dtype = self.dt.dtype
        z = draws.all(dtype)
        noise, own = self.kernel()
        singular = own[:, :1] * z[:, 0] + own[:, 1:] * z[:, 1]
        volterra = noise @ z[:, 0] + singular
        spread = jnp.sum(noise**2, axis=1) + own[:, 0] ** 2 + own[:, 1] ** 2
        log_variance = self.vol_of_vol * volterra - 0.5 * self.vol_of_vol**2 * spread[:, None]
        first = jnp.broadcast_to(jnp.sqrt(self.forward_variance), (1, draws.count)).astype(dtype)
        volatility = jnp.concatenate([first, first * jnp.exp(0.5 * log_variance)])
        rest = jnp.sqrt(jnp.maximum(1.0 - self.correlation**2, 0.0))
        moved = volatility[:-1] * jnp.sqrt(self.dt)[:, None]
        drift = growth(self.drift, self.rate, self.dividend_yield) * self.dt
        steps = drift[:, None] - 0.5 * moved**2 + moved * (self.correlation * z[:, 0] + rest * z[:, 2])
        returns = jnp.concatenate([jnp.zeros((1, draws.count), dtype), jnp.cumsum(steps, axis=0)])
        return record(self, (self.spot * jnp.exp(returns)).T, volatility=volatility.T)

    def kernel(self) -> tuple[Float[Array, "steps steps"], Float[Array, "steps 2"]]:
        """Y at the dates 1 … N as rows on the standard normals of the noise, and of the last period on (noise, own).

        Over a period of length Δ ending at the date, ∫(t − u)^{H−½}dB has variance Δ^{2H}/2H and covariance
        Δ^{H+½}/(H + ½) with the noise; over an earlier one the mean of the kernel multiplies the noise.
        """
        h, dt = self.roughness, self.dt
        power, scale = h + 0.5, jnp.sqrt(2.0 * h)
        ends = jnp.cumsum(dt)
        lag = jnp.maximum(ends[:, None] - ends[None, :], 0.0)
        earlier = jnp.tril(jnp.ones_like(lag), -1) > 0.0
        inner = jnp.where(earlier, lag, 1.0)
        mean = ((inner + dt) ** power - inner**power) / (power * dt)
        noise = jnp.where(earlier, scale * mean * jnp.sqrt(dt), 0.0)
        shared = scale * dt**h / power
        own = jnp.sqrt(jnp.maximum(dt ** (2.0 * h) - shared**2, 0.0))
        return noise, jnp.stack([shared, own], axis=1)
