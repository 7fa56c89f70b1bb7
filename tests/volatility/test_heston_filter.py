"""Heston's variance from returns, against particles and against the simulation that made them."""

import numpy as np
import pytest

from tenrec.core.errors import DataError
from tenrec.markets.heston import HestonParameters
from tenrec.volatility.heston_filter import filter_heston, fit_heston_returns

TRUTH = HestonParameters(0.05, 6.0, 0.04, 0.6, -0.7)
DT = 1 / 252


def simulated(days: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Returns, and the variance of each day; the scheme of the filter, kept above a small variance."""
    v0, kappa, theta, xi, rho = (float(value) for value in TRUTH)
    rng, v = np.random.default_rng(seed), v0
    returns, variances = np.empty(days), np.empty(days)
    for day in range(days):
        z, other = rng.standard_normal(2)
        variances[day] = v
        returns[day] = -0.5 * v * DT + np.sqrt(v * DT) * z
        v = max(v + kappa * (theta - v) * DT + xi * np.sqrt(v * DT) * (rho * z + np.sqrt(1 - rho**2) * other), 1e-4)
    return returns, variances


def test_the_filter_is_that_of_many_particles():
    """A bootstrap filter with 200,000 particles, written from the model's two lines."""
    v0, kappa, theta, xi, rho = (float(value) for value in TRUTH)
    returns, _ = simulated(50)
    found = filter_heston(returns, TRUTH, DT, cells=240)
    rng, v = np.random.default_rng(1), np.full(200_000, v0)
    total, means, spreads = 0.0, [], []
    for r in returns:
        surprise = r + 0.5 * v * DT
        weight = np.exp(-0.5 * surprise**2 / (v * DT)) / np.sqrt(2 * np.pi * v * DT)
        total += np.log(weight.mean())
        v = v[np.searchsorted(np.cumsum(weight) / weight.sum(), (np.arange(len(v)) + rng.random()) / len(v))]
        surprise = r + 0.5 * v * DT
        noise = xi * np.sqrt((1 - rho**2) * v * DT) * rng.standard_normal(len(v))
        v = np.maximum(v + kappa * (theta - v) * DT + xi * rho * surprise + noise, 1e-6)
        means.append(v.mean())
        spreads.append(v.std())
    np.testing.assert_allclose(found.variance, means, rtol=0.01)
    np.testing.assert_allclose(found.spread, spreads, rtol=0.04)
    assert found.log_likelihood == pytest.approx(total, abs=0.05)
    coarse = filter_heston(returns, TRUTH, DT)
    np.testing.assert_allclose(coarse.variance, found.variance, rtol=0.02)


def test_it_follows_the_hidden_variance_and_sees_no_future():
    returns, variances = simulated(1500, seed=2)
    found = filter_heston(returns, TRUTH, DT)
    assert np.corrcoef(found.variance[:-1], variances[1:])[0, 1] > 0.75
    # Off by as much as it says.
    scaled = (variances[1:] - found.variance[:-1]) / found.spread[:-1]
    assert 0.75 < scaled.std() < 1.25
    other = returns.copy()
    other[1000:] *= 5.0
    np.testing.assert_array_equal(filter_heston(other, TRUTH, DT).variance[:1000], found.variance[:1000])


def test_maximum_likelihood_beats_the_truth_and_comes_near():
    returns, _ = simulated(700, seed=3)
    fit, value = fit_heston_returns(returns, DT, cells=30)
    assert value > filter_heston(returns, TRUTH._replace(initial_variance=0.04), DT, cells=30).log_likelihood
    assert float(fit.long_run_variance) == pytest.approx(0.04, rel=0.4)
    assert float(fit.correlation) == pytest.approx(-0.7, abs=0.35)
    with pytest.raises(DataError, match="499 returns are given; Heston from returns alone needs 500"):
        fit_heston_returns(returns[:499], DT)


def test_further_ahead_it_reverts():
    returns, _ = simulated(60)
    found = filter_heston(returns, TRUTH, DT)
    far = found.ahead(TRUTH, 50.0)
    np.testing.assert_allclose(far, 0.04, rtol=0.05)
    np.testing.assert_allclose(found.ahead(TRUTH, 1e-6), found.variance, rtol=1e-5)
