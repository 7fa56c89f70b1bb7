"""Variance and volatility swaps on the books: forward variance, marks, and what convexity takes."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from tenrec.core.errors import ConfigError

Days = Float[np.ndarray, " days"]
Tenors = Float[np.ndarray, " tenors"]


def forward_variance(maturity: Tenors, variance: Tenors) -> Tenors:
    """Fair variance between successive maturities, (T₂K₂ − T₁K₁)/(T₂ − T₁), the first from today on.

    Args:
        maturity: years, rising. variance: fair annualised variance to each.

    Example:
        >>> forward_variance(np.array([0.5, 1.0]), np.array([0.04, 0.05])).round(6).tolist()
        [0.04, 0.06]
    """
    return np.diff(maturity * variance, prepend=0.0) / np.diff(maturity, prepend=0.0)


def realised_variance(price: Days, days_per_year: float = 252.0) -> float:
    """Annualised mean of squared log returns, no mean taken off, as swaps are settled."""
    return float(np.mean(np.diff(np.log(price)) ** 2) * days_per_year)


def convexity_adjusted(variance: float, variance_of_variance: float) -> float:
    """E√V ≈ √K − Var(V)/(8·K^{3/2}), V the realised annualised variance and K its mean.

    Source: Brockhaus and Long (2000), "Volatility swaps made simple", Risk.

    Example:
        >>> round(convexity_adjusted(0.04, 0.0002), 6)
        0.196875
    """
    return float(np.sqrt(variance) - variance_of_variance / (8.0 * variance**1.5))


@dataclass(frozen=True)
class VarianceSwap:
    """Pays notional·(realised variance − strike) at its end; `notional` per unit of annualised variance (1.0 = 100 %²).

    Args:
        strike: annualised variance. days: return days from start to end.
    """

    notional: float
    strike: float
    days: int

    def __post_init__(self) -> None:
        if self.days < 1 or self.strike <= 0.0:
            raise ConfigError(
                f"The swap has {self.days} days and strike {self.strike}; at least one day and a positive variance "
                "are needed."
            )

    @classmethod
    def from_vega(cls, vega: float, volatility: float, days: int) -> "VarianceSwap":
        """From vega notional (currency per volatility of 1.0) and strike volatility: notional = vega/(2·σ).

        Example:
            >>> round(VarianceSwap.from_vega(100.0, 0.2, 21).notional, 1)
            250.0
        """
        return cls(vega / (2.0 * volatility), volatility**2, days)

    def value(self, realised: float, elapsed: int, fair: float, discount: float = 1.0) -> float:
        """Mark to market: D·notional·(e/n·realised + (n − e)/n·fair − strike).

        Args:
            realised: annualised variance of the `elapsed` days e. fair: variance strike for what is left.

        Example:
            >>> round(VarianceSwap(100.0, 0.04, 20).value(0.09, 5, 0.05), 6)
            2.0
        """
        share = elapsed / self.days
        return discount * self.notional * (share * realised + (1.0 - share) * fair - self.strike)


def dollar_gamma(spot: float | Days, gamma: float | Days) -> float | Days:
    """½·Γ·S², the P&L of a delta-hedged book per squared log return, quote currency.

    A book gains Σ ½ΓS²·(r² − σ²Δt); it is a variance swap of notional ½ΓS²·T as far as this number stays constant.
    """
    return 0.5 * gamma * spot**2


def variance_vega(vega: float | Days, volatility: float | Days) -> float | Days:
    """∂V/∂(σ²) = vega/(2σ), vega per unit of volatility.

    Example:
        >>> variance_vega(40.0, 0.2)
        100.0
    """
    return vega / (2.0 * volatility)
