"""Where a learned band starts: the classical band that does best under the risk that is minimised."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from tenrec.hedging.assess import Sample
from tenrec.hedging.policies import Zakamouline
from tenrec.training.hedge import Objective

AVERSIONS = np.geomspace(2.0, 500.0, 7)


def starting_aversion(objective: Objective, sample: Sample, cost: float) -> float:
    """The aversion, of seven from 2 to 500, whose Zakamouline band has the least objective on the sample.

    The formula is for exponential utility. Under another risk its aversion is a width without a meaning of its own, and
    the wrong one, five where twenty is right, costs a network more than training brings back in hundreds of updates.
    """

    @eqx.filter_jit
    def risks(aversions: Float[Array, " tried"], sample: Sample) -> Float[Array, " tried"]:
        price = jnp.asarray(cost, jnp.float32)
        return jax.lax.map(lambda aversion: objective(Zakamouline(price, aversion), sample, None), aversions)

    found = np.asarray(risks(jnp.asarray(AVERSIONS, jnp.float32), sample))
    # Where no band gives a number the formula's usual aversion has to do.
    return float(AVERSIONS[np.nanargmin(found)]) if np.isfinite(found).any() else 20.0
