"""What stochastic variance and jumps add to a Black–Scholes price, tabulated once for the dates of a grid.

Of a model whose log characteristic function is affine in the variance, log φ(u) = A(u, τ) + B(u, τ)·v, and with w the
part of its expected total variance that has no jumps, Lewis's formula taken of the difference to Black's value is

    call = Black(√w) − D·√(FK)·c(x, v),   c = 1/π · ∫₀^∞ Re[e^{iux}·(e^{A + Bv} − e^{−w(u² + ¼)/2})/(u² + ¼)] du

with φ at u − i/2 and x = log(F/K). For one τ all x and all v are one matrix product. The table is uniform in
asinh(x/x₀) and asinh(√v/s₀) and linear between its points: dense at the money and at small variances, wide enough for
the tails. The largest error seen on random states is in docs/costs_and_instruments.md, and held by a test.

Source: Lewis (2000), Option Valuation under Stochastic Volatility, chapter 2; the rule of `tenrec.pricing.heston`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float, Int

MONEYNESS_POINTS, VARIANCE_POINTS = 321, 65
STEEP, FINE = 6.0, 3.0
"""sinh stretches of the two axes: the spacing at the centre is 2·STEEP/(n·sinh STEEP) of the reach."""
NODE_STEP = 0.03

Exponent = Callable[[Complex[np.ndarray, " nodes"], float], Complex[np.ndarray, " nodes"]]


@dataclass(frozen=True)
class AffineModel:
    """log φ(u, τ) = level(u, τ) + slope(u, τ)·v, and w(τ, v) = variance_level(τ) + variance_slope(τ)·v.

    `reach` is how far a jump may go, in log price; `largest` is the largest variance that is tabulated, None where
    the variance is no state.
    """

    level: Exponent
    slope: Exponent
    variance_level: Callable[[float], float]
    variance_slope: Callable[[float], float]
    reach: float = 0.0
    largest: float | None = None


class Correction(eqx.Module):
    """c at the times to expiry that a grid has; axes (times, variances, moneyness).

    Fields:
        reach: (times,) of x. variance_level, variance_slope: (times,) of w. deviation: √ of the largest variance.
    """

    table: Float[Array, "times variances moneyness"]
    reach: Float[Array, " times"]
    variance_level: Float[Array, " times"]
    variance_slope: Float[Array, " times"]
    deviation: Float[Array, ""]

    def total_variance(self, row: Int[Array, "..."], variance: Float[Array, "..."]) -> Float[Array, "..."]:
        """w, of the part without jumps."""
        return self.variance_level[row] + self.variance_slope[row] * variance

    def __call__(
        self, row: Int[Array, "..."], moneyness: Float[Array, "..."], variance: Float[Array, "..."]
    ) -> Float[Array, "..."]:
        """c at rows of the table, log moneyness x and variance v; beyond the table as at its edge."""
        _, variances, points = self.table.shape
        centre = self.reach[row] / np.sinh(STEEP)
        across = jnp.clip(0.5 + 0.5 * jnp.arcsinh(moneyness / centre) / STEEP, 0.0, 1.0) * (points - 1)
        column = jnp.clip(jnp.floor(across).astype(jnp.int32), 0, points - 2)
        right = across - column
        flat = self.table.reshape(-1)
        if variances == 1:
            start = row * points + column
            return (1.0 - right) * flat[start] + right * flat[start + 1]
        state = jnp.sqrt(jnp.maximum(variance, 0.0)) / self.deviation * np.sinh(FINE)
        along = jnp.clip(jnp.arcsinh(state) / FINE, 0.0, 1.0) * (variances - 1)
        line = jnp.clip(jnp.floor(along).astype(jnp.int32), 0, variances - 2)
        up = along - line
        start = (row * variances + line) * points + column
        low = (1.0 - right) * flat[start] + right * flat[start + 1]
        high = (1.0 - right) * flat[start + points] + right * flat[start + points + 1]
        return (1.0 - up) * low + up * high


def tabulate(model: AffineModel, times: Float[np.ndarray, " times"]) -> Correction:
    """The table at times to expiry, years; a row of zeros at expiry, where Black's value is the payoff."""
    unit = np.linspace(-1.0, 1.0, MONEYNESS_POINTS)
    deviation = np.sqrt(model.largest or 1.0)
    states = deviation * np.sinh(FINE * np.linspace(0.0, 1.0, VARIANCE_POINTS)) / np.sinh(FINE)
    variance = np.zeros(1) if model.largest is None else states**2
    safe, alive = np.maximum(times, 1e-6), np.asarray(times) > 0
    levels = np.array([model.variance_level(float(time)) for time in safe])
    slopes = np.array([model.variance_slope(float(time)) for time in safe])
    reach = 12.0 * np.sqrt(levels + slopes * variance[-1]) + model.reach
    x = reach[:, None] * np.sinh(STEEP * unit) / np.sinh(STEEP)
    total = levels[:, None] + slopes[:, None] * variance
    # One set of nodes for all times, so that the characteristic function is compiled once.
    t = np.arange(-3.5, 5.5 + 0.5 * np.max(np.log(total[alive, -1] / np.maximum(total[alive, 0], 1e-7))), NODE_STEP)
    table = np.zeros((len(times), len(variance), len(unit)))
    for row in np.flatnonzero(alive):
        table[row] = _row(model, float(safe[row]), x[row], variance, total[row], t)
    numbers = (table, reach, np.where(alive, levels, 0.0), np.where(alive, slopes, 0.0), np.asarray(deviation))
    return Correction(*(jnp.asarray(number, jnp.result_type(float)) for number in numbers))


def _row(
    model: AffineModel,
    time: float,
    x: Float[np.ndarray, " moneyness"],
    variance: Float[np.ndarray, " variances"],
    total: Float[np.ndarray, " variances"],
    t: Float[np.ndarray, " nodes"],
) -> Float[np.ndarray, "variances moneyness"]:
    """c at every variance and moneyness, by one rule whose nodes `t` reach as far as the smallest variance needs."""
    u = np.exp(t - np.exp(-t)) / np.sqrt(total[-1])
    weights = u * (1.0 + np.exp(-t)) * NODE_STEP / (np.pi * (u**2 + 0.25))
    shifted = u - 0.5j
    exponent = model.level(shifted, time)[:, None] + model.slope(shifted, time)[:, None] * variance
    difference = np.exp(exponent) - np.exp(-0.5 * total * (u**2 + 0.25)[:, None])
    return np.real(np.exp(1j * np.outer(x, u)) @ (weights[:, None] * difference)).T
