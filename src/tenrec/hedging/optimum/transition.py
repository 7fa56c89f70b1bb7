"""One period backwards: from the value before a trade at one date to the value after the trade at the date before.

H_k(S, q) = log E[ exp( J_{k+1}(S', q) − a·q·(G_{k+1}·S' − b_k·S) ) | S ]
"""

import numpy as np
from jaxtyping import Float
from numpy.lib.stride_tricks import sliding_window_view

from tenrec.core.errors import UnsolvableError
from tenrec.hedging.optimum.grid import Lattice, Resolution
from tenrec.hedging.optimum.problem import Problem

# Points before and after a period differ in number, which the underscore allows.
Values = Float[np.ndarray, "_points positions"]
Positions = Float[np.ndarray, " positions"]


def last_period(problem: Problem, spot: np.ndarray, positions: Positions, resolution: Resolution) -> Values:
    """H at the last trading date: panels that are split at the payoff's kinks, Gauss–Legendre on each."""
    out = np.empty((spot.size, positions.size))
    rows = max(1, 400_000 // (positions.size * 5 * resolution.panel_nodes))
    for start in range(0, spot.size, rows):
        block = slice(start, start + rows)
        out[block] = _last_rows(problem, spot[block], positions, resolution)
    return _finite(out)


def _last_rows(problem: Problem, spot: np.ndarray, positions: Positions, resolution: Resolution) -> Values:
    aversion, deviation = problem.aversion, problem.deviation[-1]
    shift = problem.log_mean[-1] - problem.log_mean[-2]
    normal, weight = last_panels(problem, np.log(spot) + shift, resolution)
    later = np.exp(np.log(spot)[:, None] + shift + deviation * normal)
    flow = problem.flow(later)
    charge = aversion * problem.cost * np.abs(positions) * problem.unwind
    slope = charge - aversion * positions
    exponent = later[..., None] * slope - (aversion * flow)[..., None]
    top = exponent.max(axis=1, keepdims=True)
    exponent -= top
    np.exp(exponent, out=exponent)
    total = np.matmul(weight[:, None, :], exponent)[:, 0, :]
    return np.log(total) + top[:, 0, :] + aversion * problem.financing[-1] * spot[:, None] * positions


def last_panels(problem: Problem, mean: np.ndarray, resolution: Resolution) -> tuple[np.ndarray, np.ndarray]:
    """Nodes (in standard deviations) and weights of E f(Z) for each row, shape (rows, nodes)."""
    tail = resolution.tail
    base = np.broadcast_to(np.linspace(-tail, tail, 5), (mean.size, 5))
    kinks = np.log(np.array(problem.kinks, dtype=np.float64) / problem.spot)
    inside = np.clip((kinks - mean[:, None]) / problem.deviation[-1], -tail, tail)
    ends = np.sort(np.concatenate([base, inside], axis=1), axis=1)
    node, weight = np.polynomial.legendre.leggauss(resolution.panel_nodes)
    centre, radius = 0.5 * (ends[:, 1:] + ends[:, :-1]), 0.5 * (ends[:, 1:] - ends[:, :-1])
    normal = (centre[..., None] + radius[..., None] * node).reshape(mean.size, -1)
    mass = (radius[..., None] * weight).reshape(mean.size, -1) * np.exp(-0.5 * normal**2)
    return normal, mass / mass.sum(axis=1, keepdims=True)


def earlier_period(
    problem: Problem, lattice: Lattice, date: int, later: Values, positions: Positions, refinement: int
) -> Values:
    """H at `date` from J at the next date, given on the refined lattice with what lies beyond its end (`padded`).

    The trapezoidal rule on the lattice: spectrally accurate for a smooth J, third order where J bends.
    """
    aversion, growth = problem.aversion, problem.growth[date + 1]
    half, reach = int(lattice.half[date]), int(lattice.reach[date])
    spot_later = lattice.spot(date + 1, half + reach, refinement)
    exponent = later - (aversion * growth) * spot_later[:, None] * positions
    expected = _log_convolution(exponent, _kernel(problem, lattice, date, refinement), refinement, 2 * half + 1)
    spot = lattice.spot(date)
    return _finite(expected + aversion * problem.financing[date] * spot[:, None] * positions)


def _kernel(problem: Problem, lattice: Lattice, date: int, refinement: int) -> np.ndarray:
    reach = int(lattice.reach[date]) * refinement
    normal = np.arange(-reach, reach + 1) * (lattice.step / refinement / problem.deviation[date])
    weight = np.exp(-0.5 * normal**2)
    return weight / weight.sum()


def _log_convolution(exponent: Values, kernel: np.ndarray, stride: int, count: int) -> Values:
    """log Σ_l kernel_l·exp(exponent[i·stride + l]) for i < count, in blocks that are scaled one by one."""
    rows = max(16, kernel.size // stride)
    blocks = -(-count // rows)
    width = (rows - 1) * stride + kernel.size
    missing = (blocks - 1) * rows * stride + width - exponent.shape[0]
    if missing > 0:
        exponent = np.concatenate([exponent, np.repeat(exponent[-1:], missing, axis=0)])
    windows = sliding_window_view(exponent, width, axis=0)[:: rows * stride][:blocks].transpose(0, 2, 1)
    matrix = np.zeros((rows, width))
    for row in range(rows):
        matrix[row, row * stride : row * stride + kernel.size] = kernel
    out = np.empty((blocks, rows, exponent.shape[1]))
    for block in range(blocks):
        top = windows[block].max(axis=0)
        np.matmul(matrix, np.exp(windows[block] - top), out=out[block])
        with np.errstate(divide="ignore"):
            np.log(out[block], out=out[block])
        out[block] += top
    out = out.reshape(blocks * rows, -1)[:count]
    for row in np.flatnonzero(np.isneginf(out).any(axis=1)):
        # The block spans more than floating-point numbers do: scale this row by itself.
        own = exponent[row * stride : row * stride + kernel.size]
        top = own.max(axis=0)
        out[row] = np.log(kernel @ np.exp(own - top)) + top
    return out


def padded(
    problem: Problem, lattice: Lattice, date: int, values: Values, positions: Positions, refinement: int
) -> Values:
    """J at `date` on all points that the date before can reach; beyond the lattice the deal is closed at once.

    Out there, `tail` standard deviations away, the payoff is linear in all that matters, so the hedger is taken to
    replicate its tangent until T at the cost of one trade. No position can then earn anything from the cut.
    """
    need = (int(lattice.half[date - 1]) + int(lattice.reach[date - 1])) * refinement
    have = (values.shape[0] - 1) // 2
    if need <= have:
        return values[have - need : have + need + 1]
    beyond = need - have
    index = np.concatenate([np.arange(-need, -have), np.arange(have + 1, need + 1)])
    spot = np.exp(lattice.log_mean[date] + index * (lattice.step / refinement))
    closed = _closed(problem, date, spot, positions)
    return np.concatenate([closed[:beyond], values, closed[beyond:]])


def _closed(problem: Problem, date: int, spot: np.ndarray, positions: Positions) -> Values:
    left = problem.maturity - problem.times[date]
    carry = 1.0 if problem.margined else np.exp((problem.rate - problem.dividend_yield) * left)
    forward = spot * carry
    flow = problem.flow(forward)
    slope = (problem.flow(forward * 1.0001) - problem.flow(forward * 0.9999)) / (0.0002 * forward)
    held = -slope / problem.growth[date] if problem.margined else -slope * np.exp(-problem.dividend_yield * left)
    charge = problem.aversion * problem.cost
    unwound = charge * problem.unwind * np.abs(held) * forward
    trade = charge * problem.growth[date] * spot[:, None] * np.abs(positions - held[:, None])
    return (unwound - problem.aversion * flow)[:, None] + trade


def _finite(values: Values) -> Values:
    if not np.all(np.isfinite(values)):
        raise UnsolvableError(
            "The entropic risk leaves the range of floating-point numbers; "
            "use a smaller aversion, volatility or maturity."
        )
    return values
