"""Any record of option quotes, brought to the tables that steps and contracts are cut from."""

from dataclasses import dataclass

import polars as pl

from tenrec.backtest.forwards import NEAR_THE_MONEY, complete_forwards, put_call_forwards
from tenrec.backtest.kinds import with_kinds
from tenrec.core.errors import DataError
from tenrec.data import shanghai_etf, shanghai_forwards, shanghai_options
from tenrec.data.chain_history import ChainHistory

FEWEST_SESSIONS = 5
"""Sessions that a record needs."""
SHANGHAI_RATE = 0.025
PAIRS, MONTHS = 5, 30.0 / 365.0
"""Pairs of call and put, and years to expiry, from which parity tells a rate."""
TRUSTED = (0.0, 0.15)
"""Rates that parity may tell; outside them early exercise or stale quotes speak."""


@dataclass(frozen=True)
class Listing:
    """Option quotes with the forward of every expiry.

    Args:
        name: what the record is called. currency: of its prices, empty where it is not known.
        options: trade_date, expiry, cp, strike, strike_raw, multiplier, adj_event, dup_key, close, and years to expiry
            where the hour of the quotes and of the expiry is known.
        forwards: trade_date, expiry, forward, source; at an expiry the settlement.
        rate: continuous annual, decimal. coin: name of the coin in which options are quoted and settled, or None.
        notes: what had to be assumed, in sentences.
    """

    name: str
    currency: str
    options: pl.DataFrame
    forwards: pl.DataFrame
    rate: float
    coin: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def sessions(self) -> pl.Series:
        """The trading dates, in order."""
        return self.options["trade_date"].unique().sort()


def shanghai_listing(*, rate: float | None = None) -> Listing:
    """The bundled Shanghai 50ETF options."""
    options, rate = shanghai_options(), SHANGHAI_RATE if rate is None else rate
    completed = complete_forwards(options, shanghai_forwards(), shanghai_etf(), rate=rate)
    return Listing("Shanghai 50ETF options", "CNY", options, completed, rate)


def history_listing(history: ChainHistory, *, rate: float | None = None, dividend_yield: float = 0.0) -> Listing:
    """Option quotes of a file: one quote a contract and date, at the middle of bid and ask or at the close.

    The forward of an expiry is the file's own, else that of put–call parity (median near the money), else
    spot·exp((rate − dividend_yield)·T); at the expiry it is the spot. The rate is the file's own, else that of parity,
    where none is given.

    Raises:
        DataError: fewer than `FEWEST_SESSIONS` dates, or nothing that gives a forward.
    """
    says = list(history.assumptions)
    quotes = with_kinds(history.name, history.table.filter(pl.col("price") > 0), says)
    sessions = quotes["trade_date"].n_unique()
    if sessions < FEWEST_SESSIONS:
        raise DataError(
            f"{history.name} has quotes on {sessions} date{'s' * (sessions != 1)}; at least {FEWEST_SESSIONS} are "
            "needed to follow a hedge, and 60 to learn one, so give a longer record."
        )
    options = quotes.select(
        "trade_date",
        "expiry",
        cp=pl.when(pl.col("sign") > 0).then(pl.lit("C")).otherwise(pl.lit("P")),
        strike="strike",
        strike_raw="strike",
        multiplier=pl.col("multiplier").fill_null(1.0),
        adj_event=pl.lit(None, pl.Date),
        dup_key=pl.lit(False),
        close="price",
        years="maturity",
    ).sort("trade_date", "expiry", "strike", "cp")
    rate = _rate(history, quotes, options, says) if rate is None else rate
    if (quotes["style"] == "american").any():
        says.append(
            "The options are American and are treated as European: early exercise is not valued, and a forward by "
            "parity is only near."
        )
    forwards = _forwards(quotes, options, rate, dividend_yield, history.name, says)
    if history.refused:
        counts = ", ".join(f"{reason} in {rows:,}" for reason, rows in history.refused.items())
        says.append(f"Rows that are not used: {counts}.")
    coin = (history.symbol or "coin") if history.coin else None
    return Listing(history.name, "USD" if coin else "", options, forwards, rate, coin, tuple(says))


def _rate(history: ChainHistory, quotes: pl.DataFrame, options: pl.DataFrame, says: list[str]) -> float:
    """The file's own rate, else the one that parity tells, else 0; and in words which."""
    if history.coin:
        return 0.0
    own = quotes.filter(pl.col("maturity") > 0).select((-pl.col("discount").log() / pl.col("maturity")).median()).item()
    if own is not None:
        says.append(f"Interest is the file's own, {100 * own:.2f} % a year (median).")
        return float(own)
    found = _parity_rate(options)
    if found is not None:
        says.append(f"Interest is read off put–call parity, {100 * found:.2f} % a year; `rate` changes it.")
        return found
    says.append("Nothing tells the interest: it is taken as 0, `rate` changes it.")
    return 0.0


def _parity_rate(options: pl.DataFrame) -> float | None:
    """Median over smiles of −log(D)/T, D minus the slope of call less put in the strike, near the money."""
    key = ["trade_date", "expiry", "years"]
    sides = options.pivot("cp", index=[*key, "strike", "multiplier"], values="close")
    if not {"C", "P"} <= set(sides.columns):
        return None
    pairs = sides.drop_nulls(["C", "P"]).with_columns(gap=pl.col("C") - pl.col("P"))
    # Where call and put are worth the same the strike is the forward, nearly enough to choose strikes by.
    middle = pl.col("strike").sort_by(pl.col("gap").abs()).first().over(key)
    near = pairs.filter((pl.col("strike") / middle).log().abs() <= 2.0 * NEAR_THE_MONEY, pl.col("years") >= MONTHS)
    slopes = near.group_by(key).agg(
        pairs=pl.len(), slope=pl.cov("strike", "gap") / pl.col("strike").var()
    ).filter(pl.col("pairs") >= PAIRS, pl.col("slope") < 0)  # fmt: skip
    rates = slopes.select(rate=-(-pl.col("slope")).log() / pl.col("years")).to_series().drop_nans()
    middle_rate = rates.median()
    if not isinstance(middle_rate, float) or not TRUSTED[0] <= middle_rate <= TRUSTED[1]:
        return None
    return middle_rate


def _forwards(
    quotes: pl.DataFrame, options: pl.DataFrame, rate: float, dividend_yield: float, name: str, says: list[str]
) -> pl.DataFrame:
    """Forwards of all (date, expiry), each from the best that the file offers, and in words where they come from."""
    key = ["trade_date", "expiry"]
    pairs = quotes.group_by(key).agg(pl.col("forward").median().alias("stated"), pl.col("spot").median())
    parity = put_call_forwards(options, rate=rate).with_columns(centre=pl.col("forward").median().over(key))
    near = (pl.col("strike") / pl.col("centre")).log().abs() <= NEAR_THE_MONEY
    parity = parity.group_by(key).agg(
        parity=pl.coalesce(pl.col("forward").filter(near).median(), pl.col("forward").median())
    )
    spots = pairs.group_by("trade_date").agg(close=pl.col("spot").median())
    joined = pairs.join(parity, on=key, how="left").join(spots, on="trade_date", how="left")
    years = (pl.col("expiry") - pl.col("trade_date")).dt.total_days() / 365.0
    carried = pl.col("close") * ((rate - dividend_yield) * years).exp()
    settled = (pl.col("trade_date") == pl.col("expiry")) & pl.col("close").is_not_null()
    forward = pl.when(settled).then("close").otherwise(pl.coalesce("stated", "parity", carried))
    source = (
        pl.when(settled).then(pl.lit("spot"))
        .when(pl.col("stated").is_not_null()).then(pl.lit("the file"))
        .when(pl.col("parity").is_not_null()).then(pl.lit("parity"))
        .otherwise(pl.lit("spot carried"))
    )  # fmt: skip
    known = joined.select(*key, forward=forward, source=source).drop_nulls("forward")
    if known.is_empty():
        raise DataError(
            f"{name} has no forward, no spot, and no calls with puts to find one by parity; add one of them."
        )
    known = pl.concat([known, _expiries(spots, known)]).unique(key, keep="first")
    counts = known["source"].value_counts().sort("count", "source", descending=[True, False])
    said = ", ".join(f"{source} ({count:,})" for source, count in counts.iter_rows())
    says.append(f"Forwards of (date, expiry) pairs come from {said}.")
    return known.sort(key)


def _expiries(spots: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """The spot at every expiry that falls on a recorded date: the settlement."""
    expiries = known.select(pl.col("expiry").unique())
    return expiries.join(spots.drop_nulls(), left_on="expiry", right_on="trade_date").select(
        trade_date="expiry", expiry="expiry", forward="close", source=pl.lit("spot")
    )
