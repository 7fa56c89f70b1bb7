"""The record of an index cut into the lives of options sold on it, each with a VIX future beside."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Shaped

from tenrec.core.errors import DataError
from tenrec.volatility.record import VarianceRecord
from tenrec.volatility.variance.futures import VixFutures

LONGEST_GAP = 14
"""Calendar days between two closes of a window; a longer one is a hole in the record."""
FEWEST = 20
POINTS = 100.0


@dataclass(frozen=True)
class Windows:
    """One row a sale.

    Args:
        spot: from 1 at the sale. implied: annualised volatility at each close, decimal. future: one contract over the
            window, in units of volatility (points/100); None where no futures were given. start, end: datetime64[D].
    """

    spot: Float[np.ndarray, "rows dates"]
    implied: Float[np.ndarray, "rows dates"]
    future: Float[np.ndarray, "rows dates"] | None
    start: Shaped[np.ndarray, " rows"]
    end: Shaped[np.ndarray, " rows"]

    def __len__(self) -> int:
        return len(self.spot)

    def take(self, rows: Shaped[np.ndarray, " rows"]) -> "Windows":
        """Some of the windows."""
        future = None if self.future is None else self.future[rows]
        return Windows(self.spot[rows], self.implied[rows], future, self.start[rows], self.end[rows])


def index_windows(record: VarianceRecord, days: int, every: int, futures: VixFutures | None = None) -> Windows:
    """A window of `days` closes after the sale, begun every `every` closes.

    The future of a window is the first that expires after its last close: one contract, so that rolling is what each
    sale pays to enter its own and to leave it. Windows with a hole of more than fourteen days, or without a price of
    that future at every close, are left out.

    Raises:
        DataError: fewer than twenty windows.
    """
    assert record.implied is not None
    begins = np.arange(0, len(record) - days, every)
    rows = begins[:, None] + np.arange(days + 1)
    gaps = np.diff(record.dates).astype(int)
    whole = np.array([gaps[begin : begin + days].max() <= LONGEST_GAP for begin in begins], dtype=bool)
    begins, rows = begins[whole], rows[whole]
    moves = record.returns[rows]
    moves[:, 0] = 0.0
    future = None
    if futures is not None:
        future = np.array([_future(futures, record.dates[own]) for own in rows]).reshape(-1, days + 1)
        listed = np.isfinite(future).all(axis=1)
        begins, rows, moves, future = begins[listed], rows[listed], moves[listed], future[listed] / POINTS
    if len(begins) < FEWEST:
        beside = "" if futures is None else f" with futures ({futures.dates[0]} to {futures.dates[-1]})"
        raise DataError(
            f"the prices ({record.dates[0]} to {record.dates[-1]}) give {len(begins)} windows of {days} days{beside}; "
            f"{FEWEST} are needed, so give a longer record or a smaller market.every."
        )
    spot = np.exp(np.cumsum(moves, axis=1))
    return Windows(spot, record.implied[rows], future, record.dates[begins], record.dates[begins + days])


def _future(futures: VixFutures, dates: Shaped[np.ndarray, " dates"]) -> Float[np.ndarray, " dates"]:
    """Points of the first contract that expires after the last of the dates; NaN on dates without it."""
    contract = int(np.searchsorted(futures.expiry, dates[-1], side="right"))
    place = np.searchsorted(futures.dates, dates)
    same = (place < len(futures.dates)) & (futures.dates[np.minimum(place, len(futures.dates) - 1)] == dates)
    if contract >= futures.price.shape[1]:
        return np.full(len(dates), np.nan)
    return np.where(same, futures.price[np.minimum(place, len(futures.dates) - 1), contract], np.nan)
