"""The out-of-the-money strip of one expiry, as the exchange selects it, and the variance that it is worth.

The forward comes from the strike at which call and put are closest; K₀ is the first strike at or below it. Puts below
and calls above are taken, away from K₀, until two strikes in a row have no bid; at K₀ the mean of both is.

    σ² = (2/T)·Σ ΔK_i/K_i²·e^{rT}·Q(K_i) − (1/T)·(F/K₀ − 1)²

Source: Cboe (2023), "Volatility Index Methodology: Cboe Volatility Index", sections on the single-term variance.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from tenrec.core.errors import DataError

Strikes = Float[np.ndarray, " strikes"]

GAP = 2
"""So many strikes without a bid in a row end the strip."""
LEAST = 1
"""Strikes needed on each side of K₀."""


@dataclass(frozen=True)
class Strip:
    """One expiry's out-of-the-money prices.

    Args:
        maturity: years. forward: quote currency. discount: factor to the expiry. centre: K₀.
        strike: rising. price: put below K₀, call above, their mean at K₀; middle prices, quote currency.
    """

    maturity: float
    forward: float
    discount: float
    centre: float
    strike: Strikes
    price: Strikes

    @property
    def sign(self) -> Strikes:
        """−1 where the price is a put's, +1 where a call's; the strike at the centre counts by its side of F."""
        return np.where(self.strike < self.forward, -1.0, 1.0)


def quoted_strip(
    strike: Strikes, call: Strikes, put: Strikes, *, maturity: float, discount: float, what: str = "The chain"
) -> Strip:
    """Select the strip of one expiry.

    Args:
        strike: rising, without repeats. call, put: middle prices, NaN where there is no bid.
        maturity: years, above 0. discount: factor to the expiry. what: how messages begin.

    Raises:
        DataError: no strike with both a call and a put, or fewer than two quotes on one side of K₀.
    """
    both = np.isfinite(call) & np.isfinite(put)
    if not both.any():
        raise DataError(
            f"{what} has {_missing(call, put)}; a forward needs one strike with both, so give a chain of calls and "
            "puts."
        )
    closest = np.flatnonzero(both)[np.argmin(np.abs(call - put)[both])]
    forward = float(strike[closest] + (call - put)[closest] / discount)
    below = np.flatnonzero(both & (strike <= forward))
    if below.size == 0:
        raise DataError(f"{what} has no call and put at a strike below the forward {forward:.6g}; add lower strikes.")
    middle = int(below[-1])
    lower = _until_gap(put[:middle][::-1])
    puts = middle - 1 - lower
    calls = middle + 1 + _until_gap(call[middle + 1 :])
    for side, found in (("put below", puts), ("call above", calls)):
        if found.size < LEAST:
            raise DataError(
                f"{what} has {found.size} out-of-the-money {side} the forward {forward:.6g}; at least {LEAST} on "
                f"each side {'is' if LEAST == 1 else 'are'} needed, so give a chain with more strikes."
            )
    chosen = np.concatenate([puts[::-1], [middle], calls])
    price = np.concatenate([put[puts[::-1]], [0.5 * (call[middle] + put[middle])], call[calls]])
    return Strip(maturity, forward, discount, float(strike[middle]), strike[chosen], price)


def _missing(call: Strikes, put: Strikes) -> str:
    if not np.isfinite(put).any():
        return "no quoted put"
    return "no quoted call" if not np.isfinite(call).any() else "no strike at which both call and put are quoted"


def _until_gap(price: Strikes) -> np.ndarray:
    """Places of the quoted prices before the first two unquoted ones in a row, going outwards."""
    empty = ~np.isfinite(price)
    pairs = np.flatnonzero(empty[1:] & empty[:-1]) if GAP == 2 and price.size > 1 else np.empty(0, int)
    end = int(pairs[0]) if pairs.size else price.size
    return np.flatnonzero(~empty[:end])


def widths(strike: Strikes) -> Strikes:
    """ΔK: half the distance between the neighbours, at the ends the distance to the only one."""
    inner = 0.5 * (strike[2:] - strike[:-2])
    return np.concatenate([[strike[1] - strike[0]], inner, [strike[-1] - strike[-2]]])


def index_variance(strip: Strip) -> float:
    """The exchange's σ² of one expiry, annualised.

    Example:
        >>> strike = np.array([90.0, 95.0, 100.0, 105.0, 110.0])
        >>> price = np.array([0.3, 0.9, 2.3, 0.8, 0.2])
        >>> round(index_variance(Strip(1 / 12, 100.0, 1.0, 100.0, strike, price)), 4)
        0.0547
    """
    weighted = np.sum(widths(strip.strike) / strip.strike**2 * strip.price) / strip.discount
    return float((2.0 * weighted - (strip.forward / strip.centre - 1.0) ** 2) / strip.maturity)


def strip_skewness(strip: Strip) -> float:
    """Skewness of the log return to expiry, by the exchange's three power payoffs; NaN where the quotes have no spread.

    Source: Cboe (2011), "The CBOE Skew Index", with its adjustments for the distance of K₀ from F.
    """
    log, apart = np.log(strip.strike / strip.forward), np.log(strip.centre / strip.forward)
    each = widths(strip.strike) / strip.strike**2 * strip.price / strip.discount
    ratio = strip.forward / strip.centre
    first = -np.sum(each) - (1.0 - apart - ratio)
    second = np.sum(2.0 * (1.0 - log) * each) + 2.0 * apart * (ratio - 1.0) + 0.5 * apart**2
    third = np.sum(3.0 * (2.0 * log - log**2) * each) + 3.0 * apart**2 * (apart / 3.0 - 1.0 + ratio)
    spread = second - first**2
    if spread <= 0.0:
        return float("nan")
    return float((third - 3.0 * first * second + 2.0 * first**3) / spread**1.5)
