"""The volatility index of any maturity from the strips of one day."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tenrec.core.errors import DataError
from tenrec.volatility.variance.strip import index_variance, strip_skewness
from tenrec.volatility.variance.terms import DAYS, Term


@dataclass(frozen=True)
class IndexValue:
    """An index and the two terms that it lies between.

    Args:
        days: of the index. value: 100·√variance. skew: 100 − 10·skewness of the log return. near, next: the terms.
        weight: of the near term.
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
    return IndexValue(days, float(100.0 * np.sqrt(total / years)), 100.0 - 10.0 * skew, near, later, weight)


def _week(date: np.datetime64) -> int:
    """Monday-to-Sunday weeks; day 0 of the calendar was a Thursday."""
    return (int(date.astype("datetime64[D]").astype(int)) + 3) // 7
