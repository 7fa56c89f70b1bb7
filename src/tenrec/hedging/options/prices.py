"""What a listed option is worth on a simulated market, by the market's own model."""

import abc
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float, Int
from scipy.special import chndtrix

from tenrec.core.errors import ConfigError
from tenrec.hedging.options.correction import AffineModel, Correction, tabulate
from tenrec.markets import AbstractMarket, BatesMarket, BlackScholesMarket, HestonMarket, KouMarket, MertonMarket
from tenrec.pricing import black_scholes, heston, jumps

TAIL = 1e-7
"""Probability of a variance beyond the table, for which the correction of its edge is taken."""


class AbstractPricer(eqx.Module):
    """Value of European options from what a path shows at a date."""

    @abc.abstractmethod
    def __call__(
        self,
        sign: float,
        spot: Float[Array, "..."],
        strike: Float[Array, "..."],
        volatility: Float[Array, "..."],
        *,
        time: Float[Array, "..."],
        row: Int[Array, "..."],
        growth: Float[Array, "..."],
        discount: Float[Array, "..."],
    ) -> Float[Array, "..."]:
        """Quote currency; all arguments broadcast.

        Args:
            sign: +1 call, −1 put. volatility: the record's, annualised decimal. time: years to expiry.
            row: which of the pricer's times this is. growth: forward per unit of spot. discount: to expiry.
        """


class BlackScholesPricer(AbstractPricer):
    """Black–Scholes at the market's volatility."""

    volatility: Float[Array, ""]

    def __call__(
        self,
        sign: float,
        spot: Float[Array, "..."],
        strike: Float[Array, "..."],
        volatility: Float[Array, "..."],
        *,
        time: Float[Array, "..."],
        row: Int[Array, "..."],
        growth: Float[Array, "..."],
        discount: Float[Array, "..."],
    ) -> Float[Array, "..."]:
        return black_scholes.value(sign, spot * growth, strike, self.volatility, time, discount)


class AffinePricer(AbstractPricer):
    """Black's value at the expected variance, and the tabulated rest.

    Fields:
        jumping: annual variance of the jumps, which the record's volatility counts in and the state does not.
    """

    correction: Correction
    jumping: Float[Array, ""]

    def __call__(
        self,
        sign: float,
        spot: Float[Array, "..."],
        strike: Float[Array, "..."],
        volatility: Float[Array, "..."],
        *,
        time: Float[Array, "..."],
        row: Int[Array, "..."],
        growth: Float[Array, "..."],
        discount: Float[Array, "..."],
    ) -> Float[Array, "..."]:
        forward = spot * growth
        variance = jnp.maximum(volatility**2 - self.jumping, 0.0)
        total = self.correction.total_variance(row, variance)
        level = jnp.sqrt(total / jnp.maximum(time, black_scholes.SMALLEST_TOTAL_VOLATILITY))
        rest = self.correction(row, jnp.log(forward / strike), variance)
        black = black_scholes.value(sign, forward, strike, level, time, discount)
        # The rest can take a far option below nothing by its own error; a price never is.
        return jnp.maximum(black - discount * jnp.sqrt(forward * strike) * rest, 0.0)


def make_pricer(market: AbstractMarket, times: Float[np.ndarray, " times"]) -> AbstractPricer:
    """The pricer of a market for the given times to expiry, years.

    Raises:
        ConfigError: a market whose option prices are not known.
    """
    if type(market) not in PRICED:
        names = ", ".join(sorted(kind.__name__ for kind in PRICED))
        raise ConfigError(
            f"A listed option has no model price on a {type(market).__name__}; it is known for {names}, so choose one "
            "of these or hedge with the spot alone."
        )
    return PRICED[type(market)](market, times)


def _black_scholes(market: Any, times: Float[np.ndarray, " times"]) -> AbstractPricer:
    return BlackScholesPricer(jnp.asarray(market.volatility, float))


def _affine(market: AbstractMarket, model: AffineModel, times: np.ndarray, jumping: float) -> AbstractPricer:
    dtype = jnp.result_type(float)
    with jax.enable_x64(True):
        found = tabulate(model, times)
    return jax.tree.map(
        lambda leaf: jnp.asarray(np.asarray(leaf), dtype), AffinePricer(found, jnp.asarray(jumping, dtype))
    )


def _of_numpy(function: Callable[..., Any]) -> Callable[..., Complex[np.ndarray, " nodes"]]:
    """A formula of JAX, asked in NumPy."""
    compiled = jax.jit(function)
    return lambda u, time: np.asarray(compiled(jnp.asarray(u), jnp.asarray(time)))


def _exponent(formula: Callable[..., Any], market: Any, *names: str) -> Callable[[Any], Any]:
    """A Lévy exponent of the market's jumps, its numbers in the precision of what it is asked at."""
    parameters = _floats(market, *names)
    return lambda u: formula(*(jnp.asarray(number, u.real.dtype) for number in parameters))(u)


def _heston(market: Any, times: Float[np.ndarray, " times"]) -> AbstractPricer:
    return _affine(market, _heston_model(market, None), times, 0.0)


def _bates(market: Any, times: Float[np.ndarray, " times"]) -> AbstractPricer:
    exponent = _exponent(jumps.lognormal_jumps, market, "jump_intensity", "jump_mean", "jump_deviation")
    return _affine(market, _heston_model(market, exponent), times, _lognormal_variance(market))


def _heston_model(market: Any, exponent: Callable[[Any], Any] | None) -> AffineModel:
    kappa, theta, xi, rho = _floats(market, "mean_reversion", "long_run_variance", "vol_of_vol", "correlation")

    def of_variance(u: Any, time: Any, variance: float, mean: float) -> Any:
        numbers = (jnp.asarray(number, time.dtype) for number in (variance, kappa, mean, xi, rho))
        return heston.log_characteristic(u, time, *numbers)

    def level(u: Any, time: Any) -> Any:
        own = of_variance(u, time, 0.0, theta)
        return own if exponent is None else own + time * exponent(u)

    def reverted(time: float) -> float:
        return -float(np.expm1(-kappa * time)) / kappa

    return AffineModel(
        level=_of_numpy(level),
        slope=_of_numpy(lambda u, time: of_variance(u, time, 1.0, 0.0)),
        variance_level=lambda time: theta * (time - reverted(time)),
        variance_slope=reverted,
        reach=0.0 if exponent is None else _lognormal_reach(market),
        largest=_largest_variance(market),
    )


def _largest_variance(market: Any) -> float:
    """The variance that is passed with probability TAIL at one of the dates, by its noncentral chi-squared law."""
    start, kappa, theta, xi = _floats(market, "initial_variance", "mean_reversion", "long_run_variance", "vol_of_vol")
    times = np.sum(np.asarray(market.dt, np.float64)) * np.array([0.05, 0.25, 0.5, 1.0])
    scale = -(xi**2) * np.expm1(-kappa * times) / (4.0 * kappa)
    degrees = 4.0 * kappa * max(theta, 1e-8) / xi**2
    most = scale * chndtrix(1.0 - TAIL, degrees, start * np.exp(-kappa * times) / scale)
    return float(np.nanmax([*most, 4.0 * start, 4.0 * theta]))


def _merton(market: Any, times: Float[np.ndarray, " times"]) -> AbstractPricer:
    exponent = _exponent(jumps.lognormal_jumps, market, "jump_intensity", "jump_mean", "jump_deviation")
    model = _jump_model(market, exponent, _lognormal_reach(market))
    return _affine(market, model, times, _lognormal_variance(market))


def _kou(market: Any, times: Float[np.ndarray, " times"]) -> AbstractPricer:
    names = ("jump_intensity", "up_probability", "up_rate", "down_rate")
    exponent = _exponent(jumps.double_exponential_jumps, market, *names)
    model = _jump_model(market, exponent, 12.0 / min(_floats(market, "up_rate", "down_rate")))
    return _affine(market, model, times, 0.0)


def _jump_model(market: Any, exponent: Callable[[Any], Any], reach: float) -> AffineModel:
    square = float(market.volatility) ** 2
    return AffineModel(
        level=_of_numpy(lambda u, time: time * (exponent(u) - 0.5 * square * (u**2 + 1j * u))),
        slope=lambda u, time: np.zeros_like(u),
        variance_level=lambda time: square * time,
        variance_slope=lambda time: 0.0,
        reach=reach,
    )


def _lognormal_reach(market: Any) -> float:
    mean, deviation = _floats(market, "jump_mean", "jump_deviation")
    return 3.0 * abs(mean) + 8.0 * deviation


def _lognormal_variance(market: Any) -> float:
    intensity, mean, deviation = _floats(market, "jump_intensity", "jump_mean", "jump_deviation")
    return intensity * (mean**2 + deviation**2)


def _floats(market: Any, *names: str) -> list[Any]:
    return [float(getattr(market, name)) for name in names]


PRICED: dict[type[AbstractMarket], Callable[[Any, np.ndarray], AbstractPricer]] = {
    BlackScholesMarket: _black_scholes,
    HestonMarket: _heston,
    MertonMarket: _merton,
    KouMarket: _kou,
    BatesMarket: _bates,
}
"""Markets that have option prices of their own."""
