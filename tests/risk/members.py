"""Risk measures for the tests that each of them passes."""

import numpy as np

from tenrec.risk import (
    AbstractRisk,
    ConditionalValueAtRisk,
    EntropicRisk,
    ExpectileRisk,
    MeanStandardDeviationRisk,
    MeanVarianceRisk,
    PowerRisk,
    QuadraticConditionalValueAtRisk,
    QuadraticRisk,
    SemiQuadraticRisk,
    SpectralRisk,
    WorstCaseRisk,
)

MEMBERS: dict[str, AbstractRisk] = {
    "cvar": ConditionalValueAtRisk(level=0.7),
    "entropic": EntropicRisk(aversion=3.0),
    "mean_std": MeanStandardDeviationRisk(multiple=1.5),
    "mean_variance": MeanVarianceRisk(weight=4.0),
    "quadratic": QuadraticRisk(),
    "quadratic_cvar": QuadraticConditionalValueAtRisk(multiple=2.0),
    "semi_quadratic": SemiQuadraticRisk(),
    "power": PowerRisk(exponent=3.0),
    "expectile": ExpectileRisk(level=0.8),
    "spectral": SpectralRisk(levels=np.array([0.0, 0.53, 0.83]), weights=np.array([0.25, 0.5, 0.25])),
    "worst_case": WorstCaseRisk(),
}
