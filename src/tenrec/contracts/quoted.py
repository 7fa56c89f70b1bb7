"""European options that are given up at a recorded quote instead of being held to their expiry."""

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from tenrec.contracts.base import AbstractContract, AbstractExotic


class QuotedBook(AbstractContract):
    """A signed book of European options, each closed at a date at a price that the market quoted.

    flow of leg l at its closing date c_l:  quantity_l · value_l

    The expiry stays what the option's time to expiry is counted to. Closed at its expiry at max(±(S − K), 0), a leg is
    one of `EuropeanBook`.

    Shapes: every field (legs,), or (paths, legs) when each path carries a contract of its own.
        strike: quote currency. sign: +1 call, −1 put. expiry, closing: indices of dates on the grid.
        quantity: units owned; −1 is a sold option. value: price at which one unit is closed, quote currency.

    Example:
        >>> legs = [jnp.asarray([x]) for x in (1.0, 1.0, 2, -1.0, 1, 0.07)]
        >>> QuotedBook(*legs).flows(jnp.array([1.0, 1.05, 1.05])).round(2).tolist()
        [0.0, -0.07..., 0.0]
    """

    strike: Float[Array, "*paths legs"]
    sign: Float[Array, "*paths legs"]
    expiry: Int[Array, "*paths legs"]
    quantity: Float[Array, "*paths legs"]
    closing: Int[Array, "*paths legs"]
    value: Float[Array, "*paths legs"]

    @property
    def exotics(self) -> tuple[AbstractExotic, ...]:
        """None."""
        return ()

    def flows(self, spot: Float[Array, " dates"]) -> Float[Array, " dates"]:
        """Cash that the owner of the book receives at each date (one path)."""
        return jnp.zeros_like(spot).at[self.closing].add((self.quantity * self.value).astype(spot.dtype))
