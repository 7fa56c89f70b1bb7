"""What trading costs; members add up."""

import abc

import equinox as eqx
import jax
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

    maker: Float[Array, "*instruments"]
    taker: Float[Array, "*instruments"]
    slippage: Float[Array, "*instruments"]
    maker_share: Float[Array, "*instruments"]

    @property
    def rate(self) -> Float[Array, "*instruments"]:
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


class QuadraticCost(AbstractCost):
    """Σ impact_i·n_i²·S_i: temporary impact, which moves the price by `impact` of itself for each unit traded.

    Source: Almgren and Chriss (2001), "Optimal execution of portfolio transactions", J. Risk 3, eq. 7 (linear
    temporary impact, here of the relative price).

    Example:
        >>> cost = QuadraticCost(jnp.array(1e-4))
        >>> round(float(cost(jnp.array([-2.0]), jnp.array([100.0]), jnp.array([0.0]))), 6)
        0.04
    """

    impact: Float[Array, "*instruments"]

    def __call__(
        self,
        trade: Float[Array, " instruments"],
        price: Float[Array, " instruments"],
        half_spread: Float[Array, " instruments"],
    ) -> Float[Array, ""]:
        del half_spread
        return jnp.sum(self.impact * trade**2 * price)


class FixedCost(AbstractCost):
    """Σ fee_i over the instruments that are traded at all: a ticket fee in the ledger's currency.

    The cost is exact; its slope, which is zero wherever it exists, is exchanged for that of fee·|n|/(|n| + width), so
    that training feels that trading less often is cheaper. `width` is in units of the instrument.

    Example:
        >>> cost = FixedCost(jnp.array(0.5), jnp.array(0.05))
        >>> float(cost(jnp.array([-2.0, 0.0]), jnp.array([100.0, 3.0]), jnp.zeros(2)))
        0.5
    """

    fee: Float[Array, "*instruments"]
    width: Float[Array, ""]

    def __call__(
        self,
        trade: Float[Array, " instruments"],
        price: Float[Array, " instruments"],
        half_spread: Float[Array, " instruments"],
    ) -> Float[Array, ""]:
        del price, half_spread
        return jnp.sum(self.fee * traded(trade, self.width))


class MinimumFee(AbstractCost):
    """Σ max(minimum_i − rate_i·|n_i|·S_i, 0) over the instruments traded: tops a commission up to its minimum.

    `rate` is the commission that another member charges, a share of the traded value; slope as in `FixedCost`.

    Example:
        >>> cost = MinimumFee(jnp.array(1.0), jnp.array(0.001), jnp.array(0.05))
        >>> round(float(cost(jnp.array([-2.0]), jnp.array([100.0]), jnp.array([0.0]))), 6)
        0.8
    """

    minimum: Float[Array, "*instruments"]
    rate: Float[Array, "*instruments"]
    width: Float[Array, ""]

    def __call__(
        self,
        trade: Float[Array, " instruments"],
        price: Float[Array, " instruments"],
        half_spread: Float[Array, " instruments"],
    ) -> Float[Array, ""]:
        del half_spread
        missing = jnp.maximum(self.minimum - self.rate * jnp.abs(trade) * price, 0.0)
        return jnp.sum(missing * traded(trade, self.width))


def traded(trade: Float[Array, " instruments"], width: Float[Array, ""]) -> Float[Array, " instruments"]:
    """1 where something is traded, else 0; the slope is that of |n|/(|n| + width)."""
    size = jnp.abs(trade)
    soft = size / (size + width)
    # Exact in value, since what is added is zero to the last bit.
    return jnp.where(size > 0.0, 1.0, 0.0) + (soft - jax.lax.stop_gradient(soft))
