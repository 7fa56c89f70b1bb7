"""The hedge configuration: frozen, typed, unknown keys refused."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from tenrec.backtest import SIGNAL_NAMES
from tenrec.core.grid import Calendar
from tenrec.hedging.features import FEATURES, OWN_FEATURES
from tenrec.hedging.policies import FORECAST_SIGNAL
from tenrec.runs.config_checks import (
    refuse_ensembles_of_one,
    refuse_forecasts_of_none,
    refuse_instruments,
    refuse_names,
    refuse_on_a_basket,
    refuse_signals,
    refuse_terms,
)
from tenrec.runs.contract_specs import ContractSpec, EuropeanSpec, ListedSpec
from tenrec.runs.instrument_specs import Instrument, InstrumentSpec, OptionSpec, name_of
from tenrec.runs.market_specs import BasketSpec, BlackScholesSpec
from tenrec.runs.path_specs import HistorySpec, MarketSpec, RecordedSpec
from tenrec.runs.policy_specs import EvaluateSpec, PolicySpec, TrainingSpec, option_features, with_features
from tenrec.runs.risk_specs import EntropicSpec, RiskSpec
from tenrec.runs.section import Positive, Section
from tenrec.runs.trading_specs import CostSpec, LimitsSpec, MarginSpec, Settlement

KNOWN_SIGNALS = (*FEATURES, *OWN_FEATURES, *SIGNAL_NAMES, FORECAST_SIGNAL)
"""Names that a signal of one's own cannot have."""


class GridSpec(Section):
    """Trading dates: equal steps over the longest contract, or the weekdays from `start` with slow weekends."""

    steps: Annotated[int, Field(ge=1, le=10_000)] = 30
    day_count: Positive = 365.0
    calendar: Calendar = "every_day"
    weekend_weight: Annotated[float, Field(ge=0, le=1)] = 1.0
    start: date | None = None


class HedgeConfig(Section):
    """Everything that `tenrec hedge` needs to know."""

    market: MarketSpec = BlackScholesSpec()
    contract: ContractSpec = EuropeanSpec()
    grid: GridSpec = GridSpec()
    hedge_with: Annotated[tuple[Instrument, ...], Field(min_length=1, max_length=16)] = ("spot",)
    settlement: Settlement | None = None
    costs: CostSpec = CostSpec(proportional=0.001)
    limits: LimitsSpec = LimitsSpec()
    margin: MarginSpec | None = None
    premium: Literal["fair", "quote"] | Annotated[float, Field(ge=-1e12, le=1e12)] | None = None
    risk: RiskSpec = EntropicSpec()
    policy: PolicySpec = PolicySpec()
    rivals: tuple[PolicySpec, ...] = ()
    training: TrainingSpec = TrainingSpec()
    evaluate: EvaluateSpec = EvaluateSpec()

    @model_validator(mode="before")
    @classmethod
    def _features_by_kind_and_risk(cls, given: Any) -> Any:
        """Policies that name no features see what the optimum under the risk depends on."""
        if not isinstance(given, dict):
            return given
        risk = given.get("risk", {})
        measure = risk.get("measure", "entropic") if isinstance(risk, dict) else getattr(risk, "measure", None)
        seen = option_features(given.get("hedge_with"))
        filled = {"policy": with_features(given.get("policy", {}), measure, seen)}
        if isinstance(given.get("rivals"), list | tuple):
            filled["rivals"] = [with_features(spec, measure, seen) for spec in given["rivals"]]
        return given | filled

    @model_validator(mode="after")
    def _fits_together(self) -> "HedgeConfig":
        recorded, listed = isinstance(self.market, RecordedSpec), isinstance(self.contract, ListedSpec)
        if recorded != listed:
            raise ValueError(
                "market.model 'recorded' and contract.kind 'listed' belong together and one of them was given alone; "
                "set both or neither"
            )
        if recorded != (self.instruments == ("forward",)):
            raise ValueError(
                f"hedge_with is {list(self.instruments)}; a recorded panel is hedged with [forward], "
                "a simulated market with [spot] or [future]"
            )
        refuse_instruments(self)
        if isinstance(self.market, BasketSpec):
            refuse_on_a_basket(self)
        history = isinstance(self.market, HistorySpec)
        if self.premium == "quote" and not (recorded or history):
            raise ValueError("premium is 'quote'; only recorded markets have quotes, so give 'fair' or a number")
        if self.premium == "fair" and history:
            raise ValueError(
                "premium is 'fair'; on market.model history each sale is paid at its own implied volatility, so give "
                "'quote' or a number"
            )
        if recorded and self.premium not in (None, "quote"):
            raise ValueError(
                f"premium is {self.premium!r}; a recorded panel is sold at its quote, so leave premium out"
            )
        if "optimum" in self.evaluate.against and recorded:
            raise ValueError("evaluate.against names 'optimum'; recorded paths have no exact optimum, so leave it out")
        if self.evaluate.reference == "optimum":
            raise ValueError(
                "evaluate.reference is 'optimum', which is no policy; name another one of evaluate.against"
            )
        if self.evaluate.reference not in self.evaluate.against:
            raise ValueError(
                f"evaluate.reference is {self.evaluate.reference!r}; it must be one of evaluate.against "
                f"{list(self.evaluate.against)}"
            )
        refuse_names((self.policy, *self.rivals))
        refuse_ensembles_of_one(self)
        refuse_forecasts_of_none(self)
        if isinstance(self.market, RecordedSpec):
            refuse_signals(self.market.signals, KNOWN_SIGNALS, "market.signals")
        refuse_terms(self, recorded=recorded)
        return self

    @property
    def instruments(self) -> tuple[str, ...]:
        """What the hedge is traded in, by name; an option is an "option"."""
        return tuple(name_of(instrument) for instrument in self.hedge_with)

    @property
    def options(self) -> tuple[OptionSpec, ...]:
        """The listed options among the instruments."""
        own = (one.option for one in self.hedge_with if isinstance(one, InstrumentSpec))
        return tuple(option for option in own if option is not None)

    @property
    def settled(self) -> Settlement:
        """How the hedging instrument is settled: as configured, or as its kind is."""
        return self.settlement or ("funded" if self.instruments[0] == "spot" else "margined")
