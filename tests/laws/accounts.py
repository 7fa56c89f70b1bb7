"""The accounts kept a second time, in plain Python numbers, from the positions alone."""

from dataclasses import dataclass

import numpy as np

from tenrec.contracts import EuropeanBook
from tenrec.core.paths import RANK, MarketPaths
from tenrec.hedging.engine import Terms


@dataclass(frozen=True)
class Accounts:
    """What a bookkeeper finds for one path, by date: cash, wealth (cash and what has been paid for), costs, flows."""

    cash: np.ndarray
    wealth: np.ndarray
    cost: np.ndarray
    carry: np.ndarray
    flow: np.ndarray


def one_path(paths: MarketPaths, path: int) -> dict[str, np.ndarray]:
    """The fields of one path as NumPy arrays."""
    return {
        name: np.asarray(leaf[path] if leaf.ndim > rank else leaf)
        for name, rank in RANK.items()
        for leaf in [getattr(paths, name)]
    }


def legs_of(book: EuropeanBook, path: int) -> list[tuple[float, float, int, float]]:
    """(strike, sign, expiry, quantity) of every leg on one path."""
    fields = (book.strike, book.sign, book.expiry, book.quantity)
    rows = [np.asarray(leaf[path] if leaf.ndim > 1 else leaf) for leaf in fields]
    return [(float(k), float(s), int(e), float(q)) for k, s, e, q in zip(*rows, strict=True)]


def keep_accounts(
    positions: np.ndarray,
    market: dict[str, np.ndarray],
    legs: list[tuple[float, float, int, float]],
    terms: Terms,
    *,
    proportional: np.ndarray,
    half_spread: bool,
    premium: float,
) -> Accounts:
    """Wealth changes by price moves, interest, carry, flows and costs, and by nothing else.

    positions: (dates, instruments) units held after the trade of each date; the last row is the closed position.
    """
    dates, instruments = positions.shape
    price = market["price"]
    wealth, worth = premium, 0.0
    rows: dict[str, list[float]] = {name: [] for name in ("cash", "wealth", "cost", "carry", "flow")}
    before = np.zeros(instruments)
    for date in range(dates):
        cash = wealth - worth
        carry = 0.0
        if date > 0:
            interest = cash * np.expm1(market["rate"][date - 1] * market["dt"][date - 1])
            moves = float(before @ (price[date] - price[date - 1]))
            carry = float(before @ market["carry"][date])
            wealth += interest + moves + carry
        flow = sum(q * max(s * (market["spot"][e] - k), 0.0) for k, s, e, q in legs if e == date)
        traded = np.abs(positions[date] - before)
        charged = terms.unwind or date < dates - 1
        each = proportional * price[date] + (market["half_spread"][date] if half_spread else 0.0)
        cost = float(traded @ each) if charged else 0.0
        wealth += flow - cost
        before = positions[date]
        worth = float(sum(q * p for q, p, m in zip(before, price[date], terms.margined, strict=True) if not m))
        for name, value in zip(rows, (wealth - worth, wealth, cost, carry, flow), strict=True):
            rows[name].append(value)
    return Accounts(**{name: np.array(values) for name, values in rows.items()})
