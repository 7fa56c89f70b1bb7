"""One date backwards with the wealth as a state, for a block of neighbouring spots at once.

The state of a date before its trade is the spot S, the position p and y = wealth + x + R(S): what the hedger is worth
at mid prices, the starting wealth x, and the reference value R of the flow to come, all as money at T per unit of S₀.
y moves only by what a hedge misses, so that its window is narrow, and a trade leaves it alone but for its cost.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from numpy.lib.stride_tricks import sliding_window_view

from tenrec.hedging.optimum.criteria import Shape

# Blocks of spots and windows of wealth differ in size from line to line, which the underscores allow.
Values = Float[np.ndarray, "_spots positions _wealths"]


class Axes(NamedTuple):
    """The uniform grids: positions low + i·step, wealths y low + j·step."""

    position_low: float
    position_step: float
    wealth_low: float
    wealth_step: float


class Move(NamedTuple):
    """One period for a block of spots; shifts in cells of the wealth.

    With φ' = q·G'S' + R' and φ = q·b·S + R a move changes y by φ' − φ. Both are measured from a φ₀ at the middle of the
    block (`arriving` is φ' − φ₀, `leaving` φ₀ − φ), so that the average over S' is one matrix product.
    """

    rows: Int[np.ndarray, " _later"]
    kernel: Float[np.ndarray, "_spots _later"]
    arriving: Float[np.ndarray, "_later positions"]
    leaving: Float[np.ndarray, "_spots positions"]

    @property
    def margin(self) -> int:
        """Cells that leaving the block's middle needs on each side."""
        return int(np.ceil(np.abs(self.leaving).max())) + 2

    @property
    def farthest(self) -> int:
        """Cells on each side of the window that the whole move needs."""
        return int(np.ceil(np.abs(self.arriving).max())) + self.margin + 2


def terminal(shape: Shape, wealth: np.ndarray) -> np.ndarray:
    """f(y)."""
    return np.maximum(-wealth, 0.0) if shape == "shortfall" else wealth**2


def last_block(
    shape: Shape,
    wealth: Float[np.ndarray, " wealths"],
    gain: Float[np.ndarray, "spots positions nodes"],
    mass: Float[np.ndarray, "spots nodes"],
) -> Values:
    """H at the last trading date: E f(y + gain), by quadrature over the last move."""
    if shape == "square":
        first = np.einsum("spn,sn->sp", gain, mass)[..., None]
        second = np.einsum("spn,sn->sp", gain**2, mass)[..., None]
        return wealth**2 + 2.0 * wealth * first + second
    # E max(−y − g, 0) = Σ_{g < −y} mass·(−y − g): running sums over the sorted gains.
    out = np.empty((*gain.shape[:2], wealth.size))
    for s, p in np.ndindex(*gain.shape[:2]):
        order = np.argsort(gain[s, p])
        sorted_gain, weight = gain[s, p][order], mass[s][order]
        below = np.searchsorted(sorted_gain, -wealth)
        count = np.concatenate([[0.0], np.cumsum(weight)])
        total = np.concatenate([[0.0], np.cumsum(weight * sorted_gain)])
        out[s, p] = -wealth * count[below] - total[below]
    return out


def padded(shape: Shape, axes: Axes, values: Values, pad: int, *, excess: bool = False) -> Values:
    """Values on `pad` more wealths on each side: what they exceed f by goes on, or they themselves if `excess`.

    Under a square the excess goes on linearly, which is exact far out; under a shortfall it falls as a power of what
    the last cell left of it, since it is convex there and vanishes.
    """
    known = values.shape[-1]
    grid = axes.wealth_low + axes.wealth_step * np.arange(-pad, known + pad)
    base = np.zeros(grid.size) if excess else terminal(shape, grid)
    out = np.empty((*values.shape[:-1], known + 2 * pad))
    out[..., pad : pad + known] = values
    away = np.arange(1, pad + 1)
    for edge, inner, side, steps in (
        (0, 1, slice(0, pad), away[::-1]),
        (known - 1, known - 2, slice(pad + known, None), away),
    ):
        at = (values[..., edge] - base[pad + edge])[..., None]
        before = (values[..., inner] - base[pad + inner])[..., None]
        if shape == "square":
            beyond = at + (at - before) * steps
        else:
            at = np.maximum(at, 0.0)
            left = np.clip(at / np.maximum(before, 1e-300), 1e-3, 1.0)
            beyond = at * np.exp(np.log(left) * steps)
        out[..., side] = np.maximum(beyond + base[side], 0.0)
    return out


def shifted(shape: Shape, values: Values, start: Float[np.ndarray, "_spots positions"], count: int) -> Values:
    """Every row at the points start, start + 1, … (in cells, `count` of them) by local cubics.

    A shortfall is convex and may bend sharply; there the cubic dips below the prolonged chords of the cells beside it,
    and a minimum over trades would pick the dips, so that it is lifted to those chords, and held below its own.
    """
    base = np.floor(start).astype(int)
    part = (start - base)[..., None]
    spots, positions = np.arange(base.shape[0])[:, None], np.arange(base.shape[1])
    data = sliding_window_view(values, count + 3, axis=-1)[spots, positions, base - 1]
    out = data[..., :count] * (-part * (part - 1) * (part - 2) / 6)
    out += data[..., 1 : count + 1] * ((part + 1) * (part - 1) * (part - 2) / 2)
    out += data[..., 2 : count + 2] * (-(part + 1) * part * (part - 2) / 2)
    out += data[..., 3 : count + 3] * ((part + 1) * part * (part - 1) / 6)
    if shape == "shortfall":
        chord = np.diff(data, axis=-1)
        np.maximum(out, data[..., 1 : count + 1] + part * chord[..., :count], out=out)
        np.maximum(out, data[..., 2 : count + 2] - (1 - part) * chord[..., 2 : count + 2], out=out)
        np.minimum(out, data[..., 1 : count + 1] + part * chord[..., 1 : count + 1], out=out)
    return out


def earlier_block(shape: Shape, later: Values, pad: int, wealths: int, move: Move) -> Values:
    """H at a block of spots from J at the next date, given with `pad` more wealths on each side."""
    margin = move.margin
    common = shifted(shape, later[move.rows], move.arriving + (pad - margin), wealths + 2 * margin)
    mean = (move.kernel @ common.reshape(common.shape[0], -1)).reshape(-1, *common.shape[1:])
    return shifted(shape, mean, move.leaving + margin, wealths)


def trade_block(
    shape: Shape, axes: Axes, after: Values, price: Float[np.ndarray, " _spots"]
) -> tuple[Values, Float[np.ndarray, "_spots _wealths"], Float[np.ndarray, "_spots _wealths"]]:
    """J before the trade from H after it, and where buying and selling lead.

    A purchase from (p, y) moves along the line on which u = y + cGS·p is constant, so J is the least H further up that
    line. The second result is that best position by u for a hedger who holds least, the third the same for a sale from
    the most, by y − cGS·p; both measured from the middle of the positions.
    """
    bought, best_buy = _buying(shape, axes, after, price)
    mirrored = axes._replace(position_low=-(axes.position_low + (after.shape[1] - 1) * axes.position_step))
    sold, best_sell = _buying(shape, mirrored, after[:, ::-1], price)
    return np.minimum(after, np.minimum(bought, sold[:, ::-1])), best_buy, -best_sell


def _buying(shape: Shape, axes: Axes, after: Values, price: np.ndarray) -> tuple[Values, np.ndarray]:
    """The least H further up the line from every state, and the best position by line."""
    count, wealths = after.shape[1:]
    node = np.arange(count)
    slide = price[:, None] * (axes.position_step / axes.wealth_step) * (node - 0.5 * (count - 1))
    pad = int(np.ceil(np.abs(slide).max())) + 2
    along = shifted(shape, padded(shape, axes, after, pad), pad - slide, wealths)
    best, lowest = _line_minimum(along)
    beneath = node[:, None] < best[:, None]
    if shape == "shortfall":
        # H is convex along with its wealth: whoever holds less than the best position trades to it, others do not buy.
        least = np.broadcast_to(padded(shape, axes, lowest[:, None], pad), (*after.shape[:2], wealths + 2 * pad))
        found = shifted(shape, least, pad + slide, wealths)
        nearest = np.rint(slide).astype(int)[..., None] + np.arange(wealths)
        buys = np.take_along_axis(beneath, np.clip(nearest, 0, wealths - 1), axis=-1)
        value = np.where(buys, found, np.inf)
    else:
        # A square bends up again for who has too much, so that further nodes up the line may be better still.
        upward = np.minimum.accumulate(along[:, ::-1], axis=1)[:, ::-1]
        gain = along - np.where(beneath, np.minimum(upward, lowest[:, None]), upward)
        back = shifted(shape, padded(shape, axes, gain, pad, excess=True), pad + slide, wealths)
        value = after - np.maximum(back, 0.0)
    return value, axes.position_low + axes.position_step * best


def _line_minimum(values: Values) -> tuple[np.ndarray, np.ndarray]:
    """Of each line over the positions: where it is least, in nodes, and its least value; local cubics between nodes."""
    node = np.argmin(values, axis=1)
    lowest = np.take_along_axis(values, node[:, None], axis=1)[:, 0]
    where = node.astype(np.float64)
    last = values.shape[1] - 1
    for cell in (np.maximum(node - 1, 0), np.minimum(node, last - 1)):
        start = np.clip(cell - 1, 0, last - 3)
        a, b, c, d = (np.take_along_axis(values, (start + j)[:, None], axis=1)[:, 0] for j in range(4))
        first = -a / 3 - b / 2 + c - d / 6
        second = a / 2 - b + c / 2
        third = (d - a) / 6 + (b - c) / 2
        root = np.sqrt(np.maximum(second**2 - 3 * third * first, 0.0))
        bottom = second + root
        inner = np.where(bottom > 0, -first / np.where(bottom > 0, bottom, 1.0), 0.0)
        inner = np.clip(inner, cell - start - 1, cell - start)
        value = b + inner * (first + inner * (second + inner * third))
        better = value < lowest
        where, lowest = np.where(better, start + 1 + inner, where), np.where(better, value, lowest)
    return where, lowest
