"""What an index's volatility says about the correlation of its members."""

import numpy as np
from jaxtyping import Float

from tenrec.core.errors import DataError

Members = Float[np.ndarray, "*days members"]
Weights = Float[np.ndarray, "*#days members"]


def implied_correlation(
    index: Float[np.ndarray, "*days"] | float, members: Members, weights: Weights
) -> Float[np.ndarray, "*days"]:
    """The one correlation of all pairs at which the members' volatilities make the index's.

        ρ = (σ² − Σ wᵢ²σᵢ²) / ((Σ wᵢσᵢ)² − Σ wᵢ²σᵢ²)

    Above 1 or below 0 the volatilities contradict each other (stale quotes, other maturities); it is not clipped.

    Args:
        index: annualised volatility. members: of each, last axis members. weights: shares of the index.

    Source: Cboe (2022), "S&P 500 implied correlation index methodology".

    Raises:
        DataError: fewer than two members that count, or volatilities that are not positive.

    Example:
        >>> float(implied_correlation(0.2, np.array([0.25, 0.25]), np.array([0.5, 0.5])).round(3))
        0.28
    """
    members, weights = np.asarray(members, float), np.asarray(weights, float)
    if not ((np.asarray(index) > 0).all() and (members > 0).all()):
        raise DataError("Implied correlation was given a volatility that is not positive; give annualised decimals.")
    own = np.sum((weights * members) ** 2, axis=-1)
    together = np.sum(weights * members, axis=-1) ** 2
    if not (together - own > 1e-12 * together).all():
        raise DataError("Implied correlation needs at least two members of weight above 0; give their weights.")
    return np.asarray((np.asarray(index, float) ** 2 - own) / (together - own))
