"""Standard errors, paired and clustered, and prices."""

import math

import numpy as np
import pytest
from scipy import stats

from tenrec.core.errors import ConfigError, InputError
from tenrec.risk import (
    ConditionalValueAtRisk,
    EntropicRisk,
    Estimate,
    MeanVarianceRisk,
    QuadraticRisk,
    estimate,
    indifference_price,
    paired_difference,
)

MEAN = MeanVarianceRisk(weight=0.0)


def test_standard_error_of_a_mean():
    loss = np.random.default_rng(1).standard_normal(50)
    found = estimate(MEAN, loss)
    assert found.value == pytest.approx(loss.mean())
    assert found.standard_error == pytest.approx(stats.sem(loss))
    low, high = stats.t.interval(0.9, 49, loc=loss.mean(), scale=stats.sem(loss))
    assert found.interval(0.9) == pytest.approx((low, high))


def test_repeated_paths_add_nothing_when_clustered():
    loss = np.random.default_rng(2).standard_normal(30)
    alone = estimate(MEAN, loss)
    clustered = estimate(MEAN, np.repeat(loss, 5), np.repeat(np.arange(30), 5))
    assert clustered.standard_error == pytest.approx(alone.standard_error)
    assert clustered.degrees_of_freedom == 29
    assert estimate(MEAN, np.repeat(loss, 5)).standard_error < 0.5 * alone.standard_error


def test_labels_may_be_of_any_kind():
    loss = np.array([1.0, 2.0, 3.0, 5.0])
    by_name = estimate(MEAN, loss, ["a", "b", "b", "a"])
    assert by_name == estimate(MEAN, loss, np.array([7, 1, 1, 7]))


def test_paired_difference_cancels_what_is_common():
    rng = np.random.default_rng(3)
    common = rng.standard_normal(4000)
    better, worse = common, common + 0.1 + 0.01 * rng.standard_normal(4000)
    risk = ConditionalValueAtRisk(level=0.9)
    found = paired_difference(risk, worse, better)
    assert found.value == pytest.approx(estimate(risk, worse).value - estimate(risk, better).value)
    assert found.standard_error < 0.1 * estimate(risk, worse).standard_error
    low, high = found.interval()
    assert low < 0.1 < high


def test_a_policy_does_not_differ_from_itself():
    loss = np.random.default_rng(4).standard_normal(20)
    assert paired_difference(EntropicRisk(aversion=2.0), loss, loss) == Estimate(0.0, 0.0, 19)


@pytest.mark.parametrize(
    ("loss", "clusters", "message"),
    [
        ([1.0, float("nan")], None, "1 of 2 losses are not finite"),
        ([[1.0, 2.0]], None, "one number for each path"),
        ([], None, "one number for each path"),
        ([1.0], None, "at least 2"),
        ([1.0, 2.0], [3, 3], "asked of 1 independent group"),
        ([1.0, 2.0], [3], "1 cluster labels are given for 2 paths"),
    ],
)
def test_what_cannot_be_estimated_is_refused(loss: list, clusters: list | None, message: str):
    with pytest.raises(InputError, match=message):
        estimate(MEAN, np.asarray(loss, float), clusters)


def test_unpaired_losses_are_refused():
    with pytest.raises(InputError, match="2 and 3 losses"):
        paired_difference(MEAN, np.zeros(2), np.zeros(3))


def test_indifference_price_is_discounted():
    price = indifference_price(EntropicRisk(aversion=20.0), 0.02, spot=50.0, rate=0.05, maturity=2.0)
    assert price == pytest.approx(math.exp(-0.1))


def test_a_risk_that_is_no_price_is_refused():
    with pytest.raises(ConfigError, match="QuadraticRisk is not cash-invariant"):
        indifference_price(QuadraticRisk(), 0.02, spot=1.0, rate=0.0, maturity=1.0)
