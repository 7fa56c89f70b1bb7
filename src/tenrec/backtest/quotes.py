"""Option closes with their forward and implied volatility."""

import numpy as np
import polars as pl
from jaxtyping import Float
from scipy.special import ndtr

TOTAL_VOLATILITY_RANGE = (1e-4, 3.0)
BISECTIONS = 45
"""Halvings of the range above: its width falls below 1e-12."""


def priced_quotes(options: pl.DataFrame, forwards: pl.DataFrame, *, rate: float = 0.025) -> pl.DataFrame:
    """The usable closes, with what a hedger computes from them.

    Args:
        options: trade_date, expiry, cp, strike, dup_key, close and whatever else; ambiguous rows and rows without a
            positive close are left out. A column years says the time to expiry to the hour; else it is whole days.
        forwards: trade_date, expiry, forward.
        rate: continuous annual rate that discounts the option's value, decimal.

    Returns:
        the columns of `options`, and forward, years (to expiry), sign (+1 call, −1 put), log_moneyness (log K/F),
        undiscounted (close·exp(rT)) and implied_volatility, null where none gives the close (no time value, or expiry).
    """
    usable = options.filter(~pl.col("dup_key"), pl.col("close") > 0)
    quotes = usable.drop("forward", strict=False).join(
        forwards.select("trade_date", "expiry", "forward"), on=["trade_date", "expiry"]
    )
    days = (pl.col("expiry") - pl.col("trade_date")).dt.total_days() / 365.0
    quotes = quotes.with_columns(
        years=pl.coalesce("years", days) if "years" in quotes.columns else days,
        sign=pl.when(pl.col("cp") == "C").then(1.0).otherwise(-1.0),
        log_moneyness=(pl.col("strike") / pl.col("forward")).log(),
    ).with_columns(undiscounted=pl.col("close") * (rate * pl.col("years")).exp())
    names = ("sign", "forward", "strike", "years", "undiscounted")
    volatility = implied_volatility(*(quotes[name].to_numpy() for name in names))
    return quotes.with_columns(implied_volatility=pl.Series(volatility).fill_nan(None))


def implied_volatility(
    sign: Float[np.ndarray, " quotes"],
    forward: Float[np.ndarray, " quotes"],
    strike: Float[np.ndarray, " quotes"],
    years: Float[np.ndarray, " quotes"],
    undiscounted: Float[np.ndarray, " quotes"],
) -> Float[np.ndarray, " quotes"]:
    """Volatility whose Black (1976) value is `undiscounted` = price·exp(rT); annualised decimal, NaN for none.

    Example:
        >>> one = np.ones(1)
        >>> implied_volatility(one, one, one, one * 30 / 365, one * 0.022871).round(4).tolist()
        [0.2]
    """
    low, high = (np.full(sign.shape, bound) for bound in TOTAL_VOLATILITY_RANGE)
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        below = black_value(sign, forward, strike, middle) < undiscounted
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    total = 0.5 * (low + high)
    smallest, largest = TOTAL_VOLATILITY_RANGE
    inside = (total > 2.0 * smallest) & (total < 0.99 * largest) & (years > 0)
    return np.where(inside, total / np.sqrt(np.where(years > 0, years, 1.0)), np.nan)


def black_value(
    sign: Float[np.ndarray, "..."],
    forward: Float[np.ndarray, "..."],
    strike: Float[np.ndarray, "..."],
    total_volatility: Float[np.ndarray, "..."],
) -> Float[np.ndarray, "..."]:
    """Undiscounted Black (1976) value s·(F·N(s·d₁) − K·N(s·d₂)) at total volatility σ√T."""
    upper = d1(forward, strike, total_volatility)
    return sign * (forward * ndtr(sign * upper) - strike * ndtr(sign * (upper - total_volatility)))


def d1(
    forward: Float[np.ndarray, "..."], strike: Float[np.ndarray, "..."], total_volatility: Float[np.ndarray, "..."]
) -> Float[np.ndarray, "..."]:
    """log(F/K)/w + w/2 at total volatility w."""
    return np.log(forward / strike) / total_volatility + 0.5 * total_volatility
