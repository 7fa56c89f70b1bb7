"""The days of a chain, one after the other: their quotes, and fits that each start from the last."""

import dataclasses
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from tenrec.data.chain import OptionChain, read_chain, read_chain_days
from tenrec.pricing.chain_pricer import ChainPricer
from tenrec.pricing.chain_quotes import ChainQuotes
from tenrec.pricing.neural_fit import NeuralFit
from tenrec.runs.price import fit_quotes

TOGETHER = 2_000_000
"""Rows up to which all days of a file are held at once; of longer files each day is read when it is needed."""
LATER = 80
"""Most steps of a fit that starts from the weights of an earlier day."""


class ChainDays:
    """Args:
    path: file or folder. options: columns, underlying and style, as `read_chain` takes them.
    """

    def __init__(self, path: Path, options: Mapping[str, Any]):
        self.path, self.options = path, dict(options)
        self._last = read_chain(path, **self.options)
        self.days = list(self._last.days)

    @cached_property
    def _together(self) -> tuple[OptionChain, dict[str, pl.DataFrame]] | None:
        if sum(self._last.days.values()) > TOGETHER:
            return None
        chain = read_chain_days(self.path, **self.options)
        parts = chain.table.drop_nulls("time").with_columns(day=pl.col("time").dt.date().cast(pl.String))
        return chain, {str(day): part.drop("day") for (day,), part in parts.group_by("day", maintain_order=True)}

    def read(self, day: str) -> OptionChain:
        """The chain of one day.

        Raises:
            DataError: nothing of the day can be used.
        """
        if self._together is None or day not in self._together[1]:
            return read_chain(self.path, date=day, **self.options)
        chain, parts = self._together
        return dataclasses.replace(chain, table=parts[day])


def fit_next(
    quotes: ChainQuotes, before: np.ndarray | None, *, seed: int, iterations: int
) -> tuple[NeuralFit, ChainPricer]:
    """The fit of a day; it starts from the weights of the day before, where there are any, and then needs few steps."""
    most = iterations if before is None else min(iterations, LATER)
    return fit_quotes(quotes, seed=seed, iterations=most, start=before)
