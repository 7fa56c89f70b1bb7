"""The configuration of `tenrec tune`: frozen, typed, unknown keys refused."""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from tenrec.runs.section import Count, Positive, Section, Share
from tenrec.tuning.search import PARAMETERS, Dimension

Rate = Annotated[float, Field(ge=-0.05, lt=0.05)]


class GeneratedSpec(Section):
    """Generated ticks, one independent path a week; see `tenrec.tuning.generator.TickModel` for the units."""

    source: Literal["generated"] = "generated"
    weeks: Annotated[int, Field(ge=1, le=100_000)] = 12
    interval_seconds: Annotated[float, Field(ge=0.1, le=86_400)] = 10.0
    spot: Positive = 50_000.0
    volatility: Annotated[float, Field(gt=0, le=5)] = 0.60
    volatility_sd: Annotated[float, Field(ge=0, le=2)] = 0.25
    half_life_days: Positive = 3.0
    jumps_per_year: Annotated[float, Field(ge=0, le=10_000)] = 12.0
    jump_mean: Annotated[float, Field(ge=-1, le=1)] = 0.0
    jump_sd: Annotated[float, Field(ge=0, le=1)] = 0.03
    implied_premium: Annotated[float, Field(gt=-1, le=5)] = 0.0
    funding_mean: Rate = 1e-4
    funding_sd: Annotated[float, Field(ge=0, le=0.05)] = 1.5e-4
    funding_persistence: Annotated[float, Field(ge=0, lt=1)] = 0.8
    drift: Annotated[float, Field(ge=-10, le=10)] = 0.0
    fit: str | None = None
    """A recorded file that volatility, clustering and jumps are fitted to."""


class RecordedTicksSpec(Section):
    """Recorded ticks, cut into whole weeks from the first tick on."""

    source: Literal["recorded"]
    file: str
    columns: dict[str, str] | None = None
    since: date | None = None
    until: date | None = None
    window_days: Annotated[float, Field(gt=0, le=366)] = 7.0
    gaps: Literal["mask", "refuse"] = "mask"
    """Gaps longer than the shortest cadence: nothing trades in them and the report counts them, or they are refused."""
    funding_file: str | None = None
    funding_symbol: str = "BTC-USDT"
    funding_exchange: str = "binance"
    volatility_premium: Annotated[float, Field(gt=-1, le=5)] = 0.0


def _source_tag(given: object) -> str:
    return str(given.get("source", "generated") if isinstance(given, dict) else getattr(given, "source", "generated"))


TicksSpec = Annotated[
    Annotated[GeneratedSpec, Tag("generated")] | Annotated[RecordedTicksSpec, Tag("recorded")],
    Discriminator(_source_tag),
]


class LegSpec(Section):
    """One option: relative to each week's first tick (`moneyness`, `days`), or as listed (`strike`, `expiry`).

    `quantity` is what is owned: a multiple of notional/spot with `moneyness`, units of the underlying with `strike`.
    """

    kind: Literal["call", "put"]
    quantity: Annotated[float, Field(ge=-1e9, le=1e9)]
    moneyness: Positive | None = None
    days: Positive | None = None
    strike: Positive | None = None
    expiry: datetime | None = None

    @model_validator(mode="after")
    def _one_way(self) -> "LegSpec":
        relative = (self.moneyness is not None, self.days is not None)
        listed = (self.strike is not None, self.expiry is not None)
        if self.quantity == 0:
            raise ValueError("quantity is 0; a negative number is sold, a positive one held")
        if not (all(relative) and not any(listed)) and not (all(listed) and not any(relative)):
            raise ValueError("a leg needs moneyness and days, or strike and expiry")
        return self


class GreeksSpec(Section):
    """A book given by its Greeks at the first tick of each week: units, units per currency, currency a day, a point."""

    delta: float
    gamma: float
    theta: float = 0.0
    vega: float = 0.0


SHORT_STRADDLE = (
    LegSpec(kind="call", quantity=-0.5, moneyness=1.0, days=30),
    LegSpec(kind="put", quantity=-0.5, moneyness=1.0, days=30),
)


class BookSpec(Section):
    """What is hedged; without `greeks`, legs revalued by Black–Scholes."""

    underlying: str = "BTC"
    notional: Positive = 1_000_000.0
    settlement: Literal["linear", "inverse", "inverse_swept"] = "linear"
    legs: tuple[LegSpec, ...] = SHORT_STRADDLE
    greeks: GreeksSpec | None = None
    rate: Annotated[float, Field(ge=-0.5, le=1)] = 0.0
    day_count: Positive = 365.0
    mark: Literal["revaluation", "expansion"] = "revaluation"

    @model_validator(mode="after")
    def _something(self) -> "BookSpec":
        if self.greeks is None and not self.legs:
            raise ValueError("legs is empty and greeks is not given; one of them is needed")
        return self


class TickCostSpec(Section):
    """Fees of the hedging contract, decimals of the traded value."""

    maker: Annotated[float, Field(ge=-0.01, lt=0.1)] = 2e-4
    taker: Annotated[float, Field(ge=0, lt=0.1)] = 5e-4
    slippage: Annotated[float, Field(ge=0, lt=0.1)] = 1e-4
    maker_share: Annotated[float, Field(ge=0, le=1)] = 0.0
    half_spread: bool = False

    @property
    def rate(self) -> float:
        """Cost of one unit of traded value, the spread left out."""
        return self.maker_share * self.maker + (1.0 - self.maker_share) * (self.taker + self.slippage)


class RuleSpec(Section):
    """The rule where the search leaves it alone; also what the tuned set is compared with."""

    kind: Literal["cadence_threshold"] = "cadence_threshold"
    trigger: Literal["either", "both"] = "either"
    cadence_seconds: Positive = 300.0
    delta_threshold: Positive = 0.10
    hedge_ratio: Annotated[float, Field(ge=0, le=2)] = 1.0
    gamma_scalp_threshold: Positive = 0.05
    max_hedge_per_interval: Positive = 0.50
    min_order: Annotated[float, Field(ge=0, lt=1)] = 0.001
    to_edge: Annotated[float, Field(ge=0, le=1)] = 0.0
    asymmetry: Positive = 1.0
    gamma_scaling: Annotated[float, Field(ge=0, le=3)] = 0.0
    volatility_scaling: Annotated[float, Field(ge=-5, le=5)] = 0.0
    reference_volatility: Positive = 0.6


class IntervalSpec(Section):
    """An interval of a parameter."""

    low: float
    high: float
    log: bool = False

    @model_validator(mode="after")
    def _not_empty(self) -> "IntervalSpec":
        if not self.low < self.high or (self.log and self.low <= 0):
            raise ValueError(f"low {self.low:g} and high {self.high:g} leave nothing to search")
        return self


SPACE: dict[str, tuple[float, ...] | IntervalSpec] = {
    "cadence_seconds": (30.0, 60.0, 300.0, 900.0),
    "delta_threshold": IntervalSpec(low=0.05, high=0.50),
    "hedge_ratio": IntervalSpec(low=0.80, high=1.00),
    "gamma_scalp_threshold": IntervalSpec(low=0.01, high=0.10),
    "max_hedge_per_interval": IntervalSpec(low=0.10, high=0.50),
}


def _dimension_tag(given: object) -> str:
    return "interval" if isinstance(given, dict | IntervalSpec) else "choices"


class SearchSpec(Section):
    """What is searched and how long: lists are choices, {low, high} intervals."""

    space: dict[
        str,
        Annotated[
            Annotated[tuple[float, ...], Field(min_length=1), Tag("choices")]
            | Annotated[IntervalSpec, Tag("interval")],
            Discriminator(_dimension_tag),
        ],
    ] = SPACE
    trials: Annotated[int, Field(ge=1, le=1_000_000)] = 100
    bulk: Annotated[int, Field(ge=0, le=1_000_000)] = 2048
    seeded: Annotated[int, Field(ge=0, le=1000)] = 10
    """The best sets of the bulk pass that begin the study."""
    seed: Annotated[int, Field(ge=0)] = 42

    @field_validator("space")
    @classmethod
    def _known(cls, space: dict[str, object]) -> dict[str, object]:
        if not space:
            raise ValueError("it is empty; give at least one parameter choices or an interval")
        unknown = [name for name in space if name not in PARAMETERS]
        if unknown:
            raise ValueError(f"{unknown[0]!r} is no parameter of the rule; choose from {', '.join(PARAMETERS)}")
        return space

    def dimensions(self) -> tuple[Dimension, ...]:
        """The space as the search takes it."""
        return tuple(
            Dimension(name, low=one.low, high=one.high, log=one.log)
            if isinstance(one, IntervalSpec)
            else Dimension(name, choices=tuple(one))
            for name, one in self.space.items()
        )


class ObjectiveSpec(Section):
    """What is tuned; see `tenrec.tuning.objective.Objective` for the formulas."""

    kind: Literal["sharpe", "mean_variance", "cvar", "mean_std", "pareto"] = "sharpe"
    drawdown_weight: Annotated[float, Field(ge=0, le=1e6)] = 0.1
    cost_weight: Annotated[float, Field(ge=0, le=1e6)] = 0.05
    aversion: Positive = 1.0
    max_drawdown: Positive | None = None
    martingale: bool = True
    """The search estimates the deviation of hedge errors as for a martingale; reports always show the plain one."""


class NetworkSpec(Section):
    """The trained network among the rivals; `enabled: false` leaves it out."""

    enabled: bool = True
    hidden: Annotated[tuple[Count, ...], Field(min_length=1, max_length=4)] = (8, 8)
    updates: Annotated[int, Field(ge=1, le=100_000)] = 240
    seeds: Annotated[int, Field(ge=1, le=64)] = 2


class TuneConfig(Section):
    """Everything that `tenrec tune` needs to know."""

    ticks: TicksSpec = GeneratedSpec()
    book: BookSpec = BookSpec()
    costs: TickCostSpec = TickCostSpec()
    rule: RuleSpec = RuleSpec()
    search: SearchSpec = SearchSpec()
    objective: ObjectiveSpec = ObjectiveSpec()
    out_of_sample: Annotated[float, Field(ge=0, lt=1)] = 0.5
    storage: str | None = None
    study: str | None = None
    workers: Annotated[int, Field(ge=1, le=256)] = 1
    compare: tuple[Count, ...] = (30, 60, 300, 900)
    """Fixed cadences, in seconds, that the tuned rule is compared with."""
    aversions: tuple[Positive, ...] = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
    """Of the Whalley–Wilmott bands and the trained network that it is compared with; the best in sample is shown."""
    network: NetworkSpec = NetworkSpec()
    level: Share = 0.95

    @model_validator(mode="after")
    def _fits_together(self) -> "TuneConfig":
        listed = any(leg.expiry is not None for leg in self.book.legs)
        if listed and self.book.greeks is None and isinstance(self.ticks, GeneratedSpec):
            raise ValueError(
                "book.legs name an expiry date, which generated ticks do not have; give moneyness and days"
            )
        return self
