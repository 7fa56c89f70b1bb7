"""Any hedge, for options that are quoted, paid and settled in the coin they are written on."""

from typing import Any

from jaxtyping import Array, Float

from tenrec.hedging.policies.base import AbstractPositionPolicy
from tenrec.hedging.sensitivities import book_value, on_first_instrument
from tenrec.hedging.view import MarketView


class PremiumAdjusted(AbstractPositionPolicy):
    """What `inner` holds, less the underlying that the options' own value in coin is worth.

    The value of an option in coin is V/S, and S·d(V/S)/dS = δ − V/S: of a delta δ of the value in the quote currency
    the premium, kept in coin, is part already. As the "premium-adjusted delta" of currency options, and the "net delta"
    of coin-margined exchanges.

    Source: Reiswich and Wystup (2010), "A guide to FX options quoting conventions", J. Derivatives 18.
    """

    inner: AbstractPositionPolicy

    def inputs(self, view: MarketView) -> Any:
        premium = book_value(view, view.volatility) / view.spot
        return self.inner.inputs(view), on_first_instrument(view, -premium)

    def target(self, known: Any, position: Float[Array, " instruments"]) -> Float[Array, " instruments"]:
        wanted, premium = known
        return self.inner.target(wanted, position) + premium
