"""The exact optimum: the no-trade band that minimises the entropic risk, by dynamic programming.

With J_k(S, p) the log of E exp(a·remaining loss) before the trade at k from position p (cash-invariance removes the
wealth from the state) and H_k(S, q) the same after the trade to q,

    J_k(S, p) = min_q H_k(S, q) + a·c·G_k·|q − p|·S.

H_k is convex in q, so the minimiser moves p only as far as the nearer edge of a band [lower_k(S), upper_k(S)]; its
edges minimise H_k ± a·c·G_k·S·q (Davis, Panas & Zariphopoulou 1993, in discrete time).
"""

import dataclasses
from collections.abc import Callable

import numpy as np
from jaxtyping import Float
from scipy.interpolate import PchipInterpolator

from tenrec.core.errors import UnsolvableError
from tenrec.hedging.optimum.grid import Lattice, Resolution, check_size, lattice, position_nodes, slopes
from tenrec.hedging.optimum.interpolate import convex_minimum
from tenrec.hedging.optimum.problem import Problem
from tenrec.hedging.optimum.transition import earlier_period, last_period, padded

Progress = Callable[[int, int], None]
# Rounding of some thousand sums of numbers near one, in basis points.
ROUNDING_BP = 1e-9
WIDENINGS = 7
TAIL_LIMIT_BP = 0.05
# Share of the last date's width that the bands are computed on at the early dates.
WIDTH = 0.5


@dataclasses.dataclass(frozen=True, eq=False)
class Optimum:
    """The optimum of a `Problem`.

    Fields:
        value_bp: least entropic risk (premium 0, at T) in basis points of S₀.
        numerical_error_bp: bound on its numerical error, in basis points: what coarser grids change.
        positions: (2,) lowest and highest position that the search covered; edges beyond them are cut there.
    """

    problem: Problem
    value_bp: float
    numerical_error_bp: float
    positions: tuple[float, float]
    _log_spot: tuple[np.ndarray, ...]
    _lower: tuple[np.ndarray, ...]
    _upper: tuple[np.ndarray, ...]

    @property
    def indifference_price(self) -> float:
        """Premium at time 0 that makes the hedger indifferent, quote currency: exp(−rT)·S₀·risk."""
        return self.problem.spot * self.value_bp * 1e-4 / float(self.problem.growth[0])

    def band(self, date: int, spot: Float[np.ndarray, " n"]) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
        """Lower and upper edge of the no-trade band at a trading date, at the given spots (quote currency).

        Monotone cubic interpolation in log-spot between the lattice points, constant beyond them.
        """
        known = self._log_spot[date]
        wanted = np.clip(np.log(np.asarray(spot, dtype=np.float64) / self.problem.spot), known[0], known[-1])
        lower = PchipInterpolator(known, self._lower[date])(wanted)
        return lower, np.maximum(PchipInterpolator(known, self._upper[date])(wanted), lower)

    def target(
        self, date: int, spot: Float[np.ndarray, " n"], position: Float[np.ndarray, " n"]
    ) -> Float[np.ndarray, " n"]:
        """The optimal policy: the position to hold next, i.e. the present one clipped into the band."""
        lower, upper = self.band(date, spot)
        return np.clip(position, lower, upper)


def solve(
    problem: Problem,
    *,
    tolerance_bp: float = 1e-3,
    levels: int = 2,
    resolution: Resolution | None = None,
    progress: Progress | None = None,
) -> Optimum:
    """The least entropic risk, the band that attains it and a bound on the numerical error.

    The bound adds up half of what twice the spacing of the spots and half the position nodes change (the scheme is
    of second order at least, so the error left is a third of that), and what a shorter tail changes. Where it exceeds
    `tolerance_bp` the grid is refined, until `levels` grids are used up.

    Args:
        resolution: the first grid.
        progress: called with (dates done, dates in all).

    Raises:
        UnsolvableError: positions, numbers or the grid grow beyond what can be computed, or the risk hangs on moves
            of more than seven standard deviations, where it is a statement about the model's tail and not a number.

    Example:
        >>> from tenrec.hedging.optimum import european_payoff
        >>> payoff, kinks = european_payoff(strikes=[1.0], signs=[1.0], quantities=[-1.0])
        >>> dt = np.full(3, 1 / 365)
        >>> problem = Problem(spot=1.0, volatility=0.2, dt=dt, payoff=payoff, kinks=kinks, aversion=20, cost=1e-3)
        >>> optimum = solve(problem)
        >>> optimum.numerical_error_bp < 1e-3
        True
    """
    resolution = Resolution() if resolution is None else resolution
    count = _Counter(progress, 4 * problem.steps)
    solution, low, high = _widest(problem, resolution, count)
    error = _error(problem, resolution, low, high, solution.log_value, count)
    for _ in range(levels - 1):
        if error <= tolerance_bp:
            break
        count.total += 4 * problem.steps
        resolution = resolution.finer()
        solution = _recursion(problem, resolution, low, high, count, least=WIDTH)
        error = _error(problem, resolution, low, high, solution.log_value, count)
    return Optimum(
        problem=problem,
        value_bp=problem.basis_points(solution.log_value),
        numerical_error_bp=error,
        positions=(low, high),
        _log_spot=tuple(solution.log_spot),
        _lower=tuple(solution.lower),
        _upper=tuple(solution.upper),
    )


def _widest(problem: Problem, resolution: Resolution, count: "_Counter") -> tuple["_Solution", float, float]:
    """The solution on a range of positions that the optimal position does not leave, and that range."""
    low, high = _position_range(problem)
    for _ in range(WIDENINGS):
        solution = _recursion(problem, resolution, low, high, count, least=WIDTH)
        wider = _widened(problem, solution, low, high)
        if wider is None:
            return solution, low, high
        low, high = wider
        count.total += problem.steps
    raise UnsolvableError(
        f"The optimal position leaves [{low:g}, {high:g}]: the drift is large against aversion·volatility², or the "
        "payoff jumps; set position_bounds, or use a larger aversion or a smaller drift."
    )


def _error(
    problem: Problem, resolution: Resolution, low: float, high: float, log_value: float, count: "_Counter"
) -> float:
    spots = dataclasses.replace(resolution, spot_step=2 * resolution.spot_step)
    nodes = dataclasses.replace(resolution, position_nodes=resolution.position_nodes // 2)
    panels = max(2, 3 * resolution.panel_nodes // 4)
    tail = dataclasses.replace(spots, tail=resolution.tail - 1.0, panel_nodes=panels)
    coarse, fewer, shorter = (_recursion(problem, grid, low, high, count).log_value for grid in (spots, nodes, tail))
    beyond = abs(problem.basis_points(coarse - shorter))
    if beyond > TAIL_LIMIT_BP:
        raise UnsolvableError(
            f"Moves beyond {resolution.tail - 1:g} standard deviations change the risk by {beyond:.3g} basis points, "
            "so that it has no meaningful value; use a smaller aversion, volatility or maturity."
        )
    change = abs(log_value - coarse) + abs(log_value - fewer)
    return 0.5 * problem.basis_points(change) + beyond + ROUNDING_BP


@dataclasses.dataclass(frozen=True, eq=False)
class _Solution:
    log_value: float
    log_spot: list[np.ndarray]
    lower: list[np.ndarray]
    upper: list[np.ndarray]


@dataclasses.dataclass
class _Counter:
    progress: Progress | None
    total: int
    done: int = 0

    def tick(self) -> None:
        self.done += 1
        if self.progress is not None:
            self.progress(self.done, self.total)


def _recursion(
    problem: Problem, resolution: Resolution, low: float, high: float, count: _Counter, least: float = 0.0
) -> _Solution:
    grid = lattice(problem, resolution, least=least)
    positions = position_nodes(problem, resolution, low, high)
    check_size(grid, positions, 1)
    after = last_period(problem, grid.spot(problem.steps - 1), positions, resolution)
    log_spot, lower, upper = [], [], []
    value = np.nan
    for date in reversed(range(problem.steps)):
        before, low_edge, high_edge = _trade(problem, grid, date, after, positions)
        log_spot.append(np.log(grid.spot(date)))
        lower.append(low_edge)
        upper.append(high_edge)
        count.tick()
        if date == 0:
            value = float(before[int(grid.half[0]), np.searchsorted(positions, 0.0)])
            break
        later = padded(problem, grid, date, before, positions, 1)
        after = earlier_period(problem, grid, date - 1, later, positions, 1)
    return _Solution(value, log_spot[::-1], lower[::-1], upper[::-1])


def _trade(
    problem: Problem, grid: Lattice, date: int, after: np.ndarray, positions: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """J on the nodes, and the two edges of the band, from H on the nodes."""
    price = (problem.aversion * problem.cost * problem.growth[date] * grid.spot(date))[:, None]
    tilt = price * positions
    lower, buy = convex_minimum(after + tilt, positions)
    upper, sell = convex_minimum(after - tilt, positions)
    upper = np.maximum(upper, lower)
    before = np.where(positions < lower[:, None], buy[:, None] - tilt, after)
    return np.where(positions > upper[:, None], sell[:, None] + tilt, before), lower, upper


def _position_range(problem: Problem) -> tuple[float, float]:
    """Static hedges of every slope, room around them, and the position that the drift alone would ask for."""
    if problem.position_bounds is not None:
        return problem.position_bounds
    excess = problem.drift if problem.margined else problem.drift - problem.rate + problem.dividend_yield
    merton = excess / (problem.aversion * problem.volatility**2)
    held = -np.concatenate([slopes(problem), _chords(problem)])
    low, high = min(0.0, float(held.min())), max(0.0, float(held.max()))
    room = 0.15 * max(high - low, 0.2)
    return low - room + min(0.0, 1.3 * merton), high + room + max(0.0, 1.3 * merton)


def _chords(problem: Problem) -> np.ndarray:
    """Slopes of the payoff across each kink over one period's deviation: steep where it jumps."""
    kinks = np.array(problem.kinks, dtype=np.float64) / problem.spot
    deviation = float(problem.deviation[-1])
    up, down = kinks * np.exp(deviation), kinks * np.exp(-deviation)
    return (problem.flow(up) - problem.flow(down)) / (up - down)


def _widened(problem: Problem, solution: _Solution, low: float, high: float) -> tuple[float, float] | None:
    """A wider range if the optimal position would leave this one within six standard deviations, else None."""
    if problem.position_bounds is not None:
        return None
    out_low = out_high = False
    for date in range(problem.steps):
        away = np.abs(solution.log_spot[date] - problem.log_mean[date])
        near = away <= 6 * problem.volatility * np.sqrt(problem.times[date]) + 1e-12
        out_high |= bool(solution.lower[date][near].max() >= high - 1e-9)
        out_low |= bool(solution.upper[date][near].min() <= low + 1e-9)
    if not (out_low or out_high):
        return None
    return low - (high - low) * out_low, high + (high - low) * out_high
