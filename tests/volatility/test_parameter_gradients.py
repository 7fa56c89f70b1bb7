"""Derivatives of calibrated parameters in the quotes, against differences of whole calibrations."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from tenrec.volatility import heston, sabr, ssvi, svi

pytestmark = pytest.mark.usefixtures("x64")

TIMES = np.array([0.25, 0.5, 1.0])
K = np.linspace(-0.4, 0.3, 9)
WEIGHTS = np.r_[np.ones(4), 0.0, np.full(4, 2.0)]
NOISE = np.random.default_rng(2).normal(0.0, 0.002, (3, 9))


def smile(time: float) -> np.ndarray:
    """A plausible one: SVI's shape."""
    shifted = K - 0.05
    return np.sqrt((0.02 + 0.1 * (-0.5 * shifted + np.sqrt(shifted**2 + 0.04))) * (0.8 + 0.2 / np.sqrt(time)))


QUOTES = np.stack([smile(time) for time in TIMES]) + NOISE


def sliced(fit: Callable) -> Callable:
    return lambda volatility: ravel_pytree(fit(jnp.asarray(K), volatility[1], jnp.asarray(0.5), jnp.asarray(WEIGHTS)))[
        0
    ]


def whole(fit: Callable) -> Callable:
    grid, weights = (jnp.asarray(np.tile(row, (3, 1))) for row in (K, WEIGHTS))
    return lambda volatility: ravel_pytree(fit(grid, volatility, jnp.asarray(TIMES), weights))[0]


CALIBRATIONS = {
    "SVI": sliced(lambda *data: svi.fit_one(*data)),
    "SABR": sliced(lambda *data: sabr.fit_one(*data, jnp.asarray(0.8))),
    "SSVI": whole(lambda *data: ssvi.fit_one(*data, free_of_arbitrage=False, steps=80)),
    "Heston": whole(lambda *data: heston.calibrate_one(*data, steps=60)),
}


@pytest.mark.parametrize("name", CALIBRATIONS)
def test_derivatives_are_those_of_the_whole_calibration(name: str):
    """Of every parameter along a random direction of all quotes at once."""

    @jax.jit
    def calibrated(quotes: jax.Array) -> tuple[jax.Array, jax.Array]:
        found, pull = jax.vjp(CALIBRATIONS[name], quotes)
        return found, jax.vmap(pull)(jnp.eye(found.size))[0]

    direction = np.random.default_rng(3).normal(size=QUOTES.shape)
    above, below = (calibrated(jnp.asarray(QUOTES + step * direction))[0] for step in (1e-4, -1e-4))
    difference = (above - below) / 2e-4
    slopes = np.asarray(calibrated(jnp.asarray(QUOTES))[1])
    along = np.sum(slopes * direction, axis=(1, 2))
    np.testing.assert_allclose(along, difference, rtol=2e-3, atol=1e-3 * float(jnp.max(jnp.abs(difference))))
    assert np.all(slopes[:, :, 4] == 0.0)  # the quote without weight
