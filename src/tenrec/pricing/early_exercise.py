"""American options of one expiry: prices, implied volatilities, and the European options of the same volatility.

The value is the European one and what is earned by exercising below the boundary B (a put; K > 0, τ = T − t),

    P = p + ∫₀ᵀ r·K·e^{−rv}·Φ(−d₋(v, S/B(T−v))) − q·S·e^{−qv}·Φ(−d₊(v, S/B(T−v))) dv,
    d±(v, z) = (log z + (r − q)·v)/(σ√v) ± σ√v/2,

where B solves a fixed-point equation of its own, iterated at Chebyshev nodes of √τ for log²(B/X), X = K·min(1, r/q). A
call on S struck at K is a put on K struck at S with r and q exchanged. The boundary over the strike depends on the
volatility alone, so that one table of it serves all options of the expiry. Dividends are a continuous yield.

Source: Andersen, Lake and Offengenden (2016), "High-performance American option pricing", J. Comput. Finance 20, with
their fixed-point system B: iterated as it stands it converges at any volatility, where A does not at small ones.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy.polynomial.legendre import leggauss
from scipy.optimize.elementwise import find_root
from scipy.special import ndtr

NODES, QUADRATURE, PRICED = 10, 20, 32
"""Intervals of the boundary's polynomial, and points of the integrals of the boundary and of the price."""
SWEEPS = 60
SETTLED = 1e-9
LOWEST, HIGHEST, TABLE = 0.01, 5.0, 28
"""Range of the volatilities of the table, and its nodes."""
Values = Float[np.ndarray, " options"]


class Deamericanised(NamedTuple):
    """Volatility (annualised decimal) and the European price of it; NaN where the price is no more than exercise."""

    volatility: Float[np.ndarray, " options"]
    european: Float[np.ndarray, " options"]


class AmericanExpiry:
    """American options on one underlying that expire together.

    Args:
        spot: quote currency. maturity: years. rate, dividend_yield: continuous, annual; may be negative, but not such
            that both are and waiting is worth something on either side of a band (q < r < 0, calls r < q < 0).

    Example:
        >>> expiry = AmericanExpiry(100.0, 1.0, 0.05, 0.0)
        >>> expiry.value(np.array([-1.0]), np.array([100.0]), np.array([0.2])).round(4)
        array([6.0903])
    """

    def __init__(self, spot: float, maturity: float, rate: float, dividend_yield: float):
        self.spot, self.maturity, self.rate, self.dividend_yield = spot, maturity, rate, dividend_yield
        self.forward = spot * float(np.exp((rate - dividend_yield) * maturity))
        self.discount = float(np.exp(-rate * maturity))
        self._tables: dict[float, np.ndarray] = {}

    def european(self, sign: Values, strike: Values, volatility: Values) -> Values:
        """Black's price; `sign` is +1 for a call, −1 for a put."""
        total = volatility * np.sqrt(self.maturity)
        upper = np.log(self.forward / strike) / total + 0.5 * total
        return sign * self.discount * (self.forward * ndtr(sign * upper) - strike * ndtr(sign * (upper - total)))

    def value(self, sign: Values, strike: Values, volatility: Values) -> Values:
        """Price of the American option; volatilities from 0.01 to 5."""
        sign, strike, volatility = np.broadcast_arrays(*(np.asarray(one, float) for one in (sign, strike, volatility)))
        exercised = np.maximum(sign * (self.spot - strike), 0.0)
        return np.maximum(self.european(sign, strike, volatility) + self._premium(sign, strike, volatility), exercised)

    def deamericanised(self, sign: Values, strike: Values, price: Values) -> Deamericanised:
        """The volatility at which the American price is `price`, and the European price at it."""
        sign, strike, price = np.broadcast_arrays(*(np.asarray(one, float) for one in (sign, strike, price)))
        exercised = np.maximum(sign * (self.spot - strike), 0.0)
        worth = np.isfinite(price) & (price > exercised + 1e-9 * self.spot) & (price > 0.0)
        found = np.full(price.shape, np.nan)
        at = (sign[worth], strike[worth], price[worth])
        if at[0].size:

            def miss(log_volatility: Values, sign: Values, strike: Values, price: Values) -> Values:
                return self.value(sign, strike, np.exp(log_volatility)) - price

            bounds = (np.full(at[0].shape, np.log(LOWEST)), np.full(at[0].shape, np.log(HIGHEST)))
            root = find_root(miss, bounds, args=at, tolerances={"xatol": 1e-9, "xrtol": 0.0})
            found[worth] = np.where(root.success, np.exp(root.x), np.nan)
        return Deamericanised(found, self.european(sign, strike, found))

    def _premium(self, sign: Values, strike: Values, volatility: Values) -> Values:
        """What early exercise adds, NaN where there may be two boundaries."""
        premium = np.zeros(strike.shape)
        for side in np.unique(sign):
            here = sign == side
            spot, paid = np.full(int(here.sum()), self.spot), strike[here]
            rates = (self.rate, self.dividend_yield)
            if side > 0:
                spot, paid, rates = paid, spot, (self.dividend_yield, self.rate)
            if rates[0] > 0.0 or rates[1] < rates[0] == 0.0:
                premium[here] = self._put_premium(spot, paid, volatility[here], rates, float(side))
            elif rates[1] < rates[0] < 0.0:
                premium[here] = np.nan
        return premium

    def _put_premium(
        self, spot: Values, strike: Values, volatility: Values, rates: tuple[float, float], side: float
    ) -> Values:
        rate, dividend = rates
        if side not in self._tables:
            nodes = np.exp(_chebyshev(np.log(LOWEST), np.log(HIGHEST), TABLE))
            self._tables[side] = np.log(_boundary(nodes, self.maturity, rate, dividend))
        z, weight = _points(PRICED)
        gap = np.exp(_interpolated(np.log(volatility), self._tables[side], np.log(LOWEST), np.log(HIGHEST)))
        # The boundary is asked at τ = T − v, v = T·z².
        depth = _depth(gap, _weights(PRICED))
        limit = np.log(strike) + _log_limit(rate, dividend)
        elapsed = self.maturity * z**2
        total = volatility[:, None] * np.sqrt(elapsed)
        centre = (np.log(spot)[:, None] - limit[:, None] + depth + (rate - dividend) * elapsed) / total
        gained = rate * strike[:, None] * np.exp(-rate * elapsed) * ndtr(0.5 * total - centre)
        lost = dividend * spot[:, None] * np.exp(-dividend * elapsed) * ndtr(-0.5 * total - centre)
        return np.maximum(np.sum((gained - lost) * 2.0 * self.maturity * z * weight, axis=1), 0.0)


def _boundary(
    volatility: Float[np.ndarray, " rows"], maturity: float, rate: float, dividend: float
) -> Float[np.ndarray, "rows nodes"]:
    """log(X/B) of a put at the nodes of √τ but the last, τ = 0, where it is 0; `rate` is positive."""
    root = _chebyshev(0.0, 1.0, NODES + 1)[::-1][:-1]
    z, weight = _points(QUADRATURE)
    weights, limit = _weights(QUADRATURE, tuple(root)), _log_limit(rate, dividend)
    tau, carry, sigma = maturity * root**2, rate - dividend, volatility[:, None]
    deviation = sigma * np.sqrt(tau)
    elapsed = tau[:, None] * z**2
    within = sigma[:, :, None] * np.sqrt(elapsed)
    step = 2.0 * tau[:, None] * z * weight
    interest = rate * np.exp(rate * (tau[:, None] - elapsed)) * step
    yielded = dividend * np.exp(dividend * (tau[:, None] - elapsed)) * step
    gap = _start(deviation, tau, rate, dividend, sigma)
    for _ in range(SWEEPS):
        upper = (limit - gap + carry * tau) / deviation + 0.5 * deviation
        move = (_depth(gap, weights) - gap[:, :, None] + carry * elapsed) / within
        above = ndtr(upper - deviation) + np.sum(interest * ndtr(move - 0.5 * within), axis=2)
        below = ndtr(upper) + np.sum(yielded * ndtr(move + 0.5 * within), axis=2)
        with np.errstate(divide="ignore", invalid="ignore"):
            fresh = limit + carry * tau - np.log(above / below)
        # Where both probabilities vanish nothing is learned; the boundary stays.
        fresh = np.where(np.isfinite(fresh), np.maximum(fresh, 1e-14), gap)
        change = float(np.max(np.abs(fresh - gap) / (1.0 + fresh)))
        gap = fresh
        if change < SETTLED:
            break
    return gap


def _start(
    deviation: np.ndarray, tau: np.ndarray, rate: float, dividend: float, sigma: np.ndarray
) -> Float[np.ndarray, "rows nodes"]:
    """Barone-Adesi and Whaley's seed: from the limit at τ = 0 towards the boundary of an option without an end."""
    half = (rate - dividend) / sigma**2 - 0.5
    power = -half - np.sqrt(half**2 + 2.0 * rate / sigma**2)
    limit = np.exp(_log_limit(rate, dividend))
    forever = np.minimum(power / (power - 1.0), limit)
    share = np.exp(np.clip(((rate - dividend) * tau - 2.0 * deviation) / np.maximum(1.0 - forever, 1e-6), -40.0, 0.0))
    return np.maximum(np.log(limit / (forever + (limit - forever) * share)), 1e-12)


def _log_limit(rate: float, dividend: float) -> float:
    """log X/K: where the boundary starts at expiry."""
    return min(0.0, float(np.log(rate / dividend))) if min(rate, dividend) > 0.0 else 0.0


def _depth(gap: Float[np.ndarray, "rows nodes"], weights: np.ndarray) -> np.ndarray:
    """log(X/B) between the nodes, from the polynomial through its square."""
    return np.sqrt(np.maximum(np.tensordot(gap[:, ::-1] ** 2, weights, axes=(1, -1)), 0.0))


@cache
def _weights(count: int, root: tuple[float, ...] = ()) -> np.ndarray:
    """Weights of the nodes but the first, where log(X/B) is 0, at √τ = `root`·√(1 − z²), z the points of [0, 1]."""
    at = np.sqrt(1.0 - _points(count)[0] ** 2)
    at = np.asarray(root)[:, None] * at if root else at
    return _lagrange(at, _chebyshev(0.0, 1.0, NODES + 1))[..., 1:]


def _interpolated(x: Values, rows: Float[np.ndarray, "table nodes"], low: float, high: float) -> np.ndarray:
    return _lagrange(x, _chebyshev(low, high, rows.shape[0])) @ rows


def _chebyshev(low: float, high: float, count: int) -> Float[np.ndarray, " count"]:
    """Chebyshev–Lobatto points, increasing."""
    return low + (high - low) * 0.5 * (1.0 - np.cos(np.pi * np.arange(count) / (count - 1)))


def _lagrange(x: np.ndarray, nodes: np.ndarray) -> np.ndarray:
    """Weights of the values at Chebyshev–Lobatto points in the polynomial through them, by the barycentric formula."""
    signs = (-1.0) ** np.arange(nodes.size)
    signs[[0, -1]] *= 0.5
    away = np.asarray(x)[..., None] - nodes
    away = np.where(np.abs(away) < 1e-15, 1e-15, away)
    terms = signs / away
    return terms / terms.sum(axis=-1, keepdims=True)


@cache
def _points(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Gauss–Legendre points and weights of [0, 1]."""
    point, weight = leggauss(count)
    return 0.5 * (1.0 + point), 0.5 * weight
