"""Static arbitrage in a surface, looked for on a dense grid of log-moneyness and maturity."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from tenrec.volatility.base import AbstractSurface


@dataclass(frozen=True)
class ArbitrageCheck:
    """What was found at the grid's points; a surface passes where neither minimum is below −tolerance."""

    butterfly: Float[np.ndarray, "maturities points"]
    """Durrleman's g, dimensionless."""
    calendar: Float[np.ndarray, "maturities points"]
    """∂w/∂τ, per year."""
    tolerance: float

    @property
    def free(self) -> bool:
        """Neither butterfly nor calendar arbitrage anywhere, and no number that is not finite."""
        return self.share_butterfly == 0.0 and self.share_calendar == 0.0

    @property
    def share_butterfly(self) -> float:
        """Share of points with butterfly arbitrage."""
        return float(np.mean(~(self.butterfly >= -self.tolerance)))

    @property
    def share_calendar(self) -> float:
        """Share of points with calendar arbitrage."""
        return float(np.mean(~(self.calendar >= -self.tolerance)))


def check(
    surface: AbstractSurface,
    log_moneyness: Float[np.ndarray, " points"],
    maturities: Float[np.ndarray, " maturities"],
    tolerance: float = 1e-9,
) -> ArbitrageCheck:
    """Durrleman's g and the calendar slope of any surface on a grid, in double precision.

    Example:
        >>> from tenrec.volatility.essvi import ESSVI
        >>> with jax.enable_x64(True):
        ...     surface = ESSVI(*(jnp.array(x) for x in ([0.5, 1.0], [0.02, 0.04], [-0.5, -0.4], [0.1, 0.15])))
        >>> check(surface, np.linspace(-1, 1, 41), np.linspace(0.1, 2, 20)).free
        True
    """
    with jax.enable_x64(True):
        found = _on_grid(surface, jnp.asarray(log_moneyness, jnp.float64), jnp.asarray(maturities, jnp.float64))
        butterfly, calendar = (np.asarray(part) for part in found)
    return ArbitrageCheck(butterfly, calendar, tolerance)


@jax.jit
def _on_grid(surface: AbstractSurface, k: Array, maturities: Array) -> tuple[Array, Array]:
    return surface.durrleman(k[None], maturities[:, None]), surface.calendar(k[None], maturities[:, None])
