"""Standard normals in pairs, fast on a CPU: Threefry words through the Box–Muller transform."""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray, UInt32

ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
PARITY, ROUNDS = 0x1BD11BDA, 20
SINE = (1.0, -1.0 / 6.0, 1.0 / 120.0, -1.0 / 5040.0)
COSINE = (1.0, -1.0 / 2.0, 1.0 / 24.0, -1.0 / 720.0, 1.0 / 40320.0)

Words = UInt32[Array, "*shape"]


def normal_pair(key: PRNGKeyArray, shape: tuple[int, ...]) -> tuple[Float[Array, "*shape"], Float[Array, "*shape"]]:
    """Two independent arrays of float32 standard normals, from −6.7 to 6.7.

    Both words of every Threefry block are used, and both numbers of every Box–Muller pair, and they are never laid
    side by side in one array: XLA would fuse that into a loop that it cannot vectorise.

    Source: Box and Muller (1958), Annals of Mathematical Statistics 29.

    Example:
        >>> x, y = normal_pair(jax.random.key(0), (2, 3))
        >>> x.shape, y.dtype
        ((2, 3), dtype('float32'))
    """
    first, second = threefry(key, jnp.arange(math.prod(shape), dtype=jnp.uint32).reshape(shape))
    # 31 bits, which a signed conversion takes in one instruction; the half keeps the logarithm finite.
    uniform = (first >> 1).astype(jnp.int32).astype(jnp.float32) * 2.0**-31 + 2.0**-32
    radius = jnp.sqrt(-2.0 * jnp.log(uniform))
    sine, cosine = _turn(second)
    return radius * cosine, radius * sine


def threefry(key: PRNGKeyArray, counter: Words) -> tuple[Words, Words]:
    """The two words of Threefry-2×32 with 20 rounds at (counter, 0), under a key of `jax.random`.

    Source: Salmon, Moraes, Dror and Shaw (2011), "Parallel random numbers: as easy as 1, 2, 3", SC11.
    """
    data = jax.random.key_data(key)
    keys = (data[0], data[1], data[0] ^ data[1] ^ jnp.uint32(PARITY))
    left, right = counter + keys[0], jnp.broadcast_to(keys[1], counter.shape)
    for number in range(ROUNDS):
        rotation = ROTATIONS[(number // 4) % 2][number % 4]
        left = left + right
        right = ((right << rotation) | (right >> (32 - rotation))) ^ left
        if number % 4 == 3:
            injection = number // 4 + 1
            left = left + keys[injection % 3]
            right = right + keys[(injection + 1) % 3] + jnp.uint32(injection)
    return left, right


def _turn(words: Words) -> tuple[Float[Array, "*shape"], Float[Array, "*shape"]]:
    """Sine and cosine of a uniform angle: a quadrant and 30 bits within ±45°, where the series are exact."""
    angle = jax.lax.bitcast_convert_type(words << 2, jnp.int32).astype(jnp.float32) * (math.pi / 2.0 * 2.0**-32)
    square = angle * angle
    sine, cosine = angle * _polynomial(square, SINE), _polynomial(square, COSINE)
    swapped, turned = (words & (1 << 30)) != 0, (words >> 31) != 0
    # A quarter turn takes (sine, cosine) to (cosine, −sine), a half turn to (−sine, −cosine).
    quarter = jnp.where(swapped, cosine, sine), jnp.where(swapped, -sine, cosine)
    return jnp.where(turned, -quarter[0], quarter[0]), jnp.where(turned, -quarter[1], quarter[1])


def _polynomial(x: Float[Array, "*shape"], coefficients: tuple[float, ...]) -> Float[Array, "*shape"]:
    total = jnp.full_like(x, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        total = total * x + coefficient
    return total
