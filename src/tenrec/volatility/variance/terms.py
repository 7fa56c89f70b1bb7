"""Every expiry of every day of a chain as a strip of out-of-the-money options."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from tenrec.core.errors import DataError
from tenrec.data.chain import OptionChain
from tenrec.data.chain_parsing import MORNING_ROOTS
from tenrec.pricing.chain_forwards import expiry_parity, trusted_rate
from tenrec.pricing.parity import Parity
from tenrec.volatility.variance.strip import Strip, quoted_strip

DAYS = 365.0
APART = 0.005
UNQUOTED = ("no quote", "no bid", "no ask", "no price", "price of zero")
"""Reasons of the reader for rows that count as a strike without a bid."""


@dataclass(frozen=True)
class Term:
    """One expiry on one day.

    Args:
        day: quote date. days: calendar days to the expiry. root: of the option symbols, empty where unknown.
        strip: its out-of-the-money quotes.
    """

    day: np.datetime64
    days: float
    root: str
    strip: Strip

    @property
    def expiry(self) -> np.datetime64:
        """The date of expiry."""
        return self.day + np.timedelta64(round(self.days), "D")


@dataclass(frozen=True)
class ChainTerms:
    """Terms by day, the nearest first.

    Args:
        name: of the chain. days: quote date → terms. assumptions: sentences. left_out: why expiries are not used → how
            many.
    """

    name: str
    days: dict[np.datetime64, list[Term]]
    assumptions: tuple[str, ...]
    left_out: dict[str, int] = field(default_factory=dict)

    @property
    def terms(self) -> list[Term]:
        """All of them."""
        return [term for terms in self.days.values() for term in terms]


def chain_terms(chain: OptionChain, *, rate: float | None = None) -> ChainTerms:
    """Strips of every day and expiry.

    Interest is the file's where it has any, else `rate`, else put–call parity's where the quotes are sharp enough, and
    the day's median of those elsewhere.

    Raises:
        DataError: no prices, or not one expiry whose strip can be had; the message is the first expiry's.
    """
    says = list(chain.assumptions)
    table = chain.table
    if chain.quotes["price"].null_count() == chain.quotes.height:
        raise DataError(f"{chain.name} holds volatilities without prices; an index needs prices of calls and puts.")
    if table.filter(pl.col("refused").is_null())["sign"].null_count():
        raise DataError(f"{chain.name} does not say which options are calls and which puts; add a column kind.")
    if (chain.quotes["style"] == "american").any():
        says.append("American options are taken at their prices, as the exchange does for funds.")
    known = pl.col("refused").is_null() | pl.col("refused").is_in(UNQUOTED)
    day = pl.col("time").dt.date().alias("day")
    rows = table.filter(known & (pl.col("maturity") > 0)).with_columns(day, pl.col("root").fill_null(""))
    rows = rows.with_columns(price=pl.when(pl.col("refused").is_null()).then(pl.col("price")))
    # Not of a file without dates: one day, unnamed.
    rows = rows.with_columns(pl.col("day").fill_null(pl.date(1970, 1, 1)))
    found: dict[np.datetime64, list[Term]] = {}
    left_out: dict[str, int] = {}
    first: DataError | None = None
    for (own,), part in rows.group_by("day", maintain_order=True):
        made = list(_day_terms(chain.name, np.datetime64(str(own)), part, rate, left_out))
        good = [term for term in made if isinstance(term, Term)]
        first = first or next((term for term in made if isinstance(term, DataError)), None)
        if good:
            found[good[0].day] = sorted(good, key=lambda term: term.strip.maturity)
    if not found:
        raise first or DataError(f"{chain.name} has no quote that expires after its date; give a chain with some.")
    return ChainTerms(chain.name, dict(sorted(found.items())), tuple(says), left_out)


def _day_terms(
    name: str, day: np.datetime64, rows: pl.DataFrame, rate: float | None, left_out: dict[str, int]
) -> Iterator[Term | DataError]:
    """Each expiry's term, or why there is none."""
    groups = list(rows.group_by("maturity", "root", maintain_order=True))
    fits = [None if rate is not None else expiry_parity(part.drop_nulls("price")) for _, part in groups]
    growth = _discounts(groups, fits, rate)
    for ((maturity, root), part), discount, fit in zip(groups, growth, fits, strict=True):
        years = float(maturity)  # type: ignore[arg-type]
        days = _calendar_days(years, str(root))
        dated = "" if str(day) == "1970-01-01" else f" on {day}"
        try:
            strip = _strip(part, years, discount, f"{name}{dated}, {days:g} days to expiry,")
            _refuse_contradiction(strip, fit)
        except DataError as error:
            why = str(error).split(" has ", 1)[-1].split(";", 1)[0]
            own_words = why.startswith(("no quoted", "no strike", "calls and puts"))
            kind = why if own_words else "too few out-of-the-money quotes on one side"
            left_out[kind] = left_out.get(kind, 0) + 1
            yield error
            continue
        yield Term(day, days, str(root), strip)


def _calendar_days(years: float, root: str) -> float:
    """Days to the expiry; roots that settle at the open of it are counted from the reader's hours to the whole day."""
    days = round(years * DAYS, 3)
    return float(np.ceil(days)) if root in MORNING_ROOTS else days


def _refuse_contradiction(strip: Strip, fit: Parity | None) -> None:
    """Quotes so wide that the strike of the smallest difference says another forward than all strikes together."""
    if fit is not None and abs(strip.forward / fit.forward - 1.0) > APART:
        raise DataError("An expiry has calls and puts that contradict each other on the forward; give sharper quotes.")


def _discounts(groups: list, fits: list[Parity | None], rate: float | None) -> list[float]:
    rates: list[float | None] = []
    for ((maturity, _), part), fit in zip(groups, fits, strict=True):
        told = part["discount"].drop_nulls()
        if len(told):
            rates.append(-float(np.log(float(np.median(told.to_numpy())))) / maturity)
        elif rate is not None:
            rates.append(rate)
        else:
            rates.append(-float(np.log(fit.discount)) / maturity if fit and trusted_rate(fit, maturity) else None)
    sure = [one for one in rates if one is not None]
    usual = float(np.median(sure)) if sure else 0.0
    found = [usual if one is None else one for one in rates]
    return [float(np.exp(-one * maturity)) for one, ((maturity, _), _) in zip(found, groups, strict=True)]


def _strip(part: pl.DataFrame, maturity: float, discount: float, what: str) -> Strip:
    sides = [part.filter(pl.col("sign") == sign).select("strike", "price") for sign in (1.0, -1.0)]
    both = sides[0].join(sides[1], on="strike", how="full", coalesce=True, suffix="_put").sort("strike")
    both = both.unique("strike", keep="first", maintain_order=True)
    strike, call, put = (both[name].fill_null(float("nan")).to_numpy() for name in ("strike", "price", "price_put"))
    return quoted_strip(strike, call, put, maturity=maturity, discount=discount, what=what)
