"""The risk measures of the configuration."""

from typing import Annotated, Literal

from pydantic import Field, Tag, model_validator

from tenrec.runs.market_specs import tagged_by
from tenrec.runs.section import Section, Share


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
