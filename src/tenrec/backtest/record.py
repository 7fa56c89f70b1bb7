"""A bundled record as a recorded run uses it: the panel, and training paths built from what was known by a date."""

import dataclasses
import datetime as dt
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from tenrec.backtest.augment import MarketHistory, bootstrapped, calibrated, market_history
from tenrec.backtest.panel import Panel, option_panel
from tenrec.backtest.selection import SelectionRule
from tenrec.data import shanghai_etf, shanghai_forwards, shanghai_options
from tenrec.hedging.assess import Sample


@runtime_checkable
class Mix(Protocol):
    """Weights of the training paths beside the recorded ones, and how many of each."""

    bootstrap: float
    calibrated: float
    paths: int


@dataclass(frozen=True)
class Record:
    """The contracts of a panel and the market's history behind them."""

    panel: Panel
    history: MarketHistory
    rule: SelectionRule
    rate: float
    quantity: float

    def synthetic(self, until: dt.date, mix: Mix, *, seed: int) -> dict[str, Sample]:
        """Resampled and simulated training paths from data up to `until`, by the name of their weight in the mix."""
        known = self.history.until(until)
        made = {}
        terms: dict[str, Any] = {"seed": seed, "rate": self.rate, "rule": self.rule, "quantity": self.quantity}
        if mix.bootstrap > 0:
            made["bootstrap"] = bootstrapped(known, count=mix.paths, **terms)
        if mix.calibrated > 0:
            made["calibrated"] = calibrated(known, count=mix.paths, **terms)
        return made


def load_record(rule: SelectionRule, *, rate: float, quantity: float = -1.0) -> Record:
    """The bundled Shanghai 50ETF options; `quantity` −1 sells each contract, +1 buys it at the same quote."""
    options, forwards, etf = shanghai_options(), shanghai_forwards(), shanghai_etf()
    panel = option_panel(options, forwards, etf, rule=rule, rate=rate)
    if quantity > 0:
        book = dataclasses.replace(panel.book, quantity=-panel.book.quantity)
        panel = dataclasses.replace(panel, book=book, premium=-panel.premium)
    return Record(panel, market_history(options, forwards, etf, rate=rate), rule, rate, quantity)
