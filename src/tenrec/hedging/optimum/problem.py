"""The control problem that dynamic programming solves exactly."""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float

from tenrec.core.errors import ConfigError, UnsolvableError

Payoff = Callable[[np.ndarray], np.ndarray]


@dataclasses.dataclass(frozen=True, eq=False)
class Problem:
    """Hedge one terminal flow with one Black–Scholes asset at proportional cost, minimising the entropic risk.

        minimise (1/a)·log E exp(a·ℓ),    ℓ = −P&L_T / S₀,    premium 0

    over the positions q_0 … q_{N−1} taken at the dates 0 … N−1, q_{−1} = 0. P&L_T counts interest on the cash
    account, the asset's dividends, the costs with their interest, and the flow at T.

    Args:
        spot: S₀, quote currency.
        volatility: annualised, decimal, positive.
        dt: (steps,) length of each period in years, positive; they may differ.
        payoff: cash that the hedger receives at T as a function of S_T, vectorised; negative for a sold option.
        kinks: the spots where `payoff` or its slope jumps.
        aversion: a of the entropic risk, in units of one over (loss / S₀); positive. Other risks do not use it.
        cost: share of the traded value that a trade costs.
        unwind: whether giving up the last position at T is charged.
        drift: μ, continuous annual growth of the expected price, E S_t = S₀·exp(μt), dividends not included.
        rate: continuous annual interest rate.
        dividend_yield: y, continuous annual; a unit held over a period receives S·(exp(yΔt) − 1) at its end.
        margined: the asset is a forward or future: not paid for, its price changes are settled at each date.
        position_bounds: lowest and highest allowed position; they contain 0. None: free.

    Raises:
        ConfigError: an impossible value. UnsolvableError: a possible one that this method does not cover.

    Example:
        >>> payoff, kinks = european_payoff(strikes=[1.0], signs=[1.0], quantities=[-1.0])
        >>> dt = np.full(30, 1 / 365)
        >>> problem = Problem(spot=1.0, volatility=0.2, dt=dt, payoff=payoff, kinks=kinks, aversion=20)
        >>> problem.steps, round(problem.maturity, 4)
        (30, 0.0822)
    """

    spot: float
    volatility: float
    dt: Float[np.ndarray, " steps"]
    payoff: Payoff
    kinks: tuple[float, ...]
    aversion: float = 1.0
    cost: float = 0.0
    unwind: bool = False
    drift: float = 0.0
    rate: float = 0.0
    dividend_yield: float = 0.0
    margined: bool = False
    position_bounds: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        dt = np.array(self.dt, dtype=np.float64)
        dt.setflags(write=False)
        object.__setattr__(self, "dt", dt)
        _check(self)

    @property
    def steps(self) -> int:
        """Number of periods N."""
        return self.dt.shape[0]

    @property
    def maturity(self) -> float:
        """T in years."""
        return float(self.dt.sum())

    @property
    def times(self) -> Float[np.ndarray, " dates"]:
        """The dates 0..N in years."""
        return np.concatenate([[0.0], np.cumsum(self.dt)])

    @property
    def growth(self) -> Float[np.ndarray, " dates"]:
        """What one unit of cash at each date has grown to at T."""
        return np.exp(self.rate * (self.maturity - self.times))

    @property
    def deviation(self) -> Float[np.ndarray, " steps"]:
        """Standard deviation of the log-return of each period."""
        return self.volatility * np.sqrt(self.dt)

    @property
    def log_mean(self) -> Float[np.ndarray, " dates"]:
        """Mean of log(S/S₀) at each date."""
        return (self.drift - 0.5 * self.volatility**2) * self.times

    @property
    def financing(self) -> Float[np.ndarray, " steps"]:
        """b_k in the gain G_{k+1}·S_{k+1} − b_k·S_k, valued at T, of one unit held over the period k."""
        growth = self.growth
        if self.margined:
            return growth[1:]
        return growth[:-1] - growth[1:] * np.expm1(self.dividend_yield * self.dt)

    def flow(self, relative_spot: np.ndarray) -> np.ndarray:
        """Cash received at T per unit of S₀, at the spot `relative_spot`·S₀."""
        return np.asarray(self.payoff(self.spot * relative_spot), dtype=np.float64) / self.spot

    def basis_points(self, log_value: float) -> float:
        """The risk, in basis points of S₀, that belongs to a value of log E exp(a·ℓ)."""
        return 1e4 * float(log_value) / self.aversion


def european_payoff(
    *, strikes: Sequence[float], signs: Sequence[float], quantities: Sequence[float]
) -> tuple[Payoff, tuple[float, ...]]:
    """Terminal flow Σ quantity·max(sign·(S − K), 0) of a book of one expiry, and its kinks.

    Args: one entry for each leg; sign +1 is a call, −1 a put; quantity −1 is a sold option.

    Example:
        >>> payoff, kinks = european_payoff(strikes=[1.0, 1.1], signs=[1.0, 1.0], quantities=[-1.0, 1.0])
        >>> payoff(np.array([1.2])).round(12).tolist(), kinks
        ([-0.1], (1.0, 1.1))
    """
    legs = list(zip(strikes, signs, quantities, strict=True))

    def payoff(spot: np.ndarray) -> np.ndarray:
        flows = [quantity * np.maximum(sign * (spot - strike), 0.0) for strike, sign, quantity in legs]
        return np.sum(flows, axis=0)

    return payoff, tuple(sorted({float(strike) for strike in strikes}))


def _check(problem: Problem) -> None:
    """Validate once; the numerics trust what passed."""
    dt = problem.dt
    if dt.ndim != 1 or dt.size == 0 or not (np.all(np.isfinite(dt)) and np.all(dt > 0)):
        raise UnsolvableError(f"The periods dt are {dt}; at least one, each a positive number of years, is needed.")
    if not (np.isfinite(problem.spot) and problem.spot > 0):
        raise ConfigError(f"spot is {problem.spot}; a positive price is needed.")
    if not (np.isfinite(problem.volatility) and problem.volatility > 0):
        raise UnsolvableError(f"volatility is {problem.volatility}; the exact optimum needs a positive one, say 0.2.")
    if not (np.isfinite(problem.aversion) and problem.aversion > 0):
        raise UnsolvableError(f"aversion is {problem.aversion}; the exact optimum needs a positive one, say 20.")
    if not 0 <= problem.cost < 1:
        raise ConfigError(f"proportional cost is {problem.cost}; a share of the traded value in [0, 1) is needed.")
    for name in ("drift", "rate", "dividend_yield"):
        if not np.isfinite(getattr(problem, name)):
            raise ConfigError(f"{name} is {getattr(problem, name)}; a finite number is needed.")
    if any(not (np.isfinite(kink) and kink > 0) for kink in problem.kinks):
        raise ConfigError(f"payoff kinks are {problem.kinks}; positive spots are needed.")
    bounds = problem.position_bounds
    if bounds is not None and not (
        np.all(np.isfinite(bounds)) and bounds[0] <= 0 <= bounds[1] and bounds[0] < bounds[1]
    ):
        raise UnsolvableError(f"position_bounds are {bounds}; an interval that contains the start, 0, is needed.")
