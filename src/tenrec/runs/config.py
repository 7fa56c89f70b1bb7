"""The hedge configuration: frozen, typed, unknown keys refused."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Literal, get_args

from pydantic import Discriminator, Field, Tag, model_validator

from tenrec.core.grid import Calendar
from tenrec.runs.contract_specs import EuropeanSpec
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
from tenrec.runs.section import Count, Positive, Price, Section, Share
from tenrec.runs.trading_specs import CostSpec, LimitsSpec, MarginSpec, Settlement


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


class RecordedSpec(Section):
    """A recorded panel of listed options, split by time; nothing after `validate_until` is seen before the report."""

    model: Literal["recorded"]
    panel: Literal["shanghai_50etf"] = "shanghai_50etf"
    rate: Annotated[float, Field(ge=-0.5, le=1)] = 0.025
    train_until: date = date(2018, 12, 31)
    validate_from: date = date(2017, 1, 1)
    validate_until: date = date(2019, 12, 31)
    mix: MixSpec = MixSpec()

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
    | Annotated[RecordedSpec, Tag("recorded")],
    tagged_by("model", "black_scholes"),
]


class ListedSpec(Section):
    """Listed options of the recorded panel, each entered at its first close inside the window."""

    kind: Literal["listed"] = "listed"
    days: tuple[Count, Count] = (20, 45)
    max_log_moneyness: Share = 0.10
    min_quotes: Count = 10
    quantity: Literal[-1, 1] = -1


def _contract_tag(given: Any) -> str:
    if isinstance(given, list | tuple):
        return "book"
    kind = given.get("kind") if isinstance(given, dict) else getattr(given, "kind", None)
    return "listed" if kind == "listed" else "option"


ContractSpec = Annotated[
    Annotated[EuropeanSpec, Tag("option")]
    | Annotated[ListedSpec, Tag("listed")]
    | Annotated[Annotated[tuple[EuropeanSpec, ...], Field(min_length=1)], Tag("book")],
    Discriminator(_contract_tag),
]


class GridSpec(Section):
    """Trading dates: equal steps over the longest contract, or the weekdays from `start` with slow weekends."""

    steps: Annotated[int, Field(ge=1, le=10_000)] = 30
    day_count: Positive = 365.0
    calendar: Calendar = "every_day"
    weekend_weight: Annotated[float, Field(ge=0, le=1)] = 1.0
    start: date | None = None


class EntropicSpec(Section):
    """(1/a)·log E exp(a·loss)."""

    measure: Literal["entropic"] = "entropic"
    aversion: Annotated[float, Field(gt=0, le=10_000)] = 20.0


class CVaRSpec(Section):
    """Mean of the worst 1 − level of losses."""

    measure: Literal["cvar"]
    level: Share = 0.95


class QuadraticSpec(Section):
    """E loss²."""

    measure: Literal["quadratic"]


class MeanVarianceSpec(Section):
    """E loss + (λ/2)·Var loss, λ = aversion."""

    measure: Literal["mean_variance"]
    aversion: Annotated[float, Field(gt=0, le=10_000)] = 20.0


class MeanStdSpec(Section):
    """E loss + k·std loss."""

    measure: Literal["mean_std"]
    k: Annotated[float, Field(gt=0, le=100)] = 1.5


class QuadraticCVaRSpec(Section):
    """min_q q + λ·root mean square of the losses beyond q, λ = multiple."""

    measure: Literal["quadratic_cvar"]
    multiple: Annotated[float, Field(gt=1, le=1000)] = 4.0


class SemiQuadraticSpec(Section):
    """E max(loss, 0)²."""

    measure: Literal["semi_quadratic"]


class PowerSpec(Section):
    """(E max(loss, 0)^p)^(1/p), p = exponent."""

    measure: Literal["power"]
    exponent: Annotated[float, Field(ge=1, le=50)] = 3.0


class ExpectileSpec(Section):
    """Where losses beyond it, weighing level against 1 − level, balance those below."""

    measure: Literal["expectile"]
    level: Annotated[float, Field(ge=0.5, lt=1)] = 0.95


class SpectralSpec(Section):
    """Σ weight·CVaR of each level."""

    measure: Literal["spectral"]
    levels: Annotated[tuple[Annotated[float, Field(ge=0, lt=1)], ...], Field(min_length=1)] = (0.0, 0.9, 0.99)
    weights: tuple[Annotated[float, Field(ge=0, le=1)], ...] = (0.25, 0.5, 0.25)

    @model_validator(mode="after")
    def _one_weight_each(self) -> "SpectralSpec":
        if len(self.levels) != len(self.weights) or abs(sum(self.weights) - 1.0) > 1e-6:
            raise ValueError(
                f"{len(self.levels)} levels and {len(self.weights)} weights with sum {sum(self.weights):g} are given; "
                "one weight for each level is needed, with sum 1"
            )
        return self


class WorstCaseSpec(Section):
    """The largest loss of the paths."""

    measure: Literal["worst_case"]


RiskSpec = Annotated[
    Annotated[EntropicSpec, Tag("entropic")]
    | Annotated[CVaRSpec, Tag("cvar")]
    | Annotated[QuadraticSpec, Tag("quadratic")]
    | Annotated[MeanVarianceSpec, Tag("mean_variance")]
    | Annotated[MeanStdSpec, Tag("mean_std")]
    | Annotated[QuadraticCVaRSpec, Tag("quadratic_cvar")]
    | Annotated[SemiQuadraticSpec, Tag("semi_quadratic")]
    | Annotated[PowerSpec, Tag("power")]
    | Annotated[ExpectileSpec, Tag("expectile")]
    | Annotated[SpectralSpec, Tag("spectral")]
    | Annotated[WorstCaseSpec, Tag("worst_case")],
    tagged_by("measure", "entropic"),
]


SEES_POSITION = ("feed_forward", "delta_residual")
SEES_WEALTH = ("band_network", "feed_forward", "recurrent")
FEATURES = ("standardised_moneyness", "sqrt_time_to_maturity", "volatility")


class PolicySpec(Section):
    """The policy that is learned."""

    kind: Literal["band_network", "feed_forward", "recurrent", "delta_residual", "state_delta", "custom"] = (
        "band_network"
    )
    hidden: tuple[Count, ...] = (32, 32)
    activation: Literal["elu", "gelu", "relu", "silu", "softplus", "tanh"] = "silu"
    features: Annotated[tuple[str, ...], Field(min_length=1)] = FEATURES
    standardise: bool = True
    aversion: Positive | None = None
    bound: Positive = 0.4
    state: Annotated[int, Field(ge=1, le=1024)] = 8
    ensemble: bool = False
    make: Annotated[str, Field(pattern=r"^.+:[A-Za-z_]\w*$")] | None = None
    source: str | None = None
    objective: Literal["terminal", "local"] = "terminal"
    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")] | None = None

    @model_validator(mode="after")
    def _sees_position_only_where_it_is_an_input(self) -> "PolicySpec":
        if "position" in self.features and self.kind not in SEES_POSITION:
            raise ValueError(
                f"features name 'position', which a {self.kind} does not take; leave it out, or set kind: feed_forward"
            )
        if "wealth" in self.features and self.kind not in SEES_WEALTH:
            raise ValueError(
                f"features name 'wealth', which a {self.kind} does not take; leave it out, or set kind: band_network"
            )
        return self

    @model_validator(mode="after")
    def _custom_code_where_it_is_used(self) -> "PolicySpec":
        if self.kind != "custom" and self.make is not None:
            raise ValueError(f"make was given for kind {self.kind}; leave it out, or set kind: custom")
        if self.kind == "custom" and (self.make is None or self.source is None):
            raise ValueError(
                "kind is 'custom' without its code; give make: FILE.py:NAME, a file and what it calls your policy"
            )
        return self


class TrainingSpec(Section):
    """How it is learned."""

    updates: Annotated[int, Field(ge=1, le=10_000_000)] = 1000
    paths: Annotated[int, Field(ge=2, le=10_000_000)] = 4096
    fresh_paths: bool = True
    seeds: Annotated[int, Field(ge=1, le=256)] = 1
    seed: int = 0
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 1e-2
    schedule: Literal["cosine", "constant"] = "cosine"
    clip: Positive = 1.0
    average: Annotated[float, Field(ge=0, lt=1)] = 0.99
    patience: Annotated[int, Field(ge=0)] = 0
    per_dispatch: Count = 50
    weight_decay: Annotated[float, Field(ge=0, le=1)] = 0.0
    validation_paths: Annotated[int, Field(ge=2, le=10_000_000)] = 16_384


Baseline = Literal[
    "no_hedge",
    "black_scholes_delta",
    "black_scholes_delta_entry",
    "minimum_variance_delta",
    "neural_delta",
    "leland",
    "whalley_wilmott",
    "zakamouline",
    "optimum",
]


def _refuse_names(learned: Sequence[PolicySpec]) -> None:
    """Learned policies that could not be told apart, or not from a baseline."""
    names = [spec.name or spec.kind for spec in learned]
    for name in names:
        if name in get_args(Baseline):
            raise ValueError(f"a learned policy is called {name!r}, which is a baseline's name; give it another name")
        if names.count(name) > 1:
            raise ValueError(
                f"{names.count(name)} learned policies are called {name!r}; give each a name of its own, as in "
                f"rivals: [{{kind: {learned[names.index(name)].kind}, name: another}}]"
            )


def _refuse_ensembles_of_one(config: "HedgeConfig") -> None:
    """A mean over seeds where there is one seed."""
    for spec in (config.policy, *config.rivals):
        if spec.ensemble and config.training.seeds < 2:
            raise ValueError(
                f"policy {spec.name or spec.kind!r} is an ensemble and training.seeds is {config.training.seeds}; set "
                "training.seeds to 2 or more, or leave ensemble out"
            )


class EvaluateSpec(Section):
    """How it is judged: on common random numbers that training has not seen."""

    paths: Annotated[int, Field(ge=2, le=100_000_000)] = 200_000
    seed: int = 1
    against: tuple[Baseline, ...] = ("no_hedge", "black_scholes_delta", "leland", "whalley_wilmott", "zakamouline")
    reference: Baseline = "black_scholes_delta"
    pricer: str | None = None

    @model_validator(mode="after")
    def _a_pricer_for_its_delta(self) -> "EvaluateSpec":
        if "neural_delta" in self.against and self.pricer is None:
            raise ValueError(
                "against names 'neural_delta' and no pricer is given; give pricer: RUN, a folder of `tenrec price`"
            )
        if "neural_delta" not in self.against and self.pricer is not None:
            raise ValueError(f"pricer is {self.pricer!r} and against does not name 'neural_delta'; add it or leave out")
        return self


def _with_features(spec: Any, measure: Any) -> Any:
    """The mapping of a policy with its default features; anything else as it is."""
    if not isinstance(spec, dict) or "features" in spec:
        return spec
    kind = spec.get("kind", "band_network")
    own = {"feed_forward": ("position",), "delta_residual": ("position",), "recurrent": ("last_log_return",)}
    # Exponential utility alone does not care what was won or lost before.
    wealth = ("wealth",) if measure != "entropic" and kind in SEES_WEALTH else ()
    return spec | {"features": (*FEATURES, *own.get(kind, ()), *wealth)}


Instrument = Literal["spot", "future", "forward", "variance_swap"]


def _refuse_terms(config: "HedgeConfig", *, recorded: bool) -> None:
    """Settlements, fees and margins that do not go with the market."""
    if config.settlement == "funded" and config.hedge_with[0] != "spot":
        raise ValueError(
            f"settlement is 'funded' and hedge_with is {list(config.hedge_with)}, which is not paid for; "
            "set settlement to margined, or hedge with the spot"
        )
    in_currency = [name for name in ("fixed", "minimum") if getattr(config.costs, name)]
    if recorded and (in_currency or config.settled == "inverse" or config.margin is not None):
        given = f"costs.{in_currency[0]}" if in_currency else "margin" if config.margin else "settlement: inverse"
        raise ValueError(
            f"{given} is given; contracts of a recorded panel are told in units of their forward, in which it has no "
            "meaning, so leave it out"
        )


def _refuse_instruments(config: "HedgeConfig") -> None:
    """Instruments that the market does not have, or that the policy cannot trade."""
    first, *further = config.hedge_with
    if first == "variance_swap" or further not in ([], ["variance_swap"]):
        raise ValueError(
            f"hedge_with is {list(config.hedge_with)}; one instrument on the underlying is needed, which a "
            "variance_swap may follow, as in [spot, variance_swap]"
        )
    if config.costs.variance_swap is not None and not further:
        raise ValueError("costs.variance_swap is given; it needs hedge_with: [spot, variance_swap]")
    if not further:
        return
    if not isinstance(config.market, HestonSpec):
        raise ValueError(
            f"hedge_with names variance_swap and market.model is {config.market.model!r}; its price is known for "
            "heston, so set that or leave it out"
        )
    kinds = [spec.kind for spec in (config.policy, *config.rivals) if spec.kind != "feed_forward"]
    if kinds:
        raise ValueError(f"policy.kind is {kinds[0]!r}; two instruments need a feed_forward")
    if config.settled == "inverse" or config.margin is not None:
        given = "margin" if config.margin else "settlement: inverse"
        raise ValueError(f"{given} is given and hedge_with names variance_swap, which is paid for; leave one out")


def _refuse_on_a_basket(config: "HedgeConfig") -> None:
    """What is made for one hedging instrument."""
    learned = (config.policy, *config.rivals)
    kinds = [spec.kind for spec in learned if spec.kind not in ("feed_forward", "custom")]
    rules = [name for name in config.evaluate.against if not name.startswith(("no_hedge", "black_scholes"))]
    if kinds:
        raise ValueError(f"policy.kind is {kinds[0]!r} and market.model 'basket'; several assets need a feed_forward")
    if rules:
        raise ValueError(
            f"evaluate.against names {rules[0]!r} and market.model is 'basket'; no_hedge and black_scholes_delta hedge "
            "several assets"
        )
    if config.settled != "funded":
        raise ValueError(f"settlement is {config.settled!r} and market.model 'basket', whose assets are funded")
    if config.hedge_with != ("spot",):
        raise ValueError("hedge_with is no spot and market.model is 'basket'; set [spot], that of every asset")


class HedgeConfig(Section):
    """Everything that `tenrec hedge` needs to know."""

    market: MarketSpec = BlackScholesSpec()
    contract: ContractSpec = EuropeanSpec()
    grid: GridSpec = GridSpec()
    hedge_with: Annotated[tuple[Instrument, ...], Field(min_length=1, max_length=2)] = ("spot",)
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
        filled = {"policy": _with_features(given.get("policy", {}), measure)}
        if isinstance(given.get("rivals"), list | tuple):
            filled["rivals"] = [_with_features(spec, measure) for spec in given["rivals"]]
        return given | filled

    @model_validator(mode="after")
    def _fits_together(self) -> "HedgeConfig":
        recorded, listed = isinstance(self.market, RecordedSpec), isinstance(self.contract, ListedSpec)
        if recorded != listed:
            raise ValueError(
                "market.model 'recorded' and contract.kind 'listed' belong together and one of them was given alone; "
                "set both or neither"
            )
        if recorded != (self.hedge_with == ("forward",)):
            raise ValueError(
                f"hedge_with is {list(self.hedge_with)}; a recorded panel is hedged with [forward], "
                "a simulated market with [spot] or [future]"
            )
        _refuse_instruments(self)
        if isinstance(self.market, BasketSpec):
            _refuse_on_a_basket(self)
        if self.premium == "quote" and not recorded:
            raise ValueError("premium is 'quote'; only a recorded panel has quotes, so give 'fair' or a number")
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
        _refuse_names((self.policy, *self.rivals))
        _refuse_ensembles_of_one(self)
        _refuse_terms(self, recorded=recorded)
        return self

    @property
    def settled(self) -> Settlement:
        """How the hedging instrument is settled: as configured, or as its kind is."""
        return self.settlement or ("funded" if self.hedge_with[0] == "spot" else "margined")
