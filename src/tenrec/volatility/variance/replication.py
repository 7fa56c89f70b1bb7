"""Variance and volatility swaps from a smile of listed options.

The log contract is held by options in proportion to 1/K², so that the fair variance to T is

    K_var = (2/T)·[log-contract payoff on the quoted strikes, by straight lines between them, and what lies beyond]

The volatility swap is priced by the payoff that replicates √variance where the correlation of price and volatility is
zero, and is immune to it to first order: E√V ≈ E G(log S_T/F), G(x) = √(π/2)·e^{x/2}·|x·I₀(x/2) − x·I₁(x/2)|.

Sources: Demeterfi, Derman, Kamal and Zou (1999), "More than you ever wanted to know about volatility swaps", eq. 26 and
appendix A; Carr and Lee (2009), "Robust replication of volatility derivatives", section 6.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.special import i0e, i1e, ndtr

Strikes = Float[np.ndarray, " strikes"]
Points = Float[np.ndarray, "... points"]

POINTS = 1201
REACH = 8.0
"""Integrals run to so many at-the-money standard deviations, and at least to the outermost quotes."""


@dataclass(frozen=True)
class Wings:
    """Beyond the quotes: a slice ½(θ + ρψk + √((ψk + θρ)² + θ²(1 − ρ²))), free of arbitrage, met at the last quote."""

    theta: float
    correlation: float
    psi: float

    def total_variance(self, k: Points) -> Points:
        """w(k), dimensionless."""
        root = np.sqrt((self.psi * k + self.theta * self.correlation) ** 2 + self.theta**2 * (1 - self.correlation**2))
        return 0.5 * (self.theta + self.correlation * self.psi * k + root)


def log_portfolio(strike: Strikes, centre: float) -> tuple[Strikes, Strikes]:
    """Units of puts (strikes up to `centre`) and calls (from it on) that hold the log contract by straight lines.

    The payoff is f(S) = 2·((S − S*)/S* − log(S/S*)), S* the centre; the outermost strikes only end the lines and have
    no option of their own.

    Example:
        >>> puts, calls = log_portfolio(np.array([90.0, 100.0, 110.0]), 100.0)
        >>> puts.round(6).tolist(), calls.round(6).tolist()
        ([0.0, 0.001072, 0.0], [0.0, 0.000938, 0.0])
    """
    payoff = 2.0 * ((strike - centre) / centre - np.log(strike / centre))
    slope = np.diff(payoff) / np.diff(strike)
    middle = int(np.argmin(np.abs(strike - centre)))
    puts, calls = np.zeros_like(strike), np.zeros_like(strike)
    calls[middle], puts[middle] = slope[middle], -slope[middle - 1]
    calls[middle + 1 : -1] = np.diff(slope[middle:])
    puts[1:middle] = np.diff(slope[:middle])
    return puts, calls


def replicated_variance(
    strike: Strikes, call: Strikes, put: Strikes, *, spot: float, maturity: float, rate: float, centre: float
) -> float:
    """Fair strike of a variance swap by the options that are there, annualised variance.

    K_var = (2/T)·[rT − (S₀/S*·e^{rT} − 1) − log(S*/S₀)] + (e^{rT}/T)·Σ units·price

    Args:
        strike: rising; the outermost two end the straight lines. call, put: prices at every strike.
        spot: S₀. rate: continuous. centre: S*, one of the strikes, near the forward.
    """
    puts, calls = log_portfolio(strike, centre)
    growth = np.exp(rate * maturity)
    known = rate * maturity - (spot / centre * growth - 1.0) - np.log(centre / spot)
    options = np.sum(np.where(puts != 0.0, puts * put, 0.0)) + np.sum(np.where(calls != 0.0, calls * call, 0.0))
    return float((2.0 * known + growth * options) / maturity)


def undiscounted(k: Points, w: Points) -> Points:
    """Black's out-of-the-money option over the forward, at log(K/F) = k and total variance w."""
    deviation = np.sqrt(w)
    upper = -k / deviation + 0.5 * deviation
    sign = np.where(k < 0.0, -1.0, 1.0)
    return sign * (ndtr(sign * upper) - np.exp(k) * ndtr(sign * (upper - deviation)))


@dataclass(frozen=True)
class FairStrikes:
    """Fair strikes as annualised variances and volatilities, decimal.

    Args:
        quoted: variance from the quoted strikes alone. variance: with the wings. volatility: of a volatility swap.
    """

    quoted: float
    variance: float
    volatility: float

    @property
    def share(self) -> float:
        """Share of the variance that comes from beyond the quotes."""
        return 1.0 - self.quoted / self.variance


def fair_strikes(k: Strikes, w: Strikes, maturity: float, wings: Wings) -> FairStrikes:
    """Fair variance and volatility to `maturity` from a smile.

    Between quotes w is linear in k; beyond them it follows the wings, scaled to meet the outermost quote.

    Args:
        k: log(K/F), rising. w: total variance of each.

    Example:
        >>> k = np.linspace(-0.5, 0.5, 41)
        >>> flat = fair_strikes(k, np.full(41, 0.04), 1.0, Wings(0.04, 0.0, 1e-9))
        >>> round(flat.variance, 5), round(flat.volatility, 4)
        (0.04, 0.2)
    """
    reach = REACH * np.sqrt(max(float(np.interp(0.0, k, w)), float(w.max()) / 4))
    lower, upper = min(-reach, k[0] - 0.01), max(reach, k[-1] + 0.01)
    # A node at zero, where the volatility's payoff has its kink, and nodes at the outermost quotes.
    grid = np.unique(np.concatenate([np.linspace(lower, 0.0, POINTS), np.linspace(0.0, upper, POINTS), k]))
    smile = np.interp(grid, k, w)
    for edge, outside in ((0, grid < k[0]), (-1, grid > k[-1])):
        scale = w[edge] / wings.total_variance(k[edge : edge + 1] if edge == 0 else k[-1:])[0]
        smile[outside] = scale * wings.total_variance(grid[outside])
    option = undiscounted(grid, smile)
    inside = (grid >= k[0]) & (grid <= k[-1])
    density = 2.0 * option * np.exp(-grid) / maturity
    variance, quoted = _integral(grid, density), _integral(grid[inside], density[inside])
    volatility = _volatility_payoff(grid, option)
    return FairStrikes(quoted, variance, float(volatility / np.sqrt(maturity)))


def root_payoff(x: Points) -> Points:
    """Carr and Lee's G(x), x = log(S_T/F): its expectation is E√V to first order in the correlation."""
    half = 0.5 * np.abs(x)
    bessel = (i0e(half) - np.sign(x) * i1e(half)) * np.exp(half)
    return np.sqrt(0.5 * np.pi) * np.exp(0.5 * x) * np.abs(x) * bessel


def _volatility_payoff(k: Points, option: Points) -> float:
    """E G by options: the kink at F is a straddle, the rest is its curvature in the strike.

    With K = F·e^k, f(K) = G(k): ∫ f″(K)·option dK = ∫ (G″ − G′)·e^{−k}·option/F dk, and by the Bessel functions'
    identities G″ − G′ = ±½·√(π/2)·e^{k/2}·(I₁(k/2) − I₀(k/2)), with the sign of k.
    """
    straddle = 2.0 * float(np.interp(0.0, k, option))
    half = 0.5 * k
    curvature = 0.5 * np.sign(k) * np.exp(half + np.abs(half)) * (i1e(half) - i0e(half))
    # On the grid's node at zero the two sides' curvatures cancel, as the integral over it must.
    return float(np.sqrt(0.5 * np.pi)) * (straddle + _integral(k, curvature * np.exp(-k) * option))


def _integral(x: Points, y: Points) -> float:
    return float(np.trapezoid(y, x))
