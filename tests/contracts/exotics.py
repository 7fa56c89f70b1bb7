"""One example of each exotic contract, for the tests that all of them pass; eight dates, spot near 1."""

import jax.numpy as jnp
import numpy as np

from tenrec.contracts import AbstractExotic, AsianOption, BarrierOption, DigitalOption, OneTouch

EXPIRY = 7


def _terms(strike: float, sign: float, quantity: float = -1.0) -> tuple:
    return jnp.asarray(strike), jnp.asarray(sign), jnp.asarray(np.int32(EXPIRY)), jnp.asarray(quantity)


def barrier(sign: float, direction: float, knocks_in: bool, strike: float = 1.0) -> BarrierOption:
    level = jnp.asarray(1.0 + 0.05 * direction)
    return BarrierOption(*_terms(strike, sign), level, jnp.asarray(direction), knocks_in=knocks_in)


EXOTICS: dict[str, AbstractExotic] = {
    "digital_call": DigitalOption(*_terms(1.0, 1.0), jnp.asarray(0.1)),
    "digital_put": DigitalOption(*_terms(1.0, -1.0, 2.0), jnp.asarray(0.1)),
    "one_touch_up": OneTouch(*_terms(1.05, 1.0), jnp.asarray(0.1)),
    "one_touch_down": OneTouch(*_terms(0.95, -1.0), jnp.asarray(0.1)),
    "asian_call": AsianOption(*_terms(1.0, 1.0), geometric=False),
    "geometric_asian_put": AsianOption(*_terms(1.0, -1.0, 3.0), geometric=True),
    **{
        f"{'up' if direction > 0 else 'down'}_and_{'in' if knocks else 'out'}_{'call' if sign > 0 else 'put'}": barrier(
            sign, direction, knocks
        )
        for sign in (1.0, -1.0)
        for direction in (1.0, -1.0)
        for knocks in (True, False)
    },
}
