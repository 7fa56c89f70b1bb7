"""Training of the neural pricer on quoted implied volatilities."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jax.scipy.stats import norm
from jaxtyping import Array, Float, Int
from scipy.optimize import minimize
from scipy.special import ndtr

from tenrec.nets import Network, make_network
from tenrec.pricing.implied import implied_volatilities
from tenrec.pricing.neural import PriceGrid, evolve, kernel_prices, make_grid, out_of_the_money

FLOOR = 0.004
"""Volatility that is added to half the spread: what no quote is better than."""
LINEAR = 0.02
"""Error in volatility beyond which it counts in proportion: far wings of days must not outvote the rest."""
SMALLEST = 1e-10
HIDDEN = (24, 24)
QUOTES_TOGETHER, TIMES_TOGETHER = 128, 16
Told = Callable[[int, float], None]


@dataclass(frozen=True)
class NeuralFit:
    """A fitted surface: the martingale's laws on its grid, and how well they meet the quotes.

    Fields:
        grid: nodes and times. laws: probability of each node at each time. volatility: fitted implied volatility of
        every quote. iterations: of the optimiser. weights: of the network, from which the fit of another day may start.
    """

    grid: PriceGrid
    laws: Float[np.ndarray, "times nodes"]
    volatility: Float[np.ndarray, " quotes"]
    iterations: int
    weights: Float[np.ndarray, " weights"]

    def volatility_at(
        self, log_moneyness: Float[np.ndarray, " points"], maturity: Float[np.ndarray, " points"]
    ) -> Float[np.ndarray, " points"]:
        """Implied volatility at any log(K/F) and quoted maturity; 0 where the price is too small to tell it."""
        return _implied(self.grid, self.laws, log_moneyness, maturity)


def fit_neural(
    log_moneyness: Float[np.ndarray, " quotes"],
    maturity: Float[np.ndarray, " quotes"],
    volatility: Float[np.ndarray, " quotes"],
    half_spread: Float[np.ndarray, " quotes"] | None = None,
    *,
    train: np.ndarray | None = None,
    hidden: tuple[int, ...] = HIDDEN,
    iterations: int = 500,
    seed: int = 0,
    start: Float[np.ndarray, " weights"] | None = None,
    told: Told | None = None,
) -> NeuralFit:
    """Fit the network to implied volatilities, each weighted by 1/(half spread + 0.4 vol points), by L-BFGS.

    Args:
        log_moneyness: log(K/F). maturity: years. volatility, half_spread: annualised decimals.
        train: which quotes are fitted (default all); the others are only priced.
        start: weights of an earlier fit to go on from, instead of random ones.
        told: called with the iteration and the weighted root-mean-square error, for progress.
    """
    with jax.enable_x64(True):
        grid = make_grid(log_moneyness, maturity, volatility)
        spread = np.full_like(volatility, 0.005) if half_spread is None else half_spread
        used = np.ones(volatility.size, bool) if train is None else train
        weight = used / (np.maximum(spread, 0.0) + FLOOR)
        problem = _problem(grid, (log_moneyness, maturity, volatility, weight / weight.sum()))

        def loss(flat: Array) -> tuple[Array, Array]:
            (value, _), slope = _loss(flat, problem, hidden)
            return value, slope

        first = _weights(hidden, seed) if start is None else start
        found, done = _minimise(loss, first, iterations, told)
        (_, made), _ = _loss(jnp.asarray(found), problem, hidden)
        laws = np.maximum(np.asarray(made)[: grid.times.size], 0.0)
        return NeuralFit(grid, laws, _implied(grid, laws, log_moneyness, maturity), done, found)


def _implied(grid: PriceGrid, laws: np.ndarray, log_moneyness: np.ndarray, maturity: np.ndarray) -> np.ndarray:
    """By NumPy, so that nothing is compiled for the number of quotes of a day."""
    nodes, times, kernel = (np.asarray(part) for part in (grid.log_nodes, grid.times, grid.kernel))
    law = laws[np.searchsorted(times, maturity - 1e-10)]
    side = np.where(log_moneyness >= 0.0, 1.0, -1.0)
    deviation, sign = kernel * np.sqrt(maturity)[:, None], side[:, None]
    upper = (nodes - log_moneyness[:, None]) / deviation + 0.5 * deviation
    paid = np.exp(log_moneyness)[:, None] * ndtr(sign * (upper - deviation))
    price = side * np.sum(law * (np.exp(nodes) * ndtr(sign * upper) - paid), axis=1)
    return np.nan_to_num(implied_volatilities(price, 1.0, np.exp(log_moneyness), maturity, side).volatility)


class _Problem(eqx.Module):
    """What is fitted, filled up to sizes that chains of other days share, so that all are compiled once.

    Fields:
        grid: its last time is repeated, and nothing moves in no time. target: its last quote is repeated, weight 0.
        kernel: see `kernel_prices`. place: of every quote's maturity among the times.
    """

    grid: PriceGrid
    target: "SmileTarget"
    kernel: Float[Array, "quotes nodes"]
    place: Int[Array, " quotes"]


def _problem(grid: PriceGrid, columns: Sequence[np.ndarray]) -> _Problem:
    times = np.asarray(grid.times)
    wide = eqx.tree_at(lambda one: one.times, grid, jnp.asarray(_filled(times, TIMES_TOGETHER, times[-1])))
    filled = [_filled(column, QUOTES_TOGETHER, column[-1]) for column in columns[:3]]
    target = SmileTarget(*map(jnp.asarray, (*filled, _filled(columns[3], QUOTES_TOGETHER, 0.0))))
    kernel = kernel_prices(wide, target.log_moneyness, target.maturity)
    return _Problem(wide, target, kernel, jnp.searchsorted(wide.times, target.maturity - 1e-10))


def _filled(values: np.ndarray, together: int, last: float) -> np.ndarray:
    return np.concatenate([values, np.full(-values.size % together, last)])


def _network(flat: Float[Array, " weights"], hidden: tuple[int, ...]) -> Network:
    arrays, static = eqx.partition(_made(hidden, 0), eqx.is_array)
    _, unravel = ravel_pytree(jax.tree.map(lambda leaf: leaf.astype(float), arrays))
    return eqx.combine(unravel(flat), static)


def _weights(hidden: tuple[int, ...], seed: int) -> Float[np.ndarray, " weights"]:
    return np.asarray(ravel_pytree(eqx.filter(_made(hidden, seed), eqx.is_array))[0], float)


def _made(hidden: tuple[int, ...], seed: int) -> Network:
    return make_network(3, hidden, 1, key=jax.random.key(seed), activation="tanh", output_scale=0.1)


@eqx.filter_jit
@partial(eqx.filter_value_and_grad, has_aux=True)
def _loss(flat: Array, problem: _Problem, hidden: tuple[int, ...]) -> tuple[Float[Array, ""], Array]:
    """The loss, and the laws that it was made of."""
    laws, target = evolve(_network(flat, hidden), problem.grid), problem.target
    prices = jnp.sum(problem.kernel * laws[problem.place], axis=1)
    error = (target.implied(prices) - target.volatility) / LINEAR
    loss = 2e4 * LINEAR**2 * jnp.sum(target.weight * (jnp.sqrt(1.0 + error**2) - 1.0))
    return loss, laws


class SmileTarget(eqx.Module):
    """Quotes in the form that a loss needs: log(K/F), years, annualised decimals, and weights."""

    log_moneyness: Float[Array, " quotes"]
    maturity: Float[Array, " quotes"]
    volatility: Float[Array, " quotes"]
    weight: Float[Array, " quotes"]

    def implied(self, price: Float[Array, " quotes"]) -> Float[Array, " quotes"]:
        """Implied volatility near the quoted one; more than a factor e from its price it goes on along log price."""
        node = jnp.zeros_like(price)
        total = self.volatility * jnp.sqrt(self.maturity)
        quoted = jnp.maximum(out_of_the_money(node, self.log_moneyness, total), SMALLEST)
        ratio = jnp.log(jnp.maximum(price, SMALLEST) / quoted)
        near = jnp.clip(ratio, -1.0, 1.0)
        log_price = jax.lax.stop_gradient(jnp.log(quoted) + near)

        def newton(_: Array, found: Array) -> Array:
            value = jnp.maximum(out_of_the_money(node, self.log_moneyness, found), 1e-14)
            step = (jnp.log(value) - log_price) * value / self._vega(found)
            return jnp.clip(found - step, 0.3 * found, 2.5 * found)

        found = jax.lax.stop_gradient(jax.lax.fori_loop(0, 5, newton, total))
        # One step more, and the only one that carries a derivative: the implicit function theorem.
        miss = quoted * jnp.exp(near) - out_of_the_money(node, self.log_moneyness, found)
        solved = found + miss / self._vega(found)
        return (solved + (ratio - near) * quoted / self._vega(total)) / jnp.sqrt(self.maturity)

    def _vega(self, total: Float[Array, " quotes"]) -> Float[Array, " quotes"]:
        return jnp.maximum(norm.pdf(-self.log_moneyness / total + 0.5 * total), 1e-12)


def _minimise(
    loss: Callable[[Array], tuple[Array, Array]], start: np.ndarray, iterations: int, told: Told | None
) -> tuple[np.ndarray, int]:
    seen = {"iteration": 0, "loss": float("nan")}

    def value(flat: np.ndarray) -> tuple[float, np.ndarray]:
        number, slope = loss(jnp.asarray(flat))
        seen["loss"] = float(number)
        return float(number), np.asarray(slope)

    def step(_: np.ndarray) -> None:
        seen["iteration"] += 1
        if told is not None:
            told(int(seen["iteration"]), float(seen["loss"]) ** 0.5)

    options = {"maxiter": iterations, "maxfun": 2 * iterations, "maxcor": 30}
    found = minimize(value, start, jac=True, method="L-BFGS-B", callback=step, options=options)
    return np.asarray(found.x), int(found.nit)
