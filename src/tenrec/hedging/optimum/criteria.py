"""What is minimised where the wealth so far matters: risks that are a least expected convex function of the wealth.

Each criterion is risk(ℓ) = min_x outer(x, E f(x − ℓ)) for a fixed f, so that one recursion from all starting wealths x
at once solves the inner problem and a search over one number the outer one.
"""

import abc
import dataclasses
from typing import Literal

import numpy as np
from jaxtyping import Float

Shape = Literal["shortfall", "square"]
Numbers = Float[np.ndarray, " starts"]


@dataclasses.dataclass(frozen=True)
class Criterion(abc.ABC):
    """A risk of the loss ℓ per unit of S₀ that dynamic programming reaches through the wealth."""

    @property
    @abc.abstractmethod
    def shape(self) -> Shape:
        """f of the recursion: "shortfall" max(−y, 0) or "square" y²."""

    @abc.abstractmethod
    def outer(self, start: Numbers, expected: Numbers) -> Numbers:
        """The numbers whose minimum over the starting wealth is the risk, from the least E f at each."""

    def fixed_start(self) -> float | None:
        """The starting wealth where it is given instead of searched."""
        return None

    def shortage(self, error: float) -> float:
        """How far below the target the wealth usually ends, for hedging errors of this size."""
        return 0.0


@dataclasses.dataclass(frozen=True)
class Shortfall(Criterion):
    """CVaR = min_x x + E(ℓ − x)⁺/(1 − level). Source: Rockafellar and Uryasev (2002), J. Banking & Finance 26.

    Args:
        level: in [0, 1); 0.95 averages the worst 5 %.
    """

    level: float

    @property
    def shape(self) -> Shape:
        return "shortfall"

    def outer(self, start: Numbers, expected: Numbers) -> Numbers:
        return start + expected / (1.0 - self.level)


@dataclasses.dataclass(frozen=True)
class MeanDeviation(Criterion):
    """E ℓ + k·std ℓ = min_x x + √((1 + k²)·E(ℓ − x)²), the precommitted optimum.

    At the minimum E ℓ − x = std/k, where the right side is E ℓ − std/k + (1 + k²)·std/k.

    Args:
        multiple: k > 0.
    """

    multiple: float

    @property
    def shape(self) -> Shape:
        return "square"

    def outer(self, start: Numbers, expected: Numbers) -> Numbers:
        return start + np.sqrt((1.0 + self.multiple**2) * np.maximum(expected, 0.0))

    def shortage(self, error: float) -> float:
        return error / self.multiple


@dataclasses.dataclass(frozen=True)
class MeanVariance(Criterion):
    """E ℓ + (λ/2)·Var ℓ = min_x x + 1/(2λ) + (λ/2)·E(ℓ − x)², the precommitted optimum.

    Source: Li and Ng (2000), "Optimal dynamic portfolio selection", Mathematical Finance 10 (the embedding).

    Args:
        aversion: λ > 0.
    """

    aversion: float

    @property
    def shape(self) -> Shape:
        return "square"

    def outer(self, start: Numbers, expected: Numbers) -> Numbers:
        return start + 0.5 / self.aversion + 0.5 * self.aversion * expected

    def shortage(self, error: float) -> float:
        return 1.0 / self.aversion


@dataclasses.dataclass(frozen=True)
class Quadratic(Criterion):
    """√E ℓ² with the premium counted in; the root reads in the units of ℓ.

    Args:
        premium: received at the start, grown to T, per unit of S₀.
    """

    premium: float

    @property
    def shape(self) -> Shape:
        return "square"

    def outer(self, start: Numbers, expected: Numbers) -> Numbers:
        return np.sqrt(np.maximum(expected, 0.0))

    def fixed_start(self) -> float | None:
        return self.premium
