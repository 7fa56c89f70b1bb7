"""The classical policies against their papers' formulas, written out again in NumPy."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

from tenrec.contracts import european
from tenrec.hedging.policies import (
    AbstractPolicy,
    BlackScholesDelta,
    Leland,
    MinimumVarianceDelta,
    NoHedge,
    WhalleyWilmott,
    Zakamouline,
)
from tenrec.hedging.view import view_at

pytestmark = pytest.mark.usefixtures("x64")

RATE, DIVIDENDS, INITIAL, PERIOD, COST, AVERSION = 0.03, 0.01, 100.0, 1 / 52, 0.002, 12.0


@dataclass(frozen=True)
class State:
    """One option at given states, in plain NumPy."""

    spot: np.ndarray
    years: np.ndarray
    volatility: np.ndarray
    kind: str
    quantity: float
    strike: float = 100.0

    def greeks(self, volatility: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Delta, gamma and vega of one option owned: Hull, Options, Futures and Other Derivatives, chapter 19."""
        total = volatility * np.sqrt(self.years)
        upper = (np.log(self.spot / self.strike) + (RATE - DIVIDENDS + volatility**2 / 2) * self.years) / total
        paid_out = np.exp(-DIVIDENDS * self.years)
        delta = paid_out * (norm.cdf(upper) - (self.kind == "put"))
        gamma = paid_out * norm.pdf(upper) / (self.spot * total)
        return delta, gamma, self.spot * paid_out * norm.pdf(upper) * np.sqrt(self.years)

    @property
    def discount(self) -> np.ndarray:
        return np.exp(-RATE * self.years)


@pytest.fixture(params=[("call", -1.0), ("call", 2.0), ("put", -3.0), ("put", 1.0)], ids=lambda side: f"{side}")
def state(request: pytest.FixtureRequest) -> State:
    rng = np.random.default_rng(4)
    kind, quantity = request.param
    return State(rng.uniform(85, 115, 40), rng.uniform(0.02, 1.0, 40), rng.uniform(0.1, 0.5, 40), kind, quantity)


def held(policy: AbstractPolicy, state: State, position: float = 0.0) -> np.ndarray:
    view = view_at(
        european(state.kind, strike=state.strike, expiry=10, quantity=state.quantity),
        spot=jnp.asarray(state.spot),
        time_to_expiry=jnp.asarray(state.years)[:, None],
        volatility=jnp.asarray(state.volatility),
        entry_volatility=jnp.full(state.spot.shape, 0.22),
        maturity=1.0,
        period=PERIOD,
        initial_spot=INITIAL,
        rate=RATE,
        dividend_yield=DIVIDENDS,
    )
    positions = jnp.full((state.spot.size, 1), position)
    return np.asarray(jax.vmap(policy.target)(policy.inputs(view), positions)[:, 0])


def test_no_hedge(state: State):
    assert not held(NoHedge(), state, position=3.0).any()


def test_black_scholes_delta(state: State):
    expected = -state.quantity * state.greeks(state.volatility)[0]
    np.testing.assert_allclose(held(BlackScholesDelta(), state), expected, rtol=1e-10)
    at_entry = -state.quantity * state.greeks(np.full_like(state.spot, 0.22))[0]
    np.testing.assert_allclose(held(BlackScholesDelta("entry"), state), at_entry, rtol=1e-10)


def test_leland(state: State):
    """Leland (1985), eq. 6: σ̂² = σ²·(1 + √(2/π)·k/(σ√Δt)) with k the cost of a round trip, for a sold option."""
    round_trip = 2.0 * COST
    number = np.sqrt(2.0 / np.pi) * round_trip / (state.volatility * np.sqrt(PERIOD))
    adjusted = state.volatility * np.sqrt(1.0 - np.sign(state.quantity) * number)
    expected = -state.quantity * state.greeks(adjusted)[0]
    np.testing.assert_allclose(held(Leland(jnp.asarray(COST)), state), expected, rtol=1e-10)


def edges(policy: AbstractPolicy, state: State) -> tuple[np.ndarray, np.ndarray]:
    """Where a band holds from far below and from far above."""
    return held(policy, state, -1e6), held(policy, state, 1e6)


def test_whalley_wilmott(state: State):
    """Whalley and Wilmott (1997), eq. 3.10, with proportional cost k·S: Δ ± (3·k·S·Γ²·e^(−rτ)/(2γ))^(1/3)."""
    delta, gamma, _ = state.greeks(state.volatility)
    absolute = AVERSION / INITIAL
    width = (1.5 * COST * state.spot * (state.quantity * gamma) ** 2 * state.discount / absolute) ** (1 / 3)
    lower, upper = edges(WhalleyWilmott(jnp.asarray(COST), jnp.asarray(AVERSION)), state)
    np.testing.assert_allclose(lower, -state.quantity * delta - width, rtol=1e-9)
    np.testing.assert_allclose(upper, -state.quantity * delta + width, rtol=1e-9)


def test_zakamouline(state: State):
    """Zakamouline (2006), the fitted H₀, H₁ and K of his proportional-cost case, K for the writer."""
    absolute = AVERSION / INITIAL
    signed = state.quantity * state.greeks(state.volatility)[1]
    gamma = np.abs(signed)
    common = (state.discount / state.volatility) ** 0.25
    flat = COST / (absolute * state.spot * state.volatility**2 * state.years)
    curved = 1.12 * COST**0.31 * state.years**0.05 * common * (gamma / absolute) ** 0.5
    k = 4.76 * COST**0.78 / state.years**0.02 * common * (absolute * state.spot**2 * gamma) ** 0.15
    centre = -state.quantity * state.greeks(state.volatility * np.sqrt(np.maximum(1 - np.sign(signed) * k, 0.01)))[0]
    lower, upper = edges(Zakamouline(jnp.asarray(COST), jnp.asarray(AVERSION)), state)
    np.testing.assert_allclose(lower, centre - flat - curved, rtol=1e-6)
    np.testing.assert_allclose(upper, centre + flat + curved, rtol=1e-6)


def test_minimum_variance_delta(state: State):
    """Hull and White (2017): δ + vega/(S√τ)·(a + b·δ + c·δ²), the same for one option whoever holds it."""
    a, b, c = -0.25, -0.4, 0.3
    delta, _, vega = state.greeks(state.volatility)
    corrected = delta + vega / (state.spot * np.sqrt(state.years)) * (a + b * delta + c * delta**2)
    found = held(MinimumVarianceDelta(jnp.asarray([a, b, c])), state)
    np.testing.assert_allclose(found, -state.quantity * corrected, rtol=1e-9)


@pytest.mark.parametrize("member", [Leland, WhalleyWilmott, Zakamouline])
def test_wider_or_more_careful_with_the_cost(member: type[AbstractPolicy]):
    """At the money, more cost moves Leland's sold call to a flatter delta, and widens a band."""
    state = State(np.array([95.0]), np.array([0.1]), np.array([0.2]), "call", -1.0)
    found = []
    for cost in (0.0005, 0.002, 0.008):
        arguments = [jnp.asarray(cost)] if member is Leland else [jnp.asarray(cost), jnp.asarray(AVERSION)]
        lower, upper = edges(member(*arguments), state)
        found.append(float(upper[0]) if member is Leland else float(upper[0] - lower[0]))
    assert found[0] < found[1] < found[2]
