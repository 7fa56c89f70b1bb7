"""The exact value of any Markov policy, by the recursion that solves for the optimum with the policy in its place.

    J_k(S, p) = H_k(S, t) + a·c·G_k·|t − p|·S,    t = target(k, S, p)

A policy need not be optimal, convex or continuous, so J may bend or jump anywhere. H is an average over the next spot
and therefore smooth in S: it is kept on a coarse lattice, interpolated to a finer one, and J is formed there.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from tenrec.core.errors import UnsolvableError
from tenrec.hedging.optimum.grid import Lattice, Resolution, check_size, lattice, position_nodes, slopes
from tenrec.hedging.optimum.interpolate import at_positions, refiner
from tenrec.hedging.optimum.problem import Problem
from tenrec.hedging.optimum.transition import earlier_period, last_period, padded

Target = Callable[[int, np.ndarray, np.ndarray], np.ndarray]
# Targets are asked for in pieces of one shape, so that a jit-compiled policy is compiled once.
PIECE = 32_768
FIRST = Resolution(spot_step=0.4, refinement=3, position_nodes=60, tail=6.5, panel_nodes=12)
ROUNDING_BP = 1e-9
# Positions, in multiples of what a static hedge of the payoff could need.
WIDEST = 100.0


def value_policy(
    problem: Problem,
    target: Target,
    *,
    tolerance_bp: float = 1e-3,
    levels: int = 4,
    resolution: Resolution = FIRST,
) -> tuple[float, float]:
    """Entropic risk of a policy in basis points of S₀ (premium 0, at T), and a bound on its numerical error.

    The grid is refined until the bound falls below `tolerance_bp` or `levels` grids are used up; bands and smooth
    policies stop at the second or third. The bound is 1.5 times the last change, or a quarter of the change before
    it if that is more: right from first order up. A policy that jumps converges slowly, and the bound says so.

    Args:
        target: (date k, spot (n,), position before the trade (n,)) → position to hold next (n,), NumPy float64.
            It must depend on nothing else. It is always called with the same n.
        levels: at least 2.
        resolution: the first grid.

    Raises:
        UnsolvableError: the target is not finite or immense, or the risk overflows.

    Example:
        >>> from tenrec.hedging.optimum import european_payoff
        >>> payoff, kinks = european_payoff(strikes=[1.0], signs=[1.0], quantities=[-1.0])
        >>> problem = Problem(spot=1.0, volatility=0.2, dt=np.full(3, 1 / 365), payoff=payoff, kinks=kinks, aversion=20)
        >>> value, error = value_policy(problem, lambda date, spot, position: np.full_like(spot, 0.5))
        >>> error < 1e-3
        True
    """
    low, high = _position_range(problem, target, lattice(problem, resolution))
    values, bound = [_recursion(problem, target, resolution, low, high)], np.inf
    for _ in range(levels - 1):
        resolution = resolution.finer()
        values.append(_recursion(problem, target, resolution, low, high))
        changes = np.abs(np.diff(values))
        bound = max(1.5 * changes[-1], 0.25 * changes[-2:].max()) + ROUNDING_BP
        if bound <= tolerance_bp:
            break
    return values[-1], float(bound)


def _recursion(problem: Problem, target: Target, resolution: Resolution, low: float, high: float) -> float:
    grid, refinement = lattice(problem, resolution), resolution.refinement
    positions = position_nodes(problem, resolution, low, high)
    check_size(grid, positions, refinement)
    after = last_period(problem, grid.spot(problem.steps - 1), positions, resolution)
    for date in reversed(range(1, problem.steps)):
        fine = refiner(after.shape[0], refinement) @ after
        spot = grid.spot(date, refinement=refinement)
        before = _trade(problem, target, date, spot, positions, fine)
        later = padded(problem, grid, date, before, positions, refinement)
        after = earlier_period(problem, grid, date - 1, later, positions, refinement)
    centre = np.array([int(grid.half[0])])
    start = np.array([0.0])
    value = _trade(problem, target, 0, np.ones(1), start, after[centre], nodes=positions)
    return problem.basis_points(value[0, 0])


def _trade(
    problem: Problem,
    target: Target,
    date: int,
    spot: np.ndarray,
    positions: np.ndarray,
    after: np.ndarray,
    nodes: np.ndarray | None = None,
) -> np.ndarray:
    """J at (spot, positions) from H at (spot, nodes)."""
    nodes = positions if nodes is None else nodes
    # Only from positions that cannot be reached does a target lie beyond the nodes.
    wanted = np.clip(_targets(problem, target, date, spot, positions), nodes[0], nodes[-1])
    price = (problem.aversion * problem.cost * problem.growth[date] * spot)[:, None]
    return at_positions(after, nodes, wanted) + price * np.abs(wanted - positions)


def _targets(
    problem: Problem, target: Target, date: int, spot: np.ndarray, positions: np.ndarray
) -> Float[np.ndarray, "points positions"]:
    spots = np.repeat(problem.spot * spot, positions.size)
    held = np.tile(positions, spot.size)
    count = spots.size
    pieces = -(-count // PIECE)
    spots = np.resize(spots, pieces * PIECE)
    held = np.resize(held, pieces * PIECE)
    wanted = [
        np.asarray(target(date, spots[i : i + PIECE], held[i : i + PIECE]), dtype=np.float64)
        for i in range(0, spots.size, PIECE)
    ]
    wanted = np.concatenate(wanted)[:count].reshape(spot.size, positions.size)
    if not np.all(np.isfinite(wanted)):
        raise UnsolvableError(f"The policy's target at date {date} is not finite; a finite position is needed.")
    return wanted


def _position_range(problem: Problem, target: Target, grid: Lattice) -> tuple[float, float]:
    """All positions the policy can come to from 0, anywhere on the lattice, and a little room."""
    low = high = lowest = highest = 0.0
    limit = WIDEST * (1.0 + float(np.abs(slopes(problem)).max()))
    for date in range(problem.steps):
        positions = np.linspace(low, high, 33) if high > low else np.array([low])
        wanted = _targets(problem, target, date, grid.spot(date), positions)
        low, high = float(wanted.min()), float(wanted.max())
        lowest, highest = min(lowest, low), max(highest, high)
        if highest - lowest > limit:
            raise UnsolvableError(
                f"The policy's position reaches [{lowest:g}, {highest:g}] at date {date}; "
                f"a policy that stays within a range of {limit:g} is needed."
            )
    room = 0.03 * max(highest - lowest, 0.5)
    return lowest - room, highest + room
