"""Dislocated quotes of many recorded days, traded: `tenrec price CHAIN --trade DAYS`."""

import dataclasses
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from tenrec.backtest.dislocations import KEY, RecordedDay, follow, settle, summary
from tenrec.core.errors import ConfigError, DataError
from tenrec.data.chain import OptionChain
from tenrec.pricing.chain_quotes import ChainQuotes, chain_quotes
from tenrec.pricing.dislocations import dislocations
from tenrec.runs.chain_days import ChainDays, fit_next
from tenrec.runs.progress import Reporter, Silent

FITTED = 2000
"""Quotes of an entry day that are fitted, evenly over strikes and expiries; all are compared with the surface."""
KEPT = 64
"""Days of quotes that are held."""
ASSUMED_HALF_SPREAD = 0.01
"""Half of the spread as a share of the price, where a chain has closes only."""


@dataclass(frozen=True)
class TradeRule:
    """Which days are traded and how.

    Args:
        hold: recorded days from entry to closing. since, until: entry days, ISO. every: takes every Nth of these.
        top: dislocations a day, the largest scores. hedge_cost: share of the hedge's traded value.
    """

    hold: int = 5
    since: str | None = None
    until: str | None = None
    every: int = 1
    top: int = 20
    hedge_cost: float = 1e-4

    def __post_init__(self) -> None:
        for name in ("hold", "every", "top"):
            if getattr(self, name) < 1:
                raise ConfigError(
                    f"--{'trade' if name == 'hold' else name} is {getattr(self, name)}; at least 1 is needed."
                )
        for name in ("since", "until"):
            try:
                dt.date.fromisoformat(getattr(self, name) or "2000-01-01")
            except ValueError:
                given = getattr(self, name)
                raise ConfigError(f"--{name} is {given!r}; a day such as 2021-12-31 is needed.") from None

    def entry_days(self, name: str, every: list[str]) -> list[str]:
        """The days of `every` recorded one on which trades are entered; ConfigError where there is none."""
        followed = every[: max(len(every) - self.hold, 0)]
        late = [day for day in followed if self.since is None or day >= self.since]
        inside = [day for day in late if self.until is None or day <= self.until][:: self.every]
        if not inside:
            raise ConfigError(
                f"--trade {self.hold} needs {self.hold} recorded days after an entry day; {name} has {len(every)} "
                f"day{'' if len(every) == 1 else 's'} and none of them qualifies."
            )
        return inside


def trade_dislocations(
    path: Path,
    rule: TradeRule,
    *,
    options: Mapping[str, Any],
    rate: float | None = None,
    seed: int = 0,
    iterations: int = 300,
    reporter: Reporter | None = None,
) -> tuple[pl.DataFrame, dict[str, Any]]:
    """Fit each entry day, trade what is dislocated then at its quotes, and close it `hold` days later.

    Nothing of a later day is known at entry. Contracts that expire before the closing day are not traded.

    Args:
        options: columns, underlying and style, as `read_chain` takes them.

    Returns:
        one row a trade, and their summary: rule, days, mean P&L and interval, rich and cheap, unhedged.

    Raises:
        ConfigError: no day of the file has as many recorded days after it.
    """
    chain = RecordedChain(path, options, rate=rate, seed=seed, iterations=iterations)
    return trade_recorded(chain, rule, reporter=reporter)


def trade_recorded(
    chain: "RecordedChain", rule: TradeRule, *, reporter: Reporter | None = None
) -> tuple[pl.DataFrame, dict[str, Any]]:
    """What `trade_dislocations` says; a chain that is traded by several rules is fitted once."""
    reporter = reporter or Silent()
    entries = rule.entry_days(chain.path.name, chain.days)
    tables, paths = [], []
    reporter.start("Trading dislocations", len(entries))
    for number, day in enumerate(entries):
        reporter.advance(number, day)
        entered, followed = _entered(chain, day, rule)
        tables += [entered] if followed else []
        paths += followed
    reporter.advance(len(entries))
    about = {"rule": dataclasses.asdict(rule), "entry_days": len(entries), "assumptions": sorted(chain.says)}
    if not tables:
        return pl.DataFrame(), about | {"trades": 0, "days": 0}
    table = settle(pl.concat(tables, how="vertical_relaxed"), paths, hedge_cost=rule.hedge_cost)
    return table, about | summary(table)


def _entered(chain: "RecordedChain", day: str, rule: TradeRule) -> tuple[pl.DataFrame, list[dict | None]]:
    """What is entered on a day, and the paths that it takes."""
    place = chain.days.index(day)
    after = chain.days[place : place + rule.hold + 1]
    span = (dt.date.fromisoformat(after[-1]) - dt.date.fromisoformat(day)).days / 365.0
    found = chain.dislocated(day)
    if found is None:
        return pl.DataFrame(), []
    found = found.filter(pl.col("maturity") > span).head(rule.top)
    recorded = [one for one in map(chain.recorded, after) if one is not None] if found.height else []
    if len(recorded) < 2 or recorded[0].day != day:
        return pl.DataFrame(), []
    return found.with_columns(entered=pl.lit(day)), follow(found, recorded)


class RecordedChain:
    """The days of a chain: their quotes, read once while they are near, and what is dislocated on each.

    Each fit starts from the weights of the entry day before it, and sees the quotes of its own day alone.

    Args:
        path: file or folder. options: as `read_chain` takes them.
    """

    def __init__(
        self,
        path: Path,
        options: Mapping[str, Any],
        *,
        rate: float | None = None,
        seed: int = 0,
        iterations: int = 300,
    ):
        self.path, self.says = path, set[str]()
        self._chain = ChainDays(path, options)
        self.days = self._chain.days
        self._fit = partial(fit_next, seed=seed, iterations=iterations)
        self._found: dict[str, pl.DataFrame | None] = {}
        self._weights: np.ndarray | None = None

        @lru_cache(KEPT)
        def read(day: str) -> tuple[OptionChain, ChainQuotes]:
            chain = self._chain.read(day)
            chain = dataclasses.replace(chain, table=self._with_spread(_dated(chain.table)))
            return chain, chain_quotes(chain, rate=rate, most=10**9)

        self._read = read

    def dislocated(self, day: str) -> pl.DataFrame | None:
        """As `tenrec.pricing.dislocations` lists them; None where the day's chain cannot be fitted."""
        if day not in self._found:
            self._found[day] = self._dislocated(day)
        return self._found[day]

    def _dislocated(self, day: str) -> pl.DataFrame | None:
        try:
            _, quotes = self._read(day)
        except DataError:
            return None
        thin = -(-quotes.table.height // FITTED)
        part = dataclasses.replace(quotes, table=quotes.table.gather_every(thin))
        fit, _ = self._fit(part, self._weights)
        self._weights = fit.weights
        at = (quotes.table[name].to_numpy() for name in ("log_moneyness", "maturity"))
        return dislocations(quotes.table.with_columns(fitted=pl.Series(fit.volatility_at(*at))))

    def recorded(self, day: str) -> RecordedDay | None:
        """The quotes of a day for `tenrec.backtest.dislocations`; None where its chain cannot be used."""
        try:
            chain, quotes = self._read(day)
        except DataError:
            return None
        known = quotes.table.select(*KEY, "volatility").unique(KEY)
        columns = chain.table.filter(pl.col("maturity") > 0).select(*KEY, "maturity", "bid", "ask", "price")
        table = columns.join(known, on=list(KEY), how="left", nulls_equal=True).unique(KEY, maintain_order=True)
        factor = quotes.price_factor
        bid, ask = (pl.when(pl.col(side) > 0).then(factor * pl.col(side)) for side in ("bid", "ask"))
        return RecordedDay(day, table.with_columns(bid=bid, ask=ask), quotes.expiries)

    def _with_spread(self, table: pl.DataFrame) -> pl.DataFrame:
        if table["bid"].null_count() < table.height:
            return table
        self.says.add(f"No bid and ask are recorded: {ASSUMED_HALF_SPREAD:.0%} of the price is given away each way.")
        return table.with_columns(
            bid=(1.0 - ASSUMED_HALF_SPREAD) * pl.col("price"), ask=(1.0 + ASSUMED_HALF_SPREAD) * pl.col("price")
        )


def _dated(table: pl.DataFrame) -> pl.DataFrame:
    """A contract is known by its expiry from day to day; where only maturities are given it is that many days ahead."""
    ahead = (pl.col("maturity") * 365.0).round(0)
    made = pl.col("time").dt.truncate("1d") + pl.duration(days=ahead.cast(pl.Int64))
    return table.with_columns(expiry=pl.coalesce("expiry", made))
