"""What a panel's hedger knows at a close beyond `market_signals`: more horizons, and how volatility answered lately."""

import numpy as np
import polars as pl
from jaxtyping import Float

from tenrec.backtest.signals import SESSIONS_PER_YEAR, SIGNAL_NAMES, market_signals, rolling_sum

STATE_NAMES = (*SIGNAL_NAMES, "return_3d", "volatility_beta")
ANSWER_HALF_LIFE = 5.0
"""Half-life of the trailing answer of volatility, sessions."""
TYPICAL_ANSWER = 0.4
"""Answer at which the signal is 1: 0.4 volatility points for one percent of spot."""
PRIOR_SQUARE = 2e-4
"""Sum of squared returns that shrinks the trailing answer towards zero when the market stands still."""


def market_states(quotes: pl.DataFrame, forwards: pl.DataFrame) -> pl.DataFrame:
    """`market_signals` with two more columns; a row knows its date and the past alone.

    return_3d: as the other returns.
    volatility_beta: Σ Δσ·r / (Σ r² + 2e-4) / 0.4 over the past, weights halving every 5 sessions; σ the 30-day
        at-the-money volatility, r the index return: 1 where volatility rose 0.4 points with each percent of spot.
    """
    signals = market_signals(quotes, forwards)
    returns = signals["index_return"].to_numpy()
    volatility = signals["atm_volatility"].fill_nan(None).forward_fill().to_numpy().astype(float)
    daily = volatility / np.sqrt(SESSIONS_PER_YEAR)
    three = np.nan_to_num(rolling_sum(returns, 3) / (daily * np.sqrt(3.0)))
    changes = np.nan_to_num(np.diff(volatility, prepend=volatility[:1]))
    answer = trailing_answer(changes, returns, ANSWER_HALF_LIFE) / TYPICAL_ANSWER
    return signals.with_columns(return_3d=pl.Series(three), volatility_beta=pl.Series(answer))


def trailing_answer(
    changes: Float[np.ndarray, " dates"], returns: Float[np.ndarray, " dates"], half_life: float
) -> Float[np.ndarray, " dates"]:
    """Slope of the regression of `changes` on `returns` through the origin, shrunk, the weight halving in time.

    Example:
        >>> trailing_answer(np.array([0.0, -0.004]), np.array([0.0, 0.02]), 5.0).round(4).tolist()
        [0.0, -0.1333]
    """
    keep = 0.5 ** (1.0 / half_life)
    cross = square = 0.0
    slopes = np.empty(len(returns))
    for date, (change, move) in enumerate(zip(changes, returns, strict=True)):
        cross, square = keep * cross + change * move, keep * square + move * move
        slopes[date] = cross / (square + PRIOR_SQUARE)
    return slopes
