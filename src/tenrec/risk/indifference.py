"""The price at which one is indifferent between the hedged position and nothing."""

import math

from tenrec.core.errors import ConfigError
from tenrec.risk.base import AbstractRisk


def indifference_price(risk: AbstractRisk, value: float, *, spot: float, rate: float, maturity: float) -> float:
    """e^{−rT}·S₀·risk, in the quote currency, from the risk of a position that took no premium.

    Args:
        risk: the measure. value: its value, in units of the initial spot. spot: S₀. rate: continuous annual.
        maturity: T in years.

    Raises:
        ConfigError: a measure that is not cash-invariant; its value is no price.

    Example:
        >>> from tenrec.risk import EntropicRisk
        >>> indifference_price(EntropicRisk(aversion=20.0), 0.023, spot=100.0, rate=0.0, maturity=0.1)
        2.3
    """
    if not risk.cash_invariant:
        raise ConfigError(
            f"{type(risk).__name__} is not cash-invariant, so its value is no price; choose a measure "
            "that is, such as entropic, cvar or mean_std."
        )
    return math.exp(-rate * maturity) * spot * value
