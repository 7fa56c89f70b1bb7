"""American puts: the optimal boundary on trading dates, the value of any boundary, and a formula for the Greeks."""

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jax.scipy.stats import norm
from jaxtyping import Array, Float
from scipy.special import ndtr

from tenrec.pricing import black_scholes
from tenrec.pricing.black_scholes import Real, d1, reflected_volatility

Values = Float[Array, "..."]
NODES, REACH, FINENESS = 801, 7.0, 2.5
ROUNDS = 8


@dataclass(frozen=True)
class Exercised:
    """A put exercised on trading dates: its value at the start, and the highest exercised spot of each date 0 … e."""

    value: float
    boundary: np.ndarray


def exercised_put(
    spot: float,
    strike: float,
    volatility: float,
    dt: Float[np.ndarray, " steps"],
    rate: float,
    dividend_yield: float = 0.0,
    boundary: Float[np.ndarray, " dates"] | None = None,
) -> Exercised:
    """Backward induction over the dates on a grid of log spots: optimal, or at a given boundary.

    Between dates a piecewise linear value is carried back with the normal law of the log return, to about 1e-5 of the
    strike. Exercise is possible on the dates 1 … e; the boundary at 0 is 0.

    Example:
        >>> round(exercised_put(100.0, 100.0, 0.2, np.full(50, 1 / 50), 0.05).value, 2)
        6.08
    """
    half = REACH * volatility * np.sqrt(np.sum(dt)) + abs(np.log(spot / strike))
    smallest = volatility * np.sqrt(np.min(dt))
    x = np.linspace(-half, half, max(NODES, 2 * int(FINENESS * half / smallest) + 1))
    paid = strike - spot * np.exp(x)
    value, last = np.maximum(paid, 0.0), len(dt)
    found, period, carried = np.zeros(last + 1), -1.0, np.eye(1)
    found[last] = strike
    for date in range(last - 1, -1, -1):
        if abs(dt[date] - period) > 1e-15:
            period = float(dt[date])
            carried = _transition(x, volatility, period, rate - dividend_yield)
        waiting = np.exp(-rate * period) * (carried @ value)
        if date == 0:
            return Exercised(float(np.interp(0.0, x, waiting)), found)
        found[date] = _crossing(x, paid - waiting, spot) if boundary is None else boundary[date]
        value = np.where(spot * np.exp(x) <= found[date], np.maximum(paid, 0.0), waiting)
    raise AssertionError("a grid has at least one period")


def _transition(x: np.ndarray, volatility: float, period: float, growth: float) -> np.ndarray:
    """Weights of the nodes in E f(x_i + R), f linear between nodes and constant beyond them."""
    step, mean = x[1] - x[0], (growth - 0.5 * volatility**2) * period
    # A piecewise linear function is one smoothed by a hat, whose variance is taken off that of the return.
    deviation = np.sqrt(volatility**2 * period - step**2 / 6.0)
    z = (x[None, :] - x[:, None] - mean) / deviation
    # ∫ of (x − node)⁺ under the normal law; second differences of it are the weights of hat functions.
    ramp = deviation * (np.exp(-0.5 * z**2) / np.sqrt(2.0 * np.pi) - z * ndtr(-z))
    slopes = np.diff(ramp, axis=1) / step
    weights = np.zeros_like(z)
    weights[:, 1:-1] = np.diff(slopes, axis=1)
    weights[:, 0] = 1.0 + slopes[:, 0]
    weights[:, -1] = -slopes[:, -1]
    return weights


def _crossing(x: np.ndarray, gain: np.ndarray, spot: float) -> float:
    """The spot up to which exercise gains, between the nodes where the gain changes its sign; 0 if it never does."""
    gaining = np.flatnonzero(gain > 0.0)
    if not len(gaining):
        return 0.0
    here = int(gaining[-1])
    if here + 1 == len(x):
        return float(spot * np.exp(x[-1]))
    share = gain[here] / (gain[here] - gain[here + 1])
    return float(spot * np.exp(x[here] + share * (x[here + 1] - x[here])))


def american_put(spot: Real, strike: Real, volatility: Real, time: Real, rate: Real, dividend_yield: Real) -> Values:
    """An optimally exercised put, elementwise and differentiable; the approximation is within some 0.1 % of the strike.

        P = p + A·(S/S*)^q above the critical spot S*,  K − S below it

    Source: Barone-Adesi and Whaley (1987), "Efficient analytic approximation of American option values", J. Finance 42.

    Example:
        >>> round(float(american_put(100.0, 100.0, 0.2, 1.0, 0.05, 0.0)), 2)
        6.1
    """
    time = jnp.maximum(time, 1e-8)
    total = reflected_volatility(volatility, time)
    interest = jnp.maximum(rate, 1e-6) * time
    carry = interest - dividend_yield * time
    power = _power(total, carry, interest / -jnp.expm1(-interest))
    critical = _critical(strike, total, carry, interest, power)
    held = 1.0 - jnp.exp(carry - interest) * norm.cdf(-d1(critical * jnp.exp(carry), strike, total))
    european = black_scholes.value(-1.0, spot * jnp.exp(carry), strike, volatility, time, jnp.exp(-interest))
    away = jnp.exp(jnp.maximum(power * jnp.log(jnp.maximum(spot / critical, 1.0)), -60.0))
    return jnp.where(spot <= critical, strike - spot, european - critical / power * held * away)


def _power(total: Values, carry: Values, interest: Values) -> Values:
    """The negative root of q² + (β − 1)·q − 2·interest/w² = 0, β = 2·carry/w²."""
    shifted = 2.0 * carry / total**2 - 1.0
    return -0.5 * (shifted + jnp.sqrt(shifted**2 + 8.0 * interest / total**2))


def _critical(strike: Real, total: Values, carry: Values, interest: Values, power: Values) -> Values:
    """S* at which K − S* = p(S*) − (1 − e^{(b−r)τ}·N(−d₁))·S*/q, by Newton's method from the authors' start."""
    lowest = strike / (1.0 - 1.0 / _power(total, carry, interest))
    room = jnp.maximum(strike - lowest, 1e-6 * strike)
    first = jnp.exp(jnp.clip((carry - 2.0 * total) * strike / room, -60.0, 0.0))
    critical = lowest + (strike - lowest) * first
    paid, kept = jnp.exp(-interest), jnp.exp(carry - interest)
    for _ in range(ROUNDS):
        upper = d1(critical * jnp.exp(carry), strike, total)
        share = kept * norm.cdf(-upper)
        european = paid * strike * norm.cdf(total - upper) - critical * share
        gap = strike - critical - european + (1.0 - share) * critical / power
        change = (share - 1.0) * (1.0 - 1.0 / power) + kept * norm.pdf(upper) / total / power
        critical = jnp.clip(critical - gap / jnp.minimum(change, -1e-6), lowest, strike)
    return jnp.asarray(critical)
