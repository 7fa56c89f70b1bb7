"""The neural pricer without arbitrage, fitted to the chain of every few closes from the last fit, and its response.

On closes between two fits the network stands still and the level of the chain is the day's own: the network says the
local volatility in units of the chain's typical one, in log-prices of as many of its deviations (see
`tenrec.pricing.neural`). A grid of one size serves all days, so that everything is compiled once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float
from scipy.optimize import minimize

from tenrec.backtest.chains import DAY, Chains, pack, places
from tenrec.nets import Network, make_network
from tenrec.pricing import implied
from tenrec.pricing.neural import PriceGrid, evolve, kernel_prices, out_of_the_money
from tenrec.pricing.neural_fit import SmileTarget

HIDDEN = (12, 12)
NODES, TIMES = 41, 33
"""Nodes on either side of the forward, and times after 0."""
SHORTEST = 5.0 / 365.0
"""Expiries nearer than this are not fitted."""
FEWEST = 6
"""Quotes that a day's fit needs."""
FIRST, LATER = 150, 25
"""Iterations of the first fit, and of each that starts from the last."""
DECAY = 1e-4
LARGEST = 3.0
Told = Callable[[int, int], None]


@dataclass(frozen=True)
class NeuralDays:
    """The grid and the weights of every close; `rms` of the fit, annualised decimal, NaN where none was made."""

    days: pl.DataFrame
    grids: list[PriceGrid]
    weights: Float[np.ndarray, "days weights"]


def neural_days(points: pl.DataFrame, *, every: int = 5, seed: int = 0, told: Told | None = None) -> NeuralDays:
    """Walk through the closes, fitting at each `every`-th to the quotes of that close alone, from the last weights.

    Args:
        points: as `smile_points` gives them. seed: of the first weights. told: called with closes done and all of them.
    """
    chains = pack(points.filter(pl.col("years") >= SHORTEST), DAY)
    flat, weights, grids, errors = _start(seed), [], [], []
    made = False
    with jax.enable_x64(True):
        for day in range(len(chains)):
            grid = _grid(chains, day)
            error = float("nan")
            if day % every == 0 and chains.inside[day].sum() >= FEWEST:
                flat, error = _fit(flat, grid, _target(chains, day), LATER if made else FIRST)
                made = True
            weights.append(flat)
            grids.append(grid)
            errors.append(error)
            if told is not None and (day % 20 == 0 or day + 1 == len(chains)):
                told(day + 1, len(chains))
    days = chains.keys.with_columns(rms=pl.Series(errors))
    return NeuralDays(days, grids, np.stack(weights))


def neural_responses(rows: pl.DataFrame, fitted: NeuralDays) -> Float[np.ndarray, " rows"]:
    """∂σ/∂log F = −∂σ/∂log K of rows with trade_date, years and log_moneyness; 0 where no chain is known.

    The surface is one of normalised prices, which moves along with the forward, as does the delta of `tenrec price`.
    """
    numbered = rows.with_row_index("row").join(
        fitted.days.with_row_index("day").select("trade_date", pl.col("day").cast(pl.Int64)), on="trade_date"
    )
    numbered = numbered.filter(pl.col("years") > 0).sort("day", "row")
    answer = np.zeros(rows.height)
    if numbered.height:
        known, group = np.unique(numbered["day"].to_numpy(), return_inverse=True)
        table = places(group, known.size)
        k, years, row = (numbered[name].to_numpy() for name in ("log_moneyness", "years", "row"))
        with jax.enable_x64(True):
            for day, at in zip(known, table, strict=True):
                filled = np.maximum(at, at[0])
                found = _slopes(fitted.weights[day], fitted.grids[day], k[filled], years[filled])
                answer[row[at[at >= 0]]] = -np.asarray(found)[at >= 0]
    return np.clip(np.nan_to_num(answer, posinf=0.0, neginf=0.0), -LARGEST, LARGEST)


def _network(flat: Float[Array, " weights"]) -> Network:
    made = make_network(3, HIDDEN, 1, key=jax.random.key(0), activation="tanh", output_scale=0.1)
    arrays, static = eqx.partition(made, eqx.is_array)
    _, unravel = ravel_pytree(jax.tree.map(lambda leaf: leaf.astype(float), arrays))
    return eqx.combine(unravel(flat), static)


def _start(seed: int) -> Float[np.ndarray, " weights"]:
    made = make_network(3, HIDDEN, 1, key=jax.random.key(seed), activation="tanh", output_scale=0.1)
    return np.asarray(ravel_pytree(eqx.filter(made, eqx.is_array))[0], float)


def _grid(chains: Chains, day: int) -> PriceGrid:
    """A grid of the fixed size for the quotes of one close."""
    inside = chains.inside[day]
    k, years, volatility = (part[day][inside] for part in (chains.log_moneyness, chains.years, chains.volatility))
    reference = float(np.median(volatility))
    kernel = 0.4 * float(np.quantile(volatility, 0.01))
    width = reference * np.sqrt(years.max())
    reach = max(5.0 * width, 1.6 * float(np.abs(k).max()))
    narrow = max(0.8 * kernel * np.sqrt(years.min()), reach / 2000.0)
    # The larger the stretch, the narrower the nodes at the forward: reach·a/(n·sinh a).
    stretches = np.linspace(1e-3, 20.0, 2000)
    stretch = float(np.interp(-narrow, -reach * stretches / (NODES * np.sinh(stretches)), stretches))
    nodes = reach * np.sinh(stretch * np.arange(-NODES, NODES + 1) / NODES) / np.sinh(stretch)
    times = np.concatenate([[0.0], np.geomspace(years.min() / 64.0, years.max(), TIMES)])
    scaled = k / (reference * np.sqrt(years))
    held = np.array([min(scaled.min(), -1.0), max(scaled.max(), 1.0)])
    return PriceGrid(*(jnp.asarray(part) for part in (nodes, times, kernel, reference, held)))


def _target(chains: Chains, day: int) -> SmileTarget:
    weight = chains.inside[day].astype(float)
    columns = (chains.log_moneyness[day], chains.years[day], chains.volatility[day], weight / weight.sum())
    return SmileTarget(*(jnp.asarray(column) for column in columns))


def _laws(flat: Array, grid: PriceGrid, years: Float[Array, " rows"]) -> Float[Array, "rows nodes"]:
    """The martingale's law at each maturity, linear between the grid's times; the grid's last beyond them."""
    laws = evolve(_network(flat), grid)
    held = jnp.clip(years, grid.times[1], grid.times[-1])
    after = jnp.clip(jnp.searchsorted(grid.times, held), 1, TIMES)
    share = (held - grid.times[after - 1]) / (grid.times[after] - grid.times[after - 1])
    return (1.0 - share)[:, None] * laws[after - 1] + share[:, None] * laws[after]


@jax.jit
@jax.value_and_grad
def _loss(flat: Array, grid: PriceGrid, target: SmileTarget) -> Float[Array, ""]:
    kernel = kernel_prices(grid, target.log_moneyness, target.maturity)
    price = jnp.sum(kernel * _laws(flat, grid, target.maturity), axis=1)
    errors = target.implied(price) - target.volatility
    return 1e4 * jnp.sum(target.weight * errors**2) + DECAY * jnp.sum(flat**2)


def _fit(flat: np.ndarray, grid: PriceGrid, target: SmileTarget, iterations: int) -> tuple[np.ndarray, float]:
    def value(at: np.ndarray) -> tuple[float, np.ndarray]:
        number, slope = _loss(jnp.asarray(at), grid, target)
        return float(number), np.asarray(slope)

    options = {"maxiter": iterations, "maxfun": 2 * iterations, "maxcor": 20}
    found = minimize(value, flat, jac=True, method="L-BFGS-B", options=options)
    best = np.asarray(found.x)
    squares = float(found.fun) - DECAY * float(np.sum(best**2))
    return best, float(np.sqrt(max(squares, 0.0)) / 100.0)


@jax.jit
def _slopes(
    flat: Float[Array, " weights"], grid: PriceGrid, k: Float[Array, " rows"], years: Float[Array, " rows"]
) -> Float[Array, " rows"]:
    """∂σ/∂k of the fitted surface: (∂c/∂k − ∂B/∂k)/(∂B/∂w·√τ), B Black's price at the total volatility w of c."""
    laws = _laws(flat, grid, years)
    deviation = grid.kernel * jnp.sqrt(years)

    def price(at: Array, law: Array, spread: Array) -> Array:
        return jnp.sum(law * out_of_the_money(grid.log_nodes, at, spread))

    fitted, by_strike = jax.vmap(jax.value_and_grad(price))(k, laws, deviation)
    side = jnp.where(k >= 0.0, 1.0, -1.0)
    total = implied.implied_volatility(fitted, 1.0, jnp.exp(k), years, side).volatility * jnp.sqrt(years)
    black = jax.vmap(jax.grad(partial(out_of_the_money, jnp.zeros(())), argnums=(0, 1)))(k, total)
    return (by_strike - black[0]) / (black[1] * jnp.sqrt(years))
