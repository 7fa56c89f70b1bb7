"""One-session steps of listed options: the rows on which the deltas of a panel are compared."""

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
import polars as pl
from scipy.special import ndtr

from tenrec.backtest.quotes import d1
from tenrec.contracts.quoted import QuotedBook
from tenrec.core.errors import ConfigError, DataError
from tenrec.core.paths import market_paths
from tenrec.hedging.assess import Sample

LISTING = ["expiry", "cp", "strike", "multiplier", "adj_event"]
"""What two rows of one contract share; a dividend adjustment changes the strike, so that no step straddles one."""
STANDARD_UNIT = 10_000


@dataclass(frozen=True)
class StepRule:
    """Which one-session steps are judged: by what was known at their start.

    Args:
        min_days, max_days: calendar days to expiry at the start of a step.
        max_log_moneyness: largest |log(strike / forward)|.
        min_delta, max_delta: the Black–Scholes delta's magnitude lies between them. Deep in the money quotes are
            stale more often than traded, and there is little to hedge but the forward.
        longest_gap: calendar days that a step may span, holidays included.
    """

    min_days: int = 5
    max_days: int = 130
    max_log_moneyness: float = 0.25
    min_delta: float = 0.002
    max_delta: float = 0.95
    longest_gap: int = 12

    def __post_init__(self) -> None:
        if not 2 <= self.min_days <= self.max_days:
            raise ConfigError(
                f"steps start {self.min_days} to {self.max_days} days before expiry; 2 ≤ min_days ≤ max_days is needed."
            )
        if not (self.max_log_moneyness > 0 and 0 <= self.min_delta < self.max_delta <= 1 and self.longest_gap >= 1):
            raise ConfigError(
                f"steps with |log strike/forward| ≤ {self.max_log_moneyness}, |delta| from {self.min_delta} to "
                f"{self.max_delta} and at most {self.longest_gap} days are asked for; a positive width, "
                "0 ≤ min_delta < max_delta ≤ 1 and at least one day are needed."
            )


def session_steps(quotes: pl.DataFrame, rule: StepRule | None = None) -> pl.DataFrame:
    """Every contract quoted at two successive sessions, one row a step, sorted by date, expiry, strike and kind.

    Values are undiscounted and, like forwards and strikes, in units of the forward of the contract's expiry at the
    start: the hedge is that forward.

    Args:
        quotes: as `priced_quotes` gives them.

    Returns:
        trade_date, next_date, gap (calendar days), expiry, cp, sign, years, log_moneyness, strike, implied_volatility,
        delta (of one unit owned), value, next_value, next_forward, next_volatility (null where the quote has none).

    Raises:
        DataError: no step passes the rule.
    """
    rule = StepRule() if rule is None else rule
    sessions = quotes.select(pl.col("trade_date").unique().sort()).with_row_index("session")
    dated = quotes.join(sessions, on="trade_date").with_columns(pl.col("session").cast(pl.Int64))
    after = dated.select(
        *LISTING,
        pl.col("session") - 1,
        next_date="trade_date",
        later_value="undiscounted",
        later_forward="forward",
        later_years="years",
        next_volatility="implied_volatility",
    )
    steps = dated.join(after, on=[*LISTING, "session"], nulls_equal=True).filter(_inside(rule))
    if steps.is_empty():
        raise DataError(f"no contract of the panel has quotes on two successive sessions inside {rule}; widen it.")
    scaled = steps.with_columns(
        gap=365.0 * (pl.col("years") - pl.col("later_years")),
        delta=pl.Series(_delta(steps)),
        value=pl.col("undiscounted") / pl.col("forward"),
        next_value=pl.col("later_value") / pl.col("forward"),
        next_forward=pl.col("later_forward") / pl.col("forward"),
        level="forward",
        strike=pl.col("strike") / pl.col("forward"),
    )
    size = pl.col("delta").abs()
    kept = scaled.filter(size >= rule.min_delta, size <= rule.max_delta, pl.col("gap") <= rule.longest_gap)
    if kept.is_empty():
        raise DataError(f"no one-session step of the panel lies inside {rule}; widen it.")
    return kept.select(
        "trade_date", "next_date", "gap", "expiry", "cp", "sign", "years", "log_moneyness", "strike", "level",
        "implied_volatility", "delta", "value", "next_value", "next_forward", "next_volatility",
    ).sort("trade_date", "expiry", "strike", "cp")  # fmt: skip


def steps_sample(
    steps: pl.DataFrame, signals: np.ndarray, signal_names: tuple[str, ...], *, quantity: float = -1.0
) -> Sample:
    """The steps as paths of the engine: sold (or held) at the quote, hedged for one session, closed at the next quote.

    A path has three dates: the start, the next session, and the expiry, at which nothing happens any more; it is there
    because an option's time to expiry is counted to a date of the grid. The forward is margined and values are
    undiscounted, so that no interest is earned: P&L = −quantity·(C₀ − C₁) + q·(F₁ − F₀).

    Args:
        steps: as `session_steps` gives them. signals: (steps, signals) known at the start. quantity: units owned.
    """
    count = steps.height
    years, gap = steps["years"].to_numpy(), steps["gap"].to_numpy() / 365.0
    ahead = steps["next_forward"].to_numpy()
    spot = np.stack([np.ones(count), ahead, ahead], axis=1)
    held = np.repeat(signals[:, None, :], 3, axis=1)
    dates = np.ones((count, 1), np.int32)
    paths = market_paths(
        spot=jnp.asarray(spot),
        dt=jnp.asarray(np.stack([gap, np.maximum(years - gap, 0.0)], axis=1)),
        volatility=jnp.asarray(np.repeat(steps["implied_volatility"].to_numpy()[:, None], 3, axis=1)),
        tradable=jnp.asarray([True, False, False]),
        signals=jnp.asarray(held),
        signal_names=signal_names,
    )
    book = QuotedBook(
        strike=jnp.asarray(steps["strike"].to_numpy()[:, None]),
        sign=jnp.asarray(steps["sign"].to_numpy()[:, None]),
        expiry=jnp.asarray(2 * dates),
        quantity=jnp.full((count, 1), quantity),
        closing=jnp.asarray(dates),
        value=jnp.asarray(steps["next_value"].to_numpy()[:, None]),
    )
    return Sample(paths, book, jnp.asarray(-quantity * steps["value"].to_numpy()))


def _inside(rule: StepRule) -> pl.Expr:
    days = pl.col("years") * 365.0
    return (
        pl.col("implied_volatility").is_not_null()
        & days.is_between(rule.min_days - 0.5, rule.max_days + 0.5)
        & (pl.col("log_moneyness").abs() <= rule.max_log_moneyness)
        & (pl.col("adj_event").is_null() | (pl.col("multiplier") == STANDARD_UNIT))
    )


def _delta(steps: pl.DataFrame) -> np.ndarray:
    sign, forward, strike, years, volatility = (
        steps[name].to_numpy() for name in ("sign", "forward", "strike", "years", "implied_volatility")
    )
    return sign * ndtr(sign * d1(forward, strike, volatility * np.sqrt(years)))
