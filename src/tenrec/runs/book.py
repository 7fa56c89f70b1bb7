"""From the contracts of a configuration to a book."""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np

from tenrec.contracts import (
    AbstractContract,
    AbstractExotic,
    AsianOption,
    BarrierOption,
    DigitalOption,
    OneTouch,
    european_book,
    mixed_book,
)
from tenrec.core.errors import ConfigError
from tenrec.runs.config import EuropeanSpec


def build_book(legs: Sequence[EuropeanSpec], dates: Sequence[int], spot: float | None) -> AbstractContract:
    """The book, plain options first; `dates` are the expiries on the grid, quantities count the multiplier in.

    Args:
        spot: at the start, where it is known: a barrier that it has touched already is refused.
    """
    plain = [place for place, leg in enumerate(legs) if leg.is_european]
    book = None
    if plain:
        book = european_book(
            [legs[place].kind.removeprefix("european_") for place in plain],
            strikes=[legs[place].strike for place in plain],
            expiries=[dates[place] for place in plain],
            quantities=[legs[place].quantity * legs[place].multiplier for place in plain],
        )
    exotics = tuple(_exotic(leg, date, spot) for leg, date in zip(legs, dates, strict=True) if not leg.is_european)
    if book is not None and not exotics:
        return book
    return mixed_book(book, exotics)


def _exotic(leg: EuropeanSpec, date: int, spot: float | None) -> AbstractExotic:
    kind, sign = leg.kind, jnp.asarray(leg.sign)
    expiry, quantity = jnp.asarray(np.int32(date)), jnp.asarray(leg.quantity * leg.multiplier)
    strike = jnp.asarray(leg.strike)
    if leg.barrier is not None:
        direction = 1.0 if kind.startswith("up") or kind.endswith("up") else -1.0
        if spot is not None and direction * (spot - leg.barrier) >= 0.0:
            raise ConfigError(
                f"contract.barrier is {leg.barrier:g} and market.spot is {spot:g}; a {kind.replace('_', ' ')} needs a "
                f"barrier {'above' if direction > 0 else 'below'} the spot."
            )
        if kind.startswith("one_touch"):
            return OneTouch(jnp.asarray(leg.barrier), sign, expiry, quantity, jnp.asarray(leg.cash))
        level = jnp.asarray(leg.barrier)
        return BarrierOption(strike, sign, expiry, quantity, level, jnp.asarray(direction), knocks_in="_in_" in kind)
    if kind.startswith("digital"):
        return DigitalOption(strike, sign, expiry, quantity, jnp.asarray(leg.cash))
    return AsianOption(strike, sign, expiry, quantity, geometric=kind.startswith("geometric"))
