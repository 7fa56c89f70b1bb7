"""A neural pricer without arbitrage: a network's local volatility drives a martingale on a grid of prices.

X = S_T/F(T), the asset over its forward, is a martingale that lives on nodes x₀ < … < x_n. Its law
moves forward by implicit steps of Dupire's equation,

    (I − Δt·(A·diag(a))ᵀ)·p_{m+1} = p_m,   a_j = ½·x_j²·σ²(x_j, t),   A = second difference on the nodes,

where the network says σ(x, t) > 0. A second difference annihilates straight lines and the matrix is an M-matrix, so for
any weights p ≥ 0, Σp = 1, Σp·x = 1, and a later law dominates an earlier one in convex order. An independent lognormal
factor of variance s²(T) = κ²·T makes prices smooth, so that the normalised call is a mixture of Black formulas,

    c(k, T) = Σ_j p_j(T)·B(x_j, e^k, s(T)),

convex and decreasing in the strike and, at fixed K/F, increasing in maturity – by construction, at every strike and
maturity, not only at those quoted.

Source: Dupire (1994), "Pricing with a smile", Risk 7; Andreasen and Huge (2011), "Volatility interpolation", Risk 24,
for implicit steps that keep a surface free of arbitrage.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.stats import norm
from jaxtyping import Array, Float

from tenrec.nets import Network

LOWEST_LOG_VOL, HIGHEST_LOG_VOL = -2.5, 2.5
"""Local volatility stays within e^±2.5 of its reference."""


class PriceGrid(eqx.Module):
    """Where the martingale lives.

    Fields:
        log_nodes: log x_j, increasing, with a node at 0. times: years, increasing, the first is 0.
        kernel: κ, annualised volatility of the smoothing factor. reference: typical volatility of the chain.
        reach: log x/(reference·√t) beyond which the local volatility is held constant, (lower, upper).
    """

    log_nodes: Float[Array, " nodes"]
    times: Float[Array, " times"]
    kernel: Float[Array, ""]
    reference: Float[Array, ""]
    reach: Float[Array, " 2"]


def make_grid(
    log_moneyness: np.ndarray, maturity: np.ndarray, volatility: np.ndarray, *, growth: float = 1.2
) -> PriceGrid:
    """Nodes and times that resolve a chain of quotes: log(K/F), years, annualised decimals."""
    expiries = np.unique(maturity)
    reference, lowest = float(np.median(volatility)), float(np.quantile(volatility, 0.01))
    kernel = 0.4 * lowest
    width = reference * np.sqrt(expiries[-1])
    low = min(1.6 * float(log_moneyness.min()), -5.0 * width)
    high = max(1.6 * float(log_moneyness.max()), 4.0 * width)
    nodes = _sinh_nodes(low, high, 0.8 * kernel * np.sqrt(expiries[0]))
    scaled = log_moneyness / (reference * np.sqrt(maturity))
    reach = np.array([min(scaled.min(), -1.0), max(scaled.max(), 1.0)])
    return PriceGrid(*map(jnp.asarray, (nodes, _times(expiries, growth), kernel, reference, reach)))


def _sinh_nodes(low: float, high: float, spacing: float, stretch: float = 0.035) -> np.ndarray:
    """Nodes whose spacing grows from `spacing` at 0 by the share `stretch` of the distance, whole multiples of 16 to
    either side, so that chains of many days are compiled once.
    """
    spacing = max(spacing, (high - low) / 2000.0)
    scale = spacing / stretch
    below, above = (16 * int(np.ceil(np.arcsinh(end / scale) / stretch / 16)) for end in (-low, high))
    return scale * np.sinh(stretch * np.arange(-below, above + 1))


def _times(expiries: np.ndarray, growth: float) -> np.ndarray:
    """0, the expiries, and times between them so that no step is longer than `growth` − 1 of the time elapsed."""
    start = expiries[0] / 64.0
    times = [0.0, start]
    for expiry in expiries:
        steps = int(np.ceil(np.log(expiry / times[-1]) / np.log(growth) - 1e-9))
        times += list(times[-1] * (expiry / times[-1]) ** (np.arange(1, steps + 1) / max(steps, 1)))
    return np.array(times)


def local_volatility(
    network: Network, grid: PriceGrid, log_price: Float[Array, "*at"], time: Float[Array, "*at"]
) -> Float[Array, "*at"]:
    """σ(x, t) of the network, annualised decimal, positive and bounded."""
    root = jnp.sqrt(time)
    scaled = jnp.clip(log_price / (grid.reference * root), grid.reach[0], grid.reach[1])
    held = scaled * grid.reference * root
    rows = jnp.stack([scaled / 3.0, held / grid.reference, jnp.log(time) / 2.0], axis=-1)
    raw = jax.vmap(network)(rows.reshape(-1, 3))[:, 0].reshape(log_price.shape)
    middle, half = 0.5 * (HIGHEST_LOG_VOL + LOWEST_LOG_VOL), 0.5 * (HIGHEST_LOG_VOL - LOWEST_LOG_VOL)
    return grid.reference * jnp.exp(middle + half * jnp.tanh(raw / half))


def evolve(network: Network, grid: PriceGrid) -> Float[Array, "times nodes"]:
    """The laws of X at all times of the grid, by implicit steps from certainty at 1."""
    x = jnp.exp(grid.log_nodes)
    middle = 0.5 * (grid.times[1:] + grid.times[:-1])
    shape = (middle.size, x.size)
    log_price, time = jnp.broadcast_to(grid.log_nodes, shape), jnp.broadcast_to(middle[:, None], shape)
    # The smoothing factor brings κ² of the variance; the martingale brings the rest.
    rate = 0.5 * (local_volatility(network, grid, log_price, time) * x) ** 2
    steps = jnp.diff(grid.times)[:, None] * rate
    start = jnp.where(grid.log_nodes == 0.0, 1.0, 0.0)

    def onward(law: Array, step: Array) -> tuple[Array, Array]:
        after = _implicit_step(law, step, x)
        return after, after

    _, laws = jax.lax.scan(onward, start, steps)
    return jnp.concatenate([start[None], laws])


def _implicit_step(
    law: Float[Array, " nodes"], step: Float[Array, " nodes"], x: Float[Array, " nodes"]
) -> Float[Array, " nodes"]:
    """Solve (I − (A·diag(step))ᵀ)·next = law; the first and the last node are absorbing."""
    gap = jnp.diff(x)
    wide = gap[1:] + gap[:-1]
    zero = jnp.zeros((1,), x.dtype)
    down = jnp.concatenate([zero, 2.0 * step[1:-1] / (gap[:-1] * wide), zero])
    up = jnp.concatenate([zero, 2.0 * step[1:-1] / (gap[1:] * wide), zero])
    lower = jnp.concatenate([zero, -up[:-1]])
    upper = jnp.concatenate([-down[1:], zero])
    return jax.lax.linalg.tridiagonal_solve(lower, 1.0 + down + up, upper, law[:, None])[:, 0]


def out_of_the_money(
    log_nodes: Float[Array, "..."], log_strike: Float[Array, "..."], deviation: Float[Array, "..."]
) -> Float[Array, "..."]:
    """Undiscounted Black price of the call (k ≥ 0) or the put (k < 0) at forward x, strike e^k, total volatility."""
    sign = jnp.where(log_strike >= 0.0, 1.0, -1.0)
    upper = (log_nodes - log_strike) / deviation + 0.5 * deviation
    received, paid = (
        jnp.exp(log_nodes) * norm.cdf(sign * upper),
        jnp.exp(log_strike) * norm.cdf(sign * (upper - deviation)),
    )
    return sign * (received - paid)


def kernel_prices(
    grid: PriceGrid, log_moneyness: Float[Array, " quotes"], maturity: Float[Array, " quotes"]
) -> Float[Array, "quotes nodes"]:
    """What the out-of-the-money option of every quote is worth if the martingale ends at the node."""
    deviation = grid.kernel * jnp.sqrt(maturity)[:, None]
    return out_of_the_money(grid.log_nodes[None, :], log_moneyness[:, None], deviation)
