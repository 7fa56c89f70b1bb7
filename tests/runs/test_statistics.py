"""Statistics against brute force, risk measures and resampling; intervals against what they promise."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tenrec.core.errors import WorkError
from tenrec.risk import RISKS
from tenrec.runs.statistics import (
    CVAR95,
    MEAN,
    ROOT_MEAN_SQUARE,
    SHOWN_BY_ROOT,
    STD,
    Comparison,
    Statistic,
    entropic_statistic,
    risk_statistic,
    tail_statistic,
)

# The configured names of parameters, and what the risk measures call them.
CONFIGURED = {
    "entropic": ({"aversion": 7.0}, {"aversion": 7.0}),
    "cvar": ({"level": 0.9}, {"level": 0.9}),
    "quadratic": ({}, {}),
    "mean_variance": ({"aversion": 5.0}, {"weight": 5.0}),
    "mean_std": ({"k": 1.5}, {"multiple": 1.5}),
    "quadratic_cvar": ({"multiple": 3.0}, {"multiple": 3.0}),
    "semi_quadratic": ({}, {}),
    "power": ({"exponent": 3.0}, {"exponent": 3.0}),
    "expectile": ({"level": 0.9}, {"level": 0.9}),
    "spectral": (
        {"levels": (0.5, 0.9), "weights": (0.4, 0.6)},
        {"levels": np.array([0.5, 0.9]), "weights": np.array([0.4, 0.6])},
    ),
    "worst_case": ({}, {}),
}
STATISTICS = {
    "mean": MEAN,
    "std": STD,
    "cvar95": CVAR95,
    "root": ROOT_MEAN_SQUARE,
    **{name: risk_statistic({"measure": name, **given}) for name, (given, _) in CONFIGURED.items()},
}

# A maximum has no influence function, and resamples never exceed it.
REGULAR = sorted(set(STATISTICS) - {"worst_case"})


def losses(count: int, seed: int = 0, *, skew: float = 0.3) -> np.ndarray:
    """Skewed losses of the size of hedging errors."""
    normal = np.random.default_rng(seed).standard_normal(count)
    return 0.02 + 0.05 * (normal + skew * (normal**2 - 1.0))


@pytest.mark.parametrize("name", CONFIGURED)
def test_risk_statistics_are_the_risk_measures(name: str):
    given, own = CONFIGURED[name]
    loss = losses(997)
    with jax.enable_x64(True):
        expected = float(RISKS[name](**own)(jnp.asarray(loss)))
    if name in SHOWN_BY_ROOT:
        expected = expected**0.5
    assert risk_statistic({"measure": name, **given}).influence(loss)[0] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", STATISTICS)
def test_equal_weights_change_nothing(name: str):
    statistic, loss = STATISTICS[name], losses(400)
    value = statistic.influence(loss)[0]
    np.testing.assert_allclose(statistic.weighted(loss, np.ones((1, 400))), value, rtol=1e-10)
    np.testing.assert_allclose(statistic.weighted(loss, np.full((1, 400), 3.0)), value, rtol=1e-10)


@pytest.mark.parametrize("name", STATISTICS)
def test_a_weight_is_a_repetition(name: str):
    statistic, loss = STATISTICS[name], losses(60)
    weights = np.random.default_rng(1).integers(0, 4, size=(5, 60))
    expected = [statistic.influence(np.repeat(loss, row))[0] for row in weights]
    np.testing.assert_allclose(statistic.weighted(loss, weights.astype(float)), expected, rtol=1e-10)


@pytest.mark.parametrize("level", [0.5, 0.9, 0.95, 0.975])
@pytest.mark.parametrize("count", [7, 40, 101])
def test_tail_against_brute_force(level: float, count: int):
    """Every loss cut into 1,000 equal parts, the worst share of them averaged."""
    loss = losses(count)
    parts = np.sort(np.repeat(loss, 1000))[::-1]
    expected = parts[: round((1.0 - level) * len(parts))].mean()
    assert tail_statistic(level).influence(loss)[0] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("name", REGULAR)
def test_influence_is_the_derivative_in_the_weight(name: str):
    """d/dε of the statistic when path i gets the weight 1 + ε·n is its influence, but for the share it takes away."""
    statistic, loss = STATISTICS[name], losses(201, seed=4)
    step = 1e-5
    up, down = (statistic.weighted(loss, np.ones((201, 201)) + sign * step * np.eye(201)) for sign in (1, -1))
    slope = 201.0 * (up - down) / (2.0 * step)
    influence = statistic.influence(loss)[1]
    assert abs(influence.mean()) < 1e-10
    np.testing.assert_allclose(slope, influence, atol=2e-3 * np.abs(influence).max())


@pytest.mark.parametrize("name", REGULAR)
def test_standard_errors_are_those_of_a_bootstrap(name: str):
    """Half-widths of the intervals against the spread of 2,000 resamples of paths; both are noisy to a few percent."""
    loss = losses(2000, seed=5)
    other = 0.7 * loss + 0.3 * losses(2000, seed=6)
    independent = Comparison({"a": loss, "b": other})
    resampled = Comparison({"a": loss, "b": other}, clusters=np.arange(2000))
    statistic = STATISTICS[name]
    pairs = [
        (independent.value(statistic, "a"), resampled.value(statistic, "a")),
        (independent.difference(statistic, "a", "b"), resampled.difference(statistic, "a", "b")),
        (independent.ratio(statistic, "a", "b"), resampled.ratio(statistic, "a", "b")),
    ]
    for one, two in pairs:
        assert one["value"] == pytest.approx(two["value"], rel=1e-12)
        assert one["high"] - one["low"] == pytest.approx(two["high"] - two["low"], rel=0.12)


@pytest.mark.parametrize(("name", "truth"), [("mean", 0.02), ("std", 0.05 * (1.0 + 2.0 * 0.3**2) ** 0.5)])
def test_intervals_cover_the_truth(name: str, truth: float):
    """Of 400 samples, 95 % ± 3 standard errors (1.1 %) of the intervals hold the true value."""
    found = [Comparison({"a": losses(500, seed=seed)}).value(STATISTICS[name], "a") for seed in range(1000, 1400)]
    covered = np.mean([interval["low"] <= truth <= interval["high"] for interval in found])
    assert 0.91 <= covered <= 0.985


def test_clustered_intervals_cover_the_truth_where_naive_ones_do_not():
    """30 clusters of 8 paths that share most of their loss: mean zero, so that 0 must be covered."""
    labels = np.repeat(np.arange(30), 8)
    covered = {"clustered": 0, "naive": 0}
    for seed in range(100):
        generator = np.random.default_rng(seed)
        loss = generator.standard_normal(30)[labels] + 0.3 * generator.standard_normal(240)
        for name, clusters in (("clustered", labels), ("naive", None)):
            interval = Comparison({"a": loss}, clusters, seed=seed).value(MEAN, "a")
            covered[name] += interval["low"] <= 0.0 <= interval["high"]
    assert covered["clustered"] >= 86
    assert covered["naive"] <= 65


def test_cluster_weights_draw_whole_clusters():
    labels = np.array(["b", "a", "b", "c", "a", "b"])
    weights = Comparison({"a": np.arange(6.0)}, labels).weights
    assert weights is not None
    for label in "abc":
        columns = weights[:, labels == label]
        assert (columns == columns[:, :1]).all()
    first = [np.flatnonzero(labels == label)[0] for label in "abc"]
    assert (weights[:, first].sum(axis=1) == 3).all()
    assert weights[:, first].mean(axis=0) == pytest.approx(np.ones(3), abs=0.07)


def test_antithetic_pairs_are_counted_once():
    """A loss that is even in the draw is the same on both paths of a pair: half as many independent numbers."""
    half = losses(500)
    twice = np.tile(half, 2)
    pairs = np.tile(np.arange(500), 2)
    alone = Comparison({"a": half}).value(MEAN, "a")
    paired = Comparison({"a": twice}, pairs=pairs).value(MEAN, "a")
    naive = Comparison({"a": twice}).value(MEAN, "a")
    assert paired == pytest.approx(alone, rel=1e-9)
    assert naive["high"] - naive["low"] < 0.75 * (paired["high"] - paired["low"])


def test_common_paths_cancel():
    """A difference between two policies that move together is known better than either."""
    common = losses(3000)
    comparison = Comparison({"a": common, "b": common + 0.001 * losses(3000, seed=9)})
    alone, paired = comparison.value(MEAN, "a"), comparison.difference(MEAN, "a", "b")
    assert paired["high"] - paired["low"] < 0.01 * (alone["high"] - alone["low"])
    assert comparison.ratio(STD, "a", "a") == pytest.approx({"value": 1.0, "low": 1.0, "high": 1.0})


def test_scale_turns_the_interval_around():
    interval = Comparison({"a": losses(100)}).value(MEAN, "a", -1e4)
    assert interval["low"] < interval["value"] < interval["high"]


def test_entropic_does_not_overflow():
    value, influence = entropic_statistic(1000.0).influence(np.array([0.0, 10.0]))
    assert value == pytest.approx(10.0 - np.log(2.0) / 1000.0)
    assert np.isfinite(influence).all()


def test_refuses_what_is_not_a_number():
    with pytest.raises(WorkError, match="delta is not a number on 1 of 3 paths"):
        Comparison({"delta": np.array([0.0, np.nan, 1.0])})


def test_refuses_a_ratio_to_nothing():
    comparison = Comparison({"a": np.array([1.0, 2.0]), "nothing": np.zeros(2)})
    with pytest.raises(WorkError, match="no ratio"):
        comparison.ratio(STD, "a", "nothing")


def test_statistics_do_not_touch_their_input():
    loss, weights = losses(50), np.ones((2, 50))
    kept = loss.copy()
    statistic: Statistic
    for statistic in STATISTICS.values():
        statistic.influence(loss)
        statistic.weighted(loss, weights)
    np.testing.assert_array_equal(loss, kept)
    np.testing.assert_array_equal(weights, 1.0)
