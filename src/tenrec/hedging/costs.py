"""What trading costs; members add up."""

import abc

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float


class AbstractCost(eqx.Module):
    """Cash lost by trading, in the quote currency; never negative, zero for no trade."""

    @abc.abstractmethod
    def __call__(
        self,
        trade: Float[Array, " instruments"],
        price: Float[Array, " instruments"],
        half_spread: Float[Array, " instruments"],
    ) -> Float[Array, ""]:
        """Cost of trading `trade` units at mid `price`."""


class ProportionalCost(AbstractCost):
    """Σ rate_i·|n_i|·S_i: a share of the traded value, one rate for all instruments or one each.

    Example:
        >>> cost = ProportionalCost(jnp.array(0.001))
        >>> round(float(cost(jnp.array([-2.0]), jnp.array([100.0]), jnp.array([0.0]))), 6)
        0.2
    """

    rate: Float[Array, "*instruments"]

    def __call__(
        self,
        trade: Float[Array, " instruments"],
        price: Float[Array, " instruments"],
        half_spread: Float[Array, " instruments"],
    ) -> Float[Array, ""]:
        del half_spread
        return jnp.sum(self.rate * jnp.abs(trade) * price)


class MakerTakerCost(AbstractCost):
    """Σ |n_i|·S_i·(m·maker + (1 − m)·(taker + slippage)): an exchange's fees, and what a market order gives away.

    `maker_share` m is the share of the volume that rests in the book and is filled there; rates are decimals.

    Example:
        >>> cost = MakerTakerCost(jnp.array(2e-4), jnp.array(5e-4), jnp.array(1e-4), jnp.array(0.0))
        >>> round(float(cost(jnp.array([-2.0]), jnp.array([100.0]), jnp.array([0.0]))), 6)
        0.12
    """

    maker: Float[Array, ""]
    taker: Float[Array, ""]
    slippage: Float[Array, ""]
    maker_share: Float[Array, ""]

    @property
    def rate(self) -> Float[Array, ""]:
        """Cost of one unit of traded value."""
        return self.maker_share * self.maker + (1.0 - self.maker_share) * (self.taker + self.slippage)

    def __call__(
        self,
        trade: Float[Array, " instruments"],
        price: Float[Array, " instruments"],
        half_spread: Float[Array, " instruments"],
    ) -> Float[Array, ""]:
        del half_spread
        return jnp.sum(self.rate * jnp.abs(trade) * price)


class HalfSpreadCost(AbstractCost):
    """Σ |n_i|·half_spread_i: buying at the ask and selling at the bid of the recorded quotes.

    Example:
        >>> cost = HalfSpreadCost()
        >>> float(cost(jnp.array([3.0]), jnp.array([100.0]), jnp.array([0.5])))
        1.5
    """

    def __call__(
        self,
        trade: Float[Array, " instruments"],
        price: Float[Array, " instruments"],
        half_spread: Float[Array, " instruments"],
    ) -> Float[Array, ""]:
        del price
        return jnp.sum(jnp.abs(trade) * half_spread)
