"""Contracts: what turns a path into cash flows."""

from tenrec.contracts.american import AmericanPut
from tenrec.contracts.asian import AsianOption
from tenrec.contracts.barrier import BarrierOption, OneTouch
from tenrec.contracts.base import AbstractContract, AbstractExotic, AbstractTerminal, seen_by
from tenrec.contracts.basket import BasketOption, basket_option
from tenrec.contracts.cliquet import Cliquet
from tenrec.contracts.custom import CustomPayoff
from tenrec.contracts.digital import DigitalOption
from tenrec.contracts.european import EuropeanBook, european, european_book
from tenrec.contracts.forward_start import ForwardStart, LaterSale
from tenrec.contracts.lookback import LookbackOption
from tenrec.contracts.mixed import MixedBook, mixed_book
from tenrec.contracts.quoted import QuotedBook
from tenrec.contracts.realised import RealisedSwap

__all__ = [
    "AbstractContract",
    "AbstractExotic",
    "AbstractTerminal",
    "AmericanPut",
    "AsianOption",
    "BarrierOption",
    "BasketOption",
    "Cliquet",
    "CustomPayoff",
    "DigitalOption",
    "EuropeanBook",
    "ForwardStart",
    "LaterSale",
    "LookbackOption",
    "MixedBook",
    "OneTouch",
    "QuotedBook",
    "RealisedSwap",
    "basket_option",
    "european",
    "european_book",
    "mixed_book",
    "seen_by",
]
