"""Black–Scholes values of variance and volatility swaps on dates.

The squared log returns to come, n of them, are σ²Δt times a chi-square number and a small known drift: the variance is
exact, and the root is integrated from the Laplace transform,

    E√Y = √m + 1/(2√π)·∫ (exp(−s·m) − E exp(−s·Y))·s^(−3/2) ds,    m = E Y

Sources: Demeterfi, Derman, Kamal and Zou (1999), "More than you ever wanted to know about volatility swaps"; Schürger
(2002), "Laplace transforms and suprema of stochastic processes".
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from tenrec.pricing.black_scholes import Real

Values = Float[Array, "..."]
SPACING = 0.4
SCALES = np.exp(np.arange(-12.0, 18.0, SPACING))


def realised_variance(forward: Real, spot: Real, volatility: Real, period: Real, left: Real) -> Values:
    """E Σ log(S_i/S_{i−1})² of the `left` dates to come, one a period; not annualised.

    Example:
        >>> round(float(realised_variance(100.0, 100.0, 0.2, 1 / 365, 365.0)), 6)
        0.040001
    """
    drift = jnp.log(forward / spot) / jnp.maximum(left, 1.0) - 0.5 * volatility**2 * period
    return jnp.asarray(left * (volatility**2 * period + drift**2))


def realised_volatility(forward: Real, spot: Real, volatility: Real, period: Real, left: Real, so_far: Real) -> Values:
    """E√(so_far + Σ log(S_i/S_{i−1})²) of the `left` dates to come; not annualised."""
    total = realised_variance(forward, spot, volatility, period, left)
    mean = jnp.maximum(so_far + total, 1e-12)
    scales = jnp.asarray(SCALES, mean.dtype)
    s = scales / mean[..., None]
    # The drift of the returns changes the law by less than its square; here it only scales the variance.
    each = (total / jnp.maximum(left, 1.0))[..., None]
    known = jnp.broadcast_to(so_far, mean.shape)[..., None]
    transform = jnp.exp(-s * known - 0.5 * jnp.broadcast_to(left, mean.shape)[..., None] * jnp.log1p(2.0 * s * each))
    gap = jnp.sum((jnp.exp(-scales) - transform) / jnp.sqrt(scales), axis=-1) * SPACING
    return jnp.sqrt(mean) * (1.0 + gap / (2.0 * np.sqrt(np.pi)))
