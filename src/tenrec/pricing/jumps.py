"""European options where prices jump: Merton's and Kou's models, and Bates's with stochastic variance.

With φ the characteristic function of log(S_T/F), Lewis's formula is taken of the difference to Black's value at a total
variance w, which leaves a small and smooth integrand (see `tenrec.pricing.heston`, whose rule is used here on the real
axis). Work in double precision: the error is then below 1e-8 of the forward, for periods from a day to decades.

Sources: Lewis (2000), Option Valuation under Stochastic Volatility, chapter 2; Merton (1976), J. Financial Economics 3;
Kou (2002), Management Science 48; Bates (1996), Review of Financial Studies 9.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Complex, Float

from tenrec.pricing import black_scholes, heston

Scalar = Float[Array, ""]
SMALLEST_VOLATILITY = 1e-4
Exponent = Callable[[Complex[Array, "*at"]], Complex[Array, "*at"]]


def merton(
    sign: ArrayLike,
    forward: ArrayLike,
    strike: ArrayLike,
    time_to_expiry: ArrayLike,
    *,
    volatility: ArrayLike,
    jump_intensity: ArrayLike,
    jump_mean: ArrayLike,
    jump_deviation: ArrayLike,
    discount: ArrayLike = 1.0,
) -> Float[Array, "..."]:
    """Value of a European option in Merton's model, quote currency; all arguments broadcast.

    Args:
        sign: +1 call, −1 put. forward, strike: quote currency. time_to_expiry: years; 0 gives the intrinsic value.
        volatility: σ. jump_intensity: λ a year. jump_mean, jump_deviation: of the log jump. discount: to expiry.

    Example:
        >>> with jax.enable_x64(True):
        ...     price = merton(1.0, 100.0, 100.0, 0.5, volatility=0.2, jump_intensity=1.0, jump_mean=-0.1,
        ...                    jump_deviation=0.15)
        >>> round(float(price), 4)
        7.1604
    """
    numbers = _arrays(sign, forward, strike, time_to_expiry, discount)
    return _merton(*numbers, *_arrays(volatility, jump_intensity, jump_mean, jump_deviation))


def kou(
    sign: ArrayLike,
    forward: ArrayLike,
    strike: ArrayLike,
    time_to_expiry: ArrayLike,
    *,
    volatility: ArrayLike,
    jump_intensity: ArrayLike,
    up_probability: ArrayLike,
    up_rate: ArrayLike,
    down_rate: ArrayLike,
    discount: ArrayLike = 1.0,
) -> Float[Array, "..."]:
    """Value of a European option in Kou's model; arguments as in `merton` and `KouMarket`."""
    numbers = _arrays(sign, forward, strike, time_to_expiry, discount)
    return _kou(*numbers, *_arrays(volatility, jump_intensity, up_probability, up_rate, down_rate))


def bates(
    sign: ArrayLike,
    forward: ArrayLike,
    strike: ArrayLike,
    time_to_expiry: ArrayLike,
    *,
    initial_variance: ArrayLike,
    mean_reversion: ArrayLike,
    long_run_variance: ArrayLike,
    vol_of_vol: ArrayLike,
    correlation: ArrayLike,
    jump_intensity: ArrayLike,
    jump_mean: ArrayLike,
    jump_deviation: ArrayLike,
    discount: ArrayLike = 1.0,
) -> Float[Array, "..."]:
    """Value of a European option in Bates's model; arguments as in `merton` and `tenrec.pricing.heston.value`."""
    numbers = _arrays(sign, forward, strike, time_to_expiry, discount)
    variance = _arrays(initial_variance, mean_reversion, long_run_variance, vol_of_vol, correlation)
    return _bates(*numbers, *variance, *_arrays(jump_intensity, jump_mean, jump_deviation))


def _arrays(*values: ArrayLike) -> tuple[Array, ...]:
    return tuple(jnp.asarray(value, jnp.result_type(float)) for value in values)


def lognormal_jumps(intensity: Scalar, mean: Scalar, deviation: Scalar) -> Exponent:
    """λ·(E e^{iuY} − 1 − iu·E(e^Y − 1)), per year."""
    compensator = jnp.expm1(mean + 0.5 * deviation**2)
    return lambda u: intensity * (jnp.exp(1j * u * mean - 0.5 * u**2 * deviation**2) - 1.0 - 1j * u * compensator)


def double_exponential_jumps(intensity: Scalar, up: Scalar, rise: Scalar, fall: Scalar) -> Exponent:
    """The same of Kou's jumps: up with probability `up`, at rate `rise`, else down at rate `fall`."""
    compensator = up / (rise - 1.0) - (1.0 - up) / (fall + 1.0)

    def exponent(u: Complex[Array, "*at"]) -> Complex[Array, "*at"]:
        jumped = up * rise / (rise - 1j * u) + (1.0 - up) * fall / (fall + 1j * u)
        return intensity * (jumped - 1.0 - 1j * u * compensator)

    return exponent


def _square(volatility: Scalar) -> Scalar:
    """σ², kept where Black's value, off which Lewis's formula is taken, has a width."""
    return jnp.maximum(volatility, SMALLEST_VOLATILITY) ** 2


@jax.jit
@jnp.vectorize
def _merton(
    sign: Scalar, forward: Scalar, strike: Scalar, time: Scalar, discount: Scalar, *parameters: Scalar
) -> Scalar:
    volatility, *jumps = parameters
    exponent, square = lognormal_jumps(*jumps), _square(volatility)
    return _lewis(
        sign, forward, strike, time, discount, lambda u, t: t * (exponent(u) - 0.5 * square * (u**2 + 1j * u)), square
    )


@jax.jit
@jnp.vectorize
def _kou(sign: Scalar, forward: Scalar, strike: Scalar, time: Scalar, discount: Scalar, *parameters: Scalar) -> Scalar:
    volatility, intensity, up, rise, fall = parameters
    square, exponent = _square(volatility), double_exponential_jumps(intensity, up, rise, fall)
    return _lewis(
        sign, forward, strike, time, discount, lambda u, t: t * (exponent(u) - 0.5 * square * (u**2 + 1j * u)), square
    )


@jax.jit
@jnp.vectorize
def _bates(
    sign: Scalar, forward: Scalar, strike: Scalar, time: Scalar, discount: Scalar, *parameters: Scalar
) -> Scalar:
    variance, exponent = parameters[:5], lognormal_jumps(*parameters[5:])

    def log_phi(u: Complex[Array, "*at"], t: Scalar) -> Complex[Array, "*at"]:
        return heston.log_characteristic(u, t, *variance) + t * exponent(u)

    safe = jnp.where(time > 0.0, time, 1.0)
    return _lewis(sign, forward, strike, time, discount, log_phi, heston.expected_variance(safe, *variance[:3]) / safe)


def _lewis(
    sign: Scalar,
    forward: Scalar,
    strike: Scalar,
    time: Scalar,
    discount: Scalar,
    log_phi: Callable[[Complex[Array, "*at"], Scalar], Complex[Array, "*at"]],
    square: Scalar,
) -> Scalar:
    """Lewis's formula off Black's value at the annual variance `square` of the part without jumps."""
    alive = time > 0.0
    safe = jnp.where(alive, time, 1.0)
    total = square * safe
    control = black_scholes.value(sign, forward, strike, jnp.sqrt(square), safe, discount)
    t = jnp.asarray(heston.RULE, total.dtype)
    scale = jax.lax.stop_gradient(1.0 / jnp.sqrt(total))
    z = scale * jnp.exp(t - jnp.exp(-t)) + 0j
    weights = jnp.real(z) * (1.0 + jnp.exp(-t)) * (heston.RULE[1] - heston.RULE[0])
    difference = jnp.exp(log_phi(z - 0.5j, safe)) - jnp.exp(-0.5 * total * (z**2 + 0.25))
    turned = jnp.exp(1j * z * jnp.log(forward / strike)) * difference / (z**2 + 0.25)
    correction = discount * jnp.sqrt(forward * strike) / jnp.pi * jnp.sum(weights * jnp.real(turned))
    return jnp.where(alive, control - correction, discount * jnp.maximum(sign * (forward - strike), 0.0))
