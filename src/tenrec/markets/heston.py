"""The Heston market: stochastic variance, simulated with Andersen's quadratic-exponential scheme."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtr
from jaxtyping import Array, Float

from tenrec.core.checks import as_array, as_optional_array, require, require_finite, require_positive
from tenrec.core.errors import ConfigError
from tenrec.core.paths import MarketPaths
from tenrec.markets.base import AbstractMarket, HedgeWith, Scalar, as_dividend_yield, check_hedge_with, growth
from tenrec.markets.draws import Draws, Randomness
from tenrec.markets.variance_swap import with_variance_swap
from tenrec.markets.walk import Paths, walk

SWITCH = 1.5
"""ψ_c: above this ratio of variance to squared mean the exponential branch is drawn (Andersen recommends 1 to 2)."""


class HestonParameters(NamedTuple):
    """The variance process of a Heston model; `HestonMarket(**parameters._asdict(), …)` takes it over."""

    initial_variance: float
    mean_reversion: float
    long_run_variance: float
    vol_of_vol: float
    correlation: float


class HestonMarket(AbstractMarket):
    """Heston's model:

        dS = μ·S·dt + √v·S·dW,    dv = κ(θ − v)·dt + ξ·√v·dB,    d⟨W, B⟩ = ρ·dt

    The variance is drawn from a two-branch law that matches its exact conditional mean and variance, so it never turns
    negative and needs no Feller condition (2κθ > ξ²); the martingale correction makes E[S_{k+1} | S_k, v_k] exact
    wherever that correction exists (always for ρ ≤ 0).

    Args:
        spot: S₀, quote currency.
        initial_variance: v₀, annualised. long_run_variance: θ, annualised.
        mean_reversion: κ, per year. vol_of_vol: ξ, per year. correlation: ρ.
        dt: (steps,) length of each period in years.
        rate, drift, dividend_yield, hedge_with: as in `BlackScholesMarket`.
        variance_swap: whether a variance swap to the last date, spot·variance a unit, is a second instrument.
        substeps: steps of the scheme in each period; 1 serves daily periods, long ones (a month) want more.

    The record's volatility is √v_k. Source: Andersen (2008), "Simple and efficient simulation of the Heston
    stochastic volatility model", J. Computational Finance 11(3), sections 3.2 and 4.

    Raises:
        ConfigError: a number that is not finite or outside its range.

    Example:
        >>> market = HestonMarket(spot=1.0, initial_variance=0.04, mean_reversion=1.0, long_run_variance=0.04,
        ...                       vol_of_vol=0.5, correlation=-0.7, dt=jnp.full(30, 1 / 365))
        >>> market.simulate(jax.random.key(0), 5).volatility.shape
        (5, 31)
    """

    spot: Scalar = eqx.field(converter=as_array)
    initial_variance: Scalar = eqx.field(converter=as_array)
    mean_reversion: Scalar = eqx.field(converter=as_array)
    long_run_variance: Scalar = eqx.field(converter=as_array)
    vol_of_vol: Scalar = eqx.field(converter=as_array)
    correlation: Scalar = eqx.field(converter=as_array)
    dt: Float[Array, " steps"] = eqx.field(converter=as_array)
    rate: Scalar = eqx.field(converter=as_array, default=0.0)
    drift: Scalar | None = eqx.field(converter=as_optional_array, default=None)
    dividend_yield: Scalar | None = eqx.field(converter=as_dividend_yield, default=None)
    hedge_with: HedgeWith = eqx.field(static=True, default="spot")
    substeps: int = eqx.field(static=True, default=1)
    variance_swap: bool = eqx.field(static=True, default=False)

    def __check_init__(self) -> None:
        require_positive(spot=self.spot, mean_reversion=self.mean_reversion, vol_of_vol=self.vol_of_vol, dt=self.dt)
        for name in ("initial_variance", "long_run_variance"):
            require(name, getattr(self, name), lambda numbers: numbers >= 0, "a number of at least 0")
        require("correlation", self.correlation, lambda numbers: np.abs(numbers) <= 1, "a number from -1 to 1")
        require_finite(rate=self.rate, drift=self.drift, dividend_yield=self.dividend_yield)
        check_hedge_with(self.hedge_with)
        if self.substeps < 1:
            raise ConfigError(f"substeps is {self.substeps}; at least 1 is needed.")

    def randomness(self) -> Randomness:
        """Two normals, of the variance and of the price, for each step of the scheme."""
        return Randomness(jnp.repeat(self.dt / self.substeps, self.substeps), factors=2, law="normal")

    def generate(self, draws: Draws) -> MarketPaths:
        """The paths that the draws give."""
        drift = growth(self.drift, self.rate, self.dividend_yield)
        parameters = self.mean_reversion, self.long_run_variance, self.vol_of_vol, self.correlation
        coefficients = jax.vmap(lambda period: scheme(drift, *parameters, period))(self.randomness().periods)

        def one_period(
            log_return: Paths, variance: Paths, at: "Coefficients", z: Float[Array, "2 paths"]
        ) -> tuple[Paths, Paths, Paths]:
            log_return, variance = one_step(log_return, variance, z, at)
            return log_return, variance, safe_sqrt(variance)

        paths = walk(
            self,
            draws,
            one_period,
            spot=self.spot,
            state=jnp.broadcast_to(self.initial_variance, draws.count).astype(self.dt.dtype),
            at=coefficients,
            volatility=safe_sqrt(self.initial_variance),
            every=self.substeps,
        )
        if not self.variance_swap:
            return paths
        return with_variance_swap(
            paths,
            mean_reversion=self.mean_reversion,
            long_run_variance=self.long_run_variance,
            notional=self.spot,
        )


class Coefficients(NamedTuple):
    """Constants of one step: affine conditional moments of the variance, and Andersen's K₀ … K₄."""

    growth: Scalar
    mean: tuple[Scalar, Scalar]
    variance: tuple[Scalar, Scalar]
    k0: Scalar
    k1: Scalar
    k2: Scalar
    k3: Scalar
    k4: Scalar


def scheme(drift: Scalar, kappa: Scalar, theta: Scalar, xi: Scalar, rho: Scalar, period: Scalar) -> Coefficients:
    """Andersen's constants for one step of the scheme, with the central weights γ₁ = γ₂ = ½."""
    decay = jnp.exp(-kappa * period)
    gone = -jnp.expm1(-kappa * period)
    tilt = 0.5 * period * (kappa * rho / xi - 0.5)
    spread = 0.5 * period * (1.0 - rho**2)
    return Coefficients(
        growth=drift * period,
        mean=(theta * gone, decay),
        variance=(0.5 * theta * xi**2 * gone**2 / kappa, xi**2 * decay * gone / kappa),
        k0=-rho * kappa * theta * period / xi,
        k1=tilt - rho / xi,
        k2=tilt + rho / xi,
        k3=spread,
        k4=spread,
    )


def one_step(log_return: Paths, variance: Paths, z: Float[Array, "2 paths"], at: Coefficients) -> tuple[Paths, Paths]:
    """Log return and variance one step of the scheme later; z drives the variance, then the price."""
    later, correction = next_variance(variance, z[0], at)
    drawn = at.k1 * variance + at.k2 * later + safe_sqrt(at.k3 * variance + at.k4 * later) * z[1]
    return log_return + at.growth + correction + drawn, later


def next_variance(variance: Paths, z: Paths, at: Coefficients) -> tuple[Paths, Paths]:
    """The variance one step later, and the drift term K₀* that keeps the discounted price a martingale.

    Each branch is evaluated on inputs that are harmless where the other one is meant, so that gradients stay finite.
    """
    mean = at.mean[0] + at.mean[1] * variance
    ratio = (at.variance[0] + at.variance[1] * variance) / jnp.maximum(mean, TINY) ** 2
    slope = at.k2 + 0.5 * at.k4
    quadratic = ratio <= SWITCH
    later_q, log_moment_q = _quadratic(mean, jnp.where(quadratic, jnp.maximum(ratio, TINY), 1.0), z, slope)
    later_e, log_moment_e = _exponential(mean, jnp.where(quadratic, SWITCH, ratio), z, slope)
    later = jnp.where(quadratic, later_q, later_e)
    log_moment = jnp.where(quadratic, log_moment_q, log_moment_e)
    correction = -log_moment - (at.k1 + 0.5 * at.k3) * variance
    return later, jnp.where(jnp.isfinite(log_moment), correction, at.k0)


TINY = 1e-12


def _quadratic(mean: Paths, ratio: Paths, z: Paths, slope: Scalar) -> tuple[Paths, Paths]:
    """a(b + Z)², and log E exp(slope·that), infinite where it does not exist (Andersen eq. 27–29 and prop. 9)."""
    inverse = 2.0 / ratio
    b_squared = inverse - 1.0 + jnp.sqrt(inverse * (inverse - 1.0))
    a = mean / (1.0 + b_squared)
    room = 1.0 - 2.0 * slope * a
    exists = room > 0.0
    safe = jnp.where(exists, room, 1.0)
    log_moment = slope * a * b_squared / safe - 0.5 * jnp.log(safe)
    return a * (jnp.sqrt(b_squared) + z) ** 2, jnp.where(exists, log_moment, jnp.inf)


def _exponential(mean: Paths, ratio: Paths, z: Paths, slope: Scalar) -> tuple[Paths, Paths]:
    """Zero with probability p, else exponential; and log E exp(slope·that) (Andersen eq. 30–33 and prop. 9)."""
    p = (ratio - 1.0) / (ratio + 1.0)
    scale = mean / (1.0 - p)
    above = jnp.maximum(ndtr(-z), TINY)
    positive = above < 1.0 - p
    later = jnp.where(positive, scale * jnp.log(jnp.where(positive, (1.0 - p) / above, 1.0)), 0.0)
    room = 1.0 - slope * scale
    exists = room > 0.0
    log_moment = jnp.log(p + (1.0 - p) / jnp.where(exists, room, 1.0))
    return later, jnp.where(exists, log_moment, jnp.inf)


def safe_sqrt(x: Array) -> Array:
    """√x, with a zero gradient at 0 instead of an infinite one."""
    positive = x > 0.0
    return jnp.where(positive, jnp.sqrt(jnp.where(positive, x, 1.0)), 0.0)
