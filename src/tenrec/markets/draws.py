"""Random numbers for markets: pseudo-random, antithetic, or scrambled Sobol with a Brownian bridge."""

from collections.abc import Callable
from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray
from scipy.special import ndtri

from tenrec.core.checks import is_traced
from tenrec.core.errors import ConfigError
from tenrec.markets.normals import normal_pair

Sampling = Literal["pseudo", "antithetic", "sobol"]
Law = Literal["normal", "uniform"]
Period = Callable[[Any, Any, Float[Array, "factors paths"]], tuple[Any, Any]]


class Randomness(eqx.Module):
    """What a market needs to be driven by: `factors` independent numbers of one law for each period.

    Fields:
        periods: (periods,) their lengths in years; the Brownian bridge of Sobol normals is built on them.
    """

    periods: Float[Array, " periods"]
    factors: int = eqx.field(static=True)
    law: Law = eqx.field(static=True)


class Draws(eqx.Module):
    """A source of random numbers for a `scan` over periods; `read(row)` gives (factors, paths) for each of `rows`.

    A row is a random key, whose numbers are made only when it is read (made inside the scan, they stay in the cache),
    or the numbers themselves where they come from a Sobol sequence. Independent normals in single precision are made
    in pairs, the numbers of one period together with those of another.
    """

    rows: Any
    count: int = eqx.field(static=True)
    factors: int = eqx.field(static=True)
    law: Law = eqx.field(static=True)
    sampling: Sampling = eqx.field(static=True)

    def read(self, row: Array, dtype: Any) -> Float[Array, "factors paths"]:
        """The numbers of one period: standard normals, or uniforms in [0, 1]."""
        if self.sampling == "sobol":
            return row.astype(dtype)
        draw = jax.random.normal if self.law == "normal" else jax.random.uniform
        if self.sampling == "pseudo":
            return draw(row, (self.factors, self.count), dtype)
        half = draw(row, (self.factors, self.count // 2), dtype)
        mirrored = -half if self.law == "normal" else 1.0 - half
        return jnp.concatenate([half, mirrored], axis=-1)

    def scan(self, one_period: Period, state: Any, at: Any, dtype: Any) -> tuple[Any, Any]:
        """`jax.lax.scan` over the periods: (state, row of `at`, random numbers) → (state, output), outputs stacked."""
        if self._paired(dtype):
            return jax.lax.scan(lambda state, row: one_period(state, *row), state, (at, self.all(dtype)))
        return jax.lax.scan(
            lambda state, row: one_period(state, row[0], self.read(row[1], dtype)), state, (at, self.rows)
        )

    def all(self, dtype: Any) -> Float[Array, "periods factors paths"]:
        """The numbers of every period at once."""
        if not self._paired(dtype):
            return jax.lax.scan(lambda state, row: (state, self.read(row, dtype)), None, self.rows)[1]
        periods, shape = self.rows.shape[0], (self.factors, self.count)
        # A loop, so that the numbers are made once: XLA would make them again for every use that it fuses them with.
        pairs = jax.lax.scan(lambda state, key: (state, normal_pair(key, shape)), None, self.rows[: (periods + 1) // 2])
        return jnp.concatenate(pairs[1])[:periods]

    def _paired(self, dtype: Any) -> bool:
        return self.sampling == "pseudo" and self.law == "normal" and dtype == jnp.float32


def make_draws(randomness: Randomness, key: PRNGKeyArray, count: int, sampling: Sampling | str) -> Draws:
    """The draws of `count` paths.

    pseudo: independent paths. antithetic: path i + count/2 mirrors path i. sobol: Owen-scrambled Sobol points, each
    path uniform by itself, so that means stay unbiased; normals go through a Brownian bridge (the first
    coordinates set the end of the path). Sobol points are made on the host: not inside `jax.jit`.

    Raises:
        ConfigError: an unknown sampling, fewer than one path, an odd number of antithetic paths, Sobol points inside
            `jax.jit` or in more dimensions than the sequence has.
    """
    if count < 1:
        raise ConfigError(f"the number of paths is {count}; at least 1 is needed.")
    match sampling:
        case "pseudo":
            rows = jax.random.split(key, randomness.periods.shape[0])
        case "antithetic":
            if count % 2:
                raise ConfigError(f"{count} paths cannot be paired; antithetic sampling needs an even number of paths.")
            rows = jax.random.split(key, randomness.periods.shape[0])
        case "sobol":
            rows = _sobol(randomness, key, count)
        case _:
            raise ConfigError(f"sampling is {sampling!r}; choose from pseudo, antithetic, sobol.")
    return Draws(rows, count, randomness.factors, randomness.law, sampling)


def _sobol(randomness: Randomness, key: PRNGKeyArray, count: int) -> Float[Array, "periods factors paths"]:
    from scipy.stats import qmc  # imported where it is needed: it takes longer to load than all the rest

    if is_traced(key) or is_traced(randomness.periods):
        raise ConfigError("Sobol points are made on the host; draw them outside of compiled functions, or use pseudo.")
    periods, factors = randomness.periods.shape[0], randomness.factors
    dimensions = periods * factors
    if dimensions > qmc.Sobol.MAXDIM:
        raise ConfigError(f"{dimensions} Sobol dimensions are asked for; use pseudo sampling above {qmc.Sobol.MAXDIM}.")
    seed = np.random.default_rng(np.asarray(jax.random.key_data(key)).tolist())
    points = _sobol_points(qmc.Sobol(dimensions, scramble=True, bits=32, rng=seed), count)
    points = points.reshape(count, periods, factors).transpose(1, 2, 0)
    if randomness.law == "normal":
        bridge = brownian_bridge(np.asarray(randomness.periods, dtype=np.float64))
        # Away from 0 and 1, where the normal quantile is infinite.
        points = np.tensordot(bridge, ndtri(0.5 + (1.0 - 1e-10) * (points - 0.5)), axes=1)
    return jnp.asarray(points, randomness.periods.dtype)


def _sobol_points(engine: Any, count: int) -> Float[np.ndarray, "count dimensions"]:
    # A power of two first: the sequence is balanced there, and SciPy warns of any other start.
    exponent = count.bit_length() - 1
    parts = [engine.random_base2(exponent)]
    if count > 2**exponent:
        parts.append(engine.random(count - 2**exponent))
    return np.concatenate(parts)


def brownian_bridge(periods: Float[np.ndarray, " periods"]) -> Float[np.ndarray, "periods periods"]:
    """The orthogonal matrix B that turns independent normals into the bridge's standardised increments.

    If z are independent standard normals then so is B·z, and the Brownian path with increments √Δt_k·(B·z)_k ends at
    √T·z₀; z₁ sets its middle, and so on, halving.

    Source: Glasserman (2003), Monte Carlo Methods in Financial Engineering, section 3.1.

    Example:
        >>> bridge = brownian_bridge(np.full(4, 0.25))
        >>> bool(np.allclose(bridge @ bridge.T, np.eye(4))), bool(np.allclose(bridge[:, 0], 0.5))
        (True, True)
    """
    count = periods.shape[0]
    times = np.concatenate([[0.0], np.cumsum(periods)])
    path = np.zeros((count + 1, count))
    path[count, 0] = np.sqrt(times[count])
    gaps, used = [(0, count)], 1
    while gaps:
        left, right = gaps.pop(0)
        if right - left < 2:
            continue
        middle = (left + right) // 2
        weight = (times[middle] - times[left]) / (times[right] - times[left])
        path[middle] = (1.0 - weight) * path[left] + weight * path[right]
        path[middle, used] = np.sqrt(weight * (times[right] - times[middle]))
        used += 1
        gaps += [(left, middle), (middle, right)]
    return np.diff(path, axis=0) / np.sqrt(periods)[:, None]
