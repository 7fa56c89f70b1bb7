"""Hedging: what a hedger sees, what it costs to trade, and the one engine that keeps the accounts."""

from tenrec.hedging.assess import Outcome, Sample, assess, in_chunks, join, ledgers, outcome_of, views
from tenrec.hedging.costs import (
    AbstractCost,
    FixedCost,
    HalfSpreadCost,
    MakerTakerCost,
    MinimumFee,
    ProportionalCost,
    QuadraticCost,
)
from tenrec.hedging.engine import (
    Account,
    Entry,
    Quote,
    Terminal,
    Terms,
    fold,
    ledger,
    over_paths,
    quotes,
    run,
    step,
    terminal,
    terminal_pnl,
)
from tenrec.hedging.features import FEATURES, FeatureMap, fit_features, stack_features
from tenrec.hedging.limits import Limits, make_limits
from tenrec.hedging.margin import Margin
from tenrec.hedging.marks import marked_pnl
from tenrec.hedging.view import MarketView, observe, view_at

__all__ = [
    "FEATURES",
    "AbstractCost",
    "Account",
    "Entry",
    "FeatureMap",
    "FixedCost",
    "HalfSpreadCost",
    "Limits",
    "MakerTakerCost",
    "Margin",
    "MarketView",
    "MinimumFee",
    "Outcome",
    "ProportionalCost",
    "QuadraticCost",
    "Quote",
    "Sample",
    "Terminal",
    "Terms",
    "assess",
    "fit_features",
    "fold",
    "in_chunks",
    "join",
    "ledger",
    "ledgers",
    "make_limits",
    "marked_pnl",
    "observe",
    "outcome_of",
    "over_paths",
    "quotes",
    "run",
    "stack_features",
    "step",
    "terminal",
    "terminal_pnl",
    "view_at",
    "views",
]
