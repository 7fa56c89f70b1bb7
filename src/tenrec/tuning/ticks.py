"""Ticks of one underlying on a regular clock, and windows of them."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float

from tenrec.core.errors import DataError

DAY = 86_400.0
WEEK = 7 * DAY


@dataclass(frozen=True)
class Ticks:
    """A price through time, with what a hedger knows beside it.

    Shapes: every array (ticks,).
        time: seconds since `start`, strictly increasing. spot: quote currency. volatility: implied, annualised decimal.
        funding: what one unit of the hedge's value pays when held long at that tick, decimal; zero between the events.
        half_spread: half of bid–ask, quote currency. tradable: False in a gap of the record, where the last price
        stands and nothing trades.

    Args:
        start: when `time` is zero; None for generated ticks.
        about: what each of the columns comes from, by name.
    """

    time: Float[np.ndarray, " ticks"]
    spot: Float[np.ndarray, " ticks"]
    volatility: Float[np.ndarray, " ticks"]
    funding: Float[np.ndarray, " ticks"]
    half_spread: Float[np.ndarray, " ticks"]
    tradable: Bool[np.ndarray, " ticks"]
    start: datetime | None = None
    about: dict[str, str] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """Number of ticks that were traded or quoted, gaps left out."""
        return int(self.tradable.sum())

    @property
    def seconds(self) -> float:
        """Time from the first tick to the last."""
        return float(self.time[-1] - self.time[0])

    @property
    def longest_gap(self) -> float:
        """Seconds of the longest time without a tick that was traded or quoted."""
        seen = self.time[self.tradable]
        return float(np.max(np.diff(seen))) if len(seen) > 1 else self.seconds

    def gaps(self, longer: float) -> tuple[np.ndarray, np.ndarray]:
        """Where no tick was traded or quoted for longer than so many seconds: times it began (s), and lengths (s)."""
        seen = self.time[self.tradable]
        length = np.diff(seen)
        return seen[:-1][length > longer], length[length > longer]

    def part(self, begin: int, end: int) -> "Ticks":
        """Ticks begin..end−1; `time` goes on counting from the same start."""
        columns = (self.time, self.spot, self.volatility, self.funding, self.half_spread, self.tradable)
        return Ticks(*(column[begin:end] for column in columns), start=self.start, about=self.about)


def thinned(ticks: Ticks, most: int) -> Ticks:
    """At most so many of the ticks, evenly spread with the first and the last; funding between them is summed.

    Example:
        >>> one = np.ones(5)
        >>> thinned(Ticks(np.arange(5.0), one, one, 0.1 * one, 0 * one, one > 0), 3).funding.round(1).tolist()
        [0.1, 0.2, 0.2]
    """
    count = len(ticks.time)
    if count <= most:
        return ticks
    at = np.round(np.linspace(0, count - 1, most)).astype(int)
    funding = np.diff(np.cumsum(ticks.funding)[at], prepend=0.0)
    columns = (ticks.time[at], ticks.spot[at], ticks.volatility[at], funding, ticks.half_spread[at], ticks.tradable[at])
    return Ticks(*columns, start=ticks.start, about=ticks.about)


@runtime_checkable
class TickSource(Protocol):
    """Windows of ticks, made or read one at a time."""

    @property
    def count(self) -> int:
        """Number of windows."""
        ...

    def window(self, number: int) -> Ticks:
        """The ticks of one window, 0..count−1."""
        ...


@dataclass(frozen=True)
class RecordedTicks:
    """A record cut into windows of equal length from its first tick on; what is left over at the end is not used."""

    ticks: Ticks
    seconds: float = WEEK
    least_share: float = 0.5

    @property
    def count(self) -> int:
        """Number of whole windows with enough ticks in them."""
        return len(self.bounds)

    @property
    def bounds(self) -> list[tuple[int, int]]:
        """First tick and the one after the last of each window; windows that are mostly gap are left out."""
        time = self.ticks.time
        # The last tick stands until the one that would follow it.
        lasted = time[-1] - time[0] + float(np.median(np.diff(time)))
        number = int(lasted / self.seconds + 1e-9) or 1
        edges = np.searchsorted(time, time[0] + self.seconds * np.arange(number + 1) - 1e-6)
        pairs = [(int(a), int(b)) for a, b in itertools.pairwise(edges)]
        return [(a, b) for a, b in pairs if b - a > 1 and self.ticks.tradable[a:b].mean() >= self.least_share]

    def window(self, number: int) -> Ticks:
        """The ticks of one window."""
        return self.ticks.part(*self.bounds[number])


def each(source: TickSource, numbers: range | list[int]) -> Iterator[Ticks]:
    """The windows of these numbers, one at a time."""
    return (source.window(number) for number in numbers)


def gap_words(ticks: Ticks, cadence: float) -> str | None:
    """How many gaps are longer than the cadence, the longest, and where; None without any.

    Example:
        >>> one = np.ones(4)
        >>> gap_words(Ticks(60.0 * np.array([0, 1, 2, 9]), one, one, 0 * one, 0 * one, one > 0), 300.0)
        '1 gap of the record is longer than the cadence of 300 s, the longest 420 s after 120 s'
    """
    begun, length = ticks.gaps(cadence)
    if not len(length):
        return None
    longest = int(np.argmax(length))
    seconds = float(begun[longest])
    where = f"{seconds:g} s" if ticks.start is None else f"{ticks.start + timedelta(seconds=seconds):%Y-%m-%d %H:%M:%S}"
    many = "1 gap of the record is" if len(length) == 1 else f"{len(length):,} gaps of the record are"
    return f"{many} longer than the cadence of {cadence:g} s, the longest {length[longest]:g} s after {where}"


def check_ticks(ticks: Ticks, *, cadence: float | None = None) -> None:
    """Refuse ticks that no account can be kept on.

    Raises:
        DataError: times out of order or repeated, a price or volatility that is not positive, a gap before the first
            price, or every gap longer than `cadence` seconds.
    """
    step = np.diff(ticks.time)
    if len(ticks.time) < 2:
        raise DataError(f"{len(ticks.time)} ticks were given; at least two are needed.")
    if not (step > 0).all():
        row = int(np.argmax(step <= 0)) + 1
        said = "repeats the time of" if step[row - 1] == 0 else "is earlier than"
        raise DataError(f"Tick {row} {said} the tick before it; sort the ticks by time and keep one for each time.")
    for name, values in (("price", ticks.spot), ("volatility", ticks.volatility)):
        bad = ~(np.isfinite(values) & (values > 0))
        if bad.any():
            row = int(np.argmax(bad))
            raise DataError(f"Tick {row} has {name} {values[row]:g}; a positive number is needed.")
    if cadence is not None and np.median(step) > cadence:
        raise DataError(
            f"Ticks are {np.median(step):g} s apart, longer than the cadence of {cadence:g} s in the search; "
            "give finer ticks or search longer cadences."
        )
