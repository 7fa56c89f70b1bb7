"""Local polynomial interpolation in the position and in log-spot."""

import numpy as np
import scipy.sparse
from jaxtyping import Float, Int

Values = Float[np.ndarray, "points positions"]
Positions = Float[np.ndarray, " positions"]


def at_positions(values: Values, positions: Positions, wanted: Float[np.ndarray, "points m"]) -> np.ndarray:
    """Values at other positions, row by row: the cubic through the four nearest nodes; exact at the nodes.

    Neighbours that want the same position (all that trade to one edge of a band) are computed once.
    """
    first = np.ones(wanted.shape, dtype=bool)
    first[:, 1:] = wanted[:, 1:] != wanted[:, :-1]
    different = wanted[first]
    start = np.clip(np.searchsorted(positions, different) - 2, 0, positions.size - 4)
    base = np.repeat(np.arange(values.shape[0]) * positions.size, first.sum(axis=1)) + start
    total, flat = np.zeros(different.shape), values.ravel()
    for j, weight in enumerate(_cubic_weights(positions, start, different)):
        total += weight * flat[base + j]
    return total[np.cumsum(first.ravel()) - 1].reshape(wanted.shape)


def _cubic_weights(positions: Positions, start: Int[np.ndarray, " m"], wanted: np.ndarray) -> list[np.ndarray]:
    node = [positions[start + j] for j in range(4)]
    away = [wanted - node[j] for j in range(4)]
    weights = []
    for j in range(4):
        a, b, c = (i for i in range(4) if i != j)
        top = away[a] * away[b] * away[c]
        weights.append(top / ((node[j] - node[a]) * (node[j] - node[b]) * (node[j] - node[c])))
    return weights


def refiner(count: int, refinement: int, order: int = 6) -> scipy.sparse.csr_array:
    """Matrix from `count` uniform points to the (count − 1)·refinement + 1 points between them, of the given order."""
    wanted = np.arange((count - 1) * refinement + 1) / refinement
    start = np.clip(np.floor(wanted).astype(int) - (order // 2 - 1), 0, count - order)
    away = wanted - start
    columns = start[:, None] + np.arange(order)
    weight = np.ones((wanted.size, order))
    for j in range(order):
        for i in range(order):
            if i != j:
                weight[:, j] *= (away - i) / (j - i)
    rows = np.repeat(np.arange(wanted.size), order)
    return scipy.sparse.csr_array((weight.ravel(), (rows, columns.ravel())), shape=(wanted.size, count))


def convex_minimum(values: Values, positions: Positions) -> tuple[np.ndarray, np.ndarray]:
    """Minimum over the position of each row and where it is: best node, then the cubic in the two cells beside it.

    The rows are convex, so a cubic that dips below the neighbouring chords (it does beside a bend) is lifted to them.
    """
    row = np.arange(values.shape[0])
    best = values.argmin(axis=1)
    where, lowest = positions[best], values[row, best]
    for cell in (np.maximum(best - 1, 0), np.minimum(best, positions.size - 2)):
        spot, value = _cell_minimum(values, positions, cell)
        better = value < lowest
        where, lowest = np.where(better, spot, where), np.where(better, value, lowest)
    return where, lowest


def _cell_minimum(values: Values, positions: Positions, cell: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Least value of the local cubic inside each row's cell [positions[cell], positions[cell + 1]]."""
    row = np.arange(values.shape[0])
    start = np.clip(cell - 1, 0, positions.size - 4)
    node = positions[start[:, None] + np.arange(4)]
    data = values[row[:, None], start[:, None] + np.arange(4)]
    first, second, third = _divided_differences(node, data)
    a, b, c = node[:, 0], node[:, 1], node[:, 2]
    # Derivative of the Newton form, as p·q² + r·q + s.
    p = 3 * third
    r = 2 * second - 2 * third * (a + b + c)
    s = first - second * (a + b) + third * (a * b + a * c + b * c)
    root = np.sqrt(np.maximum(r * r - 4 * p * s, 0.0))
    bottom = r + np.copysign(root, r)
    # Of the two roots, the one where the second derivative 2p·q + r is +root: the minimum.
    with np.errstate(divide="ignore", invalid="ignore"):
        stationary = np.where(r >= 0, -2 * s / bottom, (root - r) / (2 * p))
    left, right = positions[cell], positions[cell + 1]
    spot = np.clip(np.nan_to_num(stationary, nan=0.0, posinf=0.0, neginf=0.0), left, right)
    away = spot - a
    value = data[:, 0] + away * (first + (spot - b) * (second + (spot - c) * third))
    return spot, np.maximum(value, _chord_bound(values, positions, cell, spot))


def _divided_differences(node: np.ndarray, data: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    table = data
    out = []
    for width in range(1, 4):
        table = np.diff(table, axis=1) / (node[:, width:] - node[:, :-width])
        out.append(table[:, 0])
    return out[0], out[1], out[2]


def _chord_bound(values: Values, positions: Positions, cell: np.ndarray, spot: np.ndarray) -> np.ndarray:
    """The chords of the neighbouring cells, prolonged: a convex function lies above both."""
    row = np.arange(values.shape[0])
    bound = np.full(spot.shape, -np.inf)
    for side in (cell - 1, cell + 1):
        inside = (side >= 0) & (side <= positions.size - 2)
        at = np.clip(side, 0, positions.size - 2)
        low, high = values[row, at], values[row, at + 1]
        slope = (high - low) / (positions[at + 1] - positions[at])
        bound = np.maximum(bound, np.where(inside, low + slope * (spot - positions[at]), -np.inf))
    return bound
