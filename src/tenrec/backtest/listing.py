"""Any record of option quotes, brought to the tables that steps and contracts are cut from."""

from dataclasses import dataclass

import polars as pl

from tenrec.backtest.forwards import NEAR_THE_MONEY, complete_forwards, put_call_forwards
from tenrec.core.errors import DataError
from tenrec.data import shanghai_etf, shanghai_forwards, shanghai_options
from tenrec.data.option_panel import OptionPanel

FEWEST_SESSIONS = 60
"""Sessions needed to learn, validate and judge."""


@dataclass(frozen=True)
class Listing:
    """Option quotes with the forward of every expiry.

    Args:
        name: what the record is called. currency: of its prices, empty where it is not known.
        options: trade_date, expiry, cp, strike, strike_raw, multiplier, adj_event, dup_key, close.
        forwards: trade_date, expiry, forward, source; at an expiry the settlement.
        notes: what had to be assumed, in sentences.
    """

    name: str
    currency: str
    options: pl.DataFrame
    forwards: pl.DataFrame
    notes: tuple[str, ...] = ()

    @property
    def sessions(self) -> pl.Series:
        """The trading dates, in order."""
        return self.options["trade_date"].unique().sort()


def shanghai_listing(*, rate: float) -> Listing:
    """The bundled Shanghai 50ETF options."""
    options = shanghai_options()
    completed = complete_forwards(options, shanghai_forwards(), shanghai_etf(), rate=rate)
    return Listing("Shanghai 50ETF options", "CNY", options, completed)


def panel_listing(panel: OptionPanel, *, rate: float, dividend_yield: float = 0.0) -> Listing:
    """Option quotes of a file: one quote a contract and date, at the close or the middle of bid and ask.

    The forward of an expiry is the file's own, else that of put–call parity (median near the money), else
    spot·exp((rate − dividend_yield)·T); at the expiry it is the spot.

    Raises:
        DataError: fewer than `FEWEST_SESSIONS` dates, or nothing that gives a forward.
    """
    middle = pl.when((pl.col("bid") > 0) & (pl.col("ask") > 0)).then(0.5 * (pl.col("bid") + pl.col("ask")))
    quotes = panel.quotes.with_columns(price=pl.coalesce(middle, pl.col("close"))).filter(pl.col("price") > 0)
    key = ["date", "expiry", "kind", "strike", "multiplier"]
    daily = quotes.sort("time").group_by(key, maintain_order=True).last()
    sessions = daily["date"].n_unique()
    if sessions < FEWEST_SESSIONS:
        raise DataError(
            f"{panel.name} has quotes on {sessions} dates; at least {FEWEST_SESSIONS} are needed to learn, validate "
            "and judge a hedge, give a longer record."
        )
    options = daily.select(
        pl.col("date").alias("trade_date"),
        "expiry",
        cp=pl.when(pl.col("kind") == "call").then(pl.lit("C")).otherwise(pl.lit("P")),
        strike="strike",
        strike_raw="strike",
        multiplier=pl.col("multiplier").fill_null(1.0).cast(pl.Int64),
        adj_event=pl.lit(None, pl.Date),
        dup_key=pl.lit(False),
        close="price",
    ).sort("trade_date", "expiry", "strike", "cp")
    forwards, notes = _forwards(daily, options, rate, dividend_yield, panel.name)
    repeated = quotes.height - daily.height
    if repeated:
        notes = (*notes, f"Of several quotes of a contract on one date the last is taken ({repeated:,} left out).")
    return Listing(panel.name, "", options, forwards, notes)


def _forwards(
    daily: pl.DataFrame, options: pl.DataFrame, rate: float, dividend_yield: float, name: str
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Forwards of all (date, expiry), each from the best that the file offers, and in words where they come from."""
    pairs = daily.group_by("date", "expiry").agg(pl.col("forward").median(), pl.col("spot").median())
    pairs = pairs.rename({"date": "trade_date", "forward": "stated"})
    parity = put_call_forwards(options, rate=rate).with_columns(
        centre=pl.col("forward").median().over("trade_date", "expiry")
    )
    near = (pl.col("strike") / pl.col("centre")).log().abs() <= NEAR_THE_MONEY
    parity = parity.group_by("trade_date", "expiry").agg(
        parity=pl.coalesce(pl.col("forward").filter(near).median(), pl.col("forward").median())
    )
    spots = pairs.group_by("trade_date").agg(close=pl.col("spot").median())
    joined = pairs.join(parity, on=["trade_date", "expiry"], how="left").join(spots, on="trade_date", how="left")
    years = (pl.col("expiry") - pl.col("trade_date")).dt.total_days() / 365.0
    carried = pl.col("close") * ((rate - dividend_yield) * years).exp()
    settled = (pl.col("trade_date") == pl.col("expiry")) & pl.col("close").is_not_null()
    forward = pl.when(settled).then("close").otherwise(pl.coalesce("stated", "parity", carried))
    source = (
        pl.when(settled).then(pl.lit("spot"))
        .when(pl.col("stated").is_not_null()).then(pl.lit("file"))
        .when(pl.col("parity").is_not_null()).then(pl.lit("put_call"))
        .otherwise(pl.lit("spot carried"))
    )  # fmt: skip
    known = joined.select("trade_date", "expiry", forward=forward, source=source).drop_nulls("forward")
    if known.is_empty():
        raise DataError(
            f"{name} has no forward, no spot, and no calls with puts to find one by parity; add one of them."
        )
    known = pl.concat([known, _expiries(spots, known)]).unique(["trade_date", "expiry"], keep="first")
    counts = known["source"].value_counts().sort("count", descending=True)
    said = ", ".join(f"{count:,} {kind.replace('_', '–')}" for kind, count in counts.iter_rows())
    return known.sort("trade_date", "expiry"), (f"Forwards of (date, expiry) pairs come from: {said}.",)


def _expiries(spots: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """The spot at every expiry that falls on a recorded date: the settlement."""
    expiries = known.select(pl.col("expiry").unique())
    return expiries.join(spots.drop_nulls(), left_on="expiry", right_on="trade_date").select(
        trade_date="expiry", expiry="expiry", forward="close", source=pl.lit("spot")
    )
