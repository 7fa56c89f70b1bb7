"""The policies of the configuration: what is learned, how, and what it is judged against."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from tenrec.runs.section import Count, Positive, Section

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
    "delta_gamma",
    "delta_vega",
    "static",
    "static_delta",
    "black_scholes_delta",
    "black_scholes_delta_entry",
    "forecast_delta",
    "minimum_variance_delta",
    "neural_delta",
    "leland",
    "whalley_wilmott",
    "zakamouline",
    "optimum",
]


class EvaluateSpec(Section):
    """How it is judged: on common random numbers that training has not seen."""

    paths: Annotated[int, Field(ge=2, le=100_000_000)] = 200_000
    seed: int = 1
    against: tuple[Baseline, ...] = ("no_hedge", "black_scholes_delta", "leland", "whalley_wilmott", "zakamouline")
    reference: Baseline = "black_scholes_delta"
    pricer: str | None = None
    static_units: tuple[Annotated[float, Field(ge=-1e9, le=1e9)], ...] | None = None

    @model_validator(mode="after")
    def _a_pricer_for_its_delta(self) -> "EvaluateSpec":
        if "neural_delta" in self.against and self.pricer is None:
            raise ValueError(
                "against names 'neural_delta' and no pricer is given; give pricer: RUN, a folder of `tenrec price`"
            )
        if "neural_delta" not in self.against and self.pricer is not None:
            raise ValueError(f"pricer is {self.pricer!r} and against does not name 'neural_delta'; add it or leave out")
        return self


def option_features(hedge_with: Any) -> tuple[str, ...]:
    """What a network should see of the listed options among the instruments, as they were given."""
    if not isinstance(hedge_with, list | tuple):
        return ()
    places = [place for place, one in enumerate(hedge_with, 1) if isinstance(one, dict) and "option" in one]
    return tuple(f"option_{place}_{what}" for place in places for what in ("moneyness", "sqrt_time"))


def with_features(spec: Any, measure: Any, options: tuple[str, ...] = ()) -> Any:
    """The mapping of a policy with its default features; anything else as it is."""
    if not isinstance(spec, dict) or "features" in spec:
        return spec
    kind = spec.get("kind", "band_network")
    own = {"feed_forward": ("position",), "delta_residual": ("position",), "recurrent": ("last_log_return",)}
    # Exponential utility alone does not care what was won or lost before.
    wealth = ("wealth",) if measure != "entropic" and kind in SEES_WEALTH else ()
    listed = options if kind == "feed_forward" else ()
    return spec | {"features": (*FEATURES, *listed, *own.get(kind, ()), *wealth)}
