"""Forward and discount factor of every expiry of a chain: by parity, as given, or carried over from other expiries."""

from collections.abc import Mapping

import numpy as np
import polars as pl

from tenrec.core.errors import DataError
from tenrec.pricing.parity import Parity, fit_parity

PAIRS = 5
RATE_ERROR = 0.01
"""A rate by parity whose standard error is larger is replaced by the median of the others."""
Fits = Mapping[float, Parity | None]


def parity_fits(quotes: pl.DataFrame) -> dict[float, Parity | None]:
    """The line of call less put of every maturity; None where there are too few pairs."""
    return {float(time): expiry_parity(part) for (time,), part in quotes.group_by("maturity", maintain_order=True)}


def price_factor(fits: Fits) -> float:
    """0.01 where the discount factors say that prices are in cents and strikes are not, else 1."""
    level = np.median([fit.discount for fit in fits.values() if fit is not None] or [1.0])
    return 0.01 if 50.0 < level < 150.0 else 1.0


def forwards(
    name: str, quotes: pl.DataFrame, fits: Fits, rate: float | None, says: list[str], *, pooled: bool = False
) -> pl.DataFrame:
    """maturity, forward, discount, their standard errors, pairs and source (parity, given, carry, spot).

    Args:
        rate: continuous interest where the quotes tell none. pooled: one rate, the median, serves all expiries.
    """
    rates = [-np.log(fit.discount) / time for time, fit in fits.items() if fit is not None and trusted_rate(fit, time)]
    usual = rate if rate is not None else float(np.median(rates)) if rates else 0.0
    spot = median(quotes["spot"])
    carry = _carry(fits, spot)
    rows = [
        _expiry(name, float(time), part, fits[float(time)], usual, carry, pooled)
        for (time,), part in quotes.group_by("maturity", maintain_order=True)
    ]
    if pooled and rates and rate is None:
        says.append(f"One rate serves all expiries, {usual:.2%}, the median of those that parity tells.")
    if not rates and rate is None and not any(row["rated"] for row in rows):
        says.append("No discount factor can be read off; interest is taken as 0, --rate changes it.")
    sources = {row["source"] for row in rows}
    if "carry" in sources:
        says.append(f"Expiries with too few pairs of call and put get the carry of the others, {carry:.2%} a year.")
    if "spot" in sources:
        says.append("Some expiries have too few pairs of call and put: their forward is the spot at the rate.")
    return pl.DataFrame(rows, infer_schema_length=None).drop("rated").sort("maturity")


def median(column: pl.Series) -> float | None:
    """The median of what is there, None where nothing is."""
    known = column.drop_nulls().to_numpy()
    return float(np.median(known)) if known.size else None


def _carry(fits: Fits, spot: float | None) -> float | None:
    """Median of log(F/S)/T over the expiries whose forward is known by parity; None where none is."""
    if spot is None:
        return None
    known = [np.log(fit.forward / spot) / time for time, fit in fits.items() if fit is not None and fit.forward > 0]
    return float(np.median(known)) if known else None


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


def _expiry(
    name: str,
    maturity: float,
    part: pl.DataFrame,
    fit: Parity | None,
    usual: float,
    carry: float | None,
    pooled: bool,
) -> dict:
    given, spot, told = (median(part[role]) for role in ("forward", "spot", "discount"))
    discount = told if told is not None else float(np.exp(-usual * maturity))
    rated = told is not None
    if fit is not None and trusted_rate(fit, maturity) and told is None and not pooled:
        discount, rated = fit.discount, True
    none = {"forward_error": None, "discount_error": None, "pairs": fit.pairs if fit else 0}
    if fit is not None and fit.discount > 0 and given is None:
        errors = {"forward_error": fit.forward_error, "discount_error": fit.discount_error, "pairs": fit.pairs}
        errors["discount_error"] = None if pooled else errors["discount_error"]
        return {"maturity": maturity, "forward": fit.forward, "discount": discount, **errors, "source": "parity",
                "rated": rated}  # fmt: skip
    source, forward = "given", given
    if forward is None and spot is not None:
        source = "spot" if carry is None else "carry"
        forward = spot / discount if carry is None else spot * float(np.exp(carry * maturity))
    if forward is None:
        raise DataError(f"{name} gives no spot, no forward, and too few pairs of call and put; add a column spot.")
    if told is None and given is not None and fit is None:
        read = _discount_by_volatility(part, forward)
        discount, rated = (read, True) if read is not None else (discount, rated)
    return {"maturity": maturity, "forward": forward, "discount": discount, **none, "source": source, "rated": rated}


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
