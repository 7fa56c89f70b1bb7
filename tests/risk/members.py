"""Risk measures for the tests that each of them passes."""

from tenrec.risk import (
    AbstractRisk,
    ConditionalValueAtRisk,
    EntropicRisk,
    MeanStandardDeviationRisk,
    MeanVarianceRisk,
    QuadraticRisk,
)

MEMBERS: dict[str, AbstractRisk] = {
    "cvar": ConditionalValueAtRisk(level=0.7),
    "entropic": EntropicRisk(aversion=3.0),
    "mean_std": MeanStandardDeviationRisk(multiple=1.5),
    "mean_variance": MeanVarianceRisk(weight=4.0),
    "quadratic": QuadraticRisk(),
}
