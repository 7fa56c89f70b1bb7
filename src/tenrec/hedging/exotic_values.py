"""Black–Scholes values and Greeks of the exotic contracts in a view, elementwise in its leading axes.

A Greek is the derivative of the value with what the contract knows of its past held fixed; where the contract watches
trading dates only, the barrier is shifted accordingly.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from tenrec.contracts import BasketOption, CustomPayoff
from tenrec.core.errors import ConfigError
from tenrec.hedging.exotic_units import At, unit_value
from tenrec.hedging.view import MarketView

Numbers = Float[Array, "*at"]


def exotic_value(view: MarketView, volatility: Numbers) -> Numbers:
    """Value of the exotic contracts owned, quote currency."""
    return _total(view)(view.spot, volatility)


def exotic_delta(view: MarketView, volatility: Numbers, *, marked: bool = False) -> Numbers:
    """∂value/∂spot, in units of the underlying."""
    _require_values(view, marked)
    return jax.grad(_summed(view))(view.spot, volatility)


def exotic_gamma(view: MarketView, volatility: Numbers, *, marked: bool = False) -> Numbers:
    """∂²value/∂spot², units of the underlying per unit of quote currency."""
    _require_values(view, marked)
    slope = jax.grad(_summed(view))
    return jax.jvp(lambda spot: slope(spot, volatility), (view.spot,), (jnp.ones_like(view.spot),))[1]


def exotic_vega(view: MarketView, volatility: Numbers, *, marked: bool = False) -> Numbers:
    """∂value/∂volatility, quote currency per unit of annualised volatility."""
    _require_values(view, marked)
    return jax.grad(_summed(view), argnums=1)(view.spot, volatility)


def _require_values(view: MarketView, marked: bool) -> None:
    if not marked and any(isinstance(exotic, CustomPayoff) for exotic in view.exotics):
        raise ConfigError(
            "A custom payoff has no Black–Scholes delta; hedge it with policy.kind feed_forward, without the features "
            "delta and gamma, and judge it against [no_hedge]."
        )


def _summed(view: MarketView) -> Callable[[Numbers, Numbers], Float[Array, ""]]:
    # The value is elementwise, so that the gradient of its sum holds every derivative.
    return lambda spot, volatility: jnp.sum(_total(view)(spot, volatility))


def assets_of(view: MarketView) -> int:
    """How many assets the contracts in the view are written on."""
    return max((exotic.assets for exotic in view.exotics if isinstance(exotic, BasketOption)), default=1)


def asset_deltas(view: MarketView, volatility: Numbers) -> Float[Array, "*at others"]:
    """∂value/∂level of each asset after the first, in units of it."""
    ones = jnp.ones((*view.spot.shape, assets_of(view) - 1), view.spot.dtype)
    slopes = jax.grad(lambda moves: jnp.sum(_total(view)(view.spot, volatility, moves)))(ones)
    return slopes / _others(view)


def _others(view: MarketView) -> Float[Array, "*at others"]:
    """Levels of the assets after the first."""
    basket = next(exotic for exotic in view.exotics if isinstance(exotic, BasketOption))
    start = view.signal_names.index(basket.state_names[0])
    relative = view.signals[..., start : start + basket.assets - 1]
    return view.spot[..., None] * basket.start[..., 1:] / basket.start[..., :1] * jnp.exp(relative)


def _total(view: MarketView) -> Callable[..., Numbers]:
    """The value as a function of spot, volatility and moves of the other assets, all else as in the view."""

    def value(spot: Numbers, volatility: Numbers, moves: Float[Array, "*at others"] | None = None) -> Numbers:
        if moves is None:
            moves = jnp.ones((*spot.shape, assets_of(view) - 1), spot.dtype)
        first = view.strike.shape[-1] - len(view.exotics)
        column = len(view.signal_names) - sum(len(exotic.state_names) for exotic in view.exotics)
        total = jnp.zeros_like(spot)
        for place, exotic in enumerate(view.exotics):
            width = len(exotic.state_names)
            at = At(view, first + place, spot, volatility, moves, view.signals[..., column : column + width])
            unit = unit_value(exotic, at)
            alive = view.time_to_expiry[..., first + place] > 0.0
            total = total + jnp.where(alive, exotic.quantity * unit, 0.0)
            column += width
        return total

    return value
