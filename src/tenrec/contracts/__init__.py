"""Contracts: what turns a path into cash flows."""

from tenrec.contracts.asian import AsianOption
from tenrec.contracts.barrier import BarrierOption, OneTouch
from tenrec.contracts.base import AbstractContract, AbstractExotic
from tenrec.contracts.digital import DigitalOption
from tenrec.contracts.european import EuropeanBook, european, european_book
from tenrec.contracts.mixed import MixedBook, mixed_book
from tenrec.contracts.quoted import QuotedBook

__all__ = [
    "AbstractContract",
    "AbstractExotic",
    "AsianOption",
    "BarrierOption",
    "DigitalOption",
    "EuropeanBook",
    "MixedBook",
    "OneTouch",
    "QuotedBook",
    "european",
    "european_book",
    "mixed_book",
]
