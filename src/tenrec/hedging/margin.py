"""What an exchange or broker wants to see in the account while positions are held."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float


class Margin(eqx.Module):
    """Shares of the value held that must lie in the account, per instrument or one for all, and what lies there.

    Fields:
        initial: needed to hold a position after trading. maintenance: below it, the position is called.
        collateral: brought by the hedger beside the account's own P&L, quote currency.

    Example:
        >>> margin = Margin(jnp.array(0.1), jnp.array(0.05), jnp.array(20.0))
        >>> float(margin.required(jnp.array([-2.0]), jnp.array([100.0]), margin.initial))
        20.0
    """

    initial: Float[Array, "*instruments"]
    maintenance: Float[Array, "*instruments"]
    collateral: Float[Array, ""]

    def required(
        self,
        position: Float[Array, "*at instruments"],
        price: Float[Array, "*prices instruments"] | float,
        rate: Float[Array, "*instruments"],
    ) -> Float[Array, "*at"]:
        """Σ rate_i·|q_i|·S_i, quote currency; the price of a coin-margined contract is its face, 1."""
        return jnp.sum(rate * jnp.abs(position) * price, axis=-1)
