"""What a panel backtest works with, built once from its configuration."""

import dataclasses
import datetime as dt
import functools
import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import polars as pl

from tenrec.backtest.forecasts import forecast_to_implied, standardised_by_the_past
from tenrec.backtest.learners import Lesson, make_lesson
from tenrec.backtest.listing import Listing, history_listing, shanghai_listing
from tenrec.backtest.panel import Panel, completed_panel
from tenrec.backtest.quotes import priced_quotes
from tenrec.backtest.selection import SelectionRule
from tenrec.backtest.sessions import session_steps, steps_sample
from tenrec.backtest.states import market_states
from tenrec.core.errors import ConfigError, DataError
from tenrec.data.chain_history import read_history
from tenrec.hedging.assess import Sample
from tenrec.hedging.engine import Terms
from tenrec.hedging.policies import FORECAST_SIGNAL
from tenrec.runs.panel.config import LEARNED, PanelConfig
from tenrec.runs.vol.saved import load_forecaster
from tenrec.runs.vol.signals import named_signals

SMILE_KEY = ("trade_date", "expiry", "place")
"""One row of a smile; `place` is log(strike/forward) in units of 1e-5."""
BLOCKS = 3
FEWEST_TO_LEARN = 60
"""Sessions needed to learn, validate and judge; on fewer, only what learns nothing is judged, on all of them."""
YEARS_FOR_FOLDS = 2


@dataclass(frozen=True)
class Fold:
    """Learn on steps that ended by `until`, judge those that start from `start` to before `end`."""

    name: str
    until: dt.date
    start: dt.date
    end: dt.date


class PanelDesk:
    """The record, its steps and its contracts, and how time is split."""

    def __init__(self, config: PanelConfig, base: Path) -> None:
        self.config = config
        self.listing: Listing = _listing(config, base)
        self.rate = self.listing.rate
        self.quotes = priced_quotes(self.listing.options, self.listing.forwards, rate=self.rate)
        self.states, self.told = _known_states(config, market_states(self.quotes, self.listing.forwards))
        steps = session_steps(self.quotes, config.steps.rule())
        steps = steps.join(self.states, on="trade_date", how="left", maintain_order="left")
        self.steps = _placed(steps.filter(pl.col("atm_volatility").is_finite()))
        self.smiles = self.steps.select(SMILE_KEY).clear()
        self.learns = self.steps["trade_date"].n_unique() >= FEWEST_TO_LEARN
        self.folds, self.judged = self._split() if self.learns else ((), self._whole())

    @property
    def named(self) -> tuple[str, ...]:
        """The deltas that are compared, the reference among them first; learned ones where there is enough to learn."""
        return tuple(name for name in self.config.named if self.learns or name not in LEARNED)

    def uses(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Which of `names` are compared, in their own order."""
        return tuple(name for name in self.named if name in names)

    def smile_rows(self) -> pl.DataFrame:
        """Each point of a smile, once, at which a response of volatility is needed: of steps and of what is held."""
        columns = (*SMILE_KEY, "years", "log_moneyness")
        wanted = [self.steps.select(columns)]
        if isinstance(self.settled, Panel):
            live = self._held_rows().filter(pl.col("trade_date") < pl.col("expiry"))
            years = (pl.col("expiry") - pl.col("trade_date")).dt.total_days() / 365.0
            wanted.append(live.with_columns(years=years).select(columns))
        return pl.concat(wanted).unique(SMILE_KEY, maintain_order=True).sort(SMILE_KEY)

    def know(self, smiles: pl.DataFrame) -> None:
        """Take the responses of volatility that `smile_rows` asked for: its keys, and a column for each delta."""
        self.smiles = smiles.drop("years", "log_moneyness", strict=False)

    @property
    def seen(self) -> tuple[str, ...]:
        """Signals on the paths: of the market, and the responses of the contract's own smile, named as their deltas."""
        return (*self.config.states, *(name for name in self.smiles.columns if name not in SMILE_KEY))

    def _signals(self, rows: pl.DataFrame) -> np.ndarray:
        """The signals of rows that have the market's states and the keys of their smile."""
        known = rows.join(self.smiles, on=list(SMILE_KEY), how="left", maintain_order="left")
        return np.nan_to_num(known.select(self.seen).to_numpy().astype(float))

    @functools.cached_property
    def sample(self) -> Sample:
        """The steps as the engine takes them."""
        side = float(np.sign(self.config.contract.quantity))
        return steps_sample(self.steps, self._signals(self.steps), self.seen, quantity=side)

    @functools.cached_property
    def session(self) -> np.ndarray:
        """Number of the session at which each step starts."""
        return np.unique(self.steps["trade_date"].to_numpy(), return_inverse=True)[1]

    @functools.cached_property
    def lesson(self) -> Lesson:
        """What the fits start from; a squared error counts in units of the day's implied variance."""
        weight = 1.0 / self.steps["atm_volatility"].to_numpy() ** 2
        state = self.config.state
        return make_lesson(
            self.sample, self.session, weight, names=state.features, exponent=state.exponent, terms=self.free
        )

    @property
    def free(self) -> Terms:
        """Terms on which hedge errors are compared: the forward is margined, and trading costs nothing."""
        return Terms(margined=(True,), inverse=self.listing.coin is not None)

    def learned_by(self, until: dt.date) -> np.ndarray:
        """The steps that had ended by a date."""
        return (self.steps["next_date"] <= until).to_numpy()

    def within(self, fold: Fold) -> np.ndarray:
        """The steps that a fold judges."""
        start = self.steps["trade_date"]
        return ((start >= fold.start) & (start < fold.end)).to_numpy()

    @functools.cached_property
    def settled(self) -> Panel | str:
        """The contracts of the judged time that are settled inside the record, or why there are none."""
        contract = self.config.contract
        rule = SelectionRule(*contract.days, contract.max_log_moneyness, contract.min_quotes)
        try:
            whole = completed_panel(self.listing.options, self.listing.forwards, rule=rule, rate=self.rate)
            panel = whole.between(self.judged.start, None)
        except DataError as error:
            return str(error)
        if len(panel) == 0:
            return "no contract of the judged time passes the rule and is settled inside the record."
        return panel

    @functools.cached_property
    def held(self) -> Panel | str:
        """The same with the quantity asked for, and all signals on the paths."""
        if isinstance(self.settled, str):
            return self.settled
        panel, quantity = self.settled, self.config.contract.quantity
        count, width = panel.dates.shape
        rows = self._held_rows().join(self.states, on="trade_date", how="left", maintain_order="left")
        signals = self._signals(rows).reshape(count, width, len(self.seen))
        paths = dataclasses.replace(panel.paths, signals=jnp.asarray(signals), signal_names=self.seen)
        owned = jnp.full_like(panel.book.quantity, quantity)
        book = eqx.tree_at(lambda book: book.quantity, panel.book, owned)
        return dataclasses.replace(panel, paths=paths, book=book, premium=-quantity * panel.premium)

    def _held_rows(self) -> pl.DataFrame:
        """Keys of the smile at every date of every contract that is held."""
        assert isinstance(self.settled, Panel)
        panel = self.settled
        moneyness = np.log(np.asarray(panel.book.strike) / np.asarray(panel.paths.spot)).astype(float)
        expiry = np.repeat(panel.contracts["expiry"].to_numpy(), panel.dates.shape[1])
        rows = pl.DataFrame({"trade_date": panel.dates.ravel(), "expiry": expiry, "log_moneyness": moneyness.ravel()})
        return _placed(rows.with_columns(pl.col("trade_date", "expiry").cast(pl.Date)))

    def _whole(self) -> Fold:
        """All sessions, with nothing learned before them."""
        first, last = self.steps["trade_date"].min(), self.steps["next_date"].max()
        assert isinstance(first, dt.date)
        assert isinstance(last, dt.date)
        return Fold("all sessions", first - dt.timedelta(days=1), first, last + dt.timedelta(days=1))

    def _split(self) -> tuple[tuple[Fold, ...], Fold]:
        """The folds of forward validation, and the judged time."""
        split, sessions = self.config.split, self.steps["trade_date"].unique().sort()
        last = sessions[-1] + dt.timedelta(days=1)
        test = split.test_from or sessions[int(0.7 * len(sessions))]
        train = split.train_until or max((day for day in sessions if day < test), default=test)
        first = split.validate_from or sessions[int(0.4 * len(sessions))]
        if not sessions[0] < first <= train < test <= sessions[-1]:
            raise ConfigError(
                f"The steps of the record run from {sessions[0]} to {sessions[-1]}; split needs, inside them, "
                f"validate_from ({first}) ≤ train_until ({train}) < test_from ({test})."
            )
        yearly = _yearly(first, test)
        named = [
            Fold(str(start.year if yearly else start), min(train, start - dt.timedelta(days=1)), start, end)
            for start, end in itertools.pairwise(_bounds(first, test))
        ]
        judged = Fold(f"{test} on", train, test, last)
        kept = tuple(fold for fold in named if self.within(fold).any() and self.learned_by(fold.until).any())
        if not kept or not self.within(judged).any() or not self.learned_by(train).any():
            raise DataError("the split leaves no steps to learn from, validate on or judge; widen it or the steps.")
        return kept, judged


def _known_states(config: PanelConfig, states: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, Any]]:
    """The market's states with what a forecaster and the named files said by each close, and what a run tells of them.

    The forecast is the log of its ratio to the implied volatility; any other signal is standardised by its own past.
    """
    closes, told = states["trade_date"].to_numpy().astype("datetime64[D]"), {}
    columns: dict[str, np.ndarray] = {}
    if config.forecaster is not None:
        made, implied = load_forecaster(config.forecaster), states["atm_volatility"].to_numpy()
        signal, known = forecast_to_implied(closes, implied, made)
        columns[FORECAST_SIGNAL] = np.nan_to_num(signal)
        told["forecaster"] = made.about(float(known.mean()))
    named = named_signals({name: spec.source for name, spec in config.signals.items()}, closes)
    columns |= {name: standardised_by_the_past(one.values) for name, one in named.items()}
    told["signals"] = {name: one.about(closes) for name, one in named.items()}
    return states.with_columns(**{name: pl.Series(values) for name, values in columns.items()}), told


def _placed(rows: pl.DataFrame) -> pl.DataFrame:
    """With the place of the strike in its smile, so that single and double precision find each other."""
    return rows.with_columns(place=(1e5 * pl.col("log_moneyness")).round().cast(pl.Int64))


def _yearly(first: dt.date, test: dt.date) -> bool:
    return test.year - first.year >= YEARS_FOR_FOLDS


def _bounds(first: dt.date, test: dt.date) -> list[dt.date]:
    """Where validation folds begin and end: calendar years where there are some, else three equal blocks."""
    if _yearly(first, test):
        years = [dt.date(year, 1, 1) for year in range(first.year + 1, test.year + 1)]
        return [first, *(year for year in years if first < year < test), test]
    length = (test - first) / BLOCKS
    return [*(first + n * length for n in range(BLOCKS)), test]


def _listing(config: PanelConfig, base: Path) -> Listing:
    if config.bundled:
        return shanghai_listing(rate=config.rate)
    history = read_history(config.file(base), columns=config.columns, underlying=config.underlying, style=config.style)
    return history_listing(history, rate=config.rate, dividend_yield=config.dividend_yield)
