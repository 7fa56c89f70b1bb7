"""The record that `tenrec vol forecast` takes without an argument: the bundled Shanghai 50ETF."""

import polars as pl

from tenrec.backtest.forwards import complete_forwards
from tenrec.backtest.quotes import priced_quotes
from tenrec.backtest.signals import market_signals
from tenrec.data import shanghai_etf, shanghai_forwards, shanghai_options
from tenrec.runs.vol.reading import Reading
from tenrec.volatility.record import VarianceRecord

RATE = 0.025


def shanghai_record() -> Reading:
    """Squared daily returns of the put–call-parity forwards, and the 30-day at-the-money implied volatility."""
    options = shanghai_options()
    forwards = complete_forwards(options, shanghai_forwards(), shanghai_etf(), rate=RATE)
    signals = market_signals(priced_quotes(options, forwards, rate=RATE), forwards)
    known = signals.with_columns(pl.col("index_return", "atm_volatility").fill_nan(None)).drop_nulls(
        ["index_return", "atm_volatility"]
    )
    returns = known["index_return"].to_numpy()
    least = 1e-2 * float((known["index_return"] ** 2).median() or 0.0)  # type: ignore[arg-type]
    record = VarianceRecord(
        dates=known["trade_date"].to_numpy().astype("datetime64[D]"),
        variance=(returns**2).clip(least),
        returns=returns,
        implied=known["atm_volatility"].to_numpy(),
    )
    return Reading(record, "bundled daily returns (squared) and at-the-money implied volatilities", ())
