"""Listed options as hedging instruments: when they are listed, what they are worth, and the market that has them."""

from tenrec.hedging.options.correction import Correction
from tenrec.hedging.options.market import ListedMarket, list_options
from tenrec.hedging.options.model_values import model_value
from tenrec.hedging.options.prices import PRICED, AbstractPricer, make_pricer
from tenrec.hedging.options.slot import OptionSlot, Segment, strikes_at

__all__ = [
    "PRICED",
    "AbstractPricer",
    "Correction",
    "ListedMarket",
    "OptionSlot",
    "Segment",
    "list_options",
    "make_pricer",
    "model_value",
    "strikes_at",
]
