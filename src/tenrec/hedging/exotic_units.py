"""Black–Scholes value of one unit of each exotic contract, given what the hedger sees."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from tenrec.contracts import (
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
)
from tenrec.core.errors import ConfigError
from tenrec.hedging.view import MarketView
from tenrec.pricing import american, basket, black_scholes, cliquet, exotics, lookback, realised

Numbers = Float[Array, "*at"]


@dataclass(frozen=True)
class At:
    """Where a contract is valued: a spot and a volatility in the place of the view's, all else as in the view."""

    view: MarketView
    leg: int
    spot: Numbers
    volatility: Numbers
    moves: Float[Array, "*at others"]
    state: Float[Array, "*at states"]

    @property
    def forward(self) -> Numbers:
        """To the contract's expiry."""
        return self.spot * self.growth

    @property
    def growth(self) -> Numbers:
        """Forward over spot."""
        return self.view.forward[..., self.leg] / self.view.spot

    @property
    def discount(self) -> Numbers:
        """To the contract's expiry."""
        return self.view.discount[..., self.leg]

    @property
    def time(self) -> Numbers:
        """Years to the contract's expiry."""
        return self.view.time_to_expiry[..., self.leg]

    @property
    def left(self) -> Numbers:
        """Dates to come."""
        return jnp.round(self.time / self.view.period)

    def assets(self, exotic: BasketOption) -> Float[Array, "*at assets"]:
        """Levels of all assets: the others by what the state says, each times its entry of `moves`."""
        ratio = exotic.start[..., 1:] / exotic.start[..., :1]
        others = self.view.spot[..., None] * ratio * jnp.exp(self.state) * self.moves[..., : ratio.shape[-1]]
        return jnp.concatenate([self.spot[..., None], others], axis=-1)

    def known(self, column: int = 0) -> Numbers:
        """A past spot that the contract keeps as log(past / spot)."""
        return self.view.spot * jnp.exp(self.state[..., column])


def unit_value(exotic: AbstractExotic, at: At) -> Numbers:
    """Value of one unit, quote currency."""
    if type(exotic) not in VALUES:
        raise ConfigError(f"{type(exotic).__name__} has no Black–Scholes value here; hedge it with a learned policy.")
    return VALUES[type(exotic)](exotic, at)


def _digital(exotic: DigitalOption, at: At) -> Numbers:
    return exotic.cash * exotics.digital(exotic.sign, at.forward, exotic.strike, at.volatility, at.time, at.discount)


def _touch(exotic: OneTouch, at: At) -> Numbers:
    level = exotics.shifted_barrier(exotic.strike, exotic.sign, at.volatility, at.view.period)
    value = exotics.touch(exotic.sign, at.spot, at.forward, level, at.volatility, at.time, at.discount)
    return exotic.cash * jnp.where(at.state[..., 0] > 0.5, at.discount, value)


def _barrier(exotic: BarrierOption, at: At) -> Numbers:
    terms = (exotic.strike, at.volatility, at.time, at.discount)
    plain = black_scholes.value(exotic.sign, at.forward, *terms)
    level = exotics.shifted_barrier(exotic.barrier, exotic.direction, at.volatility, at.view.period)
    inward = exotics.knock_in(
        exotic.sign, exotic.direction, at.spot, at.forward, terms[0], level, at.volatility, at.time, at.discount
    )
    inward = jnp.where(at.state[..., 0] > 0.5, plain, inward)
    return inward if exotic.knocks_in else plain - inward


def _asian(exotic: AsianOption, at: At) -> Numbers:
    return exotics.asian(
        exotic.sign,
        at.spot,
        at.forward,
        exotic.strike,
        at.volatility,
        at.view.period,
        exotic.expiry.astype(at.spot.dtype),
        at.left,
        at.known(),
        at.discount,
        geometric=exotic.geometric,
    )


def _lookback(exotic: LookbackOption, at: At) -> Numbers:
    return lookback.lookback(
        exotic.sign,
        at.spot,
        at.forward,
        exotic.strike,
        at.volatility,
        at.time,
        at.view.period,
        at.known(),
        at.discount,
        floating=exotic.floating,
    )


def _forward_start(exotic: ForwardStart | LaterSale, at: At) -> Numbers:
    """Before the strike is set, what is known of it is its multiple of a forward."""
    after = (exotic.expiry - exotic.start).astype(at.spot.dtype)
    begun = at.left <= after
    to_start = jnp.clip(1.0 - after / jnp.maximum(at.left, 1.0), 0.0, 1.0)
    set_at = jnp.where(begun, at.known(), at.spot * at.growth**to_start)
    time = jnp.where(begun, at.time, after * at.view.period)
    value = cliquet.forward_start(exotic.sign, set_at, at.forward, exotic.moneyness, at.volatility, time, at.discount)
    if isinstance(exotic, LaterSale):
        due = exotic.price * at.spot * (at.growth * at.discount) ** to_start
        return jnp.where(begun, value, value - due)
    return value


def _cliquet(exotic: Cliquet, at: At) -> Numbers:
    left = jnp.maximum(at.left, 1.0)
    now = jnp.mod(left - 1.0, exotic.every) + 1.0
    later = jnp.round((left - now) / exotic.every)
    step, years = at.growth ** (1.0 / left), at.time / left
    growths = (at.spot / at.known() * step**now, step ** float(exotic.every))
    times = (now * years, exotic.every * years)
    local = (exotic.local_floor, exotic.local_cap)
    earned = at.state[..., 1]
    if not exotic.collar:
        coupons = [cliquet.coupon(mean, at.volatility, time, *local) for mean, time in zip(growths, times, strict=True)]
        if exotic.at_resets:
            interest = -jnp.log(at.discount) / left
            many = cliquet.annuity(interest * exotic.every, later)
            return exotic.notional * jnp.exp(-interest * now) * (coupons[0] + many * coupons[1])
        return exotic.notional * at.discount * (earned + coupons[0] + later * coupons[1])
    collar = (exotic.global_floor, exotic.global_cap)
    clipped = cliquet.collared_sum(growths, at.volatility, times, later, earned, local, collar)
    return exotic.notional * at.discount * clipped


def _realised(exotic: RealisedSwap, at: At) -> Numbers:
    terms = (at.forward, at.spot, at.volatility, at.view.period, at.left)
    so_far = at.state[..., 0]
    if exotic.root:
        paid = realised.realised_volatility(*terms, so_far) / jnp.sqrt(exotic.years) - exotic.level
    else:
        paid = (so_far + realised.realised_variance(*terms)) / exotic.years - exotic.level**2
    return exotic.notional * at.discount * paid


def _american_put(exotic: AmericanPut, at: At) -> Numbers:
    time = jnp.maximum(at.time, 1e-8)
    rate = -jnp.log(at.discount) / time
    dividend_yield = rate - jnp.log(at.growth) / time
    value = american.american_put(at.spot, exotic.strike, at.volatility, at.time, rate, dividend_yield)
    return jnp.where(at.state[..., 0] > 0.5, 0.0, value)


def _custom(exotic: CustomPayoff, at: At) -> Numbers:
    """A mark, not a value: what it would pay if the spot stayed where it is."""
    return at.discount * (exotic.at_start + at.state[..., 0]) + 0.0 * at.spot


def _basket(exotic: BasketOption, at: At) -> Numbers:
    """The rate is that of the first forward; volatilities that move are signals of the market."""
    names, first = at.view.signal_names, exotic.dividend_yields[..., :1]
    growth = at.growth[..., None] * jnp.exp((first - exotic.dividend_yields) * at.time[..., None])
    moved = [
        at.view.signals[..., names.index(name)] if name in names else jnp.zeros_like(at.spot)
        for name in (f"log_volatility_{number}" for number in range(2, exotic.assets + 1))
    ]
    others = exotic.volatilities[..., 1:] * jnp.exp(jnp.stack(moved, axis=-1))
    volatilities = jnp.concatenate([at.volatility[..., None], others], axis=-1)
    forwards, time = at.assets(exotic) * growth, jnp.maximum(at.time, 1e-10)
    return basket.basket(
        exotic.sign, forwards, exotic.weights, exotic.level, volatilities, exotic.correlation, time, at.discount
    )


VALUES: dict[type[AbstractExotic], Callable[[Any, At], Numbers]] = {
    DigitalOption: _digital,
    OneTouch: _touch,
    BarrierOption: _barrier,
    AsianOption: _asian,
    LookbackOption: _lookback,
    ForwardStart: _forward_start,
    LaterSale: _forward_start,
    Cliquet: _cliquet,
    RealisedSwap: _realised,
    AmericanPut: _american_put,
    CustomPayoff: _custom,
    BasketOption: _basket,
}
