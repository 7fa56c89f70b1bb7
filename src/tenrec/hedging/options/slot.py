"""A place among the hedging instruments that a listed option fills, and the dates at which it is filled anew."""

from dataclasses import dataclass
from typing import Literal

import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtri
from jaxtyping import Array, Float

from tenrec.core.errors import ConfigError
from tenrec.core.listed import EXPIRES, GOES_ON, GONE, ROLLS

NEAR = 1e-6
"""Share of a period by which two times may differ and be one date."""


@dataclass(frozen=True)
class Segment:
    """One option of a slot: date index at which it is listed, at which it ends, and years from the start to expiry."""

    first: int
    last: int
    expiry: float


@dataclass(frozen=True)
class OptionSlot:
    """Listed options that follow each other as one hedging instrument.

    Args:
        sign: +1 call, −1 put. life: years from the start to the first expiry.
        every: years between expiries; None lists one option, which is not replaced.
        roll_at: years before expiry at which the option is sold and the next one is listed; 0 at expiry.
        rule: what `level` is: the strike in quote currency, its share of the spot at listing ("moneyness"), or the
            absolute Black–Scholes delta at listing, at the volatility of that date ("delta").

    The k-th option expires at life + k·every; the next is listed at the first trading date that lies `roll_at` or less
    before an expiry.

    Example:
        >>> slot = OptionSlot(sign=1.0, life=20 / 365, every=20 / 365)
        >>> [(part.first, part.last) for part in slot.segments(np.full(30, 1 / 365))]
        [(0, 20), (20, 30)]
    """

    sign: float = 1.0
    life: float = 30 / 365
    every: float | None = None
    roll_at: float = 0.0
    rule: Literal["strike", "moneyness", "delta"] = "moneyness"
    level: float = 1.0

    def segments(self, dt: Float[np.ndarray, " steps"]) -> tuple[Segment, ...]:
        """The options over a grid of periods `dt`.

        Raises:
            ConfigError: an option that ends before it can be held, or that expires between two trading dates.
        """
        time = np.concatenate([[0.0], np.cumsum(np.asarray(dt, np.float64))])
        slack, last = NEAR * float(np.min(dt)), len(dt)
        found: list[Segment] = []
        first, expiry = 0, self.life
        while True:
            ending = int(np.searchsorted(time, expiry - self.roll_at - slack)) if self.every else None
            ends = int(np.searchsorted(time, expiry - slack)) if ending is None else ending
            if ends <= first or expiry < time[first + 1] - slack:
                raise ConfigError(
                    f"A listed option ends {(expiry - time[first]) / dt[min(first, last - 1)]:.3g} steps of the grid "
                    "after its listing, before the next date on which it could be traded; give it more days, or the "
                    "grid more steps."
                )
            found.append(Segment(first, min(ends, last), expiry))
            if (ends < last and time[ends] > expiry + slack) or (ends >= last and expiry < time[-1] - slack):
                raise ConfigError(
                    f"A listed option expires {expiry / np.mean(dt):.4g} steps of the grid from the start, between two "
                    "trading dates; choose days, every and grid.steps so that expiries are dates of the grid, or roll "
                    "it before (roll_at)."
                )
            if ends >= last or self.every is None:
                return tuple(found)
            first, expiry = ends, expiry + self.every

    def lives(self, dt: Float[np.ndarray, " steps"]) -> np.ndarray:
        """`Listed.life` at every date."""
        time = np.concatenate([[0.0], np.cumsum(np.asarray(dt, np.float64))])
        slack, parts = NEAR * float(np.min(dt)), self.segments(dt)
        codes = np.full(len(time), GOES_ON, np.int32)
        for part in parts[:-1]:
            codes[part.last] = EXPIRES if time[part.last] > part.expiry - slack else ROLLS
        if time[parts[-1].last] > parts[-1].expiry - slack:
            codes[parts[-1].last :] = GONE
        return codes


def strikes_at(
    slot: OptionSlot,
    *,
    spot: Float[Array, "..."],
    volatility: Float[Array, "..."],
    time: Float[Array, "..."],
    growth: Float[Array, "..."],
    dividend_discount: Float[Array, "..."],
) -> Float[Array, "..."]:
    """The strike of an option of the slot that is listed now, quote currency; arguments broadcast.

    Of a given delta k, with forward F = growth·spot: K = F·exp(−s·σ√τ·N⁻¹(k/e^{−yτ}) + σ²τ/2), s the option's sign.
    """
    if slot.rule == "strike":
        return jnp.full_like(spot, slot.level)
    if slot.rule == "moneyness":
        return slot.level * spot
    total = volatility * jnp.sqrt(time)
    quantile = ndtri(jnp.clip(slot.level / dividend_discount, 1e-6, 1.0 - 1e-6))
    return spot * growth * jnp.exp(-slot.sign * total * quantile + 0.5 * total**2)
