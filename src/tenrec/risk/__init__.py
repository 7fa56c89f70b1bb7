"""Risk measures: what turns losses into the number that is minimised or reported."""

from tenrec.risk.base import AbstractRisk
from tenrec.risk.cvar import ConditionalValueAtRisk
from tenrec.risk.entropic import EntropicRisk
from tenrec.risk.estimate import Estimate, estimate, paired_difference, standard_error
from tenrec.risk.expectile import ExpectileRisk
from tenrec.risk.indifference import indifference_price
from tenrec.risk.mean_std import MeanStandardDeviationRisk
from tenrec.risk.mean_variance import MeanVarianceRisk
from tenrec.risk.power import PowerRisk
from tenrec.risk.quadratic import QuadraticRisk
from tenrec.risk.quadratic_cvar import QuadraticConditionalValueAtRisk
from tenrec.risk.semi_quadratic import SemiQuadraticRisk
from tenrec.risk.spectral import SpectralRisk
from tenrec.risk.worst_case import WorstCaseRisk

RISKS: dict[str, type[AbstractRisk]] = {
    "cvar": ConditionalValueAtRisk,
    "entropic": EntropicRisk,
    "expectile": ExpectileRisk,
    "mean_std": MeanStandardDeviationRisk,
    "mean_variance": MeanVarianceRisk,
    "power": PowerRisk,
    "quadratic": QuadraticRisk,
    "quadratic_cvar": QuadraticConditionalValueAtRisk,
    "semi_quadratic": SemiQuadraticRisk,
    "spectral": SpectralRisk,
    "worst_case": WorstCaseRisk,
}

__all__ = [
    "RISKS",
    "AbstractRisk",
    "ConditionalValueAtRisk",
    "EntropicRisk",
    "Estimate",
    "ExpectileRisk",
    "MeanStandardDeviationRisk",
    "MeanVarianceRisk",
    "PowerRisk",
    "QuadraticConditionalValueAtRisk",
    "QuadraticRisk",
    "SemiQuadraticRisk",
    "SpectralRisk",
    "WorstCaseRisk",
    "estimate",
    "indifference_price",
    "paired_difference",
    "standard_error",
]
