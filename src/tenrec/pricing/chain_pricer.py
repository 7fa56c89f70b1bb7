"""A fitted chain as a pricer: price, Greeks, implied volatility and density of any European option on the underlying.

Prices come from the martingale's laws (see `neural`), so F·c(K/F, T)·D is homogeneous: delta is the derivative at a
fixed strike with the surface moving along with the forward. Vega, vanna and volga are with respect to the at-the-money
volatility, all other volatilities of the maturity moving in proportion. All are derivatives by JAX.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.stats import norm
from jaxtyping import Array, ArrayLike, Float

from tenrec.core.errors import ConfigError
from tenrec.pricing.black_scholes import value as black_value
from tenrec.pricing.implied import implied_volatility
from tenrec.pricing.neural import out_of_the_money

BLOCK, FEW = 1024, 16
"""Rows that are computed together: every question is filled up to one of the two, so that both are compiled once."""
SMALLEST_VOLATILITY = 1e-3
FIELDS = ("log_nodes", "times", "laws", "kernel", "reference", "expiries", "growth", "discounts", "spot")


class ChainPricer(eqx.Module):
    """The artefact of `tenrec price`.

    Fields:
        log_nodes, times, laws, kernel, reference: the martingale (years, annualised decimals).
        expiries: quoted maturities, years. growth: F(T)/S at them. discounts: discount factors. spot: of the chain.
    """

    log_nodes: Float[Array | np.ndarray, " nodes"]
    times: Float[Array | np.ndarray, " times"]
    laws: Float[Array | np.ndarray, "times nodes"]
    kernel: Float[Array | np.ndarray, ""]
    reference: Float[Array | np.ndarray, ""]
    expiries: Float[Array | np.ndarray, " expiries"]
    growth: Float[Array | np.ndarray, " expiries"]
    discounts: Float[Array | np.ndarray, " expiries"]
    spot: Float[Array | np.ndarray, ""]

    def price(self, *, strike: ArrayLike, maturity: ArrayLike, **more: Any) -> np.ndarray:
        """Value in the quote currency; everything broadcasts.

        Args:
            strike: quote currency. maturity: years. kind: "call" (default) or "put".
            spot: by default the chain's; or forward: of that maturity instead.
            volatility: at-the-money volatility instead of the fitted one, annualised decimal.
        """
        return self._ask(_value, strike, maturity, **more)

    def delta(self, *, strike: ArrayLike, maturity: ArrayLike, **more: Any) -> np.ndarray:
        """∂price/∂spot, units of the underlying."""
        return self._ask(_delta, strike, maturity, **more)

    def gamma(self, *, strike: ArrayLike, maturity: ArrayLike, **more: Any) -> np.ndarray:
        """∂²price/∂spot², units per unit of quote currency."""
        return self._ask(_gamma, strike, maturity, **more)

    def vega(self, *, strike: ArrayLike, maturity: ArrayLike, **more: Any) -> np.ndarray:
        """∂price/∂volatility, quote currency per unit of annualised volatility."""
        return self._ask(_vega, strike, maturity, **more)

    def theta(self, *, strike: ArrayLike, maturity: ArrayLike, **more: Any) -> np.ndarray:
        """−∂price/∂maturity at a fixed spot, quote currency a year."""
        return self._ask(_theta, strike, maturity, **more)

    def vanna(self, *, strike: ArrayLike, maturity: ArrayLike, **more: Any) -> np.ndarray:
        """∂²price/∂spot∂volatility."""
        return self._ask(_vanna, strike, maturity, **more)

    def volga(self, *, strike: ArrayLike, maturity: ArrayLike, **more: Any) -> np.ndarray:
        """∂²price/∂volatility²."""
        return self._ask(_volga, strike, maturity, **more)

    def implied_volatility(self, *, strike: ArrayLike, maturity: ArrayLike, **more: Any) -> np.ndarray:
        """Black volatility of the fitted price, annualised decimal."""
        return self._ask(_implied, strike, maturity, **more)

    def density(self, *, strike: ArrayLike, maturity: ArrayLike, **more: Any) -> np.ndarray:
        """Risk-neutral density of the underlying at `strike`, per unit of quote currency."""
        return self._ask(_density, strike, maturity, **more)

    def forward(self, maturity: ArrayLike) -> np.ndarray:
        """Forward of the chain, quote currency."""
        return np.asarray(self._carries(maturity)[0] * float(self.spot))

    def discount(self, maturity: ArrayLike) -> np.ndarray:
        """Discount factor of the chain."""
        return self._carries(maturity)[1]

    def _carries(self, maturity: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """F(T)/S and D(T) of `carry`, by NumPy."""
        years = np.asarray(maturity, float)
        knots, last = np.concatenate([[0.0], self.expiries]), float(self.expiries[-1])
        held, stretch = np.minimum(years, last), np.maximum(years / last, 1.0)
        growth, discount = (
            np.asarray(np.exp(np.interp(held, knots, np.concatenate([[0.0], np.log(part)])) * stretch))
            for part in (self.growth, self.discounts)
        )
        return growth, discount

    def greeks(self, *, strike: ArrayLike, maturity: ArrayLike, **more: Any) -> dict[str, np.ndarray]:
        """Price, implied volatility and every Greek, by name."""
        found = self._ask(_greeks, strike, maturity, **more)
        return {name: found[..., place] for place, name in enumerate(GREEKS)}

    def carry(self, maturity: Float[Array, ""]) -> tuple[Float[Array, ""], Float[Array, ""]]:
        """F(T)/S and D(T): their logarithms are linear between the expiries, 0 at T = 0, of constant rate beyond."""
        last = self.expiries[-1]
        knots = jnp.concatenate([jnp.zeros(1), self.expiries])
        elapsed = jnp.clip(maturity - knots[:-1], 0.0, jnp.diff(knots))

        def read(logs: Float[Array, " expiries"]) -> Float[Array, ""]:
            slopes = jnp.diff(jnp.concatenate([jnp.zeros(1), logs])) / jnp.diff(knots)
            return jnp.exp(jnp.sum(slopes * elapsed) * jnp.maximum(maturity / last, 1.0))

        return read(jnp.log(self.growth)), read(jnp.log(self.discounts))

    def law(self, maturity: Float[Array, ""]) -> tuple[Float[Array, " nodes"], Float[Array, ""]]:
        """The martingale's law, linear between the grid's times, and the variance of the smoothing factor."""
        held = jnp.clip(maturity, 0.0, self.times[-1])
        after = jnp.clip(jnp.searchsorted(self.times, held), 1, self.times.size - 1)
        share = (held - self.times[after - 1]) / (self.times[after] - self.times[after - 1])
        law = (1.0 - share) * self.laws[after - 1] + share * self.laws[after]
        beyond = jnp.maximum(maturity - self.times[-1], 0.0)
        variance = self.kernel**2 * jnp.minimum(maturity, self.times[-1]) + self.reference**2 * beyond
        return jnp.asarray(law), jnp.asarray(variance)

    def time_value(self, log_moneyness: Float[Array, ""], maturity: Float[Array, ""]) -> Float[Array, ""]:
        """Undiscounted out-of-the-money price over the forward."""
        law, variance = self.law(maturity)
        deviation = jnp.sqrt(jnp.maximum(variance, 1e-14))
        return jnp.sum(law * out_of_the_money(jnp.asarray(self.log_nodes), log_moneyness, deviation))

    def fitted(
        self, log_moneyness: Float[Array, ""], maturity: Float[Array, ""], start: Float[Array, ""]
    ) -> Float[Array, ""]:
        """Implied volatility at log(K/F), with derivatives of any order below four; `start` is its value.

        Two Newton steps from the solution change nothing but carry its derivatives.
        """
        price, total = self.time_value(log_moneyness, maturity), jax.lax.stop_gradient(start) * jnp.sqrt(maturity)
        for _ in range(2):
            upper = -log_moneyness / total + 0.5 * total
            miss = price - out_of_the_money(jnp.zeros(()), log_moneyness, total)
            total = total + miss / jnp.maximum(norm.pdf(upper), 1e-30)
        return total / jnp.sqrt(maturity)

    def save(self, path: Path) -> None:
        """Write all numbers as NumPy arrays (.npz)."""
        arrays: dict[str, Any] = {name: np.asarray(getattr(self, name)) for name in FIELDS}
        with path.open("wb") as file:
            np.savez(file, **arrays)

    def _ask(
        self,
        what: Callable[..., Array],
        strike: ArrayLike,
        maturity: ArrayLike,
        *,
        kind: str = "call",
        spot: ArrayLike | None = None,
        forward: ArrayLike | None = None,
        volatility: ArrayLike | None = None,
    ) -> np.ndarray:
        if kind not in ("call", "put"):
            raise ConfigError(f"kind is {kind!r}; call or put is needed.")
        if spot is not None and forward is not None:
            raise ConfigError("spot and forward are both given; give one of them.")
        for name, given in {"strike": strike, "maturity": maturity, "spot": spot, "forward": forward}.items():
            numbers = np.asarray(1.0 if given is None else given, float)
            if not (np.isfinite(numbers) & (numbers > 0.0)).all():
                raise ConfigError(f"{name} is {given}; positive numbers are needed.")
        columns = [strike, maturity, float(self.spot) if spot is None else spot]
        columns += [np.nan if forward is None else forward, np.nan if volatility is None else volatility]
        wide = np.broadcast_arrays(*(np.asarray(column, float) for column in columns))
        flat = np.stack([column.ravel() for column in wide], axis=1)
        answers = []
        with jax.enable_x64(True):
            exact = jax.tree.map(lambda leaf: jnp.asarray(np.asarray(leaf), jnp.float64), self)
            sign = jnp.asarray(1.0 if kind == "call" else -1.0)
            for begin in range(0, flat.shape[0], BLOCK):
                part = flat[begin : begin + BLOCK]
                size = FEW if flat.shape[0] <= FEW else BLOCK
                rows = jnp.asarray(np.concatenate([part, np.repeat(part[-1:], size - part.shape[0], axis=0)]))
                rows = jnp.concatenate([rows, _starts(exact, rows, forward is not None)], axis=1)
                got = _many(what, exact, sign, rows, forward is not None, volatility is not None)
                answers.append(np.asarray(got)[: part.shape[0]])
        answer = np.concatenate(answers) if answers else np.empty(0)
        return answer.reshape((*wide[0].shape, *answer.shape[1:]))


@eqx.filter_jit
def _many(
    what: Callable[..., Array], pricer: ChainPricer, sign: Array, rows: Array, by_forward: bool, levelled: bool
) -> Array:
    return jax.vmap(lambda row: what(*_arguments(pricer, sign, row, by_forward, levelled)))(rows)


def _arguments(pricer: ChainPricer, sign: Array, row: Array, by_forward: bool, levelled: bool) -> tuple[Any, ...]:
    strike, maturity, spot, forward, level, start, base = row
    growth, _ = pricer.carry(maturity)
    spot = forward / growth if by_forward else spot
    return pricer, sign, spot, strike, maturity, level if levelled else base, (start, base), levelled


@eqx.filter_jit
def _starts(pricer: ChainPricer, rows: Array, by_forward: bool) -> Array:
    """Fitted implied volatility of every row at its strike and at the money."""

    def one(row: Array) -> tuple[Array, Array, Array, Array]:
        strike, maturity, spot, forward = row[:4]
        growth, _ = pricer.carry(maturity)
        log_moneyness = jnp.log(strike / (forward if by_forward else spot * growth))
        zero = jnp.zeros(())
        return log_moneyness, maturity, pricer.time_value(log_moneyness, maturity), pricer.time_value(zero, maturity)

    log_moneyness, maturity, price, middle = jax.vmap(one)(rows)
    k, c = jnp.stack([log_moneyness, 0.0 * log_moneyness]), jnp.stack([price, middle])
    found = implied_volatility(c, 1.0, jnp.exp(k), maturity, jnp.where(k >= 0.0, 1.0, -1.0)).volatility
    return jnp.maximum(jnp.nan_to_num(found, nan=SMALLEST_VOLATILITY), SMALLEST_VOLATILITY).T


Start = tuple[Array, Array]


def _value(
    pricer: ChainPricer,
    sign: Array,
    spot: Array,
    strike: Array,
    maturity: Array,
    level: Array,
    start: Start,
    levelled: bool,
) -> Array:
    growth, discount = pricer.carry(maturity)
    forward = spot * growth
    log_moneyness = jnp.log(strike / forward)
    if levelled:
        return _scaled(pricer, sign, spot, strike, maturity, level, start, levelled)
    side = jnp.where(log_moneyness >= 0.0, 1.0, -1.0)
    intrinsic = jnp.where(side == sign, 0.0, sign * (forward - strike))
    return discount * (forward * pricer.time_value(log_moneyness, maturity) + intrinsic)


def _implied(
    pricer: ChainPricer, sign: Array, spot: Array, strike: Array, maturity: Array, level: Array, start: Start, _: bool
) -> Array:
    growth = pricer.carry(maturity)[0]
    fitted = pricer.fitted(jnp.log(strike / (spot * growth)), maturity, start[0])
    return fitted * level / pricer.fitted(jnp.zeros(()), maturity, start[1])


def _scaled(
    pricer: ChainPricer,
    sign: Array,
    spot: Array,
    strike: Array,
    maturity: Array,
    level: Array,
    start: Start,
    levelled: bool,
) -> Array:
    """The value as a function of the at-the-money volatility."""
    growth, discount = pricer.carry(maturity)
    volatility = _implied(pricer, sign, spot, strike, maturity, level, start, levelled)
    return black_value(sign, spot * growth, strike, volatility, maturity, discount)


SPOT, MATURITY, LEVEL = 2, 4, 5
_delta = jax.grad(_value, argnums=SPOT)
_gamma = jax.grad(_delta, argnums=SPOT)
_vega = jax.grad(_scaled, argnums=LEVEL)
_vanna = jax.grad(_vega, argnums=SPOT)
_volga = jax.grad(_vega, argnums=LEVEL)


def _theta(*given: Any) -> Array:
    return -jax.grad(_value, argnums=MATURITY)(*given)


def _greeks(*given: Any) -> Array:
    return jnp.stack([greek(*given) for greek in GREEKS.values()])


GREEKS: dict[str, Callable[..., Array]] = {
    "price": _value,
    "implied_volatility": _implied,
    "delta": _delta,
    "gamma": _gamma,
    "vega": _vega,
    "theta": _theta,
    "vanna": _vanna,
    "volga": _volga,
}
OF_THE_PRICE = ("price", "delta", "gamma", "theta")


def greeks_of_rows(
    pricer: ChainPricer, strike: Array, maturity: Array, spot: Array, level: Array, sign: Array
) -> Float[Array, "rows greeks"]:
    """Every Greek of every row, in the order of `GREEKS`, as one function that can be compiled or exported.

    Args:
        level: at-the-money volatility, NaN for the fitted one. sign: +1 call, −1 put.
    """
    rows = jnp.stack([strike, maturity, spot, jnp.full_like(spot, jnp.nan), level], axis=1)
    rows = jnp.concatenate([rows, _starts(pricer, rows, False)], axis=1)

    def one(row: Array, own: Array) -> Array:
        fitted = jnp.isnan(row[4])
        levelled = _arguments(pricer, own, row.at[4].set(jnp.where(fitted, row[6], row[4])), False, True)
        plain = (*levelled[:-1], False)
        # Where the level is the fitted one, what does not depend on it comes from the price itself.
        return jnp.stack(
            [
                jnp.where(fitted, greek(*plain), greek(*levelled)) if name in OF_THE_PRICE else greek(*levelled)
                for name, greek in GREEKS.items()
            ]
        )

    return jax.vmap(one)(rows, sign)


def _density(pricer: ChainPricer, sign: Array, spot: Array, strike: Array, maturity: Array, *rest: Any) -> Array:
    growth, _ = pricer.carry(maturity)
    law, variance = pricer.law(maturity)
    deviation = jnp.sqrt(variance)
    lower = (pricer.log_nodes - jnp.log(strike / (spot * growth))) / deviation - 0.5 * deviation
    return jnp.sum(law * norm.pdf(lower)) / (strike * deviation)


def load_pricer(path: Path) -> ChainPricer:
    """Read back what `ChainPricer.save` wrote; ConfigError where the file is missing or damaged."""
    try:
        with np.load(path) as stored:
            return ChainPricer(**{name: stored[name] for name in FIELDS})
    except (OSError, ValueError, KeyError):
        raise ConfigError(f"{path} is missing or damaged; run `tenrec price` again.") from None
