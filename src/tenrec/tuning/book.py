"""The options book along a path of ticks: value, Greeks and flows, once for all parameter sets."""

from dataclasses import dataclass
from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from tenrec.core.errors import ConfigError
from tenrec.pricing import black_scholes
from tenrec.tuning.ticks import DAY, Ticks

Settlement = Literal["linear", "inverse", "inverse_swept"]
CHUNK = 65_536


@dataclass(frozen=True)
class Leg:
    """One European option.

    Args:
        strike: quote currency, or, if `relative`, a multiple of the spot at the window's first tick.
        expiry: seconds since the ticks' start, or, if `relative`, since the window's first tick.
        quantity: units owned, or, if `relative`, a multiple of notional/spot there; negative is sold.
    """

    kind: Literal["call", "put"]
    strike: float
    expiry: float
    quantity: float
    relative: bool = True


@dataclass(frozen=True)
class GivenGreeks:
    """A book known by its Greeks only, at the first tick of a window.

    P&L since then, with ΔS and Δσ from the first tick and t in days:

        delta·ΔS + ½·gamma·ΔS² + theta·t + vega·100·Δσ,     delta_k = delta + gamma·ΔS,  gamma_k = gamma

    Args:
        delta: units of the underlying. gamma: those per unit of quote currency. theta: quote currency a day. vega:
        quote currency a volatility point.
    """

    delta: float
    gamma: float
    theta: float = 0.0
    vega: float = 0.0


@dataclass(frozen=True)
class Book:
    """What is hedged: option legs, revalued by Black–Scholes, or given Greeks.

    Args:
        notional: quote currency; thresholds and sizes of the rule are shares of it.
        content: the legs, or the Greeks.
        settlement: of the hedging contract. linear: in the quote currency, one contract is one unit of the underlying.
            inverse: in coin, one contract is one unit of the quote currency; options then pay in coin too.
            inverse_swept: the same contract, its coin turned into the quote currency at every tick.
    """

    notional: float
    content: tuple[Leg, ...] | GivenGreeks
    settlement: Settlement = "linear"
    rate: float = 0.0
    day_count: float = 365.0


class BookPath(eqx.Module):
    """A book at every tick. Shapes (ticks,), float64.

    Fields:
        delta: units of the underlying. gamma. value: quote currency, of what has not yet paid. expansion: P&L by
        delta–gamma–theta with the Greeks of the tick before, cumulated from the first tick. flow: quote currency,
        received at the tick.
    """

    delta: Float[np.ndarray, " ticks"]
    gamma: Float[np.ndarray, " ticks"]
    value: Float[np.ndarray, " ticks"]
    expansion: Float[np.ndarray, " ticks"]
    flow: Float[np.ndarray, " ticks"]


def book_path(book: Book, ticks: Ticks) -> BookPath:
    """Value and Greeks of the book at each tick, with the ticks' volatility, true to expiry.

    Raises:
        ConfigError: every leg has expired before the first tick.
    """
    if isinstance(book.content, GivenGreeks):
        return _given(book.content, ticks)
    legs = book.content
    spot, begin = float(ticks.spot[0]), float(ticks.time[0])
    units = book.notional / spot
    strike = np.array([leg.strike * (spot if leg.relative else 1.0) for leg in legs])
    expiry = np.array([leg.expiry + (begin if leg.relative else 0.0) for leg in legs])
    quantity = np.array([leg.quantity * (units if leg.relative else 1.0) for leg in legs])
    sign = np.array([1.0 if leg.kind == "call" else -1.0 for leg in legs])
    alive = expiry > begin
    if not alive.any():
        raise ConfigError("Every leg of the book has expired before the first tick; give legs that expire later.")
    columns = [column[alive] for column in (sign, strike, expiry, quantity)]
    value, delta, gamma = _revalued(ticks, columns, book)
    flow = _payoffs(ticks, columns)
    theta = book.rate * (value - ticks.spot * delta) - 0.5 * (ticks.volatility * ticks.spot) ** 2 * gamma
    years = np.diff(ticks.time) / (book.day_count * DAY)
    return BookPath(delta, gamma, value, _expanded(ticks.spot, delta, gamma, theta[:-1] * years), flow)


def _given(greeks: GivenGreeks, ticks: Ticks) -> BookPath:
    moved = ticks.spot - ticks.spot[0]
    days = (ticks.time - ticks.time[0]) / DAY
    delta, gamma = greeks.delta + greeks.gamma * moved, np.full_like(moved, greeks.gamma)
    value = greeks.delta * moved + 0.5 * greeks.gamma * moved**2 + greeks.theta * days
    value += greeks.vega * 100.0 * (ticks.volatility - ticks.volatility[0])
    expansion = _expanded(ticks.spot, delta, gamma, greeks.theta * np.diff(days))
    return BookPath(delta, gamma, value, expansion, np.zeros_like(moved))


def _expanded(spot: np.ndarray, delta: np.ndarray, gamma: np.ndarray, decay: np.ndarray) -> np.ndarray:
    """Σ δ·ΔS + ½·Γ·ΔS² + θ·Δt, Greeks of the tick before."""
    moves = np.diff(spot)
    steps = delta[:-1] * moves + 0.5 * gamma[:-1] * moves**2 + decay
    return np.concatenate([[0.0], np.cumsum(steps)])


def _payoffs(ticks: Ticks, columns: list[np.ndarray]) -> np.ndarray:
    """What each leg pays at the first tick at or after its expiry."""
    flow = np.zeros_like(ticks.spot)
    for sign, strike, expiry, quantity in zip(*columns, strict=True):
        at = int(np.searchsorted(ticks.time, expiry))
        if at < len(flow):
            flow[at] += quantity * max(sign * (ticks.spot[at] - strike), 0.0)
    return flow


def _revalued(ticks: Ticks, columns: list[np.ndarray], book: Book) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Value, delta and gamma of the living legs, summed; in chunks of one size, so that one compilation serves all."""
    count = len(ticks.time)
    size = min(CHUNK, count)
    parts = []
    with jax.enable_x64(True):
        legs = [jnp.asarray(column) for column in columns]
        for begin in range(0, count, size):
            rows = [np.asarray(row[begin : begin + size]) for row in (ticks.spot, ticks.volatility, ticks.time)]
            short = size - len(rows[0])
            rows = [np.pad(row, (0, short), mode="edge") for row in rows]
            found = _greeks(*(jnp.asarray(row) for row in rows), *legs, book.rate, book.day_count)
            parts.append([np.asarray(part)[: size - short] for part in found])
    value, delta, gamma = (np.concatenate(pieces) for pieces in zip(*parts, strict=True))
    return value, delta, gamma


@jax.jit
def _greeks(
    spot: Array, volatility: Array, time: Array, sign: Array, strike: Array, expiry: Array, quantity: Array,
    rate: float | Array, day_count: float | Array,
) -> tuple[Array, Array, Array]:  # fmt: skip
    """Sums over the legs, shapes (ticks,); a leg counts until its expiry."""
    left = jnp.maximum(expiry - time[:, None], 0.0) / (day_count * DAY)
    discount = jnp.exp(-rate * left)
    s, sigma = spot[:, None], volatility[:, None]
    forward = s / discount
    owned = jnp.where(left > 0, quantity, 0.0)
    value = black_scholes.value(sign, forward, strike, sigma, left, discount)
    delta = black_scholes.delta(sign, forward, strike, sigma, left, spot=s, discount=discount)
    gamma = black_scholes.gamma(forward, strike, sigma, left, spot=s, discount=discount)
    return jnp.sum(owned * value, axis=-1), jnp.sum(owned * delta, axis=-1), jnp.sum(owned * gamma, axis=-1)
