"""Overfitting statistics, importance and objectives against what they must be."""

import numpy as np
import pytest

from tenrec.core.errors import ConfigError
from tenrec.tuning.objective import pareto_front
from tenrec.tuning.search import Dimension, Space, main_effects
from tenrec.tuning.statistics import deflated_sharpe, expected_maximum_sharpe, overfitting_probability


def test_expected_maximum_is_that_of_normal_draws():
    draws = np.random.default_rng(1).standard_normal((20_000, 50)).max(axis=1)
    assert expected_maximum_sharpe(1.0, 50) == pytest.approx(draws.mean(), rel=0.02)


def test_deflated_sharpe_without_trials_is_the_normal_test():
    assert deflated_sharpe(0.0, benchmark=0.0, intervals=100) == 0.5
    assert deflated_sharpe(0.1, benchmark=0.0, intervals=401) == pytest.approx(0.9772, abs=2e-3)


def test_overfitting_is_even_odds_among_worthless_sets():
    rng = np.random.default_rng(2)
    odds = [overfitting_probability(rng.standard_normal((600, 30)), splits=8) for _ in range(20)]
    assert 0.35 < np.mean(odds) < 0.65


def test_main_effects_are_the_variance_shares_of_an_additive_score():
    """y = 3·u + v, u and v uniform: shares 0.9 and 0.1; a parameter without effect has none."""
    space = Space(tuple(Dimension(name, low=0.0, high=1.0) for name in ("hedge_ratio", "delta_threshold", "min_order")),
                  dict.fromkeys(("cadence_seconds",), 1.0))  # fmt: skip
    values = space.sobol(4096, seed=0)
    shares = main_effects(values, 3 * values["hedge_ratio"] + values["delta_threshold"])
    assert shares == pytest.approx({"hedge_ratio": 0.9, "delta_threshold": 0.1, "min_order": 0.0}, abs=0.01)


def test_pareto_front_holds_what_no_other_beats():
    rng = np.random.default_rng(4)
    risk, cost = rng.uniform(size=200), rng.uniform(size=200)
    front = set(pareto_front(risk, cost).tolist())
    for index in range(200):
        beaten = ((risk <= risk[index]) & (cost <= cost[index]) & ((risk < risk[index]) | (cost < cost[index]))).any()
        assert (index in front) == (not beaten)


@pytest.mark.parametrize(
    ("dimensions", "said"),
    [
        ((), "search.space is empty"),
        ((Dimension("cadence", choices=(1.0,)),), "is no parameter"),
        ((Dimension("hedge_ratio", low=1.0, high=1.0),), "low below high"),
    ],
)
def test_an_impossible_space_is_refused(dimensions, said):
    with pytest.raises(ConfigError, match=said):
        Space(dimensions, {})
