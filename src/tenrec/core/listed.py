"""Listed options among the hedging instruments: what each column of the record is at each date."""

import equinox as eqx
from jaxtyping import Array, Float, Int

GOES_ON, ROLLS, EXPIRES, GONE = 0, 1, 2, 3
"""What becomes at a date of the units held since the date before: they go on; they are sold at `closing` and a fresh
option is listed; they are paid out at `closing` and a fresh one is listed; they are paid out (or were before), and
nothing is listed any more."""


class Listed(eqx.Module):
    """The options of the columns of `MarketPaths.price`; a column without one has sign 0 and closes at its price.

    Shapes (dates, instruments), for one path or many; the terms are those of the option that is traded at the date.
        sign: +1 call, −1 put, 0 no option. strike: quote currency. time: years to expiry.
        growth: forward to expiry per unit of spot. discount: discount factor to expiry.
        closing: what a unit held since the date before is worth, quote currency; the price where it goes on.
        life: GOES_ON, ROLLS, EXPIRES or GONE.
    """

    sign: Float[Array, "... dates instruments"]
    strike: Float[Array, "... dates instruments"]
    time: Float[Array, "... dates instruments"]
    growth: Float[Array, "... dates instruments"]
    discount: Float[Array, "... dates instruments"]
    closing: Float[Array, "... dates instruments"]
    life: Int[Array, "... dates instruments"]
