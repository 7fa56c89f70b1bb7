"""The options of the configuration: kinds, and the keys that each of them takes."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from tenrec.runs.section import Count, Price, Section, Share

OptionKind = Literal[
    "european_call",
    "european_put",
    "digital_call",
    "digital_put",
    "up_and_out_call",
    "up_and_out_put",
    "up_and_in_call",
    "up_and_in_put",
    "down_and_out_call",
    "down_and_out_put",
    "down_and_in_call",
    "down_and_in_put",
    "one_touch_up",
    "one_touch_down",
    "asian_call",
    "asian_put",
    "geometric_asian_call",
    "geometric_asian_put",
    "lookback_call",
    "lookback_put",
    "floating_lookback_call",
    "floating_lookback_put",
    "forward_start_call",
    "forward_start_put",
    "cliquet",
    "variance_swap",
    "volatility_swap",
    "american_put",
    "basket_call",
    "basket_put",
    "spread_call",
    "spread_put",
    "exchange",
    "custom",
]
Days = Annotated[float, Field(gt=0, le=100_000)]
Return = Annotated[float, Field(ge=-1, le=1000)]
Volatility = Annotated[float, Field(gt=0, le=5)]
BASKETS = ("basket", "spread", "exchange")
SWAPS = ("variance_swap", "volatility_swap")
TAKES: dict[str, tuple[tuple[str, ...], bool]] = {
    "barrier": (("up_and", "down_and", "one_touch"), True),
    "cash": (("digital", "one_touch"), True),
    "start_days": (("forward_start",), True),
    "reset_days": (("cliquet",), True),
    "local_floor": (("cliquet",), False),
    "local_cap": (("cliquet",), False),
    "global_floor": (("cliquet",), False),
    "global_cap": (("cliquet",), False),
    "pays": (("cliquet",), False),
    "notional": (("cliquet", *SWAPS), False),
    "boundary": (("american_put",), False),
    "sale_days": (("european",), False),
    "implied_vol": (("european",), False),
    "roll": (("european",), False),
    "weights": (("basket", "spread"), False),
    "path": (("custom",), True),
    "name": (("custom",), True),
    "source": (("custom",), False),
}
"""The kinds, by how they begin, that take a key, and whether they need it."""


class RollSpec(Section):
    """The same option sold again and again: every so many days, so many times after the first."""

    every_days: Days = 7
    times: Count = 1


class EuropeanSpec(Section):
    """One option; quantity −1 is sold, positions are in units of the underlying."""

    kind: OptionKind = "european_call"
    strike: Price = 1.0
    barrier: Price | None = None
    cash: Price | None = None
    days: Days = 30
    quantity: Annotated[float, Field(ge=-1e9, le=1e9)] = -1.0
    multiplier: Annotated[float, Field(gt=0, le=1e9)] = 1.0
    start_days: Days | None = None
    reset_days: Days | None = None
    local_floor: Return | None = None
    local_cap: Return | None = None
    global_floor: Return | None = None
    global_cap: Return | None = None
    pays: Literal["at_expiry", "at_resets"] | None = None
    notional: Price | None = None
    boundary: Price | tuple[Price, ...] | None = None
    sale_days: Days | None = None
    implied_vol: Volatility | None = None
    roll: RollSpec | None = None
    weights: Annotated[tuple[float, ...], Field(min_length=2)] | None = None
    path: str | None = None
    name: str | None = None
    source: str | None = None

    @field_validator("quantity")
    @classmethod
    def _not_zero(cls, quantity: float) -> float:
        if quantity == 0:
            raise ValueError("quantity is 0; a negative number is sold, a positive one held")
        return quantity

    @model_validator(mode="after")
    def _has_what_its_kind_needs(self) -> "EuropeanSpec":
        for name, (kinds, needed) in TAKES.items():
            given, takes = getattr(self, name) is not None, self.kind.startswith(kinds)
            if given and not takes:
                raise ValueError(f"{name} was given for kind {self.kind}; leave it out")
            if needed and takes and not given:
                raise ValueError(f"{name} was not given for kind {self.kind}; it needs one")
        return self

    @model_validator(mode="after")
    def _numbers_agree(self) -> "EuropeanSpec":
        for first, second in (("start_days", "days"), ("sale_days", "days")):
            early, late = getattr(self, first), getattr(self, second)
            if early is not None and early >= late:
                raise ValueError(f"{first} is {early:g} and {second} is {late:g}; {first} must come before it")
        for low, high in (("local_floor", "local_cap"), ("global_floor", "global_cap")):
            floor, cap = getattr(self, low), getattr(self, high)
            floor = 0.0 if floor is None and low == "local_floor" else floor
            if floor is not None and cap is not None and floor >= cap:
                raise ValueError(f"{low} is {floor:g} and {high} is {cap:g}; the floor must be below the cap")
        if self.kind in SWAPS and ("strike" not in self.model_fields_set or self.strike > 5):
            raise ValueError(f"strike is {self.strike:g} for kind {self.kind}; give a volatility, such as 0.2")
        if self.pays == "at_resets" and (self.global_floor is not None or self.global_cap is not None):
            raise ValueError("pays is 'at_resets' beside a global floor or cap; the sum is known only at_expiry")
        if self.weights is not None and max(self.weights) <= 0:
            raise ValueError(f"weights are {list(self.weights)}; at least one must be positive")
        if self.implied_vol is not None and self.sale_days is None and self.roll is None:
            raise ValueError("implied_vol was given without sale_days or roll; it prices later sales, so leave it out")
        if self.roll is not None and self.sale_days is not None:
            raise ValueError("roll and sale_days were both given; give one of them")
        return self

    @property
    def is_european(self) -> bool:
        """Whether it is a plain call or put that changes hands at the start."""
        return self.kind.startswith("european") and self.sale_days is None

    @property
    def sign(self) -> float:
        """+1 for a call or an upper touch, −1 for a put or a lower one."""
        return -1.0 if self.kind.endswith(("put", "down")) else 1.0

    @property
    def is_basket(self) -> bool:
        """Whether it is written on several assets."""
        return self.kind.startswith(BASKETS)

    def parts(self) -> tuple["EuropeanSpec", ...]:
        """Every sale of a roll; else itself."""
        if self.roll is None:
            return (self,)
        sales = [self.roll.every_days * number for number in range(1, self.roll.times + 1)]
        later = [{"roll": None, "sale_days": sale, "days": self.days + sale} for sale in sales]
        changes: list[dict[str, Any]] = [{"roll": None, "implied_vol": None}, *later]
        return tuple(self.model_copy(update=change) for change in changes)


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
