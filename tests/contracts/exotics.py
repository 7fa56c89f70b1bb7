"""One example of each exotic contract, for the tests that all of them pass; eight dates, spot near 1."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from tenrec.contracts import (
    AbstractExotic,
    AmericanPut,
    AsianOption,
    BarrierOption,
    Cliquet,
    CustomPayoff,
    DigitalOption,
    ForwardStart,
    LaterSale,
    LookbackOption,
    OneTouch,
    RealisedSwap,
)

EXPIRY = 7


def _terms(strike: float, sign: float, quantity: float = -1.0) -> tuple[Any, Any, Any, Any]:
    return jnp.asarray(strike), jnp.asarray(sign), jnp.asarray(np.int32(EXPIRY)), jnp.asarray(quantity)


def barrier(sign: float, direction: float, knocks_in: bool, strike: float = 1.0) -> BarrierOption:
    level = jnp.asarray(1.0 + 0.05 * direction)
    return BarrierOption(*_terms(strike, sign), level, jnp.asarray(direction), knocks_in=knocks_in)


def cliquet(*, collar: bool, at_resets: bool = False) -> Cliquet:
    collars = (0.02, 0.12) if collar else (-1e4, 1e4)
    numbers = _numbers(10.0, -0.01, 0.04, *collars)
    terms = (*_terms(1.0, 1.0)[:2], jnp.asarray(np.int32(6)), jnp.asarray(-1.0))
    return Cliquet(*terms, *numbers, every=2, collar=collar, at_resets=at_resets)


def spread_of_path(spot: Array) -> Array:
    return jnp.max(spot) - jnp.min(spot)


def _numbers(*values: float) -> tuple[Any, ...]:
    return tuple(jnp.asarray(value) for value in values)


START = jnp.asarray(np.int32(3))
EXOTICS: dict[str, AbstractExotic] = {
    "digital_call": DigitalOption(*_terms(1.0, 1.0), jnp.asarray(0.1)),
    "digital_put": DigitalOption(*_terms(1.0, -1.0, 2.0), jnp.asarray(0.1)),
    "one_touch_up": OneTouch(*_terms(1.05, 1.0), jnp.asarray(0.1)),
    "one_touch_down": OneTouch(*_terms(0.95, -1.0), jnp.asarray(0.1)),
    "asian_call": AsianOption(*_terms(1.0, 1.0), geometric=False),
    "geometric_asian_put": AsianOption(*_terms(1.0, -1.0, 3.0), geometric=True),
    "lookback_call": LookbackOption(*_terms(1.01, 1.0), floating=False),
    "lookback_put": LookbackOption(*_terms(1.01, -1.0), floating=False),
    "floating_lookback_call": LookbackOption(*_terms(1.0, 1.0), floating=True),
    "floating_lookback_put": LookbackOption(*_terms(1.0, -1.0), floating=True),
    "forward_start_call": ForwardStart(*_terms(1.0, 1.0), START, jnp.asarray(0.99)),
    "forward_start_put": ForwardStart(*_terms(1.0, -1.0), START, jnp.asarray(1.0)),
    "later_sale": LaterSale(*_terms(1.0, 1.0), START, *_numbers(1.0, 0.02)),
    "cliquet": cliquet(collar=False),
    "cliquet_at_resets": cliquet(collar=False, at_resets=True),
    "collared_cliquet": cliquet(collar=True),
    "variance_swap": RealisedSwap(*_terms(1.0, 1.0), *_numbers(100.0, 0.2, EXPIRY / 365), root=False),
    "volatility_swap": RealisedSwap(*_terms(1.0, 1.0), *_numbers(1.0, 0.2, EXPIRY / 365), root=True),
    "american_put": AmericanPut(*_terms(1.02, -1.0), jnp.full(9, 0.97)),
    "custom": CustomPayoff(*_terms(1.0, 1.0), jnp.asarray(0.0), function=spread_of_path, last=EXPIRY),
    **{
        f"{'up' if direction > 0 else 'down'}_and_{'in' if knocks else 'out'}_{'call' if sign > 0 else 'put'}": barrier(
            sign, direction, knocks
        )
        for sign in (1.0, -1.0)
        for direction in (1.0, -1.0)
        for knocks in (True, False)
    },
}
