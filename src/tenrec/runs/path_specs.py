"""The markets of the configuration whose paths come from files, and with the simulated ones every market."""

import dataclasses
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field, Tag, model_validator

from tenrec.runs.market_specs import (
    BasketSpec,
    BatesSpec,
    BlackScholesSpec,
    GarchSpec,
    HestonSpec,
    KouSpec,
    MertonSpec,
    RegimesSpec,
    RoughBergomiSpec,
    SabrSpec,
    UncertainSpec,
    tagged_by,
)
from tenrec.runs.section import Count, Positive, Price, Section
from tenrec.runs.vol.signals import SignalSource


class BootstrapSpec(Section):
    """Stationary block bootstrap of a recorded price series, one row a trading date."""

    model: Literal["bootstrap"]
    file: str
    spot: Price = 1.0
    mean_block: Positive = 10.0
    volatility: Annotated[float, Field(gt=0, le=5)] | None = None
    rate: Annotated[float, Field(ge=-0.5, le=1)] = 0.0
    until: date | None = None
    drift: Annotated[float, Field(ge=-5, le=5)] | None = 0.0


class ArraysSpec(Section):
    """Price paths that the user brings: a two-dimensional .npy file, one row a path, grid.steps + 1 columns."""

    model: Literal["arrays"]
    file: str
    volatility: Annotated[float, Field(gt=0, le=5)] = 0.2
    rate: Annotated[float, Field(ge=-0.5, le=1)] = 0.0
    train_rows: Count | None = None


class HistorySpec(Section):
    """The record of an index and its implied volatility, cut into the lives of options sold on it."""

    model: Literal["history"]
    file: str
    implied: str
    futures: str | None = None
    every: Count = 5
    train_until: date
    spot: Price = 1.0
    rate: Annotated[float, Field(ge=-0.5, le=1)] = 0.0


class MixSpec(Section):
    """Weights in training of the recorded paths, of paths resampled from them, and of a model calibrated to them."""

    recorded: Annotated[float, Field(gt=0, le=1)] = 0.7
    bootstrap: Annotated[float, Field(ge=0, le=1)] = 0.25
    calibrated: Annotated[float, Field(ge=0, le=1)] = 0.05
    paths: Annotated[int, Field(ge=1, le=100_000)] = 500

    @property
    def total(self) -> float:
        """Sum of the weights."""
        return self.recorded + self.bootstrap + self.calibrated


class SignalSpec(Section):
    """A daily file's column under a name of its own; a text FILE:COLUMN means the same."""

    file: Annotated[str, Field(min_length=1)]
    column: str | None = None
    lag: Annotated[int, Field(ge=0, le=366)] = 0

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, given: Any) -> Any:
        return dataclasses.asdict(SignalSource.of(given)) if isinstance(given, str) else given

    @property
    def source(self) -> SignalSource:
        """As the reader takes it."""
        return SignalSource(self.file, self.column, self.lag)


SignalName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
Signals = dict[SignalName, SignalSpec]


class RecordedSpec(Section):
    """A recorded panel of listed options, split by time; nothing after `validate_until` is seen before the report."""

    model: Literal["recorded"]
    panel: Literal["shanghai_50etf"] = "shanghai_50etf"
    rate: Annotated[float, Field(ge=-0.5, le=1)] = 0.025
    train_until: date = date(2018, 12, 31)
    validate_from: date = date(2017, 1, 1)
    validate_until: date = date(2019, 12, 31)
    mix: MixSpec = MixSpec()
    forecaster: str | None = None
    signals: Signals = Field(default_factory=dict)

    @model_validator(mode="after")
    def _in_order(self) -> "RecordedSpec":
        if not self.validate_from <= self.train_until <= self.validate_until:
            raise ValueError(
                f"validate_from {self.validate_from}, train_until {self.train_until} and validate_until "
                f"{self.validate_until} are out of order; each must not be before the one before it"
            )
        return self


MarketSpec = Annotated[
    Annotated[BlackScholesSpec, Tag("black_scholes")]
    | Annotated[HestonSpec, Tag("heston")]
    | Annotated[MertonSpec, Tag("merton")]
    | Annotated[KouSpec, Tag("kou")]
    | Annotated[BatesSpec, Tag("bates")]
    | Annotated[SabrSpec, Tag("sabr")]
    | Annotated[RoughBergomiSpec, Tag("rough_bergomi")]
    | Annotated[GarchSpec, Tag("garch")]
    | Annotated[RegimesSpec, Tag("regimes")]
    | Annotated[UncertainSpec, Tag("uncertain")]
    | Annotated[BasketSpec, Tag("basket")]
    | Annotated[BootstrapSpec, Tag("bootstrap")]
    | Annotated[ArraysSpec, Tag("arrays")]
    | Annotated[HistorySpec, Tag("history")]
    | Annotated[RecordedSpec, Tag("recorded")],
    tagged_by("model", "black_scholes"),
]
