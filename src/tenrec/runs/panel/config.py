"""The configuration of a panel backtest."""

import datetime as dt
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from tenrec.backtest.sessions import StepRule
from tenrec.backtest.states import STATE_NAMES
from tenrec.hedging.features import FEATURES
from tenrec.hedging.policies import FORECAST_SIGNAL
from tenrec.runs.config_checks import refuse_signals
from tenrec.runs.path_specs import Signals
from tenrec.runs.section import Count, Positive, Section, Share

Delta = Literal[
    "no_hedge",
    "black_scholes_delta",
    "black_scholes_delta_entry",
    "forecast_delta",
    "sticky_moneyness_delta",
    "bartlett_delta",
    "heston_delta",
    "heston_minimum_variance_delta",
    "neural_delta",
    "minimum_variance_delta",
    "greeks_regression",
    "shrunk_delta",
    "clipped_linear",
    "state_network",
    "ratio_network",
]
REFERENCE, FORECAST = "black_scholes_delta", "forecast_delta"
LEARNED = (
    "minimum_variance_delta",
    "greeks_regression",
    "shrunk_delta",
    "clipped_linear",
    "state_network",
    "ratio_network",
)
"""Deltas with numbers that are fitted; among them forward validation chooses."""
SMILE_MODELS = {
    "parabola": ("sticky_moneyness_delta",),
    "sabr": ("bartlett_delta",),
    "heston": ("heston_delta", "heston_minimum_variance_delta"),
    "neural": ("neural_delta",),
}
"""Models of the smile, and the deltas that are read off each."""
LABELS = {
    "no_hedge": "No hedge",
    "black_scholes_delta": "Black–Scholes, current vol",
    "black_scholes_delta_entry": "Black–Scholes, vol at entry",
    "forecast_delta": "Black–Scholes, forecast vol",
    "sticky_moneyness_delta": "Sticky-moneyness smile",
    "bartlett_delta": "SABR, Bartlett",
    "heston_delta": "Heston",
    "heston_minimum_variance_delta": "Heston, minimum variance",
    "neural_delta": "Neural pricer",
    "minimum_variance_delta": "Hull–White minimum variance",
    "greeks_regression": "Ruf–Wang regression on Greeks",
    "shrunk_delta": "Black–Scholes, wings shrunk",
    "clipped_linear": "Clipped linear on state",
    "state_network": "Network on state",
    "ratio_network": "Network of the hedge ratio",
}


class ContractSection(Section):
    """Which options are held to their expiry, and how many."""

    quantity: float = -1.0
    multiplier: Positive | None = None
    days: tuple[Count, Count] = (20, 45)
    max_log_moneyness: Positive = 0.10
    min_quotes: Count = 10


class StepsSection(Section):
    """Which one-session steps are learned from and judged."""

    days: tuple[Annotated[int, Field(ge=2)], Count] = (5, 130)
    max_log_moneyness: Positive = 0.25
    min_delta: Annotated[float, Field(ge=0, lt=1)] = 0.002
    max_delta: Annotated[float, Field(gt=0, le=1)] = 0.95
    longest_gap: Count = 12

    def rule(self) -> StepRule:
        """The rule that the steps are cut by."""
        return StepRule(*self.days, self.max_log_moneyness, self.min_delta, self.max_delta, self.longest_gap)


class SplitSection(Section):
    """Where learning ends and judging begins; what is left out follows from the record: 40 and 70 % of its sessions."""

    validate_from: dt.date | None = None
    train_until: dt.date | None = None
    test_from: dt.date | None = None


class StateSection(Section):
    """What the learned responses see, and how far they may go."""

    features: tuple[str, ...] = ("return_3d", "return_5d", "return_20d", "volatility_beta")
    bound: Positive = 0.4
    clip: Positive = 0.3
    exponent: Annotated[float, Field(ge=0, le=1)] = 0.25
    hidden: tuple[Count, ...] = (8,)


class LearningSection(Section):
    """How the networks are trained."""

    seeds: Count = 6
    seed: Annotated[int, Field(ge=0)] = 0
    updates: Count = 400
    learning_rate: Share = 0.02


class NeuralSection(Section):
    """How often the neural pricer is fitted anew: at every so many sessions, from the last fit."""

    every: Count = 5


class CostsSection(Section):
    """What trading the hedge costs while a contract is held to its expiry."""

    proportional: Annotated[float, Field(ge=0, lt=1)] = 0.0


class PanelConfig(Section):
    """What `tenrec backtest PANEL.yaml` reads."""

    panel: str = "shanghai"
    columns: dict[str, str] = Field(default_factory=dict)
    underlying: str | None = None
    style: Literal["european", "american"] | None = None
    rate: Annotated[float, Field(gt=-1, lt=1)] | None = None
    dividend_yield: Annotated[float, Field(gt=-1, lt=1)] = 0.0
    forecaster: str | None = None
    signals: Signals = Field(default_factory=dict)
    contract: ContractSection = ContractSection()
    steps: StepsSection = StepsSection()
    split: SplitSection = SplitSection()
    state: StateSection = StateSection()
    costs: CostsSection = CostsSection()
    training: LearningSection = LearningSection()
    neural: NeuralSection = NeuralSection()
    deltas: Annotated[tuple[Delta, ...], Field(min_length=1)] = (
        "no_hedge",
        "black_scholes_delta",
        "black_scholes_delta_entry",
        "sticky_moneyness_delta",
        "bartlett_delta",
        "heston_delta",
        "heston_minimum_variance_delta",
        "neural_delta",
        "minimum_variance_delta",
        "greeks_regression",
        "shrunk_delta",
        "clipped_linear",
        "state_network",
    )

    @model_validator(mode="after")
    def _consistent(self) -> "PanelConfig":
        if self.contract.quantity == 0:
            raise ValueError("contract.quantity is 0; −1 sells a contract, 1 holds one")
        dates = [date for date in (self.split.validate_from, self.split.train_until, self.split.test_from) if date]
        if dates != sorted(dates):
            raise ValueError("split needs validate_from ≤ train_until < test_from")
        for name, (low, high) in {"contract.days": self.contract.days, "steps.days": self.steps.days}.items():
            if low > high:
                raise ValueError(f"{name} is [{low}, {high}]; the smaller number comes first")
        if FORECAST in self.deltas and self.forecaster is None:
            raise ValueError(
                f"deltas names {FORECAST!r} and there is no forecaster; give the file that `tenrec vol forecast "
                "--model hybrid --save FILE` writes"
            )
        smiles = [name for names in SMILE_MODELS.values() for name in names]
        refuse_signals(self.signals, (*STATE_NAMES, FORECAST_SIGNAL, *FEATURES, *smiles), "signals")
        unknown = [name for name in self.state.features if name not in self.states]
        if unknown or not self.state.features:
            raise ValueError(f"state.features {unknown or 'is empty'}; choose from {', '.join(self.states)}")
        return self

    @property
    def states(self) -> tuple[str, ...]:
        """What a hedger knows at a close: of the market, of the forecaster, and of the named files."""
        made = () if self.forecaster is None else (FORECAST_SIGNAL,)
        return (*STATE_NAMES, *made, *self.signals)

    @property
    def bundled(self) -> bool:
        """Whether the panel is the bundled Shanghai record."""
        return self.panel == "shanghai"

    def file(self, base: Path) -> Path:
        """The panel's file; a relative path is taken from the configuration's folder."""
        return Path(self.panel) if Path(self.panel).is_absolute() else base / self.panel

    @property
    def named(self) -> tuple[str, ...]:
        """The deltas, the reference among them first; a forecaster brings its own."""
        own = self.deltas if self.forecaster is None or FORECAST in self.deltas else (*self.deltas, FORECAST)
        return (REFERENCE, *(name for name in own if name != REFERENCE))
