"""The quotes of many smiles, or of many days, as rectangular arrays that models are fitted to side by side."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Bool, Float, Int

DAY = ("trade_date",)
SMILE = ("trade_date", "expiry")


@dataclass(frozen=True)
class Chains:
    """One row a group of quotes, padded on the right; padding repeats the first quote, with `inside` False.

    Fields:
        keys: the columns that name a group, sorted. inside: whether an entry is a quote. log_moneyness: log(K/F).
        years: to expiry. volatility: implied, annualised decimal.
    """

    keys: pl.DataFrame
    inside: Bool[np.ndarray, "groups quotes"]
    log_moneyness: Float[np.ndarray, "groups quotes"]
    years: Float[np.ndarray, "groups quotes"]
    volatility: Float[np.ndarray, "groups quotes"]

    def __len__(self) -> int:
        return self.keys.height


def pack(points: pl.DataFrame, by: tuple[str, ...]) -> Chains:
    """Quotes with trade_date, expiry, years, log_moneyness and implied_volatility, grouped by some of the first two."""
    ordered = points.sort("trade_date", "expiry", "log_moneyness")
    group = ordered.select(pl.struct(by).rle_id()).to_series().to_numpy().astype(np.int64)
    keys = ordered.select(by).unique(maintain_order=True)
    rows = places(group, keys.height)
    columns = (ordered[name].to_numpy() for name in ("log_moneyness", "years", "implied_volatility"))
    return Chains(keys, rows >= 0, *(column[np.maximum(rows, rows[:, :1])] for column in columns))


def places(group: Int[np.ndarray, " rows"], groups: int) -> Int[np.ndarray, "groups most"]:
    """The rows of each group, −1 where it has no more; `group` is sorted."""
    counts = np.bincount(group, minlength=groups)
    start = np.concatenate([[0], np.cumsum(counts)[:-1]])
    column = np.arange(int(counts.max(initial=1)))
    return np.where(column < counts[:, None], start[:, None] + column, -1)
