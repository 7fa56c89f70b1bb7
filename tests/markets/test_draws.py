"""Random numbers: their laws, and the Brownian bridge."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array

from tenrec.core.errors import ConfigError
from tenrec.markets.draws import Law, Randomness, Sampling, brownian_bridge, make_draws

LAWS: dict[Law, tuple[float, float]] = {"normal": (0.0, 1.0), "uniform": (0.5, 1 / 12)}


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("sampling", ["pseudo", "antithetic", "sobol"])
@pytest.mark.parametrize("count", [4096, 5000])
def test_numbers_have_their_law(law: Law, sampling: Sampling, count: int, key: Array):
    randomness = Randomness(jnp.full(3, 0.1), factors=2, law=law)
    draws = make_draws(randomness, key, count, sampling)
    numbers = np.asarray(draws.all(jnp.float32))
    assert numbers.shape == (3, 2, count)
    mean, variance = LAWS[law]
    np.testing.assert_allclose(numbers.mean(axis=-1), mean, atol=4.0 * np.sqrt(variance / count))
    np.testing.assert_allclose(numbers.var(axis=-1), variance, rtol=0.12)
    correlation = np.corrcoef(numbers.reshape(6, count))
    assert np.abs(correlation - np.eye(6)).max() < 5.0 / np.sqrt(count)


@pytest.mark.parametrize("steps", [1, 2, 3, 7, 30, 64])
def test_bridge_is_orthogonal_and_sets_the_end_first(steps: int):
    periods = np.random.default_rng(steps).uniform(0.5, 3.0, steps) / 365
    bridge = brownian_bridge(periods)
    np.testing.assert_allclose(bridge @ bridge.T, np.eye(steps), atol=1e-12)
    end = np.sqrt(periods) @ bridge
    np.testing.assert_allclose(end, np.sqrt(periods.sum()) * np.eye(steps)[0], atol=1e-12)


def test_antithetic_numbers_are_mirrored(key: Array):
    totals: dict[Law, float] = {"normal": 0.0, "uniform": 1.0}
    for law, total in totals.items():
        draws = make_draws(Randomness(jnp.ones(1), factors=1, law=law), key, 10, "antithetic")
        numbers = draws.read(draws.rows[0], jnp.float32)[0]
        np.testing.assert_allclose(numbers[:5] + numbers[5:], total, atol=1e-6)


def test_sobol_is_refused_beyond_its_dimensions(key: Array):
    with pytest.raises(ConfigError, match="30000 Sobol dimensions"):
        make_draws(Randomness(jnp.ones(15_000), factors=2, law="normal"), key, 4, "sobol")


def test_sobol_follows_the_key():
    randomness = Randomness(jnp.ones(4), factors=1, law="uniform")
    rows = [make_draws(randomness, jax.random.key(seed), 8, "sobol").rows for seed in (0, 0, 1)]
    assert np.array_equal(rows[0], rows[1])
    assert not np.array_equal(rows[0], rows[2])
