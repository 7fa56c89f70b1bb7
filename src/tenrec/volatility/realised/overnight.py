"""From the variance of a session to that of a whole day."""

from typing import Literal

import numpy as np
from jaxtyping import Float

Days = Float[np.ndarray, " days"]
Overnight = Literal["leave", "add", "scale"]


def whole_day_variance(session: Days, overnight: Days, how: Overnight = "add") -> Days:
    """Variance from close to close.

    Args:
        session: realised variance of the session.
        overnight: log return from the last close to the open, NaN if unknown.
        how: "leave" the night out; "add" its squared return; "scale" all sessions by one factor, so that on average
            they agree with the squared close-to-close moves (Hansen and Lunde, 2005): it looks at the whole record and
            is for description, not for forecasts.

    Example:
        >>> [float(v) for v in whole_day_variance(np.array([1e-4, 2e-4]), np.array([np.nan, 0.01])).round(6)]
        [0.0001, 0.0003]
    """
    if how == "leave":
        return session
    night = np.nan_to_num(overnight) ** 2
    if how == "add":
        return session + night
    both = np.isfinite(session) & np.isfinite(overnight)
    return session * (1.0 + night[both].sum() / session[both].sum())
