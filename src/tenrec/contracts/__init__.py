"""Contracts: what turns a path into cash flows."""

from tenrec.contracts.european import EuropeanBook, european, european_book

__all__ = ["EuropeanBook", "european", "european_book"]
