"""The exact optimum of risks that need the wealth as a state: CVaR, mean and deviation, mean–variance, quadratic.

    J_k(S, p, y) = min_q H_k(S, q, y − c·G_k·S·|q − p|),    H_k(S, q, y) = E J_{k+1}(S', q, y')

with J_N = f(y) for y = x − ℓ, the hedger's final wealth above a target: max(−y, 0) for CVaR (Rockafellar and Uryasev),
y² for the others. One recursion solves for every starting wealth x; the least of `Criterion.outer` over x is the risk,
and the best plan from there is the precommitted one.
"""

import dataclasses
from collections.abc import Callable

import numpy as np
from jaxtyping import Float
from scipy.interpolate import CubicSpline
from scipy.optimize import minimize_scalar

from tenrec.core.errors import UnsolvableError
from tenrec.hedging.optimum.criteria import Criterion, Shape, Shortfall
from tenrec.hedging.optimum.grid import Lattice, Resolution, lattice, slopes
from tenrec.hedging.optimum.least_squares import frictionless_square
from tenrec.hedging.optimum.problem import Problem
from tenrec.hedging.optimum.reference import reference
from tenrec.hedging.optimum.transition import last_panels
from tenrec.hedging.optimum.wealth_step import Axes, Move, earlier_block, last_block, padded, trade_block

Progress = Callable[[int, int], None]
BLOCK = 8
MAX_CELLS = 60_000_000
ROUNDING_BP = 1e-6


@dataclasses.dataclass(frozen=True)
class WealthResolution:
    """How fine the recursion with wealth is.

    Args:
        spot_step: spacing of the log-spot lattice in standard deviations of the shortest period.
        positions: nodes per unit of position. wealths: nodes per σ√T·S₀/√N, the size of the hedging error.
        tail: how many standard deviations are covered, of one period and of the whole way.
        reach: width of the wealth window in multiples of the first choice.
        panel_nodes: Gauss–Legendre nodes per panel of the last period.
    """

    spot_step: float = 0.6
    positions: int = 36
    wealths: int = 40
    tail: float = 5.5
    reach: float = 1.0
    panel_nodes: int = 24


@dataclasses.dataclass(frozen=True, eq=False)
class WealthOptimum:
    """The optimum of a `Problem` under a `Criterion`.

    Fields:
        value_bp: least risk in basis points of S₀. numerical_error_bp: what coarser grids change, in basis points.
        start: the target x, per unit of S₀ at T: the value at risk for CVaR, E ℓ − std/k for mean and deviation.
    """

    problem: Problem
    criterion: Criterion
    value_bp: float
    numerical_error_bp: float
    start: float
    _plan: "_Plan"

    @property
    def indifference_price(self) -> float:
        """Premium at time 0 that makes the hedger indifferent, quote currency: exp(−rT)·S₀·risk."""
        return self.problem.spot * self.value_bp * 1e-4 / float(self.problem.growth[0])

    def target(
        self,
        date: int,
        spot: Float[np.ndarray, " n"],
        position: Float[np.ndarray, " n"],
        wealth: Float[np.ndarray, " n"],
    ) -> Float[np.ndarray, " n"]:
        """What the optimum holds next, units.

        Args:
            spot, wealth: quote currency; the wealth is that at mid prices before the trade, without the premium for a
                criterion that searches its start, with it for `Quadratic`.
        """
        problem, plan = self.problem, self._plan
        start = self.start if self.criterion.fixed_start() is None else 0.0
        relative = np.asarray(spot, np.float64) / problem.spot
        worth = np.asarray(wealth, np.float64) / problem.spot * problem.growth[date] + start
        table = np.linspace(np.log(relative).min() - 1e-9, np.log(relative).max() + 1e-9, 1025)
        state = worth + np.interp(np.log(relative), table, reference(problem, date, np.exp(table)))
        slide = problem.cost * problem.growth[date] * relative * (position - plan.middle)
        lower = plan.edge(plan.buy[date], date, relative, state + slide)
        upper = plan.edge(plan.sell[date], date, relative, state - slide)
        return np.where(position < lower, lower, np.where(position > upper, upper, position))


def solve_wealth(
    problem: Problem,
    criterion: Criterion,
    *,
    resolution: WealthResolution | None = None,
    progress: Progress | None = None,
) -> WealthOptimum:
    """Least risk over all plans that see the spot, the position and the wealth; `problem.aversion` plays no part.

    The numerical error is half of what each of four coarser grids changes: spots, positions, wealths, and the window.

    Raises:
        UnsolvableError: a CVaR with a drift that pays for its costs (a hedger below the quantile is neutral to risk
            and would hold without end), or more cells than memory holds.
    """
    _refuse_speculation(problem, criterion)
    grid = resolution or WealthResolution()
    coarser = [
        dataclasses.replace(grid, spot_step=1.5 * grid.spot_step, panel_nodes=max(8, grid.panel_nodes // 2)),
        dataclasses.replace(grid, positions=max(8, round(grid.positions / 1.5))),
        dataclasses.replace(grid, wealths=max(8, round(grid.wealths / 1.5))),
        dataclasses.replace(grid, reach=0.8 * grid.reach, tail=grid.tail - 0.5, spot_step=1.5 * grid.spot_step),
    ]
    total, done = problem.steps * (1 + len(coarser)), 0

    def tick() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, total)

    value, start, plan = _solve_once(problem, criterion, grid, tick)
    if criterion.shape == "square" and problem.cost == 0.0 and problem.position_bounds is None:
        value, start, error = _without_cost(problem, criterion)
        return WealthOptimum(problem, criterion, 1e4 * value, 1e4 * error, start, plan)
    others = [_solve_once(problem, criterion, other, tick)[0] for other in coarser]
    changes = [abs(value - others[0]), abs(value - others[1]), abs(value - others[2]), abs(others[0] - others[3])]
    error = 0.5 * 1e4 * sum(changes) + ROUNDING_BP
    return WealthOptimum(problem, criterion, 1e4 * value, error, start, plan)


def _without_cost(problem: Problem, criterion: Criterion) -> tuple[float, float, float]:
    """The risk, its start and its error from the recursion in the spot alone."""
    first = float(reference(problem, 0, np.ones(1))[0])

    def least(spot_step: float) -> tuple[float, float]:
        a, b, c = frictionless_square(problem, Resolution(spot_step=spot_step))
        reach = 2.0 * problem.volatility * np.sqrt(problem.maturity) * (1.0 + float(np.abs(slopes(problem)).max()))
        reach += criterion.shortage(reach)
        worth = np.linspace(-reach, reach, 4001)
        return _outer_minimum(criterion, worth - first, a * worth**2 + 2.0 * b * worth + c)

    (value, start), (coarse, _) = least(0.2), least(0.4)
    return value, start, abs(value - coarse) + 1e-4 * ROUNDING_BP


def _refuse_speculation(problem: Problem, criterion: Criterion) -> None:
    excess = problem.drift if problem.margined else problem.drift - problem.rate + problem.dividend_yield
    earned = abs(np.expm1(excess * problem.maturity))
    if isinstance(criterion, Shortfall) and problem.position_bounds is None and earned > problem.cost:
        raise UnsolvableError(
            f"The asset's drift in excess of the rate earns {1e4 * earned:.3g} bp until expiry and a trade costs "
            f"{1e4 * problem.cost:.3g} bp, so that under CVaR a hedger beyond the quantile would hold without end; "
            "set market.drift to the rate, raise the cost, or choose another risk."
        )


@dataclasses.dataclass(frozen=True, eq=False)
class _Plan:
    """Where buying and selling lead, by date on the lattice of log-spot and the line through the state."""

    axes: Axes
    lattice: Lattice
    middle: float
    buy: list[np.ndarray]
    sell: list[np.ndarray]

    def edge(self, table: np.ndarray, date: int, spot: np.ndarray, line: np.ndarray) -> np.ndarray:
        """Bilinear, constant beyond the grid."""
        row = (np.log(spot) - self.lattice.log_mean[date]) / self.lattice.step + (table.shape[0] - 1) / 2
        column = (line - self.axes.wealth_low) / self.axes.wealth_step
        row, column = np.clip(row, 0, table.shape[0] - 1), np.clip(column, 0, table.shape[1] - 1)
        above = np.minimum(row.astype(int), max(table.shape[0] - 2, 0))
        beside = np.minimum(column.astype(int), table.shape[1] - 2)
        below = np.minimum(above + 1, table.shape[0] - 1)
        r, c = row - above, column - beside
        near = table[above, beside] * (1 - c) + table[above, beside + 1] * c
        far = table[below, beside] * (1 - c) + table[below, beside + 1] * c
        return near * (1 - r) + far * r


def _solve_once(
    problem: Problem, criterion: Criterion, resolution: WealthResolution, tick: Callable[[], None]
) -> tuple[float, float, _Plan]:
    """The risk and its starting wealth, both per unit of S₀, and the plan."""
    spots = lattice(problem, Resolution(spot_step=resolution.spot_step, tail=resolution.tail))
    positions = _positions(problem, resolution)
    wealth = _wealths(problem, criterion, resolution)
    cells = (2 * int(spots.half.max()) + 1) * positions.size * wealth.size
    if cells > MAX_CELLS:
        raise UnsolvableError(
            f"The problem needs {cells:,} grid cells at a date and {MAX_CELLS:,} is the limit; use fewer steps."
        )
    axes = Axes(positions[0], positions[1] - positions[0], wealth[0], wealth[1] - wealth[0])
    at_start, buy, sell = _recursion(problem, criterion.shape, resolution, spots, axes, positions, wealth, tick)
    first = float(reference(problem, 0, np.ones(1))[0])
    value, start = _outer_minimum(criterion, wealth - first, at_start)
    return value, start, _Plan(axes, spots, 0.5 * (positions[0] + positions[-1]), buy[::-1], sell[::-1])


def _recursion(
    problem: Problem,
    shape: Shape,
    resolution: WealthResolution,
    spots: Lattice,
    axes: Axes,
    positions: np.ndarray,
    wealth: np.ndarray,
    tick: Callable[[], None],
) -> tuple[np.ndarray, list[np.ndarray], list[np.ndarray]]:
    """J at the start for every wealth, and the edges of each date, the last first."""
    later, buy, sell = np.empty((0, 0, 0)), [], []
    for date in reversed(range(problem.steps)):
        spot = spots.spot(date)
        blocks = [np.arange(start, min(start + BLOCK, spot.size)) for start in range(0, spot.size, BLOCK)]
        if date == problem.steps - 1:
            gains = (_last_gains(problem, spot[block], positions, resolution) for block in blocks)
            after = (last_block(shape, wealth, *gain) for gain in gains)
        else:
            moves = [_move(problem, spots, date, block, positions, axes) for block in blocks]
            pad = max(move.farthest for move in moves)
            known = padded(shape, axes, later, pad)
            after = (earlier_block(shape, known, pad, wealth.size, move) for move in moves)
        before = np.empty((spot.size, positions.size, wealth.size))
        lower, upper = (np.empty((spot.size, wealth.size), np.float32) for _ in range(2))
        for block, values in zip(blocks, after, strict=True):
            charge = problem.cost * problem.growth[date] * spot[block]
            before[block], lower[block], upper[block] = trade_block(shape, axes, values, charge)
        later = before
        buy.append(lower)
        sell.append(upper)
        tick()
    middle = (later.shape[0] - 1) // 2
    return later[middle, int(np.argmin(np.abs(positions)))], buy, sell


def _last_gains(
    problem: Problem, spot: np.ndarray, positions: np.ndarray, resolution: WealthResolution
) -> tuple[np.ndarray, np.ndarray]:
    """Change of y over the last period, shape (spots, positions, nodes), and the mass of the nodes."""
    shift = problem.log_mean[-1] - problem.log_mean[-2]
    quadrature = Resolution(tail=resolution.tail + 1.5, panel_nodes=resolution.panel_nodes)
    normal, mass = last_panels(problem, np.log(spot) + shift, quadrature)
    ahead = spot[:, None] * np.exp(shift + problem.deviation[-1] * normal)
    held = positions[None, :, None]
    moved = held * (ahead[:, None, :] - problem.financing[-1] * spot[:, None, None])
    unwound = problem.cost * problem.unwind * np.abs(held) * ahead[:, None, :]
    flow = problem.flow(ahead) - reference(problem, problem.steps - 1, spot)[:, None]
    return moved - unwound + flow[:, None, :], mass


def _move(problem: Problem, spots: Lattice, date: int, block: np.ndarray, positions: np.ndarray, axes: Axes) -> Move:
    """The period after `date` for a block of its lattice points, with the spots that it can reach."""
    half, reach, next_half = int(spots.half[date]), int(spots.reach[date]), int(spots.half[date + 1])
    here = block - half
    index = np.arange(here[0] - reach, here[-1] + reach + 1)
    away = index[None, :] - here[:, None]
    kernel = np.exp(-0.5 * (away * (spots.step / problem.deviation[date])) ** 2) * (np.abs(away) <= reach)
    spot = np.exp(spots.log_mean[date] + here * spots.step)
    ahead = np.exp(spots.log_mean[date + 1] + index * spots.step)
    leave = positions * (problem.financing[date] * spot)[:, None] + reference(problem, date, spot)[:, None]
    arrive = positions * (problem.growth[date + 1] * ahead)[:, None] + reference(problem, date + 1, ahead)[:, None]
    origin = leave[leave.shape[0] // 2]
    return Move(
        # Beyond the lattice of the next date its outermost values stand in.
        rows=np.clip(index, -next_half, next_half) + next_half,
        kernel=kernel / kernel.sum(axis=1, keepdims=True),
        arriving=(arrive - origin) / axes.wealth_step,
        leaving=(origin - leave) / axes.wealth_step,
    )


def _positions(problem: Problem, resolution: WealthResolution) -> np.ndarray:
    """Uniform nodes over all static hedges with room on both sides, 0 among them."""
    if problem.position_bounds is not None:
        low, high = problem.position_bounds
    else:
        held = -slopes(problem)
        low, high = min(0.0, float(held.min())), max(0.0, float(held.max()))
        room = 0.15 * max(high - low, 0.2)
        low, high = low - room, high + room
    step = min(1.0, high - low) / resolution.positions
    return step * np.arange(np.floor(low / step), np.ceil(high / step) + 1)


def _wealths(problem: Problem, criterion: Criterion, resolution: WealthResolution) -> np.ndarray:
    """A uniform window around y = 0: hedging errors on both sides, and what costs take on the lower one."""
    size = max(float(np.ptp(np.append(slopes(problem), 0.0))), 1e-6)
    way = problem.volatility * np.sqrt(problem.maturity) * size
    error = way / np.sqrt(problem.steps)
    costs = problem.cost * size * (1 + problem.unwind)
    side = resolution.reach * (0.3 * way + 2.0 * error)
    given = criterion.fixed_start()
    centre = 0.0 if given is None else given + float(reference(problem, 0, np.ones(1))[0])
    low, high = min(centre, 0.0) - side - 2.0 * costs - criterion.shortage(0.4 * error), max(centre, 0.0) + side + costs
    step = error / resolution.wealths
    return low + step * np.arange(int(np.ceil((high - low) / step)) + 1)


def _outer_minimum(criterion: Criterion, start: np.ndarray, expected: np.ndarray) -> tuple[float, float]:
    """The least of the criterion over the starting wealth (per unit of S₀), and where it is."""
    curve = CubicSpline(start, expected)
    given = criterion.fixed_start()
    if given is not None:
        return float(criterion.outer(np.array([given]), curve(np.array([given])))[0]), given
    best = int(np.argmin(criterion.outer(start, expected)))
    if best in (0, start.size - 1):
        raise UnsolvableError(
            "The best target lies outside the wealth that the recursion covers; the risk weighs the mean too little, "
            "so use a larger level, aversion or k."
        )
    found = minimize_scalar(
        lambda x: float(criterion.outer(np.array([x]), curve(np.array([x])))[0]),
        bounds=(start[best - 1], start[best + 1]),
        method="bounded",
        options={"xatol": 1e-9},
    )
    return float(found.fun), float(found.x)
