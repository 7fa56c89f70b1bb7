"""What may be held and traded: lots, position limits and limits to a single trade."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from tenrec.core.errors import ConfigError


class Limits(eqx.Module):
    """What a wish becomes before it is traded, per instrument; all in units of the instrument.

    Fields:
        lot: positions are whole multiples of it; 0 for none. position: the most held, long or short.
        trade: the most bought or sold at one date. Build with `make_limits`, which makes the two fit the lots.
    """

    lot: Float[Array, " instruments"]
    position: Float[Array, " instruments"]
    trade: Float[Array, " instruments"]

    def __call__(
        self, wanted: Float[Array, " instruments"], held: Float[Array, " instruments"]
    ) -> Float[Array, " instruments"]:
        """The position nearest to `wanted` that may be traded to from `held`, itself one that may be held.

        Rounding to lots has the slope of not rounding (straight through), so that training goes on beneath it; where a
        limit binds, the slope is zero, as it truly is.
        """
        inside = jnp.clip(wanted, -self.position, self.position)
        reached = held + jnp.clip(inside - held, -self.trade, self.trade)
        # Where no limit binds, exactly what was wanted: held + (wanted − held) need not be.
        reached = jnp.where(jnp.abs(inside - held) <= self.trade, inside, reached)
        return to_lots(reached, self.lot)


@jax.custom_jvp
def to_lots(units: Float[Array, " instruments"], lot: Float[Array, " instruments"]) -> Float[Array, " instruments"]:
    """The nearest whole multiple of `lot`, or the units themselves where it is 0; its slope is one."""
    size = jnp.where(lot > 0.0, lot, 1.0)
    return jnp.where(lot > 0.0, jnp.round(units / size) * size, units)


@to_lots.defjvp
def _straight_through(primals: tuple[Array, Array], tangents: tuple[Array, Array]) -> tuple[Array, Array]:
    return to_lots(*primals), tangents[0]


def make_limits(
    *, lot: ArrayLike = 0.0, position: ArrayLike = np.inf, trade: ArrayLike = np.inf, instruments: int = 1
) -> Limits:
    """Limits from one number for all instruments or one each; what lots cannot reach exactly is taken down to them.

    Raises:
        ConfigError: a limit that allows nothing but an empty position.

    Example:
        >>> limits = make_limits(lot=0.1, position=0.75)
        >>> round(float(limits(jnp.array([0.92]), jnp.array([0.0]))[0]), 3), float(limits.trade[0])
        (0.7, inf)
    """
    lots, most, step = (np.broadcast_to(np.asarray(x, float), (instruments,)) for x in (lot, position, trade))
    for number in range(instruments):
        for name, limit in (("position", most[number]), ("trade", step[number])):
            if limit < max(lots[number], np.finfo(float).tiny):
                where = f" of instrument {number + 1}" if instruments > 1 else ""
                needed = f"at least one lot, {lots[number]:g}," if lots[number] > 0 else "a positive number"
                raise ConfigError(f"limits.{name}{where} is {limit:g}, which forbids every hedge; {needed} is needed.")
    whole = np.where(lots > 0, lots, 1.0)
    return Limits(
        jnp.asarray(lots, float),
        *(jnp.asarray(np.where(lots > 0, np.floor(x / whole + 1e-9) * whole, x), float) for x in (most, step)),
    )
