"""Variance of a day from its open, high, low and close."""

import numpy as np
from jaxtyping import Float

Days = Float[np.ndarray, " days"]


def garman_klass(open_: Days, high: Days, low: Days, close: Days, previous: Days) -> Days:
    """σ̂² = (log O − log C₋₁)² + ½(log H/L)² − (2 log 2 − 1)(log C/O)².

    The night's square and the session's range, 7.4 times as efficient as a squared return for the session (Garman and
    Klass, 1980). The night counts as 0 where `previous` is NaN.

    Example:
        >>> one = np.ones(1)
        >>> bool(np.isclose(garman_klass(one, 1.02 * one, 0.99 * one, one, one)[0], 0.5 * np.log(1.02 / 0.99) ** 2))
        True
    """
    night = np.nan_to_num(np.log(open_ / previous)) ** 2
    return night + 0.5 * np.log(high / low) ** 2 - (2 * np.log(2) - 1) * np.log(close / open_) ** 2
