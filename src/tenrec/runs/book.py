"""From the contracts of a configuration to a book."""

from collections.abc import Sequence
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from tenrec.contracts import (
    AbstractContract,
    AbstractExotic,
    AmericanPut,
    AsianOption,
    BarrierOption,
    BasketOption,
    Cliquet,
    CustomPayoff,
    DigitalOption,
    ForwardStart,
    LaterSale,
    LookbackOption,
    OneTouch,
    RealisedSwap,
    basket_option,
    european_book,
    mixed_book,
)
from tenrec.core.errors import ConfigError
from tenrec.pricing import black_scholes
from tenrec.pricing.american import exercised_put
from tenrec.runs.contract_specs import SWAPS, EuropeanSpec
from tenrec.runs.custom import load_payoff, try_payoff
from tenrec.runs.market_specs import BasketSpec, starting_volatility

FAR = 1e4


@dataclass(frozen=True)
class Surroundings:
    """What contracts need to know of the market and the grid.

    Args:
        spot, volatility: at the start, where they are known. days: length of the grid.
        dt: (steps,) length of each period in years. basket: the market, where it has several assets.
        offsets: (steps + 1,) days from the start to each date.
    """

    spot: float | None
    volatility: float | None
    rate: float
    dividend_yield: float
    days: float
    dt: Float[np.ndarray, " steps"]
    offsets: Float[np.ndarray, " dates"]
    basket: BasketSpec | None = None

    def date(self, key: str, days: float) -> int:
        """The date of the grid that is so many days after the start."""
        date = int(np.argmin(np.abs(self.offsets - days)))
        if abs(self.offsets[date] - days) > 1e-9 * max(1.0, days) or date < 1:
            raise ConfigError(
                f"contract.{key} is {days:g}, which is not on a trading date of the grid ({len(self.dt)} steps over "
                f"{self.days:g} days); choose grid.steps so that every date of a contract falls on one."
            )
        return date


def build_book(legs: Sequence[EuropeanSpec], around: Surroundings) -> AbstractContract:
    """The book, plain options first; quantities count the multiplier in."""
    plain = [leg for leg in legs if leg.is_european]
    book = None
    if plain:
        book = european_book(
            [leg.kind.removeprefix("european_") for leg in plain],
            strikes=[leg.strike for leg in plain],
            expiries=[around.date("days", leg.days) for leg in plain],
            quantities=[leg.quantity * leg.multiplier for leg in plain],
        )
    exotics = tuple(_exotic(leg, around) for leg in legs if not leg.is_european)
    if book is not None and not exotics:
        return book
    return mixed_book(book, exotics)


def _exotic(leg: EuropeanSpec, around: Surroundings) -> AbstractExotic:
    expiry = around.date("days", leg.days)
    if leg.barrier is not None:
        return _barrier(leg, expiry, around)
    if leg.sale_days is not None:
        return _later_sale(leg, expiry, around)
    if leg.kind.startswith("digital"):
        return DigitalOption(*_terms(leg, expiry), jnp.asarray(leg.cash))
    if "lookback" in leg.kind:
        return LookbackOption(*_terms(leg, expiry), floating=leg.kind.startswith("floating"))
    if leg.start_days is not None:
        start = jnp.asarray(np.int32(around.date("start_days", leg.start_days)))
        strike = leg.strike * (around.spot or 1.0)
        return ForwardStart(*_terms(leg, expiry, strike), start, jnp.asarray(leg.strike))
    if leg.kind == "cliquet":
        return _cliquet(leg, expiry, around)
    if leg.kind in SWAPS:
        numbers = (leg.notional or 1.0, leg.strike, float(np.sum(around.dt[:expiry])))
        terms = (*_terms(leg, expiry, around.spot or 1.0), *map(jnp.asarray, numbers))
        return RealisedSwap(*terms, root=leg.kind == "volatility_swap")
    if leg.kind == "american_put":
        return AmericanPut(*_terms(leg, expiry), _boundary(leg, expiry, around))
    if leg.is_basket:
        return _basket(leg, expiry, around)
    if leg.kind == "custom":
        return _custom(leg, expiry, around)
    return AsianOption(*_terms(leg, expiry), geometric=leg.kind.startswith("geometric"))


def _terms(leg: EuropeanSpec, expiry: int, strike: float | None = None) -> tuple[Array, Array, Array, Array]:
    """Strike, sign, expiry and quantity."""
    level, owned = leg.strike if strike is None else strike, leg.quantity * leg.multiplier
    return jnp.asarray(level), jnp.asarray(leg.sign), jnp.asarray(np.int32(expiry)), jnp.asarray(owned)


def _barrier(leg: EuropeanSpec, expiry: int, around: Surroundings) -> AbstractExotic:
    kind, barrier, spot = leg.kind, leg.barrier or 0.0, around.spot
    direction = 1.0 if kind.startswith("up") or kind.endswith("up") else -1.0
    if spot is not None and direction * (spot - barrier) >= 0.0:
        raise ConfigError(
            f"contract.barrier is {barrier:g} and market.spot is {spot:g}; a {kind.replace('_', ' ')} needs a "
            f"barrier {'above' if direction > 0 else 'below'} the spot."
        )
    if kind.startswith("one_touch"):
        return OneTouch(*_terms(leg, expiry, barrier), jnp.asarray(leg.cash))
    terms = (*_terms(leg, expiry), jnp.asarray(barrier), jnp.asarray(direction))
    return BarrierOption(*terms, knocks_in="_in_" in kind)


def _later_sale(leg: EuropeanSpec, expiry: int, around: Surroundings) -> LaterSale:
    """Sold at its Black–Scholes value, at the multiple of the spot that the strike is of the first one."""
    volatility, spot = leg.implied_vol or around.volatility, around.spot
    if volatility is None or spot is None:
        raise ConfigError(
            "contract.implied_vol was not given and the market has no volatility of its own; later sales need one, for "
            "example 0.2."
        )
    start = around.date("sale_days", leg.sale_days or 0.0)
    time = float(np.sum(around.dt[start:expiry]))
    growth, discount = np.exp((around.rate - around.dividend_yield) * time), np.exp(-around.rate * time)
    moneyness = leg.strike / spot
    price = black_scholes.value(leg.sign, growth, moneyness, volatility, time, discount)
    numbers = (jnp.asarray(np.int32(start)), jnp.asarray(moneyness), jnp.asarray(float(price)))
    return LaterSale(*_terms(leg, expiry), *numbers)


def _cliquet(leg: EuropeanSpec, expiry: int, around: Surroundings) -> Cliquet:
    every = around.date("reset_days", leg.reset_days or 0.0)
    if expiry % every:
        raise ConfigError(
            f"contract.days is {leg.days:g} and contract.reset_days is {leg.reset_days:g}; days must be a multiple of "
            "reset_days."
        )
    floor = 0.0 if leg.local_floor is None else leg.local_floor
    collar = leg.global_floor is not None or leg.global_cap is not None
    lowest = -FAR if leg.global_floor is None else leg.global_floor
    numbers = (leg.notional or 1.0, floor, leg.local_cap or FAR, lowest, leg.global_cap or FAR)
    terms = (*_terms(leg, expiry, around.spot or 1.0), *map(jnp.asarray, numbers))
    return Cliquet(*terms, every=every, collar=collar, at_resets=leg.pays == "at_resets")


def _basket(leg: EuropeanSpec, expiry: int, around: Surroundings) -> BasketOption:
    market = around.basket
    if market is None:
        raise ConfigError(
            f"contract.kind is {leg.kind} and the market has one asset, which cannot pay it; set market.model to "
            "basket with its assets and their correlation."
        )
    assets = market.assets
    count = len(assets)
    even = (1.0, -1.0) if not leg.kind.startswith("basket") else (1.0 / count,) * count
    weights = leg.weights or even
    if len(weights) != count:
        raise ConfigError(f"contract.weights has {len(weights)} numbers for {count} assets; give one for each.")
    return basket_option(
        leg.sign,
        0.0 if leg.kind == "exchange" else leg.strike,
        expiry,
        leg.quantity * leg.multiplier,
        weights=list(weights),
        start=[asset.spot for asset in assets],
        volatilities=[starting_volatility(asset) or 0.2 for asset in assets],
        dividend_yields=[asset.dividend_yield for asset in assets],
        correlation=[list(row) for row in market.correlation],
    )


def _boundary(leg: EuropeanSpec, expiry: int, around: Surroundings) -> Array:
    """The level of every date of the grid below which a put is exercised: as given, or the best one."""
    levels = np.zeros(len(around.dt) + 1)
    if leg.boundary is None:
        if around.volatility is None or around.spot is None:
            raise ConfigError(
                "contract.boundary was not given and the market has no volatility to find the best one at; give a "
                "level, or one for each date."
            )
        rates = (around.rate, around.dividend_yield)
        best = exercised_put(around.spot, leg.strike, around.volatility, around.dt[:expiry], *rates)
        levels[: expiry + 1] = best.boundary
        return jnp.asarray(levels)
    given = np.atleast_1d(np.asarray(leg.boundary, float))
    if given.size not in (1, expiry):
        raise ConfigError(
            f"contract.boundary has {given.size} levels for the {expiry} dates to expiry; give one for each, or one."
        )
    levels[1 : expiry + 1] = given
    return jnp.asarray(levels)


def _custom(leg: EuropeanSpec, expiry: int, around: Surroundings) -> CustomPayoff:
    name, path = leg.name or "", leg.path or ""
    if leg.source is None:
        raise ConfigError(f"contract.path is {path}, whose code was not read; load the configuration from a file.")
    function = load_payoff(leg.source, name, path)
    spot = around.spot or 1.0
    still = try_payoff(function, name, expiry + 1, spot)
    terms = (*_terms(leg, expiry, spot), jnp.asarray(still))
    return CustomPayoff(*terms, function=function, last=expiry)
