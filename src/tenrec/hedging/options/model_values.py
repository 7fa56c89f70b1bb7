"""What an option is worth on a market, by the formula of its model: what the tables of `prices` are made of."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from tenrec.core.errors import ConfigError
from tenrec.markets import AbstractMarket, BatesMarket, BlackScholesMarket, HestonMarket, KouMarket, MertonMarket
from tenrec.pricing import black_scholes, heston, jumps

LEAST_VARIANCE = 1e-6
"""What is left to the part without jumps where jumps alone vary more than was asked for."""
Formula = Callable[..., Float[Array, "..."]]
VARIANCE = ("mean_reversion", "long_run_variance", "vol_of_vol", "correlation")
LOGNORMAL = ("jump_intensity", "jump_mean", "jump_deviation")


def model_value(
    market: AbstractMarket,
    sign: float,
    forward: Float[Array, "..."],
    strike: Float[Array, "..."],
    volatility: Float[Array, "..."],
    time: Float[Array, "..."],
    discount: Float[Array, "..."],
) -> Float[Array, "..."]:
    """Value of a European option where the market's volatility is this one, quote currency; arguments broadcast.

    Of Heston's and Bates's model the volatility says the variance of the moment, which reverts; of the other models the
    constant one. Jumps stay as they are. Work in double precision.

    Args:
        sign: +1 call, −1 put. forward, strike: quote currency. volatility: as the market's record has it, jumps
            included, annualised decimal. time: years to expiry. discount: to expiry.

    Raises:
        ConfigError: a market whose option prices are not known.

    Example:
        >>> market = BlackScholesMarket(spot=1.0, volatility=0.2, dt=jnp.full(30, 1 / 365))
        >>> one = jnp.ones(())
        >>> round(float(model_value(market, 1.0, 100.0 * one, 100.0 * one, 0.3 * one, 0.25 * one, one)), 3)
        5.979
    """
    if type(market) not in FORMULAS:
        raise ConfigError(f"An option has no model value on a {type(market).__name__}; choose another market.")
    return FORMULAS[type(market)](market, sign, forward, strike, volatility, time, discount)


def _numbers(market: Any, *names: str) -> dict[str, float]:
    return {name: float(getattr(market, name)) for name in names}


def _black_scholes(market: Any, sign: float, forward: Array, strike: Array, volatility: Array, *rest: Array) -> Array:
    return black_scholes.value(sign, forward, strike, volatility, *rest)


def _heston(
    market: Any, sign: float, forward: Array, strike: Array, volatility: Array, time: Array, discount: Array
) -> Array:
    own = _numbers(market, *VARIANCE)
    return heston.value(sign, forward, strike, time, discount=discount, initial_variance=volatility**2, **own)


def _bates(
    market: Any, sign: float, forward: Array, strike: Array, volatility: Array, time: Array, discount: Array
) -> Array:
    variance, own = _without_jumps(volatility, _lognormal_square(market)), _numbers(market, *VARIANCE, *LOGNORMAL)
    return jumps.bates(sign, forward, strike, time, discount=discount, initial_variance=variance, **own)


def _merton(
    market: Any, sign: float, forward: Array, strike: Array, volatility: Array, time: Array, discount: Array
) -> Array:
    still, own = jnp.sqrt(_without_jumps(volatility, _lognormal_square(market))), _numbers(market, *LOGNORMAL)
    return jumps.merton(sign, forward, strike, time, discount=discount, volatility=still, **own)


def _kou(
    market: Any, sign: float, forward: Array, strike: Array, volatility: Array, time: Array, discount: Array
) -> Array:
    own = _numbers(market, "jump_intensity", "up_probability", "up_rate", "down_rate")
    up, fall = own["up_probability"], 2.0 * (1.0 - own["up_probability"]) / own["down_rate"] ** 2
    square = own["jump_intensity"] * (2.0 * up / own["up_rate"] ** 2 + fall)
    still = jnp.sqrt(_without_jumps(volatility, square))
    return jumps.kou(sign, forward, strike, time, discount=discount, volatility=still, **own)


def _lognormal_square(market: Any) -> float:
    """λ·E Y² of the log jumps, per year."""
    own = _numbers(market, *LOGNORMAL)
    return own["jump_intensity"] * (own["jump_mean"] ** 2 + own["jump_deviation"] ** 2)


def _without_jumps(volatility: Array, square: float) -> Array:
    return jnp.maximum(volatility**2 - square, LEAST_VARIANCE)


FORMULAS: dict[type[AbstractMarket], Formula] = {
    BlackScholesMarket: _black_scholes,
    HestonMarket: _heston,
    MertonMarket: _merton,
    KouMarket: _kou,
    BatesMarket: _bates,
}
