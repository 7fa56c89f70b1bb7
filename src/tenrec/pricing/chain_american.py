"""American quotes as the European ones of the same volatility, so that parity and Black's formula hold for them."""

import numpy as np
import polars as pl

from tenrec.core.errors import DataError
from tenrec.pricing.chain_forwards import forwards, median, parity_fits
from tenrec.pricing.early_exercise import AmericanExpiry

SIDES = ("bid", "ask", "price")
ROUNDS, SETTLED = 8, 1e-5
NEAR = 0.10
"""Pairs within this |log(K/S)| find the forward while it is not settled."""
SAME = 1e-4
SHORT = 10.0 / 365.0
"""Years within which the carry of a forward is small against what a spot moves before the options are quoted."""
EXERCISED = "American, worth no more than its exercise"


def european_quotes(
    name: str, quotes: pl.DataFrame, rate: float | None, says: list[str]
) -> tuple[pl.DataFrame, pl.DataFrame | None]:
    """The quotes with bid, ask and price of the European options of the same volatility in place of American ones.

    Forwards, and one rate for all expiries, come by parity of the European prices near the money, which need them: a
    few rounds settle both. Dividends count as a continuous yield, which each expiry's forward tells.

    Returns:
        the quotes, with `early_exercise` (the middle price less the European one) and `refused` (why there is none);
        and the expiries as `chain_forwards` gives them, None where no option is American.

    Raises:
        DataError: there is no spot, without which nothing says what exercise brings.
    """
    american = quotes["style"] == "american"
    plain = quotes.with_columns(early_exercise=pl.lit(0.0), refused=pl.lit(None, pl.String))
    if not american.any():
        return plain, None
    told = median(quotes["spot"])
    if told is None:
        raise DataError(
            f"{name} holds American options and no price of the underlying, which early exercise depends on; add a "
            "column spot, or say --style european where the premium may be neglected."
        )
    near = plain.filter((pl.col("strike") / told).log().abs() < NEAR)
    found, spot, rounds = _terms(name, near, rate, told), told, 0
    if rate is None and (found["discount"] > 1.0).all():
        # Exercise of puts tilts the line of American prices, below zero interest on some days; it starts at none.
        found = _terms(name, near, 0.0, told)
    for _ in range(ROUNDS):
        rounds += 1
        before = found
        spot = _spot(found, told)
        found = _terms(name, _converted(near, before, spot, ("price",)), rate, told)
        if _change(before, found) < SETTLED:
            break
    settled = _converted(near, found, spot, ("price",)).with_columns(spot=pl.lit(spot))
    found = forwards(name, settled, parity_fits(settled), rate, says, pooled=True)
    made = _converted(plain, found, spot, SIDES)
    unknown = pl.col("price").is_null() & (pl.col("style") == "american") & quotes["price"].is_not_null()
    made = made.with_columns(refused=pl.when(unknown).then(pl.lit(EXERCISED)))
    says.append(_said(made, rounds))
    if spot != told:
        says.append(f"The shortest forwards put the underlying at {spot:,.6g} when it was quoted, not at {told:,.6g}.")
    return made, found


def american_price(
    spot: float, strike: float, maturity: float, volatility: float, forward: float, discount: float, *, put: bool
) -> float:
    """The American option of a volatility, where forward and discount factor tell rate and dividend yield."""
    expiry = _expiry(spot, maturity, forward, discount)
    sign = np.array([-1.0 if put else 1.0])
    return float(expiry.value(sign, np.array([strike]), np.array([volatility]))[0])


def _expiry(spot: float, maturity: float, forward: float, discount: float) -> AmericanExpiry:
    rate = -float(np.log(discount)) / maturity
    return AmericanExpiry(spot, maturity, rate, rate - float(np.log(forward / spot)) / maturity)


def _terms(name: str, quotes: pl.DataFrame, rate: float | None, spot: float) -> pl.DataFrame:
    """maturity, forward, discount of every expiry; the given discount factors of the file stand."""
    return forwards(name, quotes.with_columns(spot=pl.lit(spot)), parity_fits(quotes), rate, [], pooled=True)


def _spot(terms: pl.DataFrame, told: float) -> float:
    """The underlying when the options were quoted: what forwards of a few days, less their carry, agree on.

    A difference of less than a basis point is noise of the forwards; the price that the file tells stands.
    """
    known = terms.filter(pl.col("source") == "parity")
    short, later = known.filter(pl.col("maturity") <= SHORT), known.filter(pl.col("maturity") > 2.0 * SHORT)
    if short.is_empty():
        return told
    time, level = short["maturity"].to_numpy(), np.log(short["forward"].to_numpy())
    slope = (later["forward"].log() - level[-1]) / (later["maturity"] - time[-1])
    carry = median(slope) if later.height else median(-short["discount"].log() / short["maturity"])
    found = float(np.exp(np.median(level - (carry or 0.0) * time)))
    return found if abs(found / told - 1.0) > SAME else told


def _converted(quotes: pl.DataFrame, terms: pl.DataFrame, spot: float, sides: tuple[str, ...]) -> pl.DataFrame:
    """European prices of `sides` where the row is American, null where there is none."""
    known = {row["maturity"]: row for row in terms.to_dicts()}
    parts = []
    for (maturity,), part in quotes.group_by("maturity", maintain_order=True):
        row = known.get(maturity)
        if row is None:
            continue
        expiry = _expiry(spot, float(maturity), row["forward"], row["discount"])
        sign, strike = part["sign"].to_numpy(), part["strike"].to_numpy()
        european = {
            side: expiry.deamericanised(sign, strike, part[side].fill_null(float("nan")).to_numpy()).european
            for side in sides
        }
        american = pl.col("style") == "american"
        new = [pl.Series(f"{side} new", values).fill_nan(None) for side, values in european.items()]
        changed = [pl.when(american).then(f"{side} new").otherwise(side).alias(side) for side in sides]
        gained = pl.when(american).then(pl.col("price") - pl.col("price new")).otherwise(0.0).alias("early_exercise")
        parts.append(part.with_columns(new).with_columns(*changed, gained).drop([f"{side} new" for side in sides]))
    return pl.concat(parts)


def _change(before: pl.DataFrame, after: pl.DataFrame) -> float:
    both = before.join(after, on="maturity", suffix="_after")
    moves = [(both[f"{role}_after"] / both[role]).log().abs().max() for role in ("forward", "discount")]
    return max(float(move) for move in moves if isinstance(move, float))


def _said(made: pl.DataFrame, rounds: int) -> str:
    told = made.filter(pl.col("style") == "american", pl.col("early_exercise").is_not_null())
    outside = told.filter(pl.col("sign") * (pl.col("strike") / pl.col("spot")).log() > 0, pl.col("price") > 0)
    share = outside.select((pl.col("early_exercise") / pl.col("price")).median()).item()
    typical = "" if share is None else f", {share:.2%} of the price at the median out-of-the-money quote"
    return (
        f"{told.height:,} American quotes stand for the European ones of the same volatility, early exercise taken "
        f"off{typical}; forwards by parity of these in {rounds} rounds, dividends as a yield."
    )
