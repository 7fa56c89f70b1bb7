import math

import numpy as np

from tenrec.reporting.density import bandwidth, common_range, density, lower_tail


def test_density_of_a_normal_sample():
    sample = np.random.default_rng(7).normal(3.0, 2.0, size=200_000)
    grid, height = density(sample, -7.0, 13.0)
    exact = np.exp(-0.5 * ((grid - 3) / 2) ** 2) / (2 * math.sqrt(2 * math.pi))
    np.testing.assert_allclose(height, exact, atol=0.004)


def test_density_against_direct_kernel_sums():
    sample = np.random.default_rng(8).standard_t(4, size=500)
    grid, height = density(sample, -8.0, 8.0)
    width = bandwidth(sample)
    direct = np.exp(-0.5 * ((grid[:, None] - sample) / width) ** 2).mean(axis=1) / (width * math.sqrt(2 * math.pi))
    np.testing.assert_allclose(height, direct, atol=2e-3 * direct.max())


def test_area_is_the_share_inside():
    sample = np.random.default_rng(9).uniform(0.0, 1.0, size=100_000)
    grid, height = density(sample, 0.25, 0.75)
    assert abs(np.trapezoid(height, grid) - 0.5) < 0.01


def test_tail_is_the_sorted_sample():
    sample = np.random.default_rng(10).normal(size=1000)
    value, share = lower_tail(sample, 0.1, points=10_000)
    np.testing.assert_array_equal(value, np.sort(sample)[:100])
    np.testing.assert_allclose(share, np.arange(1, 101) / 1000)
    value, share = lower_tail(np.random.default_rng(10).normal(size=1_000_000), 0.1)
    assert value.size <= 240
    assert share[-1] == 0.1


def test_an_outlying_policy_does_not_stretch_the_axis():
    rng = np.random.default_rng(11)
    narrow = [rng.normal(size=1000) for _ in range(3)]
    alone = common_range(narrow)
    assert common_range([*narrow, 50 * rng.normal(size=1000)]) == alone
    low, high = common_range([np.zeros(5)])
    assert low < 0 < high
