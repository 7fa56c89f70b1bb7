"""From a chain to what a surface is fitted on: forwards, discount factors, implied volatilities of bid, middle, ask."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from tenrec.core.errors import DataError
from tenrec.data.chain import OptionChain
from tenrec.pricing.implied import implied_volatilities
from tenrec.pricing.parity import Parity, fit_parity

MOST = 4000
PAIRS = 5
RATE_ERROR = 0.01
"""A rate by parity whose standard error is larger is replaced by the median of the others."""


@dataclass(frozen=True)
class ChainQuotes:
    """Args:
    table: the quotes that are fitted: maturity, strike, sign, bid, ask, price, forward, discount, log_moneyness,
        volatility, volatility_bid, volatility_ask (null where one side is not quoted).
    expiries: maturity, forward, discount, their standard errors, pairs, source (parity, given, spot).
    spot: of the chain. refused: reason → rows, of the whole day. assumptions: a sentence each.
    """

    table: pl.DataFrame
    expiries: pl.DataFrame
    spot: float
    refused: dict[str, int]
    assumptions: tuple[str, ...]


def chain_quotes(chain: OptionChain, *, rate: float | None = None) -> ChainQuotes:
    """Forwards by parity, then implied volatilities of the out-of-the-money quotes.

    Raises:
        DataError: American quotes; fewer than three quotes; one strike; no forward and no way to one.
    """
    says = list(chain.assumptions)
    quotes = _with_signs(chain, says)
    if (quotes["style"] == "american").any():
        raise DataError(
            f"{chain.name} holds American options, whose early exercise is worth something that parity and Black's "
            "formula do not know; give European quotes, or say --style european where the premium may be neglected."
        )
    if quotes["strike"].n_unique() < 3:
        raise DataError(f"{chain.name} has {quotes['strike'].n_unique()} strike; a smile needs at least three.")
    quotes, expiries = _forwards(chain.name, quotes, rate, says)
    if expiries.height == 1:
        says.append("One expiry: maturities between today and it follow the fitted process, none was quoted.")
    quotes = quotes.join(expiries.select("maturity", "forward", "discount"), on="maturity", how="inner")
    known = _volatilities(quotes)
    refused = dict(chain.refused)
    for reason, rows in known["refused"].drop_nulls().value_counts(sort=True).iter_rows():
        refused[reason] = rows
    kept = known.filter(pl.col("refused").is_null()).drop("refused").sort("maturity", "strike")
    if kept.height < 3:
        counts = ", ".join(f"{reason} in {rows:,}" for reason, rows in refused.items())
        raise DataError(
            f"{chain.name} leaves {kept.height} quotes with an implied volatility ({counts}); 3 are needed."
        )
    if kept.height > MOST:
        every = -(-kept.height // MOST)
        says.append(f"Every {every}. of {kept.height:,} quotes is fitted.")
        kept = kept.gather_every(every)
    spot = _median(quotes["spot"])
    first = float(expiries["forward"][0])
    return ChainQuotes(kept, expiries, first if spot is None else spot, refused, tuple(says))


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


def _forwards(
    name: str, quotes: pl.DataFrame, rate: float | None, says: list[str]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    fits = {maturity: expiry_parity(part) for (maturity,), part in quotes.group_by("maturity", maintain_order=True)}
    level = np.median([fit.discount for fit in fits.values() if fit is not None] or [1.0])
    if 50.0 < level < 150.0:
        says.append("Prices are in cents: parity gives a discount factor near 100; they are divided by 100.")
        quotes = quotes.with_columns(pl.col("bid", "ask", "price") / 100.0)
        fits = {maturity: expiry_parity(part) for (maturity,), part in quotes.group_by("maturity", maintain_order=True)}
    rates = [-np.log(fit.discount) / time for time, fit in fits.items() if fit is not None and trusted_rate(fit, time)]
    usual = rate if rate is not None else float(np.median(rates)) if rates else 0.0
    rows = []
    for (maturity,), part in quotes.group_by("maturity", maintain_order=True):
        rows.append(_expiry(name, float(maturity), part, fits[maturity], usual))
    if not rates and rate is None and not any(row["rated"] for row in rows):
        says.append("No discount factor can be read off; interest is taken as 0, --rate changes it.")
    if any(row["source"] == "spot" for row in rows):
        says.append("Some expiries have too few pairs of call and put: their forward is the spot at the rate.")
    return quotes.drop("forward", "discount"), pl.DataFrame(rows).drop("rated").sort("maturity")


def trusted_rate(fit: Parity | None, maturity: float) -> bool:
    """Whether the parity line's slope says what interest is."""
    if fit is None or not 0.3 < fit.discount < 1.2:
        return False
    return fit.discount_error / (fit.discount * maturity) < RATE_ERROR


def expiry_parity(part: pl.DataFrame) -> Parity | None:
    """The parity line of one expiry's quotes, or None with fewer than five pairs of call and put."""
    spread = (pl.col("ask") - pl.col("bid")).alias("spread")
    sides = [part.filter(pl.col("sign") == sign).select("strike", "price", spread) for sign in (1.0, -1.0)]
    pairs = sides[0].join(sides[1], on="strike").drop_nulls(["price", "price_right"])
    if pairs.height < PAIRS:
        return None
    width = (pairs["spread"] + pairs["spread_right"]).fill_null(0.0).to_numpy()
    difference = (pairs["price"] - pairs["price_right"]).to_numpy()
    return fit_parity(pairs["strike"].to_numpy(), difference, width if (width > 0).any() else None)


def _expiry(name: str, maturity: float, part: pl.DataFrame, fit: Parity | None, usual: float) -> dict:
    given, spot, told = (_median(part[role]) for role in ("forward", "spot", "discount"))
    discount = told if told is not None else float(np.exp(-usual * maturity))
    rated = told is not None
    if fit is not None and trusted_rate(fit, maturity) and told is None:
        discount, rated = fit.discount, True
    none = {"forward_error": None, "discount_error": None, "pairs": fit.pairs if fit else 0}
    if fit is not None and fit.discount > 0 and given is None:
        errors = {"forward_error": fit.forward_error, "discount_error": fit.discount_error, "pairs": fit.pairs}
        return {"maturity": maturity, "forward": fit.forward, "discount": discount, **errors, "source": "parity",
                "rated": rated}  # fmt: skip
    forward = given if given is not None else None if spot is None else spot / discount
    if forward is None:
        raise DataError(f"{name} gives no spot, no forward, and too few pairs of call and put; add a column spot.")
    if told is None and given is not None and fit is None:
        read = _discount_by_volatility(part, forward)
        discount, rated = (read, True) if read is not None else (discount, rated)
    source = "given" if given is not None else "spot"
    return {"maturity": maturity, "forward": forward, "discount": discount, **none, "source": source, "rated": rated}


def _median(column: pl.Series) -> float | None:
    known = column.drop_nulls().to_numpy()
    return float(np.median(known)) if known.size else None


def _discount_by_volatility(part: pl.DataFrame, forward: float) -> float | None:
    """The discount factor that makes the file's own prices and implied volatilities agree."""
    both = part.filter((pl.col("implied_vol") > 0) & (pl.col("price") > 0))
    if both.height < PAIRS:
        return None
    from scipy.stats import norm

    strike, sign = both["strike"].to_numpy(), both["sign"].to_numpy()
    total = both["implied_vol"].to_numpy() * np.sqrt(both["maturity"].to_numpy())
    upper = np.log(forward / strike) / total + 0.5 * total
    worth = sign * (forward * norm.cdf(sign * upper) - strike * norm.cdf(sign * (upper - total)))
    ratio = both["price"].to_numpy() / np.maximum(worth, 1e-300)
    found = float(np.median(ratio[worth > np.quantile(worth, 0.5)]))
    return found if 0.3 < found < 1.2 else None


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
    reason = pl.when(inside & twin).then(pl.lit("in the money, its twin is used"))
    reason = reason.when(pl.col("status") == 1).then(pl.lit("below intrinsic value"))
    reason = reason.when(pl.col("status") == 2).then(pl.lit("above the bound"))
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
