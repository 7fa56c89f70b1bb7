"""Options on several assets: on a weighted sum of them, a spread where weights differ in sign."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from tenrec.contracts.base import AbstractTerminal


class BasketOption(AbstractTerminal):
    """max(±(Σ w_i·S_i − level), 0) at expiry; weights 1 and −1 make it a spread, with level 0 an exchange.

    The state of each asset after the first is log(S_i/S_1), less that at the start.

    Fields: weights, start, correlation: what is added up, spots at the start, correlation of the log returns.
    volatilities: at the start, annualised decimals. dividend_yields: continuous annual. `strike` is only what moneyness
    of the first asset is measured by.

    Example:
        >>> option = basket_option(1.0, 5.0, 2, -1.0, weights=[1.0, -1.0], start=[100.0, 95.0])
        >>> float(option.payoff(jnp.array([[100.0, 95.0], [105.0, 95.0], [110.0, 98.0]])))
        7.0
    """

    strike: Float[Array, "*at"]
    sign: Float[Array, "*at"]
    expiry: Int[Array, "*at"]
    quantity: Float[Array, "*at"]
    level: Float[Array, "*at"]
    weights: Float[Array, "*at assets"]
    start: Float[Array, "*at assets"]
    volatilities: Float[Array, "*at assets"]
    dividend_yields: Float[Array, "*at assets"]
    correlation: Float[Array, "*at assets assets"]
    state_names: tuple[str, ...] = eqx.field(static=True)  # pyright: ignore[reportIncompatibleVariableOverride]

    @property
    def assets(self) -> int:
        """How many it is written on."""
        return len(self.state_names) + 1

    def payoff(self, spot: Float[Array, "dates assets"]) -> Float[Array, ""]:
        worth = jnp.sum(self.weights * spot[self.expiry])
        return jnp.maximum(self.sign * (worth - self.level), 0.0)

    def flows(self, spot: Float[Array, "dates assets"]) -> Float[Array, " dates"]:
        return jnp.zeros_like(spot[:, 0]).at[self.expiry].add(self.payoff(spot))

    def states(self, spot: Float[Array, "dates assets"]) -> Float[Array, "dates states"]:
        relative = jnp.log(spot[:, 1:] / spot[:, :1])
        return relative - relative[:1]


def basket_option(
    sign: float,
    level: float,
    expiry: int,
    quantity: float,
    *,
    weights: list[float],
    start: list[float],
    volatilities: list[float] | None = None,
    dividend_yields: list[float] | None = None,
    correlation: list[list[float]] | None = None,
) -> BasketOption:
    """One basket option; volatilities (0.2), yields (0) and correlations (0) enter its Black–Scholes value alone."""
    count = len(weights)
    return BasketOption(
        strike=jnp.asarray(start[0]),
        sign=jnp.asarray(sign),
        expiry=jnp.asarray(expiry, jnp.int32),
        quantity=jnp.asarray(quantity),
        level=jnp.asarray(level),
        weights=jnp.asarray(weights),
        start=jnp.asarray(start),
        volatilities=jnp.asarray([0.2] * count if volatilities is None else volatilities),
        dividend_yields=jnp.asarray([0.0] * count if dividend_yields is None else dividend_yields),
        correlation=jnp.eye(count) if correlation is None else jnp.asarray(correlation),
        state_names=tuple(f"log_relative_{number}" for number in range(2, count + 1)),
    )
