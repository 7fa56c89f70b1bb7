"""The smile of every expiry at every close, and how it says that volatility answers the forward."""

import numpy as np
import polars as pl
from jaxtyping import Float

from tenrec.backtest.signals import standard_contracts

FEWEST_STRIKES = 4
WIDEST = 2.5
"""Quotes within so many implied standard deviations of the forward are fitted."""


def smile_slopes(quotes: pl.DataFrame) -> pl.DataFrame:
    """A parabola through the out-of-the-money implied volatilities of each (date, expiry), by least squares.

    σ(x) = a + b·x + c·x²,  x = log(K/F)/(σ₀√τ), σ₀ the median volatility of the expiry

    Expiries with fewer than four such strikes get their mean volatility, a flat smile.

    Args:
        quotes: as `priced_quotes` gives them.

    Returns:
        trade_date, expiry, scale (σ₀√τ), a, b, c; one row a (date, expiry), sorted.
    """
    key, points = ["trade_date", "expiry"], smile_points(quotes)
    powers = {f"s{n}": (pl.col("x") ** n).sum() for n in range(5)}
    moments = {f"t{n}": (pl.col("implied_volatility") * pl.col("x") ** n).sum() for n in range(3)}
    sums = points.group_by(key).agg(pl.col("scale").first(), strikes=pl.col("x").n_unique(), **powers, **moments)
    sums = sums.sort(key)
    s = sums.select(powers.keys()).to_numpy()
    t = sums.select(moments.keys()).to_numpy()
    fitted = _parabolas(s, t, sums["strikes"].to_numpy() >= FEWEST_STRIKES)
    return sums.select(*key, "scale").with_columns(**{name: pl.Series(fitted[:, n]) for n, name in enumerate("abc")})


def smile_points(quotes: pl.DataFrame, widest: float = WIDEST) -> pl.DataFrame:
    """The out-of-the-money quotes that smiles are fitted to, with scale = σ₀√τ and x = log(K/F)/scale, |x| ≤ widest.

    Args:
        quotes: as `priced_quotes` gives them.
    """
    otm = (pl.col("log_moneyness") * pl.col("sign")) >= 0
    median = pl.col("implied_volatility").median().over("trade_date", "expiry")
    points = quotes.filter(otm, pl.col("implied_volatility").is_not_null(), standard_contracts())
    points = points.with_columns(scale=median * pl.col("years").sqrt()).filter(pl.col("scale") > 0)
    return points.with_columns(x=pl.col("log_moneyness") / pl.col("scale")).filter(pl.col("x").abs() <= widest)


def sticky_moneyness(
    log_moneyness: Float[np.ndarray, " rows"],
    scale: Float[np.ndarray, " rows"],
    b: Float[np.ndarray, " rows"],
    c: Float[np.ndarray, " rows"],
) -> Float[np.ndarray, " rows"]:
    """∂σ/∂log F of a smile that moves with the forward: −(b + 2c·x)/scale, x held inside the fitted range.

    Example:
        >>> one = np.ones(1)
        >>> sticky_moneyness(0.0 * one, 0.05 * one, -0.01 * one, 0.0 * one).round(2).tolist()
        [0.2]
    """
    return -(b + 2.0 * c * np.clip(log_moneyness / scale, -WIDEST, WIDEST)) / scale


def sticky_responses(rows: pl.DataFrame, slopes: pl.DataFrame) -> Float[np.ndarray, " rows"]:
    """The sticky-moneyness response of rows with trade_date, expiry and log_moneyness; 0 where no smile is known."""
    joined = rows.select("trade_date", "expiry", "log_moneyness").join(
        slopes, on=["trade_date", "expiry"], how="left", maintain_order="left"
    )
    numbers = (joined[name].to_numpy().astype(float) for name in ("log_moneyness", "scale", "b", "c"))
    return np.nan_to_num(sticky_moneyness(*numbers))


def _parabolas(
    s: Float[np.ndarray, "smiles 5"], t: Float[np.ndarray, "smiles 3"], enough: np.ndarray
) -> Float[np.ndarray, "smiles 3"]:
    """Solve the normal equations of all smiles at once; a flat one where the points are too few."""
    normal = s[:, np.arange(3)[:, None] + np.arange(3)[None, :]] + 1e-9 * np.eye(3)
    flat = np.column_stack([t[:, 0] / s[:, 0], np.zeros((len(t), 2))])
    solved = np.linalg.solve(np.where(enough[:, None, None], normal, np.eye(3)), t[..., None])[..., 0]
    return np.where(enough[:, None], solved, flat)
