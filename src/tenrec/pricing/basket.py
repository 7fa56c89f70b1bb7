"""Black–Scholes values of options on weighted sums of assets, with Greeks by autodiff.

What is received, P = Σ_{w>0} w·S, and what is given up, Q = Σ_{w<0} |w|·S + level, are taken as lognormal with their
own first two moments and covariance, and exchanged by Margrabe's formula. That is exact for the exchange of two assets;
it is Levy's approximation for a basket and, to first order, Kirk's for a spread.

Sources: Margrabe (1978), "The value of an option to exchange one asset for another", J. Finance 33; Kirk (1995),
"Correlation in the energy markets"; Levy (1992), J. International Money and Finance 11.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from tenrec.pricing import black_scholes
from tenrec.pricing.black_scholes import Real

Values = Float[Array, "..."]
SMALLEST = 1e-9


def basket(
    sign: Real,
    forwards: Float[Array, "*at assets"],
    weights: Float[Array, "*at assets"],
    level: Real,
    volatilities: Float[Array, "*at assets"],
    correlation: Float[Array, "*at assets assets"],
    time: Real,
    discount: Real = 1.0,
) -> Values:
    """max(±(Σ w_i·S_i − level), 0) at expiry, level ≥ 0; at least one weight is positive.

    Example:
        >>> forwards, weights = jnp.array([100.0, 95.0]), jnp.array([1.0, -1.0])
        >>> round(float(basket(1.0, forwards, weights, 0.0, jnp.array([0.2, 0.3]), jnp.eye(2), 1.0)), 3)
        16.588
    """
    worth = weights * forwards
    received, given = jnp.maximum(worth, 0.0), jnp.maximum(-worth, 0.0)
    covariance = (
        correlation * volatilities[..., :, None] * volatilities[..., None, :] * jnp.asarray(time)[..., None, None]
    )
    grown = jnp.expm1(covariance)
    mean, owed = jnp.sum(received, axis=-1), jnp.sum(given, axis=-1) + level
    floor = SMALLEST * jnp.maximum(mean, 1e-12)
    owed = jnp.maximum(owed, floor)

    def log_moment(first: Array, second: Array, means: Array) -> Array:
        """log of E[XY] / (E X · E Y)."""
        return jnp.log1p(jnp.einsum("...i,...ij,...j->...", first, grown, second) / means)

    variance = (
        log_moment(received, received, mean**2)
        + log_moment(given, given, owed**2)
        - 2.0 * log_moment(received, given, mean * owed)
    )
    deviation = jnp.sqrt(jnp.maximum(variance, 1e-12))
    return jnp.asarray(black_scholes.value(sign, mean, owed, deviation, 1.0, discount))
