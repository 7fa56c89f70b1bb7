"""European calls and puts, and signed books of them."""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from tenrec.contracts.base import AbstractContract, AbstractExotic, first_asset
from tenrec.core.checks import require
from tenrec.core.errors import ConfigError


class EuropeanBook(AbstractContract):
    """A signed book of European options on one underlying; a single option is a book of one leg.

    payoff of leg l at its expiry date e_l:  quantity_l · max(sign_l · (S_{e_l} − K_l), 0)

    Shapes: every field (legs,), or (paths, legs) when each path carries a contract of its own.
        strike: quote currency. sign: +1 call, −1 put. expiry: index of the expiry date on the grid.
        quantity: units owned; −1 is a sold option.

    Example:
        >>> book = european("call", strike=1.0, expiry=2)
        >>> book.flows(jnp.array([1.0, 1.1, 1.25])).tolist()
        [0.0, 0.0, -0.25]
    """

    strike: Float[Array, "*paths legs"]
    sign: Float[Array, "*paths legs"]
    expiry: Int[Array, "*paths legs"]
    quantity: Float[Array, "*paths legs"]

    @property
    def exotics(self) -> tuple[AbstractExotic, ...]:
        """None."""
        return ()

    def payoffs(self, spot: Float[Array, " dates"]) -> Float[Array, " legs"]:
        """What one unit of each leg pays at its expiry (one path)."""
        return jnp.maximum(self.sign * (spot[self.expiry] - self.strike), 0.0)

    def flows(self, spot: Float[Array, "dates *assets"]) -> Float[Array, " dates"]:
        """Cash that the owner of the book receives at each date (one path); of several assets the first counts."""
        spot = first_asset(spot)
        paid = self.quantity * self.payoffs(spot)
        return jnp.zeros_like(spot).at[self.expiry].add(paid)


def european(kind: str, *, strike: float, expiry: int, quantity: float = -1.0) -> EuropeanBook:
    """One European option, sold unless `quantity` says otherwise; `expiry` is a date index of the grid."""
    return european_book([kind], strikes=[strike], expiries=[expiry], quantities=[quantity])


def european_book(
    kinds: Sequence[str], *, strikes: Sequence[float], expiries: Sequence[int], quantities: Sequence[float]
) -> EuropeanBook:
    """A signed book; raises ConfigError for an unknown kind, numbers that cannot be, or lists that do not fit."""
    if not len(kinds) == len(strikes) == len(expiries) == len(quantities) > 0:
        counts = f"{len(kinds)} kinds, {len(strikes)} strikes, {len(expiries)} expiries, {len(quantities)} quantities"
        raise ConfigError(f"A book has {counts}; one of each for every option is needed, and at least one option.")
    for kind in kinds:
        if kind not in ("call", "put"):
            raise ConfigError(f"contract kind is {kind!r}; 'call' or 'put' is needed.")
    require("contract strike", np.asarray(strikes, float), lambda strike: strike > 0, "a positive price")
    require("contract quantity", np.asarray(quantities, float), lambda units: units != 0, "a number other than 0")
    require("contract expiry", np.asarray(expiries), lambda date: date >= 1, "a date index of at least 1")
    return EuropeanBook(
        strike=jnp.asarray(strikes, float),
        sign=jnp.asarray([1.0 if kind == "call" else -1.0 for kind in kinds]),
        expiry=jnp.asarray(np.asarray(expiries, dtype=np.int32)),
        quantity=jnp.asarray(quantities, float),
    )
