"""Where the value function is kept: a lattice in log-spot and nodes in the position."""

import dataclasses
import itertools

import numpy as np
from jaxtyping import Float, Int

from tenrec.core.errors import UnsolvableError
from tenrec.hedging.optimum.problem import Problem

MAX_CELLS = 40_000_000


@dataclasses.dataclass(frozen=True)
class Resolution:
    """How fine the recursion is.

    Args:
        spot_step: spacing of the log-spot lattice in standard deviations of the shortest period.
        refinement: lattice points of the integration per point of the lattice that is kept.
        position_nodes: nodes per unit of position (more where the payoff has several slopes).
        tail: how many standard deviations are covered, of one period and of the whole way.
        panel_nodes: Gauss–Legendre nodes per panel of the last period.
    """

    spot_step: float = 0.2
    refinement: int = 1
    position_nodes: int = 160
    tail: float = 7.5
    panel_nodes: int = 16

    def finer(self) -> "Resolution":
        """A grid that is about 1.7 times as fine in every respect and reaches a little further."""
        return dataclasses.replace(
            self,
            spot_step=(0.6 if self.refinement == 1 else 0.75) * self.spot_step,
            refinement=self.refinement if self.refinement == 1 else self.refinement + 1,
            position_nodes=round(1.7 * self.position_nodes),
            tail=min(self.tail + 0.5, 8.5),
            panel_nodes=16,
        )


@dataclasses.dataclass(frozen=True, eq=False)
class Lattice:
    """log(S/S₀) = log_mean_k + i·step for i = −half_k … half_k: a uniform lattice that drifts with the asset.

    Because every date has the same spacing, a transition is a sum over lattice points and needs no interpolation.

    Fields:
        step: spacing in log-spot.
        half: (dates 0..N−1) number of points on each side.
        reach: (steps,) number of points on each side that one period can move.
        log_mean: (dates,) centre of the lattice.
    """

    step: float
    half: Int[np.ndarray, " trading_dates"]
    reach: Int[np.ndarray, " steps"]
    log_mean: Float[np.ndarray, " dates"]

    def spot(self, date: int, half: int | None = None, refinement: int = 1) -> Float[np.ndarray, " points"]:
        """S/S₀ on the lattice of `date`, or on one of another half-width or spacing."""
        half = int(self.half[date]) if half is None else half
        index = np.arange(-half * refinement, half * refinement + 1)
        return np.exp(self.log_mean[date] + index * (self.step / refinement))


def lattice(problem: Problem, resolution: Resolution, *, least: float = 0.0) -> Lattice:
    """The lattice of a problem; `least` widens the early dates to that share of the last date's width."""
    deviation = problem.deviation
    step = resolution.spot_step * float(deviation.min())
    way = problem.volatility * np.sqrt(problem.times[:-1])
    wide = np.maximum(way, least * problem.volatility * np.sqrt(problem.maturity))
    half = np.ceil(resolution.tail * wide / step).astype(int)
    reach = np.ceil(resolution.tail * deviation / step).astype(int)
    return Lattice(step=step, half=half, reach=reach, log_mean=problem.log_mean)


def check_size(lattice: Lattice, positions: np.ndarray, refinement: int) -> None:
    """Refuse a problem whose value function would not fit into memory."""
    cells = (2 * int(lattice.half.max()) + 1) * refinement * positions.size
    if cells > MAX_CELLS:
        raise UnsolvableError(
            f"The problem needs {cells:,} grid cells at a date and {MAX_CELLS:,} is the limit; "
            "use fewer steps, or periods of more similar length."
        )


def slopes(problem: Problem) -> Float[np.ndarray, " slopes"]:
    """Slopes of the payoff between its kinks: minus the positions to which a hedge tends at expiry."""
    spread = 4.0 * problem.volatility * np.sqrt(problem.maturity)
    centre = problem.log_mean[-1]
    inside = [np.log(kink / problem.spot) for kink in problem.kinks]
    ends = [min([centre - spread, *inside]) - spread, *inside, max([centre + spread, *inside]) + spread]
    found = []
    for left, right in itertools.pairwise(ends):
        points = np.exp(left + (right - left) * np.array([0.0005, 0.001, 0.499, 0.501, 0.999, 0.9995]))
        flow = problem.flow(points)
        found += list((flow[1::2] - flow[::2]) / (points[1::2] - points[::2]))
    return np.unique(np.round(found, 9))


def position_nodes(
    problem: Problem, resolution: Resolution, low: float, high: float
) -> Float[np.ndarray, " positions"]:
    """Nodes on [low, high] that cluster at 0 and at the positions where hedges gather near expiry.

    There the value function has its sharpest bends. Between two gathering points the nodes are spaced by a cosine.
    """
    gather = np.unique(np.concatenate([[0.0], -slopes(problem)]))
    gather = gather[(gather > low + 1e-9) & (gather < high - 1e-9)]
    if gather.size > 12:
        gather = np.unique(np.concatenate([[0.0], gather[:: gather.size // 8]]))
    inner = [_cosine(a, b, resolution) for a, b in itertools.pairwise(gather)]
    first, last = (gather[0], gather[-1]) if gather.size else (low, low)
    edge_low = [2 * first - _half_cosine(first, 2 * first - low, resolution)] if first > low else []
    edge_high = [_half_cosine(last, high, resolution)] if high > last else []
    nodes = np.unique(np.concatenate([*edge_low, *inner, *edge_high]))
    return nodes[np.concatenate([[True], np.diff(nodes) > 1e-12])]


def _cosine(left: float, right: float, resolution: Resolution) -> np.ndarray:
    count = max(16, int(resolution.position_nodes * min(right - left, 4.0)))
    inner = left + (right - left) * 0.5 * (1 - np.cos(np.pi * np.arange(count + 1) / count))
    inner[0], inner[-1] = left, right
    return inner


def _half_cosine(left: float, right: float, resolution: Resolution) -> np.ndarray:
    count = max(8, int(0.5 * resolution.position_nodes * min(2 * (right - left), 4.0)))
    nodes = left + (right - left) * (1 - np.cos(0.5 * np.pi * np.arange(count + 1) / count))
    nodes[0], nodes[-1] = left, right
    return nodes
