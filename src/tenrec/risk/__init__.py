"""Risk measures: what turns losses into the number that is minimised or reported."""

from tenrec.risk.base import AbstractRisk
from tenrec.risk.cvar import ConditionalValueAtRisk
from tenrec.risk.entropic import EntropicRisk
from tenrec.risk.estimate import Estimate, estimate, paired_difference, standard_error
from tenrec.risk.indifference import indifference_price
from tenrec.risk.mean_std import MeanStandardDeviationRisk
from tenrec.risk.mean_variance import MeanVarianceRisk
from tenrec.risk.quadratic import QuadraticRisk

RISKS: dict[str, type[AbstractRisk]] = {
    "cvar": ConditionalValueAtRisk,
    "entropic": EntropicRisk,
    "mean_std": MeanStandardDeviationRisk,
    "mean_variance": MeanVarianceRisk,
    "quadratic": QuadraticRisk,
}

__all__ = [
    "RISKS",
    "AbstractRisk",
    "ConditionalValueAtRisk",
    "EntropicRisk",
    "Estimate",
    "MeanStandardDeviationRisk",
    "MeanVarianceRisk",
    "QuadraticRisk",
    "estimate",
    "indifference_price",
    "paired_difference",
    "standard_error",
]
