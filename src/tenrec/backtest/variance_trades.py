"""Trading volatility on records: a variance swap sold every month, and a short constant-maturity VIX future."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from tenrec.backtest.positions import Held, hold
from tenrec.volatility.forecast.compare import stationary_bootstrap
from tenrec.volatility.forecast.linear import LINEAR, walk_linear
from tenrec.volatility.forecast.targets import Schedule
from tenrec.volatility.record import VarianceRecord
from tenrec.volatility.variance.futures import VixFutures, rolled_weights

Days = Float[np.ndarray, " days"]

MONTH = 21
"""Trading days of a variance swap."""
VEGA = 0.01
"""Gain or loss, in units of capital, of one volatility point."""
SWAP_SPREAD, FUTURE_SPREAD = 0.5, 0.05
"""Half-spreads: volatility points of a swap's strike; points of a future, with its fee."""
MOST = 2.0
BLOCK, DRAWS = 22.0, 2000


def variance_marks(record: VarianceRecord, start: int, days: int = MONTH) -> Days:
    """Value at each close of a swap struck at the implied variance of `start`, per notional, before discounting.

        (1/n)·Σ realised·A + (n − e)/n·implied² − strike,   A trading days a year, e of n days elapsed

    Shape (days + 1,), from 0 at the start to realised less strike at the end; shorter at the record's end.
    """
    assert record.implied is not None
    end = min(start + days, len(record) - 1)
    returns = record.returns[start + 1 : end + 1]
    elapsed = np.arange(end - start + 1)
    accrued = np.concatenate([[0.0], np.cumsum(returns**2)]) * record.days_per_year / days
    left = (days - elapsed) / days * record.implied[start : end + 1] ** 2
    return accrued + left - record.implied[start] ** 2


def sell_variance(record: VarianceRecord, scale: Days, start: int, *, spread: float = SWAP_SPREAD) -> Held:
    """Sell a month's variance at the implied one, hold it to its end, sell the next; from `start` on.

    Args:
        record: with implied volatility. scale: size by the close it is sold at; 1 is `VEGA` a volatility point.
        spread: half-spread in volatility points, paid once.
    """
    assert record.implied is not None
    opens = list(range(start, len(record) - 1, MONTH))
    length = len(record) - start
    price = np.full((length, len(opens)), np.nan)
    units = np.zeros((length, len(opens)))
    cost = np.zeros((length, len(opens)))
    for column, opened in enumerate(opens):
        marks = variance_marks(record, opened)
        rows = slice(opened - start, opened - start + len(marks))
        strike = record.implied[opened]
        price[rows, column] = marks
        units[rows.start : rows.stop - 1, column] = -scale[opened] * VEGA / (2.0 * strike) * 100.0
        cost[rows.start, column] = 2.0 * strike * spread / 100.0
    return hold(price, units, cost)


def short_futures(futures: VixFutures, scale: Days, start: int, *, spread: float = FUTURE_SPREAD) -> Held:
    """Short a 30-day future made of the nearest two, rolled a little every day; from row `start` on.

    Args:
        scale: size by day; 1 is `VEGA` a point.
    """
    units = -VEGA * scale[:, None] * rolled_weights(futures)
    # On the eve of an expiry nothing of the front is left: it is never held into its settlement.
    listed = np.isfinite(futures.price)
    last = listed & ~np.concatenate([listed[1:], listed[-1:]])
    moved = np.where(last, units, 0.0)
    units = units - moved
    units[:, 1:] += moved[:, :-1]
    return hold(futures.price[start:], units[start:], np.full_like(units[start:], spread))


def premium_scale(implied: Days, forecast: Days) -> Days:
    """Size by what the forecast leaves of the implied variance: (1 − forecast/implied²) over its own past mean, 0 to 2.

    Args:
        implied: annualised volatility. forecast: annualised variance of the month ahead; NaN gives size 0.
    """
    premium = 1.0 - forecast / implied**2
    known = np.isfinite(premium)
    total, count = np.cumsum(np.where(known, premium, 0.0)), np.maximum(np.cumsum(known), 1)
    usual = np.maximum(total / count, 0.05)
    return np.where(known, np.clip(premium / usual, 0.0, MOST), 0.0)


def spike_scale(probability: Days, base: Days) -> Days:
    """Full size up to the usual probability, none from twice of it on: 2 − p/base, 0 to 1; NaN gives 1."""
    return np.where(np.isfinite(probability), np.clip(2.0 - probability / base, 0.0, 1.0), 1.0)


def variance_forecast(record: VarianceRecord, start: int) -> Days:
    """Annualised variance of the month ahead by log-HAR on an expanding window, NaN before `start`."""
    model = next(model for model in LINEAR if model.name == "log_har")
    return walk_linear(model, record, MONTH, Schedule(len(record), start, 22)) * record.days_per_year


@dataclass(frozen=True)
class TradeRecord:
    """How a strategy did, in units of capital; nothing is compounded.

    Args:
        mean, deviation: annualised. sharpe, low, high: with a 95 % interval by the stationary bootstrap.
        drawdown: largest fall of wealth from its peak. worst_day: smallest daily P&L. shortfall: mean of the worst
            5 % of months of 21 days. cost: annual. skewness: of daily P&L.
    """

    mean: float
    deviation: float
    sharpe: float
    low: float
    high: float
    drawdown: float
    worst_day: float
    shortfall: float
    cost: float
    skewness: float


def judge_trades(held: Held, days_per_year: float, *, seed: int = 0) -> TradeRecord:
    """The record of one strategy; resampled days come in blocks of a month on average."""
    pnl = held.pnl
    mean, deviation = float(pnl.mean() * days_per_year), float(pnl.std() * np.sqrt(days_per_year))
    index = stationary_bootstrap(len(pnl), BLOCK, DRAWS, seed)
    drawn = pnl[index]
    sharpes = drawn.mean(-1) / np.maximum(drawn.std(-1), 1e-300) * np.sqrt(days_per_year)
    low, high = np.percentile(sharpes, [2.5, 97.5])
    peak = np.maximum.accumulate(held.wealth)
    months = np.add.reduceat(pnl, np.arange(0, len(pnl), MONTH))
    worst = np.sort(months)[: max(1, round(0.05 * len(months)))]
    centred = pnl - pnl.mean()
    return TradeRecord(
        mean=mean, deviation=deviation, sharpe=mean / deviation if deviation > 0 else float("nan"), low=float(low),
        high=float(high), drawdown=float(np.max(peak - held.wealth)), worst_day=float(pnl.min()),
        shortfall=float(worst.mean()), cost=float(held.cost.sum() / len(pnl) * days_per_year),
        skewness=float(np.mean(centred**3) / max(np.mean(centred**2) ** 1.5, 1e-300)),
    )  # fmt: skip
