"""What the book and each hedging instrument are worth at other spots, volatilities and times, with Greeks."""

import dataclasses
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from tenrec.contracts import BasketOption
from tenrec.core.errors import InputError
from tenrec.hedging.options import model_value
from tenrec.hedging.sensitivities import book_delta, book_gamma, book_value, book_vega
from tenrec.hedging.view import MarketView
from tenrec.pricing import heston
from tenrec.runs.advice import Setting

Points = Float[Array, " points"]
Worth = Callable[[Points, Points], Points]


def book_numbers(view: MarketView, start_volatility: float) -> dict[str, np.ndarray]:
    """Value, delta, gamma and vega of the book at each point of a view, by Black–Scholes.

    On several assets all spots move by one share and all volatilities by one factor; Greeks are to those of the first.
    """
    if any(isinstance(exotic, BasketOption) for exotic in view.exotics):
        return _numbers(_basket(view, start_volatility), view.spot, view.volatility)
    formulas = {"value": book_value, "delta": book_delta, "gamma": book_gamma, "vega": book_vega}
    return {name: np.asarray(formula(view, view.volatility), float) for name, formula in formulas.items()}


def has_worth(setting: Setting) -> bool:
    """Whether every instrument after the first has a value elsewhere: no model gives one to what is recorded."""
    baskets = any(isinstance(exotic, BasketOption) for exotic in setting.contract.exotics)
    return setting.instruments == 1 or setting.model is not None or baskets


def further_numbers(
    setting: Setting, view: MarketView, *, time: np.ndarray, passed: np.ndarray
) -> list[dict[str, np.ndarray]]:
    """Value, delta, gamma and vega of one unit of each instrument after the first, at each point of a view.

    Listed options have the value that the market's model gives them, and their payoff from their expiry on. A variance
    swap accrues the point's variance while time passes. Assets of a basket move with the first one.

    Args:
        time: years to the run's maturity at each point. passed: years since the scenarios' start.
    """
    if not has_worth(setting):
        raise InputError(
            "the instruments after the first are recorded, so that no model says what they are worth elsewhere; ask "
            "for the ladder or the stresses from a `Moment` that holds none of them."
        )
    found = []
    with jax.enable_x64(True):
        spot, volatility = (jnp.asarray(np.asarray(column, np.float64)) for column in (view.spot, view.volatility))
        for place in range(1, setting.instruments):
            found.append(_numbers(_worth(setting, view, place, time, passed), spot, volatility))
    return found


def _worth(setting: Setting, view: MarketView, place: int, time: np.ndarray, passed: np.ndarray) -> Worth:
    """One unit of an instrument as a function of spot and volatility."""
    slot = setting.slots[place] if setting.slots else None
    if slot is not None:
        return _option(setting, view, place, slot.sign)
    if setting.model is not None and getattr(setting.model, "variance_swap", False):
        return _swap(setting, jnp.asarray(time), jnp.asarray(passed))
    basket = next(exotic for exotic in setting.contract.exotics if isinstance(exotic, BasketOption))
    ratio = float(basket.start[place] / basket.start[0])
    return lambda spot, volatility: ratio * spot


def _option(setting: Setting, view: MarketView, place: int, sign: float) -> Worth:
    options, model = view.options, setting.model
    assert options is not None
    assert model is not None
    strike, time = (jnp.asarray(np.asarray(column[:, place], np.float64)) for column in (options.strike, options.time))
    growth, discount = jnp.exp((setting.rate - setting.dividend_yield) * time), jnp.exp(-setting.rate * time)

    def worth(spot: Points, volatility: Points) -> Points:
        return model_value(model, sign, spot * growth, strike, volatility, time, discount)

    return worth


def _swap(setting: Setting, time: Points, passed: Points) -> Worth:
    """Beside what had accrued before the start, which no scenario changes."""
    model = setting.model
    reverts, level = (jnp.asarray(getattr(model, name), float) for name in ("mean_reversion", "long_run_variance"))
    expected = jax.vmap(heston.expected_variance, in_axes=(0, 0, None, None))
    notional = float(setting.initial_spot or 1.0) / setting.maturity

    def worth(spot: Points, volatility: Points) -> Points:
        ahead = expected(time, volatility**2, reverts, level)
        return notional * jnp.exp(-setting.rate * time) * (passed * volatility**2 + ahead)

    return worth


def _basket(view: MarketView, start_volatility: float) -> Worth:
    """The book where all assets move together."""

    def worth(spot: Points, volatility: Points) -> Points:
        factor = (volatility / start_volatility)[:, None]

        def scaled(exotic: BasketOption) -> BasketOption:
            return eqx.tree_at(lambda one: one.volatilities, exotic, exotic.volatilities * factor)

        exotics = tuple(scaled(one) if isinstance(one, BasketOption) else one for one in view.exotics)
        forward = view.forward * (spot / view.spot)[:, None]
        moved = dataclasses.replace(view, spot=spot, forward=forward, volatility=volatility, exotics=exotics)
        return book_value(moved, volatility)

    return worth


def _numbers(worth: Worth, spot: Points, volatility: Points) -> dict[str, np.ndarray]:
    """Value and Greeks of what is elementwise, so that the gradient of its sum holds every derivative."""

    @jax.jit
    def all_of_them(spot: Points, volatility: Points) -> dict[str, Points]:
        slope = jax.grad(lambda spot, volatility: jnp.sum(worth(spot, volatility)), argnums=(0, 1))
        (delta, vega), (gamma, _) = jax.jvp(lambda at: slope(at, volatility), (spot,), (jnp.ones_like(spot),))
        return {"value": worth(spot, volatility), "delta": delta, "gamma": gamma, "vega": vega}

    return {name: np.asarray(column, float) for name, column in all_of_them(spot, volatility).items()}
