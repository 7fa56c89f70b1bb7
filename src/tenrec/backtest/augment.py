"""Training paths beside the recorded ones, made only from what was known by a date: resampled, or of a fitted model."""

import dataclasses
import datetime as dt
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
from jaxtyping import Float, Int, Shaped

from tenrec.backtest.forwards import complete_forwards
from tenrec.backtest.panel import DAYS_PER_YEAR
from tenrec.backtest.quotes import black_value, priced_quotes
from tenrec.backtest.selection import SelectionRule
from tenrec.backtest.signals import SESSIONS_PER_YEAR, SIGNAL_NAMES, market_signals, rolling_sum
from tenrec.contracts.european import EuropeanBook
from tenrec.core.errors import DataError
from tenrec.core.paths import market_paths
from tenrec.hedging.assess import Sample
from tenrec.markets import BootstrapMarket, HestonMarket, calibrate_heston

FEWEST_CLOSES = 60
BURN_IN = 244
"""Sessions simulated before the sale: the variance forgets its start, and returns over 20 sessions are known."""


@dataclass(frozen=True)
class MarketHistory:
    """What was observed at each close of a record; `until` forgets everything after a date.

    Shapes (closes = days + 1):
        dates: (closes,) datetime64[D].
        returns: (days,) log index return, entry j from close j to close j + 1.
        volatility: (closes,) 30-day at-the-money implied volatility, annualised decimal.
        signals: (closes, signals) the columns `signal_names`, by default those of `market_signals`.
    """

    dates: Shaped[np.ndarray, " closes"]
    returns: Float[np.ndarray, " days"]
    volatility: Float[np.ndarray, " closes"]
    signals: Float[np.ndarray, "closes signals"]
    signal_names: tuple[str, ...] = SIGNAL_NAMES

    def until(self, end: dt.date) -> "MarketHistory":
        """The history up to and including `end`; raises DataError if it has fewer than `FEWEST_CLOSES` closes."""
        closes = int(np.searchsorted(self.dates, np.datetime64(end), side="right"))
        if closes < FEWEST_CLOSES:
            raise DataError(
                f"the record has {closes} closes up to {end}; at least {FEWEST_CLOSES} are needed to make paths from "
                "it, choose a later date."
            )
        rows = slice(closes)
        return dataclasses.replace(
            self,
            dates=self.dates[rows],
            returns=self.returns[: closes - 1],
            volatility=self.volatility[rows],
            signals=self.signals[rows],
        )

    @property
    def calendar_days(self) -> Float[np.ndarray, " days"]:
        """Calendar days that each return took."""
        return np.diff(self.dates).astype(float)

    @property
    def period(self) -> float:
        """Mean length of a session in years."""
        return float(self.calendar_days.mean()) / DAYS_PER_YEAR


def market_history(
    options: pl.DataFrame, forwards: pl.DataFrame, etf: pl.DataFrame, *, until: dt.date | None = None, rate: float
) -> MarketHistory:
    """The history of a panel's market, from the tables that `option_panel` takes.

    Every row knows its own date and the past alone. Several cut-offs are served by one history of the whole record and
    its method `until`, which gives what the record cut at that date would have given.

    Args:
        until: last date, inclusive; None keeps the whole record. rate: as in `option_panel`.

    Raises:
        DataError: too few closes with an at-the-money volatility.
    """
    completed = complete_forwards(options, forwards, etf, rate=rate)
    signals = market_signals(priced_quotes(options, completed, rate=rate), completed)
    known = signals.filter(pl.col("atm_volatility").is_finite())
    history = MarketHistory(
        dates=known["trade_date"].to_numpy().astype("datetime64[D]"),
        returns=known["index_return"].to_numpy()[1:],
        volatility=known["atm_volatility"].to_numpy(),
        signals=known.select(SIGNAL_NAMES).to_numpy(),
    )
    return history.until(dt.date.max if until is None else until)


def bootstrapped(
    history: MarketHistory,
    *,
    count: int,
    seed: int,
    rate: float,
    mean_block: float = 40.0,
    rule: SelectionRule | None = None,
    quantity: float = -1.0,
) -> Sample:
    """Options on paths resampled from the history in blocks of `mean_block` sessions on average.

    A recorded day keeps its return, its length in calendar days, and the volatility and signals at its close. Each
    path carries one option, a call as likely as a put, sold at date 0: it expires at a session inside the rule's window
    of calendar days, any of them with the same probability, and log(strike/forward) is uniform inside the rule's
    moneyness. Everything else is as in `Panel`: units of the forward at the sale, the margined forward of the expiry as
    the instrument, the settlement repeated after it.

    Args:
        count: paths. seed: of the paths and of the contracts. rate: continuous annual interest rate.
        rule: window of days to expiry and moneyness. quantity: units owned; the premium is −quantity · Black value.

    Raises:
        DataError: sessions too far apart for the rule's window. ConfigError: fewer than one path, mean_block below 1.
    """
    rule = SelectionRule() if rule is None else rule
    steps = _sessions_within(rule.max_days)
    market = BootstrapMarket(
        returns=history.returns,
        dt=np.full(steps, history.period),
        volatility=history.volatility,
        # The first close ends no recorded session and is never drawn as the end of one.
        signals=np.column_stack([history.signals, np.append(0.0, history.calendar_days)]),
        signal_names=(*history.signal_names, "calendar_days"),
        mean_block=mean_block,
        rate=rate,
        dividend_yield=rate,
    )
    drawn = market.simulate(jax.random.key(seed), count)
    states = np.asarray(drawn.signals, float)
    made = _Unsold(
        spot=np.asarray(drawn.spot, float),
        volatility=np.asarray(drawn.volatility, float),
        days=states[:, 1:, -1],
        signals=states[:, :, :-1],
        signal_names=history.signal_names,
    )
    return _with_contracts(made, rule, seed=seed, rate=rate, quantity=quantity)


def calibrated(
    history: MarketHistory,
    *,
    count: int,
    seed: int,
    rate: float,
    rule: SelectionRule | None = None,
    quantity: float = -1.0,
) -> Sample:
    """The same on paths of a Heston model fitted to the history's returns and at-the-money variances.

    The forward is a martingale, a session lasts as long as the history's mean one, and the quoted volatility is √v, but
    never below the lowest recorded one. Signals are those of `model_signals`.

    Raises:
        DataError: the recorded variance does not revert to a mean, or sessions too far apart for the rule's window.
        ConfigError: fewer than one path.
    """
    rule = SelectionRule() if rule is None else rule
    steps = _sessions_within(rule.max_days)
    fit = calibrate_heston(history.returns, history.volatility**2, history.period)
    market = HestonMarket(
        spot=1.0,
        dt=np.full(BURN_IN + steps, history.period),
        rate=rate,
        dividend_yield=rate,
        **fit._replace(initial_variance=fit.long_run_variance)._asdict(),
    )
    drawn = market.simulate(jax.random.key(seed), count)
    spot = np.asarray(drawn.spot, float)
    volatility = np.maximum(np.asarray(drawn.volatility, float), history.volatility.min())
    log_spot = np.log(spot)
    signals = model_signals(np.diff(log_spot, axis=1, prepend=log_spot[:, :1]), volatility, history.signal_names)
    made = _Unsold(
        spot=spot[:, BURN_IN:] / spot[:, BURN_IN : BURN_IN + 1],
        volatility=volatility[:, BURN_IN:],
        days=np.full((count, steps), history.period * DAYS_PER_YEAR),
        signals=signals[:, BURN_IN:],
        signal_names=history.signal_names,
    )
    return _with_contracts(made, rule, seed=seed, rate=rate, quantity=quantity)


def model_signals(
    returns: Float[np.ndarray, "paths closes"],
    volatility: Float[np.ndarray, "paths closes"],
    names: tuple[str, ...] = SIGNAL_NAMES,
) -> Float[np.ndarray, "paths closes signals"]:
    """The signals that log returns and a volatility give, defined as in `market_signals`; the others are 0, neutral.

    Given are the returns over 1, 5 and 20 sessions and the implied to realised volatility.
    """
    signals: dict[str, np.ndarray] = dict.fromkeys((*SIGNAL_NAMES, *names), np.zeros_like(returns))
    for sessions in (1, 5, 20):
        total = np.apply_along_axis(rolling_sum, 1, returns, sessions)
        signals[f"return_{sessions}d"] = total / (volatility * np.sqrt(sessions / SESSIONS_PER_YEAR))
    seen = np.minimum(np.arange(returns.shape[1]) + 1, 20)
    squares = np.apply_along_axis(rolling_sum, 1, returns**2, 20) / seen
    realised = np.sqrt(np.maximum(squares * SESSIONS_PER_YEAR, 1e-4))
    signals["implied_to_realised"] = np.log(volatility / realised)
    return np.stack([signals[name] for name in names], axis=-1)


@dataclass(frozen=True)
class _Unsold:
    """Paths before a contract is chosen; `days` are the calendar days of each period, `spot[:, 0]` is 1."""

    spot: Float[np.ndarray, "paths dates"]
    volatility: Float[np.ndarray, "paths dates"]
    days: Float[np.ndarray, "paths steps"]
    signals: Float[np.ndarray, "paths dates signals"]
    signal_names: tuple[str, ...]


def _with_contracts(made: _Unsold, rule: SelectionRule, *, seed: int, rate: float, quantity: float) -> Sample:
    """One option a path, and the paths as they are up to its expiry."""
    paths, dates = made.spot.shape
    rng = np.random.default_rng(seed)
    expiry = _expiries(made.days, rule, rng)
    strike = np.exp(rng.uniform(-rule.max_log_moneyness, rule.max_log_moneyness, paths))
    sign = rng.choice([-1.0, 1.0], paths)
    lived = np.arange(dates)[None, :] < expiry[:, None]
    row, column = np.arange(paths)[:, None], np.minimum(np.arange(dates)[None, :], expiry[:, None])
    years = np.where(lived[:, :-1], made.days, 0.0) / DAYS_PER_YEAR
    maturity = years.sum(axis=1)
    value = black_value(sign, np.ones(paths), strike, made.volatility[:, 0] * np.sqrt(maturity))
    record = market_paths(
        spot=jnp.asarray(made.spot[row, column]),
        dt=jnp.asarray(years),
        volatility=jnp.asarray(made.volatility[row, column]),
        rate=jnp.full(dates - 1, rate),
        dividend_yield=jnp.full(dates - 1, rate),
        tradable=jnp.asarray(lived),
        signals=jnp.asarray(made.signals[row, column]),
        signal_names=made.signal_names,
    )
    book = EuropeanBook(
        strike=jnp.asarray(strike[:, None]),
        sign=jnp.asarray(sign[:, None]),
        expiry=jnp.asarray(expiry[:, None].astype(np.int32)),
        quantity=jnp.full((paths, 1), quantity),
    )
    return Sample(record, book, jnp.asarray(-quantity * np.exp(-rate * maturity) * value))


def _expiries(
    days: Float[np.ndarray, "paths steps"], rule: SelectionRule, rng: np.random.Generator
) -> Int[np.ndarray, " paths"]:
    """A session of each path, any of those inside the rule's window of calendar days with the same probability."""
    elapsed = np.cumsum(days, axis=1)
    inside = (elapsed >= rule.min_days) & (elapsed <= rule.max_days)
    if not inside.any(axis=1).all():
        raise DataError(
            f"a resampled path has no session from {rule.min_days} to {rule.max_days} days after the sale; widen the "
            "window of days or give a record without long gaps."
        )
    return 1 + np.argmax(inside, axis=1) + rng.integers(0, inside.sum(axis=1))


def _sessions_within(days: int) -> int:
    """Most weekdays that follow a close within so many calendar days."""
    return -(-days * 5 // 7)
