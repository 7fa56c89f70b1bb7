"""States of the market that a hedger knows at the close: nothing in a row looks past its date.

The forward of one expiry over one day gives the index return (a continuous series of levels would jump where the front
expiry changes), corrected at ex-dividend dates by the exchange's own change of strikes.
"""

import numpy as np
import polars as pl
from jaxtyping import Float
from scipy.special import ndtr

from tenrec.backtest.quotes import d1

SIGNAL_NAMES = (
    "return_1d",
    "return_5d",
    "return_20d",
    "implied_to_realised",
    "term_structure",
    "hedging_beta",
    "hedging_error",
)
SESSIONS_PER_YEAR = 244.0
REFERENCE_DAYS = 30.0
"""Maturity at which volatility is read and vega is normalised, calendar days."""
HALF_LIFE = 10.0
"""Half-life of the trailing hedging errors, sessions."""
PRIOR_SHARE = 0.1
"""Share of the long-run mean square that shrinks the trailing beta towards zero when the market stands still."""
LONGEST_DAYS, WIDEST = 50, 0.10
"""Options whose hedging errors are followed: days to expiry and |log strike/forward|."""


def market_signals(quotes: pl.DataFrame, forwards: pl.DataFrame) -> pl.DataFrame:
    """One row a trading date: trade_date, index_return, atm_volatility, realised_volatility and all of `SIGNAL_NAMES`.

    Args:
        quotes: as `priced_quotes` gives them. forwards: trade_date, expiry, forward.

    The signals at the close of date t, dimensionless; σ_t is the 30-day at-the-money implied volatility:
        return_kd: log index return over the last k sessions / (σ_t·√(k/244)).
        implied_to_realised: log(σ_t / realised volatility of the last 20 sessions).
        term_structure: log(90-day / 30-day at-the-money implied volatility).
        hedging_beta: how much more than the Black–Scholes delta should have been held lately, in units of
            φ(d₁)·√(τ/30 days): weighted regression of the one-day hedging errors of all quoted options on
            φ(d₁)·√(τ/30 days)·return, the weight halving every 10 sessions.
        hedging_error: mean of those errors, weighted in the same way, in daily standard deviations σ_t/√244.
    """
    dates = quotes["trade_date"].unique().sort()
    returns = _on_dates(dates, index_returns(quotes, forwards), "index_return", 0.0)
    near, far = (_filled(_on_dates(dates, _constant_maturity(quotes, days), "volatility")) for days in (30.0, 90.0))
    daily = near / np.sqrt(SESSIONS_PER_YEAR)
    squares = rolling_sum(returns**2, 20) / np.minimum(np.arange(len(dates)) + 1, 20)
    realised = np.sqrt(np.maximum(squares * SESSIONS_PER_YEAR, 1e-4))
    beta, error = _trailing_hedging(dates, hedging_errors(quotes))
    signals = pl.DataFrame(
        {
            "trade_date": dates,
            **{f"return_{k}d": rolling_sum(returns, k) / (daily * np.sqrt(k)) for k in (1, 5, 20)},
            "implied_to_realised": np.log(near / realised),
            "term_structure": np.log(far / near),
            "hedging_beta": beta,
            "hedging_error": error / daily,
            "index_return": returns,
            "atm_volatility": near,
            "realised_volatility": realised,
        }
    )
    # Before the first at-the-money volatility of a record its signals are unknown: neutral.
    return signals.with_columns(pl.col(SIGNAL_NAMES).fill_nan(0.0))


def index_returns(quotes: pl.DataFrame, forwards: pl.DataFrame) -> pl.DataFrame:
    """One-session log return of the forward of the nearest expiry with two days left: trade_date, index_return."""
    calendar = _sessions(forwards)
    pairs = forwards.select("trade_date", "expiry", "forward").join(calendar, on="trade_date")
    before = pairs.select("expiry", pl.col("session") + 1, earlier="forward")
    days = (pl.col("expiry") - pl.col("trade_date")).dt.total_days()
    lived = pairs.join(before, on=["expiry", "session"]).filter(days >= 2).sort("trade_date", "expiry")
    nearest = lived.group_by("trade_date", maintain_order=True).first()
    paid = _dividends(quotes)
    return (
        nearest.join(paid, on="trade_date", how="left")
        .select(
            "trade_date",
            index_return=(pl.col("forward") / pl.col("earlier")).log() + pl.col("dividend").fill_null(0.0),
        )
        .sort("trade_date")
    )


def hedging_errors(quotes: pl.DataFrame) -> pl.DataFrame:
    """What a Black–Scholes delta left unhedged over one session, for each option quoted on both days.

    With undiscounted values C and the forward F of the option's expiry, in units of the forward of the day before:

        error = (C_t − C_{t−1} − Δ_{t−1}·(F_t − F_{t−1})) / F_{t−1},   exposure = φ(d₁)·√(τ/30 d)·(F_t/F_{t−1} − 1)

    Returns:
        trade_date (t, when both are known), error, exposure.
    """
    key = ["expiry", "cp", "strike", "multiplier", "adj_event"]
    calendar = _sessions(quotes)
    dated = quotes.join(calendar, on="trade_date")
    after = dated.select(
        *key, pl.col("session") - 1, known="trade_date", value_after="undiscounted", forward_after="forward"
    )
    followed = dated.filter(
        pl.col("years") >= 2.0 / 365.0,
        pl.col("years") <= LONGEST_DAYS / 365.0,
        pl.col("log_moneyness").abs() < WIDEST,
        pl.col("implied_volatility").is_not_null(),
        standard_contracts(),
    )
    pairs = followed.join(after, on=[*key, "session"], nulls_equal=True).sort("known", *key)
    sign, forward, strike, years = (pairs[name].to_numpy() for name in ("sign", "forward", "strike", "years"))
    upper = d1(forward, strike, pairs["implied_volatility"].to_numpy() * np.sqrt(years))
    move = pairs["forward_after"].to_numpy() / forward - 1.0
    change = (pairs["value_after"] - pairs["undiscounted"]).to_numpy() / forward
    density = np.exp(-0.5 * upper**2) / np.sqrt(2.0 * np.pi)
    return pairs.select(
        pl.col("known").alias("trade_date"),
        error=pl.Series(change - sign * ndtr(sign * upper) * move),
        exposure=pl.Series(density * np.sqrt(years * 365.0 / REFERENCE_DAYS) * move),
    )


def at_the_money(quotes: pl.DataFrame) -> pl.DataFrame:
    """Implied volatility at strike = forward of every (date, expiry): trade_date, expiry, years, volatility.

    Linear in log-moneyness between the nearest out-of-the-money put and call; the nearest quote where one is missing.
    """
    outside = ((pl.col("log_moneyness") >= 0) & (pl.col("sign") > 0)) | (
        (pl.col("log_moneyness") < 0) & (pl.col("sign") < 0)
    )
    usable = quotes.filter(outside, pl.col("implied_volatility").is_not_null(), standard_contracts())
    call, put = pl.col("log_moneyness") >= 0, pl.col("log_moneyness") < 0
    distance, volatility = pl.col("log_moneyness").abs(), pl.col("implied_volatility")

    def nearest(side: pl.Expr, value: pl.Expr) -> pl.Expr:
        return value.filter(side).sort_by(distance.filter(side)).first()

    sides = usable.group_by("trade_date", "expiry", "years").agg(
        up=nearest(call, volatility), down=nearest(put, volatility), a=nearest(call, distance), b=nearest(put, distance)
    )
    between = (pl.col("up") * pl.col("b") + pl.col("down") * pl.col("a")) / (pl.col("a") + pl.col("b"))
    return sides.select(
        "trade_date", "expiry", "years", volatility=pl.coalesce(between, pl.col("up"), pl.col("down"))
    ).sort("trade_date", "expiry")


def rolling_sum(values: Float[np.ndarray, " dates"], window: int) -> Float[np.ndarray, " dates"]:
    """Sum of the last `window` values, of fewer at the start.

    Example:
        >>> rolling_sum(np.array([1.0, 2.0, 3.0]), 2).tolist()
        [1.0, 3.0, 5.0]
    """
    total = np.concatenate([[0.0], np.cumsum(values)])
    end = np.arange(1, len(values) + 1)
    return total[end] - total[np.maximum(end - window, 0)]


def exponential_mean(values: Float[np.ndarray, " dates"], half_life: float) -> Float[np.ndarray, " dates"]:
    """Weighted mean of all values so far, the weight halving every `half_life` dates."""
    keep = 0.5 ** (1.0 / half_life)
    weighted, weight = 0.0, 0.0
    means = np.empty(len(values))
    for date, value in enumerate(values):
        weighted, weight = keep * weighted + value, keep * weight + 1.0
        means[date] = weighted / weight
    return means


def _trailing_hedging(
    dates: pl.Series, errors: pl.DataFrame
) -> tuple[Float[np.ndarray, " dates"], Float[np.ndarray, " dates"]]:
    """Trailing beta and mean of the hedging errors, each option of a day weighing the same."""
    daily = errors.group_by("trade_date").agg(
        cross=(pl.col("error") * pl.col("exposure")).mean(),
        square=(pl.col("exposure") ** 2).mean(),
        mean=pl.col("error").mean(),
    )
    cross, square, mean = (_on_dates(dates, daily, name, 0.0) for name in ("cross", "square", "mean"))
    long_run = np.cumsum(square) / np.arange(1, len(dates) + 1)
    shrunk = exponential_mean(square, HALF_LIFE) + PRIOR_SHARE * long_run + 1e-12
    return exponential_mean(cross, HALF_LIFE) / shrunk, exponential_mean(mean, HALF_LIFE)


def _constant_maturity(quotes: pl.DataFrame, days: float) -> pl.DataFrame:
    """At-the-money volatility at a maturity, linear in total variance between expiries with five days left or more."""
    atm = at_the_money(quotes).filter(pl.col("years") >= 5.0 / 365.0)
    years = days / 365.0
    rows = []
    for (date,), curve in atm.group_by("trade_date", maintain_order=True):
        at, volatility = curve["years"].to_numpy(), curve["volatility"].to_numpy()
        # Beyond the listed expiries the volatility, not the variance, is carried on.
        inside = float(np.clip(years, at[0], at[-1]))
        rows.append((date, float(np.sqrt(np.interp(inside, at, volatility**2 * at) / inside))))
    return pl.DataFrame(rows, schema={"trade_date": pl.Date, "volatility": pl.Float64}, orient="row")


def _dividends(quotes: pl.DataFrame) -> pl.DataFrame:
    """Log dividend of each ex-date, read off the exchange's change of strikes: trade_date, dividend."""
    listed = ["expiry", "cp", "strike_raw", "adj_event"]
    changes = (
        quotes.filter(pl.col("adj_event").is_not_null())
        .sort("trade_date")
        .with_columns(earlier=pl.col("strike").shift().over(listed))
        .filter(pl.col("trade_date") == pl.col("adj_event"))
    )
    change = (pl.col("earlier") / pl.col("strike")).log().median()
    return changes.group_by("trade_date").agg(dividend=change)


def standard_contracts() -> pl.Expr:
    """Rows of contracts that no dividend has adjusted yet; the adjusted ones are hardly traded."""
    return pl.col("adj_event").is_null() | (pl.col("multiplier") == 10_000)


def _sessions(table: pl.DataFrame) -> pl.DataFrame:
    """Number of each trading date: trade_date, session."""
    return (
        table.select(pl.col("trade_date").unique().sort())
        .with_row_index("session")
        .with_columns(pl.col("session").cast(pl.Int64))
    )


def _on_dates(
    dates: pl.Series, table: pl.DataFrame, column: str, missing: float = float("nan")
) -> Float[np.ndarray, " dates"]:
    """A column on every date, `missing` where the table has no row."""
    aligned = pl.DataFrame({"trade_date": dates}).join(table, on="trade_date", how="left", maintain_order="left")
    return aligned[column].fill_null(missing).to_numpy().astype(float)


def _filled(values: Float[np.ndarray, " dates"]) -> Float[np.ndarray, " dates"]:
    """The last known value where one is missing; NaN before the first."""
    return pl.Series(values).fill_nan(None).forward_fill().fill_null(float("nan")).to_numpy()
