"""Books in which plain options stand beside exotic ones."""

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from tenrec.contracts.base import AbstractContract, AbstractExotic, seen_by
from tenrec.contracts.european import EuropeanBook


class MixedBook(AbstractContract):
    """Legs in the order plain, then exotic; the arrays hold all strikes and expiries, `quantity` that of plain legs.

    Example:
        >>> from tenrec.contracts.asian import AsianOption
        >>> option = AsianOption(*(jnp.asarray(x) for x in (1.0, 1.0, 2, -1.0)), geometric=False)
        >>> mixed_book(None, (option,)).flows(jnp.array([1.0, 1.5, 1.5])).tolist()
        [0.0, 0.0, -0.5]
    """

    strike: Float[Array, "*paths legs"]
    sign: Float[Array, "*paths legs"]
    expiry: Int[Array, "*paths legs"]
    quantity: Float[Array, "*paths legs"]
    others: tuple[AbstractExotic, ...]

    @property
    def exotics(self) -> tuple[AbstractExotic, ...]:
        """The contracts that are more than plain options."""
        return self.others

    def flows(self, spot: Float[Array, "dates *assets"]) -> Float[Array, " dates"]:
        """Cash that the owner of the book receives at each date (one path)."""
        plain = EuropeanBook(self.strike, self.sign, self.expiry, self.quantity).flows(spot)
        for exotic in self.others:
            plain = plain + exotic.quantity * exotic.flows(seen_by(exotic, spot))
        return plain


def mixed_book(plain: EuropeanBook | None, exotics: tuple[AbstractExotic, ...]) -> MixedBook:
    """A book of plain options, if any, and exotic ones."""
    parts = [] if plain is None else [plain]
    columns = {
        name: jnp.concatenate(
            [*(getattr(part, name) for part in parts), *(jnp.atleast_1d(getattr(one, name)) for one in exotics)]
        )
        for name in ("strike", "sign", "expiry")
    }
    owned = [*(part.quantity for part in parts), jnp.zeros(len(exotics), columns["strike"].dtype)]
    return MixedBook(**columns, quantity=jnp.concatenate(owned), others=exotics)
