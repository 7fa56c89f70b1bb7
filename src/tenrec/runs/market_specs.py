"""The simulated markets of the configuration."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from tenrec.runs.section import Positive, Price, Section

Volatility = Annotated[float, Field(gt=0, le=5)]
Growth = Annotated[float, Field(ge=-5, le=5)]
Interest = Annotated[float, Field(ge=-0.5, le=1)]
Correlation = Annotated[float, Field(ge=-1, le=1)]
Level = Annotated[float, Field(ge=0, le=1000)]
Sampling = Literal["pseudo", "antithetic", "sobol"]


class BlackScholesSpec(Section):
    """Geometric Brownian motion."""

    model: Literal["black_scholes"] = "black_scholes"
    spot: Price = 1.0
    volatility: Annotated[float, Field(gt=0, le=5)] = 0.2
    rate: Annotated[float, Field(ge=-0.5, le=1)] = 0.0
    drift: Annotated[float, Field(ge=-5, le=5)] | None = None
    dividend_yield: Annotated[float, Field(ge=-0.5, le=1)] = 0.0
    sampling: Literal["pseudo", "antithetic", "sobol"] = "pseudo"


class HestonSpec(Section):
    """Stochastic variance of Heston (1993), simulated by the quadratic–exponential scheme."""

    model: Literal["heston"]
    spot: Price = 1.0
    initial_variance: Positive = 0.04
    mean_reversion: Positive = 1.0
    long_run_variance: Positive = 0.04
    vol_of_vol: Positive = 0.5
    correlation: Annotated[float, Field(ge=-1, le=1)] = -0.7
    rate: Annotated[float, Field(ge=-0.5, le=1)] = 0.0
    drift: Annotated[float, Field(ge=-5, le=5)] | None = None
    dividend_yield: Annotated[float, Field(ge=-0.5, le=1)] = 0.0
    sampling: Literal["pseudo", "antithetic", "sobol"] = "pseudo"


class MertonSpec(Section):
    """Geometric Brownian motion with lognormal jumps (Merton, 1976)."""

    model: Literal["merton"]
    volatility: Volatility = 0.15
    jump_intensity: Level = 2.0
    jump_mean: Growth = -0.05
    jump_deviation: Annotated[float, Field(ge=0, le=5)] = 0.08
    spot: Price = 1.0
    rate: Interest = 0.0
    drift: Growth | None = None
    dividend_yield: Interest = 0.0
    sampling: Sampling = "pseudo"


class KouSpec(Section):
    """Geometric Brownian motion with double-exponential jumps (Kou, 2002)."""

    model: Literal["kou"]
    volatility: Volatility = 0.15
    jump_intensity: Level = 3.0
    up_probability: Annotated[float, Field(ge=0, le=1)] = 0.4
    up_rate: Annotated[float, Field(gt=1, le=10_000)] = 25.0
    down_rate: Annotated[float, Field(gt=0, le=10_000)] = 20.0
    spot: Price = 1.0
    rate: Interest = 0.0
    drift: Growth | None = None
    dividend_yield: Interest = 0.0
    sampling: Sampling = "pseudo"


class BatesSpec(Section):
    """Heston's variance with Merton's jumps (Bates, 1996)."""

    model: Literal["bates"]
    initial_variance: Positive = 0.04
    mean_reversion: Positive = 1.0
    long_run_variance: Positive = 0.04
    vol_of_vol: Positive = 0.5
    correlation: Correlation = -0.7
    jump_intensity: Level = 1.0
    jump_mean: Growth = -0.05
    jump_deviation: Annotated[float, Field(ge=0, le=5)] = 0.08
    spot: Price = 1.0
    rate: Interest = 0.0
    drift: Growth | None = None
    dividend_yield: Interest = 0.0
    sampling: Sampling = "pseudo"


class SabrSpec(Section):
    """Lognormal stochastic volatility with a constant elasticity (Hagan and others, 2002)."""

    model: Literal["sabr"]
    volatility: Volatility = 0.2
    elasticity: Annotated[float, Field(ge=0, le=1)] = 1.0
    vol_of_vol: Annotated[float, Field(ge=0, le=20)] = 0.8
    correlation: Correlation = -0.5
    spot: Price = 1.0
    rate: Interest = 0.0
    drift: Growth | None = None
    dividend_yield: Interest = 0.0
    sampling: Sampling = "pseudo"


class RoughBergomiSpec(Section):
    """Variance driven by a rough path (Bayer, Friz and Gatheral, 2016)."""

    model: Literal["rough_bergomi"]
    forward_variance: Positive = 0.04
    roughness: Annotated[float, Field(gt=0, le=0.5)] = 0.1
    vol_of_vol: Annotated[float, Field(ge=0, le=20)] = 1.9
    correlation: Correlation = -0.9
    spot: Price = 1.0
    rate: Interest = 0.0
    drift: Growth | None = None
    dividend_yield: Interest = 0.0
    sampling: Sampling = "pseudo"


class GarchSpec(Section):
    """GJR-GARCH(1, 1), one recursion a grid step."""

    model: Literal["garch"]
    volatility: Volatility = 0.2
    long_run_volatility: Volatility = 0.2
    alpha: Annotated[float, Field(ge=0, lt=1)] = 0.03
    beta: Annotated[float, Field(ge=0, lt=1)] = 0.9
    gamma: Annotated[float, Field(ge=0, lt=2)] = 0.1
    spot: Price = 1.0
    rate: Interest = 0.0
    drift: Growth | None = None
    dividend_yield: Interest = 0.0
    sampling: Sampling = "pseudo"


class RegimesSpec(Section):
    """Lognormal prices whose volatility switches between regimes; the paths start in the first."""

    model: Literal["regimes"]
    volatilities: Annotated[tuple[Volatility, ...], Field(min_length=2)] = (0.14, 0.4)
    years: Annotated[tuple[Positive, ...], Field(min_length=2)] = (0.5, 0.1)
    spot: Price = 1.0
    rate: Interest = 0.0
    drift: Growth | None = None
    dividend_yield: Interest = 0.0
    sampling: Sampling = "pseudo"

    @model_validator(mode="after")
    def _one_stay_each(self) -> "RegimesSpec":
        if len(self.volatilities) != len(self.years):
            raise ValueError(
                f"{len(self.volatilities)} volatilities and {len(self.years)} years are given; "
                "one of each for every regime is needed"
            )
        return self


def tagged_by(key: str, default: str) -> Discriminator:
    """Choose the member by its `key`; a mapping without the key means the default member."""

    def tag(given: Any) -> str:
        if isinstance(given, dict):
            return str(given.get(key, default))
        return str(getattr(given, key, default))

    return Discriminator(tag)


CertainSpec = Annotated[
    Annotated[BlackScholesSpec, Tag("black_scholes")]
    | Annotated[HestonSpec, Tag("heston")]
    | Annotated[MertonSpec, Tag("merton")]
    | Annotated[KouSpec, Tag("kou")]
    | Annotated[BatesSpec, Tag("bates")]
    | Annotated[SabrSpec, Tag("sabr")]
    | Annotated[RoughBergomiSpec, Tag("rough_bergomi")]
    | Annotated[GarchSpec, Tag("garch")],
    tagged_by("model", "black_scholes"),
]


class UncertainSpec(Section):
    """Another model whose parameters every path draws anew, lognormal with the given spreads around their means."""

    model: Literal["uncertain"]
    of: CertainSpec = BlackScholesSpec()
    spreads: Annotated[dict[str, Annotated[float, Field(gt=0, le=3)]], Field(min_length=1)]
    sampling: Sampling = "pseudo"

    @field_validator("of")
    @classmethod
    def _draws_no_paths_itself(cls, of: Any) -> Any:
        if of.sampling != "pseudo":
            raise ValueError("sampling is given inside `of`; give it beside it")
        return of

    @property
    def spot(self) -> float:
        """Of the model."""
        return self.of.spot

    @property
    def rate(self) -> float:
        """Of the model."""
        return self.of.rate

    @property
    def drift(self) -> float | None:
        """Of the model."""
        return self.of.drift

    @property
    def dividend_yield(self) -> float:
        """Of the model."""
        return self.of.dividend_yield


AssetSpec = Annotated[
    Annotated[BlackScholesSpec, Tag("black_scholes")]
    | Annotated[HestonSpec, Tag("heston")]
    | Annotated[MertonSpec, Tag("merton")]
    | Annotated[KouSpec, Tag("kou")]
    | Annotated[BatesSpec, Tag("bates")]
    | Annotated[SabrSpec, Tag("sabr")]
    | Annotated[RoughBergomiSpec, Tag("rough_bergomi")]
    | Annotated[GarchSpec, Tag("garch")]
    | Annotated[RegimesSpec, Tag("regimes")],
    tagged_by("model", "black_scholes"),
]


class BasketSpec(Section):
    """Several assets, each with a model of its own, driven by correlated Brownian motions."""

    model: Literal["basket"]
    assets: Annotated[tuple[AssetSpec, ...], Field(min_length=2)]
    correlation: tuple[tuple[Correlation, ...], ...]
    sampling: Literal["pseudo", "antithetic"] = "pseudo"

    @field_validator("assets")
    @classmethod
    def _draw_no_paths_themselves(cls, assets: Any) -> Any:
        if any(asset.sampling != "pseudo" for asset in assets):
            raise ValueError("sampling is given inside an asset; give it beside them")
        return assets

    @model_validator(mode="after")
    def _one_row_each(self) -> "BasketSpec":
        count = len(self.assets)
        if len(self.correlation) != count or any(len(row) != count for row in self.correlation):
            raise ValueError(f"correlation must have {count} rows of {count} numbers, one for each asset")
        return self

    @property
    def spot(self) -> float:
        """Of the first asset."""
        return self.assets[0].spot

    @property
    def rate(self) -> float:
        """Of all assets."""
        return self.assets[0].rate

    @property
    def dividend_yield(self) -> float:
        """Of the first asset."""
        return self.assets[0].dividend_yield


SimulatedSpec = (
    BlackScholesSpec
    | HestonSpec
    | MertonSpec
    | KouSpec
    | BatesSpec
    | SabrSpec
    | RoughBergomiSpec
    | GarchSpec
    | RegimesSpec
    | UncertainSpec
    | BasketSpec
)


def starting_volatility(spec: Any) -> float | None:
    """Annualised volatility at the start, where the configuration of a market says it."""
    if isinstance(spec, UncertainSpec):
        return starting_volatility(spec.of)
    if isinstance(spec, BasketSpec):
        return starting_volatility(spec.assets[0])
    for name in ("initial_variance", "forward_variance"):
        if hasattr(spec, name):
            return float(getattr(spec, name) ** 0.5)
    if isinstance(spec, RegimesSpec):
        return spec.volatilities[0]
    return getattr(spec, "volatility", None)
