"""From the configuration of a tuning run to the objects it names."""

import hashlib
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path

import jax.numpy as jnp
import numpy as np

from tenrec.core.errors import ConfigError, DataError
from tenrec.hedging.costs import AbstractCost, HalfSpreadCost, MakerTakerCost
from tenrec.runs.tuning.config import GeneratedSpec, IntervalSpec, LegSpec, RecordedTicksSpec, TuneConfig
from tenrec.tuning.book import Book, GivenGreeks, Leg, book_path
from tenrec.tuning.generator import GeneratedTicks, TickModel
from tenrec.tuning.network import MOST_WEEKS, STEPS, Course, NetworkSettings, course
from tenrec.tuning.objective import Objective
from tenrec.tuning.records import fit_model, read_ticks, with_funding
from tenrec.tuning.rivals import with_ideal
from tenrec.tuning.scoring import Window, make_window
from tenrec.tuning.search import PARAMETERS, Space
from tenrec.tuning.ticks import DAY, RecordedTicks, Ticks, TickSource, check_ticks, gap_words, thinned


@dataclass(frozen=True)
class Desk:
    """What a tuning run works on: the ticks, the book, the costs, the space and the objective.

    Args:
        base: where relative file names of the configuration start.
    """

    config: TuneConfig
    base: Path

    @cached_property
    def source(self) -> TickSource:
        """The windows of ticks.

        Raises:
            DataError: the record cannot be used, or holds no whole window.
        """
        spec = self.config.ticks
        if isinstance(spec, GeneratedSpec):
            fitted = None if spec.fit is None else Path(spec.fit).name
            seed = self.config.search.seed
            return GeneratedTicks(self.model, seed, spec.weeks, spec.interval_seconds, fitted_to=fitted)
        ticks = self._recorded(spec)
        source = RecordedTicks(ticks, spec.window_days * DAY)
        if source.count == 0:
            raise DataError(f"{spec.file} holds no window of {spec.window_days:g} days with ticks in half of it.")
        return source

    def _recorded(self, spec: RecordedTicksSpec) -> Ticks:
        ticks = read_ticks(
            self.base / spec.file, columns=spec.columns, since=spec.since, until=spec.until,
            volatility_premium=spec.volatility_premium, day_count=self.config.book.day_count,
        )  # fmt: skip
        if spec.funding_file is None:
            return ticks
        names = {"symbol": spec.funding_symbol, "exchange": spec.funding_exchange}
        return with_funding(ticks, self.base / spec.funding_file, **names, seed=self.config.search.seed)

    @cached_property
    def model(self) -> TickModel:
        """The generator's model, fitted to a record where the configuration names one."""
        spec = self.config.ticks
        if not isinstance(spec, GeneratedSpec):
            raise ConfigError("ticks.source is 'recorded', which has no model; set ticks.source: generated.")
        known = {field.name for field in fields(TickModel)}
        given = {name: value for name, value in spec.model_dump().items() if name in known}
        model = TickModel(**given, day_count=self.config.book.day_count)
        return model if spec.fit is None else fit_model(read_ticks(self.base / spec.fit), model)

    @cached_property
    def in_sample(self) -> range:
        """Numbers of the earlier windows, which are tuned on."""
        count = self.source.count
        later = round(count * self.config.out_of_sample)
        later = min(max(later, 1), count - 1) if self.config.out_of_sample > 0 and count > 1 else 0
        return range(count - later)

    @property
    def out_of_sample(self) -> range:
        """Numbers of the later windows, which are only reported on."""
        return range(len(self.in_sample), self.source.count)

    def window(self, number: int) -> Window:
        """One window, ready to be scored."""
        return with_ideal(self._window(self.source.window(number)))

    def courses(self) -> list[Course]:
        """The earlier windows, thinned, as a network is trained on them."""
        count = len(self.in_sample)
        chosen = np.unique(np.round(np.linspace(0, count - 1, min(count, MOST_WEEKS))).astype(int))
        found = [self.source.window(int(number)) for number in chosen]
        steps = min(STEPS, *(len(ticks.time) for ticks in found))
        return [course(self._window(thinned(ticks, steps))) for ticks in found]

    def _window(self, ticks: Ticks) -> Window:
        book = self.book(ticks)
        reference = self.config.rule.reference_volatility
        return make_window(
            ticks, book, book_path(book, ticks), mark=self.config.book.mark, reference_volatility=reference
        )

    def book(self, ticks: Ticks) -> Book:
        """The book on these ticks."""
        spec = self.config.book
        if spec.greeks is not None:
            content = GivenGreeks(**spec.greeks.model_dump())
        else:
            content = tuple(_leg(leg, ticks) for leg in spec.legs)
        return Book(spec.notional, content, spec.settlement, spec.rate, spec.day_count)

    @cached_property
    def fingerprint(self) -> str:
        """Of the first and the last window's prices and the number of windows: sixteen hexadecimal digits."""
        digest = hashlib.sha256(str(self.source.count).encode())
        for number in (0, self.source.count - 1):
            digest.update(np.ascontiguousarray(self.source.window(number).spot).tobytes())
        return digest.hexdigest()[:16]

    def check(self) -> None:
        """Refuse what would fail later: a space, a book or ticks that cannot be used."""
        check_ticks(self.source.window(0), cadence=self._shortest)
        if isinstance(self.config.ticks, RecordedTicksSpec) and self.config.ticks.gaps == "refuse":
            said = self.gap_words(self._shortest)
            if said is not None:
                raise DataError(f"{said}; repair the record, or mask them with --set ticks.gaps=mask.")
        self.check_book()

    def gap_words(self, cadence: float) -> str | None:
        """What there is to say of gaps longer than a cadence; None without any."""
        return gap_words(self.source.ticks, cadence) if isinstance(self.source, RecordedTicks) else None

    @property
    def _shortest(self) -> float:
        space = self.space
        dimension = next((one for one in space.dimensions if one.name == "cadence_seconds"), None)
        return min((dimension.choices or (dimension.low,)) if dimension else (space.fixed["cadence_seconds"],))

    @cached_property
    def spacing(self) -> float:
        """Seconds from tick to tick, the median of the first window."""
        return float(np.median(np.diff(self.source.window(0).time)))

    def looked_at(self, seconds: float) -> bool:
        """Whether the ticks are fine enough for a cadence."""
        return seconds >= self.spacing * (1.0 - 1e-9)

    @property
    def too_short(self) -> tuple[float, ...]:
        """Cadences of the search that are shorter than the spacing of the ticks, and left out where others remain."""
        searched = self.config.search.space.get("cadence_seconds", ())
        short = () if isinstance(searched, IntervalSpec) else tuple(one for one in searched if not self.looked_at(one))
        return () if isinstance(searched, IntervalSpec) or len(short) == len(searched) else short

    def check_book(self) -> None:
        """Refuse legs that are over before the first tick."""
        if self.config.book.greeks is not None:
            return
        ticks = self.source.window(0)
        for leg in self.config.book.legs:
            if leg.expiry is not None and _leg(leg, ticks).expiry <= float(ticks.time[0]):
                raise ConfigError(
                    f"A leg of the book (strike {leg.strike:g}) expired on {leg.expiry:%Y-%m-%d %H:%M}, before the "
                    "ticks begin; take it out, or use earlier ticks."
                )

    @property
    def costs(self) -> tuple[AbstractCost, ...]:
        """What trading costs."""
        spec = self.config.costs
        fee = MakerTakerCost(*(jnp.asarray(x) for x in (spec.maker, spec.taker, spec.slippage, spec.maker_share)))
        return (fee, HalfSpreadCost()) if spec.half_spread else (fee,)

    @property
    def network(self) -> NetworkSettings:
        """How the network among the rivals is trained."""
        config = self.config
        spec = config.network.model_dump(exclude={"enabled"})
        return NetworkSettings(
            aversions=config.aversions, notional=config.book.notional, cost=config.costs.rate, seed=config.search.seed,
            **spec,
        )  # fmt: skip

    @property
    def space(self) -> Space:
        """What is searched; the other parameters are the configuration's rule."""
        rule = self.config.rule
        fixed = {name: float(getattr(rule, name)) for name in PARAMETERS}
        left_out = self.too_short
        dimensions = tuple(
            replace(one, choices=tuple(choice for choice in one.choices if choice not in left_out))
            if one.name == "cadence_seconds" and left_out
            else one
            for one in self.config.search.dimensions()
        )
        return Space(dimensions, fixed, rule.trigger, self.config.costs.rate)

    @property
    def objective(self) -> Objective:
        """What is tuned, as reports show it."""
        return replace(self.wanted, martingale=False)

    @property
    def wanted(self) -> Objective:
        """What is tuned, as the search estimates it."""
        return Objective(**self.config.objective.model_dump(), notional=self.config.book.notional)


def _leg(leg: LegSpec, ticks: Ticks) -> Leg:
    if leg.moneyness is not None and leg.days is not None:
        return Leg(leg.kind, leg.moneyness, leg.days * DAY, leg.quantity)
    if leg.expiry is None or leg.strike is None or ticks.start is None:
        raise ConfigError("book.legs name an expiry date, but the ticks have no dates; give moneyness and days.")
    left = (leg.expiry.replace(tzinfo=None) - ticks.start).total_seconds()
    return Leg(leg.kind, leg.strike, left, leg.quantity, relative=False)
