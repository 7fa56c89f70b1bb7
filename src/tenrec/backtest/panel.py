"""Listed options as paths: each contract from its first quote in the window to its settlement."""

import dataclasses
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
import polars as pl
from jaxtyping import Float

from tenrec.backtest.forwards import complete_forwards
from tenrec.backtest.quotes import priced_quotes
from tenrec.backtest.selection import SelectionRule, select_contracts
from tenrec.backtest.signals import SIGNAL_NAMES, market_signals
from tenrec.contracts.european import EuropeanBook
from tenrec.core.errors import DataError
from tenrec.core.paths import MarketPaths, market_paths, select

DAYS_PER_YEAR = 365.0


@dataclass(frozen=True)
class Panel:
    """Sold listed options, one path a contract, in units of the forward at the sale.

    Date 0 is the close at which the contract is sold; the last date of a path is its expiry, where `paths.spot` is the
    settlement. What follows repeats the settlement with `dt` 0 and is not tradable. The only hedging instrument is the
    (margined) forward of the contract's own expiry.

    Args:
        paths: spot and price are the forward, `spot[:, 0] == 1`; volatility the contract's own implied volatility.
        book: one sold contract a path; strike in units of the forward at sale.
        premium: (paths,) quote at the sale, in units of the forward at sale.
        contracts: one row a path: contract, kind, strike, entry, expiry, forward (at the sale), multiplier, premium,
            entry_volatility, settlement, settled_by ("etf_close" or "put_call"); prices in the quote currency.
        dates: (paths, dates) calendar dates as datetime64[D]; padding repeats the expiry.
        excluded: number of contracts left out, by reason.
        carried: number of dates on which no volatility could be had from a quote and the last one was kept.
    """

    paths: MarketPaths
    book: EuropeanBook
    premium: Float[np.ndarray, " paths"]
    contracts: pl.DataFrame
    dates: np.ndarray
    excluded: dict[str, int]
    carried: int

    def __len__(self) -> int:
        return self.contracts.height

    def take(self, index: Sequence[int] | np.ndarray) -> "Panel":
        """The contracts at `index`, in that order."""
        rows = np.asarray(index, dtype=int)
        return dataclasses.replace(
            self,
            paths=select(self.paths, rows),
            book=EuropeanBook(*(leaf[rows] for leaf in dataclasses.astuple(self.book))),
            premium=self.premium[rows],
            contracts=self.contracts[rows.tolist()],
            dates=self.dates[rows],
        )

    def between(self, start: dt.date | None = None, end: dt.date | None = None) -> "Panel":
        """Contracts entered on or after `start` *and* settled on or before `end`: nothing outside is seen."""
        inside = pl.lit(True)
        if start is not None:
            inside = inside & (pl.col("entry") >= start)
        if end is not None:
            inside = inside & (pl.col("expiry") <= end)
        return self.take(self.contracts.select(inside.alias("inside")).to_series().arg_true().to_numpy())


def option_panel(
    options: pl.DataFrame,
    forwards: pl.DataFrame,
    etf: pl.DataFrame,
    *,
    rule: SelectionRule | None = None,
    rate: float = 0.025,
) -> Panel:
    """Build the panel of sold options from daily closes.

    Args:
        options: trade_date, expiry, cp ("C" or "P"), strike, strike_raw, multiplier, adj_event, dup_key, close.
        forwards: trade_date, expiry, fwd_parity.
        etf: date, spot_est, the underlying's close where it is recorded.
        rule: which contracts are sold, and when; see `SelectionRule`.
        rate: continuous annual interest rate of the put–call forwards and of the cash account, decimal.

    Raises:
        DataError: no contract passes the rule.
    """
    return completed_panel(options, complete_forwards(options, forwards, etf, rate=rate), rule=rule, rate=rate)


def completed_panel(
    options: pl.DataFrame, completed: pl.DataFrame, *, rule: SelectionRule | None = None, rate: float
) -> Panel:
    """The same where the forwards of all expiries up to their settlement are known already.

    Args:
        completed: trade_date, expiry, forward, source; at the expiry the forward is the settlement.
    """
    rule = SelectionRule() if rule is None else rule
    quotes = priced_quotes(options, completed, rate=rate)
    dates, excluded = select_contracts(options, quotes, completed, rule)
    if dates.is_empty():
        raise DataError(f"no contract of the option panel passes {rule} (left out: {excluded}); widen the window.")
    known = dates.join(market_signals(quotes, completed), on="trade_date", how="left")
    return _assemble(known.sort("entry", "contract", "trade_date"), excluded, rate=rate)


def _assemble(dates: pl.DataFrame, excluded: dict[str, int], *, rate: float) -> Panel:
    """Turn one row a (contract, date) into arrays; rows are sorted by contract and date."""
    volatility = pl.col("implied_volatility").forward_fill().over("contract")
    live = dates.filter(pl.col("trade_date") < pl.col("expiry"))
    carried = live["implied_volatility"].null_count()
    dates = dates.with_columns(volatility, normalised=pl.col("forward") / pl.col("forward").first().over("contract"))
    contracts = _metadata(dates)
    pad = _padding(contracts["dates"].to_numpy())
    calendar = dates["trade_date"].to_numpy().astype("datetime64[D]")[pad.rows]
    spot = dates["normalised"].to_numpy()[pad.rows]
    years = np.diff(calendar, axis=1).astype(float) / DAYS_PER_YEAR
    steps = years.shape[1]
    paths = market_paths(
        spot=jnp.asarray(spot),
        dt=jnp.asarray(years),
        volatility=jnp.asarray(dates["implied_volatility"].to_numpy()[pad.rows]),
        rate=jnp.full(steps, rate),
        dividend_yield=jnp.full(steps, rate),
        carry=jnp.zeros((steps + 1, 1)),
        tradable=jnp.asarray(pad.tradable),
        signals=jnp.asarray(dates.select(SIGNAL_NAMES).to_numpy()[pad.rows]),
        signal_names=SIGNAL_NAMES,
    )
    return Panel(
        paths=paths,
        book=_sold_book(contracts),
        premium=(contracts["premium"] / contracts["forward"]).to_numpy(),
        contracts=contracts.drop("dates"),
        dates=calendar,
        excluded=excluded,
        carried=carried,
    )


def _metadata(dates: pl.DataFrame) -> pl.DataFrame:
    """One row a contract, in the order of `dates`."""
    return dates.group_by("contract", maintain_order=True).agg(
        kind=pl.when(pl.col("cp").first() == "C").then(pl.lit("call")).otherwise(pl.lit("put")),
        strike=pl.col("strike").first(),
        entry=pl.col("entry").first(),
        expiry=pl.col("expiry").first(),
        forward=pl.col("forward").first(),
        multiplier=pl.col("multiplier").first(),
        premium=pl.col("close").first(),
        entry_volatility=pl.col("implied_volatility").first(),
        settlement=pl.col("forward").last(),
        settled_by=pl.col("source").last(),
        dates=pl.len(),
    )


@dataclass(frozen=True)
class _Padding:
    """Rows of the long table that fill (paths, dates); a path's last row is repeated after its expiry."""

    rows: np.ndarray
    tradable: np.ndarray


def _padding(lengths: np.ndarray) -> _Padding:
    lengths = lengths.astype(int)
    start = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    date = np.arange(lengths.max())[None, :]
    last = lengths[:, None] - 1
    return _Padding(rows=start[:, None] + np.minimum(date, last), tradable=date < last)


def _sold_book(contracts: pl.DataFrame) -> EuropeanBook:
    """One sold contract a path, in units of the forward at the sale."""
    strike = (contracts["strike"] / contracts["forward"]).to_numpy()[:, None]
    sign = np.where(contracts["kind"].to_numpy() == "call", 1.0, -1.0)[:, None]
    expiry = contracts["dates"].to_numpy().astype(np.int32)[:, None] - 1
    return EuropeanBook(
        strike=jnp.asarray(strike), sign=jnp.asarray(sign), expiry=jnp.asarray(expiry), quantity=-jnp.ones(sign.shape)
    )
