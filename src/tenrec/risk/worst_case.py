"""The worst case: the largest loss of the sample."""

from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from tenrec.risk.base import AbstractRisk, Losses, Scalar

MOST_EXTREMES = 15
"""How many of the largest losses at most tell the scale of the tail."""


class WorstCaseRisk(AbstractRisk):
    """max ℓ over the paths.

    It grows with the number of paths where losses are unbounded, so that it compares policies on the same paths and
    tells nothing of paths that were not drawn. A maximum has no influence function; in its place the path that sets it
    carries the spread that a maximum with an exponential tail has, π/√6 times the mean excess of the largest losses.

    Source: Weissman (1978), "Estimation of parameters and large quantiles based on the k largest observations", J.
    American Statistical Association 73 (the scale of the tail).

    Example:
        >>> float(WorstCaseRisk()(jnp.array([3.0, -4.0])))
        3.0
    """

    cash_invariant: ClassVar[bool] = True
    monotone: ClassVar[bool] = True
    positively_homogeneous: ClassVar[bool] = True
    auxiliaries: ClassVar[int | None] = 1
    least_mean: ClassVar[bool] = False
    regular: ClassVar[bool] = False

    def __call__(self, loss: Losses, weights: Losses | None = None) -> Scalar:
        """The risk of a sample; a path of weight zero does not count."""
        return jnp.max(loss) if weights is None else jnp.max(jnp.where(weights > 0.0, loss, -jnp.inf))

    def initial_auxiliary(self, loss: Losses, weights: Losses | None = None) -> Float[Array, " 1"]:
        """The worst loss."""
        return self(loss, weights)[None]

    def per_path(self, loss: Losses, auxiliary: Float[Array, " 1"]) -> Losses:
        """The worst loss, for every path, and the spread of a maximum on the path that sets it."""
        count = loss.shape[0]
        extremes = min(MOST_EXTREMES, max(count // 20, 1), count - 1)
        if not extremes:
            return jnp.broadcast_to(auxiliary[0], loss.shape)
        largest = jnp.sort(loss)[::-1][: extremes + 1]
        scale = np.pi / np.sqrt(6.0) * jnp.mean(largest[:-1] - largest[-1])
        worst = jnp.arange(count) == jnp.argmax(loss)
        return auxiliary[0] + scale * jnp.where(worst, count - 1.0, -1.0)
