"""Parity forwards of every listed expiry up to and including its settlement."""

import numpy as np
import polars as pl

NEAR_THE_MONEY = 0.05
"""Strikes within this log distance of the forward give the put–call forward at the tail."""


def complete_forwards(
    options: pl.DataFrame, forwards: pl.DataFrame, etf: pl.DataFrame, *, rate: float = 0.025
) -> pl.DataFrame:
    """Forward of every (date, expiry), the last two days included.

    The recorded parity forward stops two calendar days before the expiry, when too little time is left for its filter.
    The tail comes from the expiring series alone, because the forwards of other expiries carry a basis of their own
    (in August 2015 the next one stood 6 % below):

    * one day before: median over strikes near the money of K + (C − P)·exp(rT) at the close ("put_call");
    * at expiry: the ETF close where it is recorded, from 2017 ("etf_close"), else the median of K + C − P of the
      closes of the expiring puts and calls ("put_call").

    Returns:
        trade_date, expiry, forward, source; one row a pair, sorted. `source` is "parity", "put_call" or "etf_close".
    """
    recorded = forwards.select("trade_date", "expiry", pl.col("fwd_parity").alias("forward")).drop_nulls()
    recorded = recorded.with_columns(source=pl.lit("parity"))
    tail = _put_call_tail(options, recorded, rate=rate)
    closes = etf.select(pl.col("date").alias("trade_date"), "spot_est").drop_nulls()
    settled = tail.join(closes, on="trade_date", how="left").with_columns(
        by_close=(pl.col("trade_date") == pl.col("expiry")) & pl.col("spot_est").is_not_null()
    )
    settled = settled.select(
        "trade_date",
        "expiry",
        forward=pl.when("by_close").then("spot_est").otherwise("forward"),
        source=pl.when("by_close").then(pl.lit("etf_close")).otherwise(pl.lit("put_call")),
    )
    return pl.concat([recorded, settled]).sort("trade_date", "expiry")


def put_call_forwards(options: pl.DataFrame, *, rate: float = 0.025) -> pl.DataFrame:
    """K + (C − P)·exp(rT) of every strike with both closes: trade_date, expiry, strike, forward."""
    sides = options.filter(~pl.col("dup_key"), pl.col("close").is_not_null())
    keys = ["trade_date", "expiry", "strike", "multiplier"]
    calls = sides.filter(pl.col("cp") == "C").select(*keys, call="close")
    puts = sides.filter(pl.col("cp") == "P").select(*keys, put="close")
    maturity = (pl.col("expiry") - pl.col("trade_date")).dt.total_days() / 365.0
    growth = (rate * maturity).exp()
    pairs = calls.join(puts, on=keys)
    return pairs.select(
        "trade_date", "expiry", "strike", forward=pl.col("strike") + (pl.col("call") - pl.col("put")) * growth
    )


def _put_call_tail(options: pl.DataFrame, recorded: pl.DataFrame, *, rate: float) -> pl.DataFrame:
    """Put–call forwards of the (date, expiry) pairs in the last days of an expiry that `recorded` lacks."""
    days = (pl.col("expiry") - pl.col("trade_date")).dt.total_days()
    missing = options.filter(days <= 1).join(recorded, on=["trade_date", "expiry"], how="anti")
    pairs = put_call_forwards(missing, rate=rate).with_columns(
        centre=pl.col("forward").median().over("trade_date", "expiry")
    )
    near = (pl.col("strike") / pl.col("centre")).log().abs() <= NEAR_THE_MONEY
    # Where the money has moved beyond every listed strike, the median over all strikes is the best there is.
    value = pl.coalesce(pl.col("forward").filter(near).median(), pl.col("forward").median())
    return pairs.group_by("trade_date", "expiry").agg(value.alias("forward"))


def forward_table(forwards: pl.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Dense table of `complete_forwards`: dates (D,), expiries (E,), forward (D, E) with NaN where not quoted."""
    wide = forwards.pivot("expiry", index="trade_date", values="forward").sort("trade_date")
    names = sorted(name for name in wide.columns if name != "trade_date")
    return (
        wide["trade_date"].to_numpy().astype("datetime64[D]"),
        np.array(names, dtype="datetime64[D]"),
        wide.select(names).to_numpy().astype(float),
    )
