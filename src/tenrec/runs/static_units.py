"""How many units of each instrument a static hedge holds: those that leave the least variance without costs."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from tenrec.hedging.assess import Sample
from tenrec.hedging.engine import Terms, over_paths, terminal_pnl
from tenrec.hedging.policies import Static

WEAKEST = 1e-6
"""Share of the largest singular value below which one is none: of instruments that do the same, each holds a part."""


def static_units(sample: Sample, terms: Terms, *, hedged: bool) -> np.ndarray:
    """Units by least squares on the terminal P&L of training paths, shape (instruments,).

    The P&L of holding n is base + Σ n_j·gain_j, all by the engine; n minimises its variance. With `hedged` the first
    instrument follows the delta that is left, and only the others are chosen.
    """
    free = Terms(margined=terms.margined, inverse=terms.inverse)
    count = sample.paths.instruments
    held = np.eye(count)[1:] if hedged else np.eye(count)

    def pnl(units: np.ndarray) -> np.ndarray:
        return np.asarray(_pnl(Static(jnp.asarray(units, jnp.float32), hedged), sample, free), np.float64)

    base = pnl(np.zeros(count))
    gains = np.stack([pnl(units) - base for units in held], axis=1)
    found, *_ = np.linalg.lstsq(gains - gains.mean(axis=0), base.mean() - base, rcond=WEAKEST)
    return found @ held


@eqx.filter_jit
def _pnl(policy: Static, sample: Sample, terms: Terms) -> Float[Array, " paths"]:
    return over_paths(terminal_pnl, policy, sample.paths, sample.contract, terms, sample.premium)
