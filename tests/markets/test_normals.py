"""Normals in pairs: their words, their law, and that the two of a pair have nothing in common."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.extend.random import threefry_2x32
from jaxtyping import Array
from scipy import stats

from tenrec.markets import BlackScholesMarket
from tenrec.markets.draws import Randomness, make_draws
from tenrec.markets.normals import normal_pair, threefry

COUNT = 200_000


@pytest.fixture(scope="module")
def pair() -> tuple[np.ndarray, np.ndarray]:
    first, second = jax.jit(lambda key: normal_pair(key, (COUNT,)))(jax.random.key(3))
    return np.asarray(first, np.float64), np.asarray(second, np.float64)


def test_words_are_those_of_jax(key: Array):
    counter = jnp.arange(100, dtype=jnp.uint32)
    expected = threefry_2x32(jax.random.key_data(key), jnp.concatenate([counter, jnp.zeros_like(counter)]))
    np.testing.assert_array_equal(jnp.concatenate(threefry(key, counter)), expected)


def test_each_is_normal(pair: tuple[np.ndarray, np.ndarray]):
    for numbers in pair:
        assert stats.kstest(numbers, "norm").pvalue > 1e-3
        for power, moment in ((1, 0.0), (2, 1.0), (3, 0.0), (4, 3.0), (6, 15.0)):
            powers = numbers**power
            assert abs(powers.mean() - moment) < 4.0 * powers.std() / np.sqrt(COUNT)
        # What a float32 uniform of 24 bits would lose: the tails.
        beyond = np.sum(np.abs(numbers) > 4.0)
        assert abs(beyond - COUNT * 2.0 * stats.norm.sf(4.0)) < 4.0 * np.sqrt(COUNT * 2.0 * stats.norm.sf(4.0))


def test_the_two_are_independent(pair: tuple[np.ndarray, np.ndarray]):
    first, second = pair
    for one in (first, np.abs(first), first**2):
        for other in (second, np.abs(second), second**2):
            assert abs(np.corrcoef(one, other)[0, 1]) < 4.0 / np.sqrt(COUNT)
    angle = np.arctan2(second, first)
    assert stats.kstest(angle, stats.uniform(-np.pi, 2.0 * np.pi).cdf).pvalue > 1e-3


@pytest.mark.parametrize("periods", [1, 2, 5])
def test_no_period_has_the_numbers_of_another(periods: int, key: Array):
    numbers = make_draws(Randomness(jnp.ones(periods), factors=2, law="normal"), key, 50, "pseudo").all(jnp.float32)
    assert numbers.shape == (periods, 2, 50)
    assert len(np.unique(numbers)) == numbers.size


def test_paths_are_those_of_their_key():
    market = BlackScholesMarket(spot=1.0, volatility=0.2, dt=jnp.full(5, 0.01))
    spots = [np.asarray(market.simulate(jax.random.key(seed), 8).spot) for seed in (0, 0, 1)]
    assert np.array_equal(spots[0], spots[1])
    assert not np.any(spots[0][:, 1:] == spots[2][:, 1:])
