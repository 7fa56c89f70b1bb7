"""Training of the neural pricer on quoted implied volatilities."""

from collections.abc import Callable
from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jax.scipy.stats import norm
from jaxtyping import Array, Float
from scipy.optimize import minimize

from tenrec.nets import make_network
from tenrec.pricing.neural import PriceGrid, evolve, kernel_prices, make_grid, out_of_the_money

FLOOR = 0.004
"""Volatility that is added to half the spread: what no quote is better than."""
LINEAR = 0.02
"""Error in volatility beyond which it counts in proportion: far wings of days must not outvote the rest."""
SMALLEST = 1e-10
Told = Callable[[int, float], None]


@dataclass(frozen=True)
class NeuralFit:
    """A fitted surface: the martingale's laws on its grid, and how well they meet the quotes.

    Fields:
        grid: nodes and times. laws: probability of each node at each time. volatility: fitted implied volatility of
        every quote. iterations: of the optimiser.
    """

    grid: PriceGrid
    laws: Float[np.ndarray, "times nodes"]
    volatility: Float[np.ndarray, " quotes"]
    iterations: int


def fit_neural(
    log_moneyness: Float[np.ndarray, " quotes"],
    maturity: Float[np.ndarray, " quotes"],
    volatility: Float[np.ndarray, " quotes"],
    half_spread: Float[np.ndarray, " quotes"] | None = None,
    *,
    train: np.ndarray | None = None,
    hidden: tuple[int, ...] = (24, 24),
    iterations: int = 500,
    seed: int = 0,
    told: Told | None = None,
) -> NeuralFit:
    """Fit the network to implied volatilities, each weighted by 1/(half spread + 0.4 vol points), by L-BFGS.

    Args:
        log_moneyness: log(K/F). maturity: years. volatility, half_spread: annualised decimals.
        train: which quotes are fitted (default all); the others are only priced.
        told: called with the iteration and the weighted root-mean-square error, for progress.
    """
    with jax.enable_x64(True):
        grid = make_grid(log_moneyness, maturity, volatility)
        network = make_network(3, hidden, 1, key=jax.random.key(seed), activation="tanh", output_scale=0.1)
        arrays, static = eqx.partition(network, eqx.is_array)
        start, unravel = ravel_pytree(jax.tree.map(lambda leaf: leaf.astype(float), arrays))
        spread = np.full_like(volatility, 0.005) if half_spread is None else half_spread
        used = np.ones(volatility.size, bool) if train is None else train
        weight = used / (np.maximum(spread, 0.0) + FLOOR)
        target = SmileTarget(*map(jnp.asarray, (log_moneyness, maturity, volatility, weight / weight.sum())))
        kernel = kernel_prices(grid, target.log_moneyness, target.maturity)
        place = jnp.searchsorted(grid.times, target.maturity - 1e-10)

        def laws_of(flat: Float[Array, " weights"]) -> Float[Array, "times nodes"]:
            return evolve(eqx.combine(unravel(flat), static), grid)

        def volatilities(flat: Float[Array, " weights"]) -> Float[Array, " quotes"]:
            return target.implied(jnp.sum(kernel * laws_of(flat)[place], axis=1))

        @jax.jit
        @jax.value_and_grad
        def loss(flat: Float[Array, " weights"]) -> Float[Array, ""]:
            error = (volatilities(flat) - target.volatility) / LINEAR
            return 2e4 * LINEAR**2 * jnp.sum(target.weight * (jnp.sqrt(1.0 + error**2) - 1.0))

        best, done = _minimise(loss, np.asarray(start), iterations, told)
        found = jnp.asarray(best)
        laws = np.maximum(np.asarray(jax.jit(laws_of)(found)), 0.0)
        return NeuralFit(grid, laws, np.asarray(jax.jit(volatilities)(found)), done)


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
        found = total
        for _ in range(5):
            value = jnp.maximum(out_of_the_money(node, self.log_moneyness, found), 1e-14)
            step = (jnp.log(value) - log_price) * value / self._vega(found)
            found = jnp.clip(found - step, 0.3 * found, 2.5 * found)
        found = jax.lax.stop_gradient(found)
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
