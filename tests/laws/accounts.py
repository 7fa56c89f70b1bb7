"""The accounts kept a second time, in plain Python numbers, from the positions alone."""

from dataclasses import dataclass

import numpy as np

from tenrec.contracts import EuropeanBook
from tenrec.core.listed import GOES_ON, ROLLS
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
    listed = {} if paths.listed is None else {name: getattr(paths.listed, name) for name in ("closing", "life")}
    leaves = {name: getattr(paths, name) for name in RANK if name != "listed"} | listed
    return {name: np.asarray(leaf[path] if leaf.ndim > RANK.get(name, 2) else leaf) for name, leaf in leaves.items()}


def legs_of(book: EuropeanBook, path: int) -> list[tuple[float, float, int, float]]:
    """(strike, sign, expiry, quantity) of every leg on one path."""
    fields = (book.strike, book.sign, book.expiry, book.quantity)
    rows = [np.asarray(leaf[path] if leaf.ndim > 1 else leaf) for leaf in fields]
    return [(float(k), float(s), int(e), float(q)) for k, s, e, q in zip(*rows, strict=True)]


def cost_by_hand(trade: float, price: float, half_spread: float, rates: dict[str, float]) -> float:
    """What one trade in one instrument costs, rule by rule, in plain numbers."""
    if trade == 0.0:
        return 0.0
    value = abs(trade) * price
    commission = rates.get("proportional", 0.0) * value
    maker, share = rates.get("maker", 0.0), rates.get("maker_share", 0.0)
    market = (share * maker + (1.0 - share) * (rates.get("taker", 0.0) + rates.get("slippage", 0.0))) * value
    spread = abs(trade) * half_spread if "half_spread" in rates else 0.0
    topped_up = max(commission, rates.get("minimum", 0.0))
    impact = rates.get("quadratic", 0.0) * trade * trade * price
    return topped_up + market + spread + rates.get("fixed", 0.0) + impact


def keep_accounts(
    positions: np.ndarray,
    market: dict[str, np.ndarray],
    legs: list[tuple[float, float, int, float]],
    terms: Terms,
    *,
    rates: list[dict[str, float]],
    premium: float,
) -> Accounts:
    """Wealth changes by price moves, interest, carry, flows and costs, and by nothing else.

    positions: (dates, instruments) units held after the trade of each date; the last row is the closed position.
    rates: what trading and holding each instrument costs, by name. A ledger in coin is kept in coin: a contract of one
    unit of the quote currency is bought at 1/S and sold at 1/S. A listed option that ends is sold at its closing price,
    at the cost of a trade where it is rolled, and what is held next is another contract.
    """
    dates, instruments = positions.shape
    spot = market["spot"]
    coin = spot if terms.inverse else np.ones(dates)
    price = 1.0 / market["price"] if terms.inverse else market["price"]
    closing = market.get("closing", price)
    life = market.get("life", np.zeros(price.shape, int))
    interest_rate = market["dividend_yield"] if terms.inverse else market["rate"]
    wealth, worth = premium / coin[0], 0.0
    rows: dict[str, list[float]] = {name: [] for name in ("cash", "wealth", "cost", "carry", "flow")}
    before = np.zeros(instruments)
    for date in range(dates):
        cash = wealth - worth
        carry = 0.0
        if date > 0:
            years = market["dt"][date - 1]
            interest = cash * np.expm1(interest_rate[date - 1] * years)
            moves = float(before @ (closing[date] - price[date - 1])) * (-1.0 if terms.inverse else 1.0)
            per_unit = market["carry"][date] * (price[date] / spot[date] if terms.inverse else 1.0)
            carry = float(before @ per_unit)
            for units, at, rate in zip(before, price[date - 1], rates, strict=True):
                carry -= units * at * years * rate.get("funding", 0.0)
                carry -= max(-units, 0.0) * at * years * rate.get("borrow", 0.0)
            wealth += interest + moves + carry
        flow = sum(q * max(s * (spot[e] - k), 0.0) for k, s, e, q in legs if e == date) / coin[date]
        charged = terms.unwind or date < dates - 1
        spread = market["half_spread"][date] * (price[date] ** 2 if terms.inverse else 1.0)
        ended = life[date] != GOES_ON
        trades = list(zip(positions[date] - np.where(ended, 0.0, before), price[date], spread, rates, strict=True))
        trades += zip(np.where(life[date] == ROLLS, -before, 0.0), closing[date], spread, rates, strict=True)
        cost = sum(cost_by_hand(*trade) for trade in trades) if charged else 0.0
        wealth += flow - cost
        before = positions[date]
        worth = float(sum(q * p for q, p, m in zip(before, price[date], terms.margined, strict=True) if not m))
        for name, value in zip(rows, (wealth - worth, wealth, cost, carry, flow), strict=True):
            rows[name].append(value)
    return Accounts(**{name: np.array(values) for name, values in rows.items()})
