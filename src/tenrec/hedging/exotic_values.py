"""Black–Scholes values and Greeks of the exotic contracts in a view, elementwise in its leading axes.

A Greek is the derivative of the value with what the contract knows of its past held fixed; where the contract watches
trading dates only, the barrier is shifted accordingly.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from tenrec.contracts import AbstractExotic, AsianOption, BarrierOption, DigitalOption, OneTouch
from tenrec.core.errors import ConfigError
from tenrec.hedging.view import MarketView
from tenrec.pricing import black_scholes, exotics

Numbers = Float[Array, "*at"]


def exotic_value(view: MarketView, volatility: Numbers) -> Numbers:
    """Value of the exotic contracts owned, quote currency."""
    return _total(view)(view.spot, volatility)


def exotic_delta(view: MarketView, volatility: Numbers) -> Numbers:
    """∂value/∂spot, in units of the underlying."""
    return jax.grad(_summed(view))(view.spot, volatility)


def exotic_gamma(view: MarketView, volatility: Numbers) -> Numbers:
    """∂²value/∂spot², units of the underlying per unit of quote currency."""
    slope = jax.grad(_summed(view))
    return jax.jvp(lambda spot: slope(spot, volatility), (view.spot,), (jnp.ones_like(view.spot),))[1]


def exotic_vega(view: MarketView, volatility: Numbers) -> Numbers:
    """∂value/∂volatility, quote currency per unit of annualised volatility."""
    return jax.grad(_summed(view), argnums=1)(view.spot, volatility)


def _summed(view: MarketView) -> Callable[[Numbers, Numbers], Float[Array, ""]]:
    # The value is elementwise, so that the gradient of its sum holds every derivative.
    return lambda spot, volatility: jnp.sum(_total(view)(spot, volatility))


def _total(view: MarketView) -> Callable[[Numbers, Numbers], Numbers]:
    """The value as a function of spot and volatility, all else as in the view."""

    def value(spot: Numbers, volatility: Numbers) -> Numbers:
        first = view.strike.shape[-1] - len(view.exotics)
        column = len(view.signal_names) - sum(len(exotic.state_names) for exotic in view.exotics)
        total = jnp.zeros_like(spot)
        for place, exotic in enumerate(view.exotics):
            width = len(exotic.state_names)
            unit = _unit(exotic, view, first + place, spot, volatility, view.signals[..., column : column + width])
            alive = view.time_to_expiry[..., first + place] > 0.0
            total = total + jnp.where(alive, exotic.quantity * unit, 0.0)
            column += width
        return total

    return value


def _unit(
    exotic: AbstractExotic,
    view: MarketView,
    leg: int,
    spot: Numbers,
    volatility: Numbers,
    state: Float[Array, "*at states"],
) -> Numbers:
    """Value of one unit of one contract."""
    forward = spot * (view.forward[..., leg] / view.spot)
    discount, time = view.discount[..., leg], view.time_to_expiry[..., leg]
    sign, strike = exotic.sign, exotic.strike
    if isinstance(exotic, DigitalOption):
        return exotic.cash * exotics.digital(sign, forward, strike, volatility, time, discount)
    if isinstance(exotic, OneTouch):
        level = exotics.shifted_barrier(strike, sign, volatility, view.period)
        open_value = exotics.touch(sign, spot, forward, level, volatility, time, discount)
        return exotic.cash * jnp.where(state[..., 0] > 0.5, discount, open_value)
    if isinstance(exotic, BarrierOption):
        plain = black_scholes.value(sign, forward, strike, volatility, time, discount)
        level = exotics.shifted_barrier(exotic.barrier, exotic.direction, volatility, view.period)
        inward = exotics.knock_in(sign, exotic.direction, spot, forward, strike, level, volatility, time, discount)
        inward = jnp.where(state[..., 0] > 0.5, plain, inward)
        return inward if exotic.knocks_in else plain - inward
    if isinstance(exotic, AsianOption):
        dates = exotic.expiry.astype(spot.dtype)
        left = jnp.round(time / view.period)
        average = view.spot * jnp.exp(state[..., 0])
        return exotics.asian(
            sign,
            spot,
            forward,
            strike,
            volatility,
            view.period,
            dates,
            left,
            average,
            discount,
            geometric=exotic.geometric,
        )
    raise ConfigError(f"{type(exotic).__name__} has no Black–Scholes value here; hedge it with a learned policy.")
