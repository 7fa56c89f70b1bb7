"""Dislocated quotes of many recorded days, traded: `tenrec price CHAIN --trade DAYS`."""

import dataclasses
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from tenrec.backtest.dislocations import KEY, RecordedDay, summary, trade
from tenrec.core.errors import ConfigError, DataError
from tenrec.data.chain import OptionChain, read_chain
from tenrec.pricing.chain_quotes import ChainQuotes, chain_quotes
from tenrec.pricing.dislocations import dislocations
from tenrec.runs.price import fit_quotes
from tenrec.runs.progress import Reporter, Silent

FITTED = 2000
"""Quotes of an entry day that are fitted, evenly over strikes and expiries; all are compared with the surface."""
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
    """Fit each entry day on its own, trade what is dislocated then at its quotes, and close it `hold` days later.

    Nothing of a later day is known at entry. Contracts that expire before the closing day are not traded.

    Args:
        options: columns, underlying and style, as `read_chain` takes them.

    Returns:
        one row a trade, and their summary: rule, days, mean P&L and interval, rich and cheap, unhedged.

    Raises:
        ConfigError: no day of the file has as many recorded days after it.
    """
    reporter = reporter or Silent()
    every = list(read_chain(path, **options).days)
    entries = rule.entry_days(path.name, every)
    held, days, says = [], _Days(path, dict(options), rate), set()
    reporter.start("Trading dislocations", len(entries))
    for number, day in enumerate(entries):
        reporter.advance(number, day)
        found = _entered(days, day, every, rule, seed, iterations)
        says |= days.says
        if found is not None:
            held.append(found)
    reporter.advance(len(entries))
    table = pl.concat(held, how="vertical_relaxed") if held else pl.DataFrame()
    about = {"rule": dataclasses.asdict(rule), "entry_days": len(entries), "assumptions": sorted(says)}
    return table, about | (summary(table) if held else {"trades": 0, "days": 0})


def _entered(
    days: "_Days", day: str, every: list[str], rule: TradeRule, seed: int, iterations: int
) -> pl.DataFrame | None:
    try:
        _, quotes = days.read(day)
    except DataError:
        return None
    thin = -(-quotes.table.height // FITTED)
    part = dataclasses.replace(quotes, table=quotes.table.gather_every(thin))
    _, pricer = fit_quotes(part, seed=seed, iterations=iterations)
    at = {"strike": quotes.table["strike"].to_numpy(), "maturity": quotes.table["maturity"].to_numpy()}
    fitted = pricer.implied_volatility(**at, forward=quotes.table["forward"].to_numpy())
    table = quotes.table.with_columns(fitted=pl.Series(fitted))
    place = every.index(day)
    after = every[place : place + rule.hold + 1]
    span = (dt.date.fromisoformat(after[-1]) - dt.date.fromisoformat(day)).days / 365.0
    found = dislocations(table).filter(pl.col("maturity") > span).head(rule.top)
    if found.is_empty():
        return None
    recorded = [one for one in map(days.recorded, after) if one is not None]
    if len(recorded) < 2 or recorded[0].day != day:
        return None
    return trade(found, recorded, hedge_cost=rule.hedge_cost).with_columns(entered=pl.lit(day))


class _Days:
    """Days of a chain, each read once while it is near."""

    def __init__(self, path: Path, options: dict[str, Any], rate: float | None):
        self.says: set[str] = set()

        @cache
        def read(day: str) -> tuple[OptionChain, ChainQuotes]:
            chain = read_chain(path, date=day, **options)
            chain = dataclasses.replace(chain, table=self._with_spread(_dated(chain.table)))
            return chain, chain_quotes(chain, rate=rate, most=10**9)

        self.read = read

    def recorded(self, day: str) -> RecordedDay | None:
        try:
            chain, quotes = self.read(day)
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
