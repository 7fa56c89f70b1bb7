"""The volatility index of any maturity from the strips of one day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tenrec.core.errors import DataError
from tenrec.volatility.variance.strip import index_variance, strip_skewness
from tenrec.volatility.variance.terms import DAYS, Term

BACK = 14.0


@dataclass(frozen=True)
class IndexValue:
    """An index and the two terms that it lies between.

    Args:
        days: of the index. value: 100·√variance. skew: 100 − 10·skewness of the log return. near, next: the terms.
        weight: of the near term; above 1 where the index lies before both.
    """

    days: float
    value: float
    skew: float
    near: Term
    next: Term
    weight: float


def weekly(terms: Sequence[Term]) -> list[Term]:
    """The last expiry of each week, and of two that expire on one date the standard one, settled in the morning.

    The exchange takes Fridays only, and on the third one of a month the standard options: the days in between carry
    events of their own.
    """
    latest: dict[int, Term] = {}
    for term in sorted(terms, key=lambda term: (term.expiry, -term.strip.maturity)):
        latest[_week(term.expiry)] = term
    return list(latest.values())


def index(terms: Sequence[Term], days: float, *, what: str = "The chain") -> IndexValue:
    """The index of `days`, its total variance linear in time between the last term at or before them and the next.

    Where the front expiry has just gone, the line through the first two is carried back by up to `BACK` days, as
    indices on monthly options do.

        100·√{[T₁σ₁²·(T₂ − T)/(T₂ − T₁) + T₂σ₂²·(T − T₁)/(T₂ − T₁)]/T}

    Raises:
        DataError: the terms do not bracket the days.
    """
    years = days / DAYS
    ordered = sorted(terms, key=lambda term: term.strip.maturity)
    before = [term for term in ordered if term.strip.maturity <= years]
    after = [term for term in ordered if term.strip.maturity > years]
    if before and not after and abs(before[-1].strip.maturity - years) < 1e-9:
        before, after = before[:-1], before[-1:]
    if not before and len(after) > 1 and after[0].days - days <= min(BACK, 0.5 * days):
        before, after = after[:1], after[1:]
    if not before or not after:
        span = f"{ordered[0].days:g} to {ordered[-1].days:g} days" if len(ordered) > 1 else f"{ordered[0].days:g} days"
        raise DataError(
            f"{what} has expiries of {span}, which do not bracket {days:g} days; ask for --days that they do, or give "
            "a chain with more expiries."
        )
    near, later = before[-1], after[0]
    first, last = near.strip.maturity, later.strip.maturity
    weight = (last - years) / (last - first)
    total = weight * first * index_variance(near.strip) + (1.0 - weight) * last * index_variance(later.strip)
    skew = weight * strip_skewness(near.strip) + (1.0 - weight) * strip_skewness(later.strip)
    if total <= 0.0:
        raise DataError(f"{what} gives a negative variance at {days:g} days; its quotes contradict each other.")
    return IndexValue(days, float(100.0 * np.sqrt(total / years)), 100.0 - 10.0 * skew, near, later, weight)


def _week(date: np.datetime64) -> int:
    """Monday-to-Sunday weeks; day 0 of the calendar was a Thursday."""
    return (int(date.astype("datetime64[D]").astype(int)) + 3) // 7


INTERPOLATED = ("variance_swap", "volatility_swap", "at_the_money")
SLOPES = ("risk_reversal", "butterfly", "skew")


def between(near: Mapping[str, Any], later: Mapping[str, Any], found: IndexValue) -> dict[str, float | None]:
    """Fair strikes and at-the-money volatility by total variance linear in time, smile quotes linear in time.

    Args:
        near, later: rows of `smiles.term_table` for the two terms of the index.
    """
    weight, years = found.weight, found.days / DAYS
    values: dict[str, float | None] = {}
    for name in (*INTERPOLATED, *SLOPES):
        first, second = near[name], later[name]
        if first is None or second is None:
            values[name] = None
        elif name in SLOPES:
            values[name] = weight * first + (1.0 - weight) * second
        else:
            total = weight * first**2 * near["maturity"] + (1.0 - weight) * second**2 * later["maturity"]
            values[name] = float(np.sqrt(total / years)) if total > 0.0 else None
    return values
