"""From a chain to what a surface is fitted on: forwards, discount factors, implied volatilities of bid, middle, ask."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from tenrec.core.errors import DataError
from tenrec.data.chain import OptionChain
from tenrec.pricing.chain_american import european_quotes
from tenrec.pricing.chain_forwards import forwards, median, parity_fits, price_factor
from tenrec.pricing.implied import implied_volatilities

MOST = 4000
SIDES = ("bid", "ask", "price")
LEAST_TIME_VALUE = 0.01
"""Share of a closing price, known to about as much, that must be time value where the option is in the money."""


@dataclass(frozen=True)
class ChainQuotes:
    """Args:
    table: the quotes that are fitted: maturity, strike, sign, bid, ask, price (as quoted), early_exercise (what the
        price holds for it, 0 if European), forward, discount, log_moneyness, volatility, volatility_bid,
        volatility_ask (null where one side is not quoted).
    expiries: maturity, forward, discount, their standard errors, pairs, source (parity, given, carry, spot).
    spot: of the chain. refused: reason → rows, of the whole day. assumptions: a sentence each. price_factor: what the
        file's prices were multiplied by.
    """

    table: pl.DataFrame
    expiries: pl.DataFrame
    spot: float
    refused: dict[str, int]
    assumptions: tuple[str, ...]
    price_factor: float = 1.0


def chain_quotes(chain: OptionChain, *, rate: float | None = None, most: int = MOST) -> ChainQuotes:
    """Forwards by parity, then implied volatilities of the out-of-the-money quotes; American ones as `chain_american`.

    Args:
        rate: continuous interest where the quotes tell none. most: quotes kept, evenly over strikes and expiries.

    Raises:
        DataError: fewer than three quotes or strikes; no forward and no way to one; American quotes without a spot.
    """
    says = list(chain.assumptions)
    quotes = _with_signs(chain, says)
    if quotes["strike"].n_unique() < 3:
        raise DataError(f"{chain.name} has {_counted(quotes['strike'].n_unique())}; a smile needs at least three.")
    factor = price_factor(parity_fits(quotes))
    if factor != 1.0:
        says.append("Prices are in cents: parity gives a discount factor near 100; they are divided by 100.")
        quotes = quotes.with_columns(pl.col(SIDES) * factor)
    quotes = quotes.with_columns(pl.col(SIDES).name.prefix("quoted_"))
    quotes, expiries = european_quotes(chain.name, quotes, rate, says)
    if expiries is None:
        expiries = forwards(chain.name, quotes, parity_fits(quotes), rate, says)
    quotes = quotes.drop("forward", "discount")
    if expiries.height == 1:
        says.append("One expiry: maturities between today and it follow the fitted process, none was quoted.")
    quotes = quotes.join(expiries.select("maturity", "forward", "discount"), on="maturity", how="inner")
    known = _volatilities(quotes)
    refused = dict(chain.refused)
    for reason, rows in known["refused"].drop_nulls().value_counts(sort=True).iter_rows():
        refused[reason] = rows
    kept = known.filter(pl.col("refused").is_null()).sort("maturity", "strike")
    kept = kept.drop("refused", *SIDES).rename({f"quoted_{side}": side for side in SIDES})
    if kept.height < 3:
        counts = ", ".join(f"{reason} in {rows:,}" for reason, rows in refused.items())
        raise DataError(
            f"{chain.name} leaves {kept.height} quotes with an implied volatility ({counts}); 3 are needed."
        )
    if kept.height > most:
        every = -(-kept.height // most)
        says.append(f"Every {every}. of {kept.height:,} quotes is fitted.")
        kept = kept.gather_every(every)
    spot = median(quotes["spot"])
    first = float(expiries["forward"][0])
    return ChainQuotes(kept, expiries, first if spot is None else spot, refused, tuple(says), factor)


def _counted(strikes: int) -> str:
    return f"{strikes} strike{'' if strikes == 1 else 's'}"


def _with_signs(chain: OptionChain, says: list[str]) -> pl.DataFrame:
    """Rows whose kind is missing get it from what it must be: by their volatility, or from how prices run in strike."""
    quotes = chain.quotes
    if quotes["sign"].null_count() == 0:
        return quotes
    known = pl.coalesce("forward", "spot")
    if quotes.select(known.null_count()).item() == quotes.height:
        raise DataError(f"{chain.name} says neither call nor put nor a spot; add a column of one of them.")
    slope = pl.corr(pl.col("strike"), pl.col("price"), method="spearman").over("maturity")
    call = pl.col("price") >= (known - pl.col("strike"))
    falls = pl.when(slope <= 0).then(1.0).otherwise(-1.0)
    # Of two at one strike the call is the dearer below the forward, the put above it.
    there = ("maturity", "strike")
    paired = pl.col("sign").is_null().sum().over(*there) == 2
    dearer = pl.col("price") == pl.col("price").max().over(*there)
    possible = pl.when(~call).then(-1.0).otherwise(falls)
    possible = (
        pl.when(paired & pl.col("price").is_not_null())
        .then(pl.when(dearer == (pl.col("strike") < known)).then(1.0).otherwise(-1.0))
        .otherwise(possible)
    )
    made = quotes.with_columns(sign=pl.coalesce("sign", possible))
    calls = int((made["sign"] > 0).sum())
    says.append(f"No option type is given; by price against intrinsic value and strike {calls:,} are calls, "
                f"{made.height - calls:,} puts.")  # fmt: skip
    return made


def _volatilities(quotes: pl.DataFrame) -> pl.DataFrame:
    """Volatility of bid, middle and ask; in-the-money quotes with an out-of-the-money twin are left out."""
    made = quotes.with_columns(log_moneyness=(pl.col("strike") / pl.col("forward")).log())
    inside = pl.col("sign") * pl.col("log_moneyness") < 0
    twin = pl.len().over("maturity", "strike") > 1
    columns = ["forward", "strike", "maturity", "sign", "discount"]
    forward, strike, maturity, sign, discount = (made[name].to_numpy() for name in columns)
    found = {}
    for side, role in {"volatility": "price", "volatility_bid": "bid", "volatility_ask": "ask"}.items():
        price = made[role].fill_null(float("nan")).to_numpy()
        found[side] = implied_volatilities(price, forward, strike, maturity, sign, discount)
    told = made["implied_vol"].fill_null(float("nan")).to_numpy()
    own = made["price"].is_null().to_numpy()
    middle, status = found["volatility"].volatility, found["volatility"].status
    middle = np.where(own, told, middle)
    reason = (
        pl.when(pl.col("refused").is_not_null())
        .then("refused")
        .when(inside & twin)
        .then(pl.lit("in the money, its twin is used"))
    )
    reason = reason.when(pl.col("status") == 1).then(pl.lit("below intrinsic value"))
    bare = inside & pl.col("quoted_bid").is_not_null() & pl.col("volatility_bid").is_null()
    reason = reason.when(bare).then(pl.lit("in the money, its bid is below intrinsic value"))
    reason = reason.when(pl.col("status") == 2).then(pl.lit("above the bound"))
    exercised = pl.col("discount") * pl.col("sign") * (pl.col("forward") - pl.col("strike"))
    closed = pl.col("quoted_bid").is_null() & pl.col("quoted_ask").is_null()
    reason = reason.when(inside & closed & (pl.col("price") - exercised < LEAST_TIME_VALUE * pl.col("price"))).then(
        pl.lit("in the money, too little time value in a closing price to tell a volatility")
    )
    wide = pl.col("volatility_ask") - pl.col("volatility_bid") > pl.col("volatility")
    reason = reason.when(wide).then(pl.lit("bid and ask too far apart to tell a volatility"))
    reason = reason.when(pl.col("volatility").is_null() | (pl.col("volatility") <= 0)).then(pl.lit("no volatility"))
    status = np.where(own, 0, status)
    columns = {"volatility": middle, **{name: found[name].volatility for name in ("volatility_bid", "volatility_ask")}}
    return (
        made.with_columns(
            *[pl.Series(name, values).fill_nan(None) for name, values in columns.items()], pl.Series("status", status)
        )
        .with_columns(refused=reason)
        .drop("status")
    )
