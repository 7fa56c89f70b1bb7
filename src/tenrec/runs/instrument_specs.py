"""The hedging instruments of the configuration, each with costs and limits of its own where they are given."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from tenrec.runs.section import Price, Section, Share
from tenrec.runs.trading_specs import CostSpec, Fee, LimitsSpec, Rate, Yearly

Name = Literal["spot", "future", "forward", "variance_swap", "vix_future"]
Days = Annotated[float, Field(gt=0, le=100_000)]


class OwnCostSpec(Section):
    """What one instrument costs; what is not said here is as in `costs`."""

    proportional: Rate | None = None
    half_spread: bool | None = None
    fixed: Fee | None = None
    minimum: Fee | None = None
    quadratic: Annotated[float, Field(ge=0, le=1e6)] | None = None
    maker: Annotated[float, Field(gt=-1, lt=1)] | None = None
    taker: Rate | None = None
    slippage: Rate | None = None
    maker_share: Annotated[float, Field(ge=0, le=1)] | None = None
    funding: Yearly | None = None
    borrow: Annotated[float, Field(ge=0, le=10)] | None = None

    def over(self, common: CostSpec) -> CostSpec:
        """The costs of the instrument, those of all others being `common`."""
        own = {name: value for name, value in self.model_dump().items() if value is not None}
        return CostSpec.model_validate(common.model_dump(exclude={"variance_swap"}) | own)


class TermsSpec(Section):
    """On what terms one instrument is traded, where they are not those of `costs` and `limits`."""

    costs: OwnCostSpec = OwnCostSpec()
    limits: LimitsSpec | None = None


class OptionSpec(TermsSpec):
    """A listed option, or several that follow each other.

    The strike is a price (`strike`), a share of the spot at listing (`moneyness`, 1 where nothing is given), or the one
    with an absolute Black–Scholes `delta` then. It lives `days`; with `every`, expiries follow each other every so many
    days, and each option is exchanged for the next one `roll_at` days before it expires (0: at its expiry).
    """

    kind: Literal["call", "put"] = "call"
    strike: Price | None = None
    moneyness: Annotated[float, Field(gt=0, le=100)] | None = None
    delta: Share | None = None
    days: Days = 30.0
    every: Days | None = None
    roll_at: Annotated[float, Field(ge=0, le=100_000)] = 0.0

    @model_validator(mode="after")
    def _one_strike(self) -> "OptionSpec":
        given = [name for name in ("strike", "moneyness", "delta") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} are given; an option has one strike, so keep one of them")
        if self.roll_at and self.every is None:
            raise ValueError(
                f"roll_at is {self.roll_at:g} and every is not given; an option that is rolled needs every, the days "
                "between expiries"
            )
        if self.roll_at >= self.days:
            raise ValueError(
                f"roll_at is {self.roll_at:g} and days is {self.days:g}; an option that is exchanged at once is no "
                "hedge, so set roll_at below days"
            )
        return self

    @property
    def rule(self) -> Literal["strike", "moneyness", "delta"]:
        """How the strike is said."""
        if self.strike is not None:
            return "strike"
        return "moneyness" if self.delta is None else "delta"

    @property
    def level(self) -> float:
        """The number that says it."""
        return self.strike or self.delta or self.moneyness or 1.0

    @property
    def words(self) -> str:
        """The option in words."""
        where = {"strike": f"struck at {self.level:g}", "delta": f"of delta {self.level:g}"}
        where["moneyness"] = "at the money" if self.level == 1.0 else f"struck at {self.level:g} of the spot"
        again = "" if self.every is None else f", rolled every {self.every:g} days"
        return f"listed {self.kind} {where[self.rule]}, {self.days:g} days{again}"


class InstrumentSpec(Section):
    """One instrument with terms of its own: a mapping of its name to them."""

    spot: TermsSpec | None = None
    future: TermsSpec | None = None
    forward: TermsSpec | None = None
    variance_swap: TermsSpec | None = None
    vix_future: TermsSpec | None = None
    option: OptionSpec | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> "InstrumentSpec":
        given = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(
                f"an entry of hedge_with names {', '.join(given) or 'no instrument'}; one is needed, such as "
                "{option: {kind: call, days: 30}}"
            )
        return self

    @property
    def name(self) -> str:
        """The instrument."""
        return next(name for name in type(self).model_fields if getattr(self, name) is not None)

    @property
    def terms(self) -> TermsSpec:
        """Its terms."""
        return getattr(self, self.name)


def _with_terms(given: Any) -> Any:
    if given == "option":
        raise ValueError("an option needs its terms, such as {option: {kind: call, days: 30}}")
    return given


def _tag(given: Any) -> str:
    return "own" if isinstance(given, dict | InstrumentSpec) else "plain"


Plain = Annotated[Name, BeforeValidator(_with_terms), Tag("plain")]
Instrument = Annotated[Plain | Annotated[InstrumentSpec, Tag("own")], Discriminator(_tag)]


def name_of(instrument: str | InstrumentSpec) -> str:
    """What an instrument is called."""
    return instrument if isinstance(instrument, str) else instrument.name


def words_of(name: str) -> str:
    """An instrument's name for readers."""
    return "VIX future" if name == "vix_future" else name.replace("_", " ")


def terms_of(instrument: str | InstrumentSpec) -> TermsSpec:
    """The terms of its own, empty where none are given."""
    return TermsSpec() if isinstance(instrument, str) else instrument.terms
