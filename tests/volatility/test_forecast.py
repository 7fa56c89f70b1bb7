"""Regressions against published coefficients, statistics against other implementations, and nothing from the future."""

import dataclasses
import re

import numpy as np
import polars as pl
import pytest
from scipy.stats import kstest

from tenrec.core.errors import ConfigError, DataError
from tenrec.volatility.forecast.classical import rough_weights, roughness
from tenrec.volatility.forecast.compare import (
    diebold_mariano,
    long_run_variance,
    model_confidence_set,
    past_ranks,
    stationary_bootstrap,
)
from tenrec.volatility.forecast.hybrid import HybridSettings
from tenrec.volatility.forecast.linear import UNIT, fit_linear, har, harq
from tenrec.volatility.forecast.losses import mincer_zarnowitz, qlike
from tenrec.volatility.forecast.targets import future_mean
from tenrec.volatility.forecast.verdict import judge
from tenrec.volatility.forecast.walk import LABELS, NAMED_ALONE, first_forecast, walk_forward
from tenrec.volatility.record import VarianceRecord
from tests.data.files import SHARED, needs_shared

TINY = HybridSettings(hidden=(4,), seeds=2, updates=30)


def made(days: int = 760, seed: int = 0) -> VarianceRecord:
    """A record whose log variance is an autoregression with leverage; the implied volatility sees it with noise."""
    rng = np.random.default_rng(seed)
    log, shocks = np.zeros(days), rng.standard_normal((days, 3))
    for day in range(1, days):
        log[day] = 0.95 * log[day - 1] + 0.25 * shocks[day, 1] - 0.1 * shocks[day - 1, 0]
    variance = 1e-4 * np.exp(log + 0.3 * shocks[:, 2])
    returns = 1e-2 * np.exp(0.5 * log) * shocks[:, 0]
    implied = np.sqrt(252e-4 * np.exp(0.8 * log + 0.1 * rng.standard_normal(days)))
    dates = np.datetime64("2015-01-01") + np.arange(days) * 365 // 252
    down, quarticity = variance * rng.uniform(0.3, 0.7, days), variance**2 * rng.uniform(1.0, 3.0, days)
    others = np.column_stack([0.5 * log, -0.3 * log]) + 0.1 * rng.standard_normal((days, 2))
    return VarianceRecord(dates, variance, returns, down, quarticity, implied, others=others)


@needs_shared
def test_har_and_harq_reproduce_the_published_sample():
    """Bollerslev, Patton and Quaedvlieg (2016), S&P 500 1997–2013, in sample."""
    table = pl.read_parquet(SHARED / "realized_vol" / "SP500RM_1997_2013_HARQ.parquet")
    variance, quarticity = table["RV"].to_numpy() / 1e4, table["RQ"].to_numpy()
    dates = table["date"].dt.date().to_numpy().astype("datetime64[D]")
    record = VarianceRecord(dates, variance, np.zeros(len(variance)), quarticity=quarticity)
    target = future_mean(variance, 1) * UNIT
    fit = fit_linear(har(record), target)
    assert fit.coefficients == pytest.approx([0.1123, 0.2273, 0.4903, 0.1864], abs=5e-5)
    assert fit.r_squared == pytest.approx(0.5224, abs=5e-5)
    assert fit_linear(harq(record), target).r_squared == pytest.approx(0.5624, abs=5e-5)


def test_least_squares_are_those_of_statsmodels():
    sm = pytest.importorskip("statsmodels.api", reason="statsmodels (extra oracle) is not installed")
    record = made()
    design, target = har(record), future_mean(record.variance, 5) * UNIT
    rows = np.isfinite(target) & np.isfinite(design).all(1)
    theirs = sm.OLS(target[rows], sm.add_constant(design[rows])).fit()
    ours = fit_linear(design, target)
    assert ours.coefficients == pytest.approx(theirs.params, rel=1e-6)
    assert ours.r_squared == pytest.approx(theirs.rsquared, rel=1e-8)
    f = design[rows, 1] / UNIT
    line = sm.OLS(target[rows], sm.add_constant(f * UNIT)).fit()
    assert mincer_zarnowitz(target[rows] / UNIT, f) == pytest.approx((*line.params, line.rsquared), rel=1e-8)


def test_the_dm_statistic_is_a_newey_west_t_statistic():
    """statsmodels' HAC standard error of a regression on a constant."""
    sm = pytest.importorskip("statsmodels.api", reason="statsmodels (extra oracle) is not installed")
    rng = np.random.default_rng(2)
    gap = np.convolve(rng.standard_normal(420), np.ones(6), "valid") + 0.4
    tested = diebold_mariano(gap, np.zeros_like(gap), horizon=9)
    theirs = sm.OLS(gap, np.ones_like(gap)).fit(cov_type="HAC", cov_kwds={"maxlags": 8})
    assert tested.statistic == pytest.approx(theirs.tvalues[0], rel=1e-10)
    assert tested.p_value == pytest.approx(theirs.pvalues[0], rel=1e-8)
    assert long_run_variance(gap, 0) == pytest.approx(np.var(gap))


def test_the_confidence_set_is_that_of_arch():
    bootstrap = pytest.importorskip("arch.bootstrap", reason="the arch package (extra oracle) is not installed")
    rng = np.random.default_rng(5)
    common = rng.standard_normal(600)[:, None] ** 2
    losses = common + 0.6 * rng.standard_normal((600, 5)) + np.array([0.0, 0.02, 0.06, 0.12, 0.3])
    ours = model_confidence_set(losses, block=10, count=3000, seed=1)
    theirs = bootstrap.MCS(losses, size=0.05, reps=3000, block_size=10, method="max", bootstrap="stationary", seed=3)
    theirs.compute()
    expected = theirs.pvalues["Pvalue"].sort_index().to_numpy()
    assert ours == pytest.approx(expected, abs=0.04)
    assert ours.argmax() == expected.argmax()


def test_blocks_are_of_the_mean_length_asked_for():
    index = stationary_bootstrap(500, 20.0, 400, seed=0)
    breaks = np.mean((np.diff(index, axis=1) % 500) != 1)
    assert breaks == pytest.approx(1 / 20, rel=0.05)
    assert np.bincount(index.ravel(), minlength=500).min() > 0


def test_roughness_of_fractional_motion_is_found():
    """Exact fractional Brownian motion by Cholesky, H = 0.15."""
    at = np.arange(1.0, 1201.0)
    power = 0.3
    covariance = 0.5 * (at[:, None] ** power + at**power - np.abs(at[:, None] - at) ** power)
    path = np.linalg.cholesky(covariance) @ np.random.default_rng(0).standard_normal((1200, 20))
    found = [roughness(column) for column in path.T]
    assert np.mean(found) == pytest.approx(0.15, abs=0.02)


def test_rough_weights_are_the_integral():
    """∫ over the first day of 1/((s + Δ)·s^{H+½}), against quadrature; the midpoint carries the smooth factor."""
    from scipy.integrate import quad

    hurst, ahead, lags = 0.1, 5, 400
    exact = [quad(lambda s: 1 / ((s + ahead) * s ** (hurst + 0.5)), day, day + 1)[0] for day in range(lags)]
    assert rough_weights(hurst, ahead, lags) == pytest.approx(np.array(exact) / np.sum(exact), rel=0.06)


@pytest.fixture(scope="module")
def walked():
    """Every model on a short record, and on one whose last 60 days are others."""
    record = made()
    cut = len(record) - 60
    factor = np.where(np.arange(len(record)) < cut, 1.0, 7.0)
    mirrored = record.returns * np.where(factor > 1, -factor, 1.0)
    other = dataclasses.replace(
        record,
        variance=record.variance * factor,
        returns=mirrored,
        implied=record.implied * factor,
        down=record.down * factor,
        quarticity=record.quarticity * factor**2,
        others=record.others + np.log(factor)[:, None],
    )
    walks = [walk_forward(one, start=first_forecast(record), horizons=(1, 5), settings=TINY) for one in (record, other)]
    return cut, *walks


def test_no_forecast_sees_the_future(walked):
    cut, first, second = walked
    assert set(first.forecasts) == set(LABELS) - set(NAMED_ALONE)
    for name, by_horizon in first.forecasts.items():
        for horizon, forecast in by_horizon.items():
            assert np.isfinite(forecast[first.start :]).all(), name
            # The searches stop within rounding of an optimum; the future itself was changed by factors of 7 and 49.
            np.testing.assert_allclose(
                second.forecasts[name][horizon][:cut], forecast[:cut], rtol=1e-6, err_msg=f"{name} {horizon}"
            )
            assert not np.allclose(second.forecasts[name][horizon][cut:], forecast[cut:])


def test_heston_is_walked_by_name_and_sees_no_future():
    record, cut = made(620), 560
    returns = np.where(np.arange(620) > cut, 7.0 * record.returns, record.returns)
    changed = dataclasses.replace(record, returns=returns)
    first, second = (walk_forward(one, start=500, horizons=(1, 22), only=("heston",)) for one in (record, changed))
    for horizon in (1, 22):
        own, other = (walk.forecasts["heston"][horizon] for walk in (first, second))
        assert np.isfinite(own[500:]).all()
        np.testing.assert_array_equal(own[: cut + 1], other[: cut + 1])
        assert not np.allclose(own[cut + 1 :], other[cut + 1 :])
    # Over the month the forecast has reverted towards its mean: it moves less than that of the next day.
    day, month = (np.log(first.forecasts["heston"][horizon][500:]).std() for horizon in (1, 22))
    assert month < day


def test_the_hybrid_stays_within_its_bound(walked):
    _, walk, _ = walked
    change = np.log(walk.seeds[1] / walk.forecasts["log_har_inputs"][1])[:, walk.start :]
    assert 0 < np.abs(change).max() < TINY.bound
    assert walk.forecasts["hybrid"][1] == pytest.approx(walk.seeds[1].mean(0), nan_ok=True)


def test_the_verdict_names_every_model(walked):
    _, walk, _ = walked
    judged = judge(walk, reference="hybrid")
    for horizon in ("1", "5"):
        models = judged[horizon]["models"]
        assert set(models) == set(walk.forecasts)
        assert models["hybrid"]["dm_qlike_p"] is None
        assert models["log_har_surprises"]["qlike"] < models["ewma"]["qlike"]
        assert max(entry["mcs_p"] for entry in models.values()) == 1.0


def test_qlike_is_a_gap_of_gaussian_likelihoods():
    """Twice the log likelihood that f loses to y of a shock whose square is y, by SciPy."""
    from scipy.stats import norm

    y, f = np.array([0.5, 1.0, 4.0]), np.array([1.0, 1.3, 2.0])
    shock = np.sqrt(y)
    lost = 2 * (norm.logpdf(shock, scale=np.sqrt(y)) - norm.logpdf(shock, scale=np.sqrt(f)))
    assert qlike(y, f) == pytest.approx(lost, rel=1e-12)


def test_ranks_are_uniform_where_errors_are_alike():
    """And the ranks of errors that grew are not: too many lie outside of what was seen."""
    rng = np.random.default_rng(0)
    errors = rng.standard_normal(20_000)
    ranks = past_ranks(errors, past=250, delay=5)
    assert np.isnan(ranks[:254]).all()
    assert kstest(ranks[254::50], "uniform").pvalue > 0.05
    # By hand: the day's error among the 250 that end `delay` days before.
    assert ranks[700] == np.mean(errors[700 - 5 - 249 : 700 - 5 + 1] < errors[700])
    grown = past_ranks(errors * np.linspace(1, 80, 20_000) ** 2, past=250, delay=250)
    assert np.nanmean(grown <= 0.05) > 0.06


def test_a_fit_that_hardly_reverts_is_told_with_the_way_out():
    record = made()
    trend = np.exp(np.linspace(0, 7, len(record)))
    wild = dataclasses.replace(record, returns=record.returns * trend, variance=record.variance * trend**2)
    walk = walk_forward(wild, start=first_forecast(wild), horizons=(1,), only=["garch"])
    assert len(walk.notes) == 1
    assert re.search(r"GARCH: the persistence is up to [01]\.\d+ in \d of 4 fits.*--without garch", walk.notes[0])


def test_some_models_alone():
    record = made()
    walk = walk_forward(record, start=first_forecast(record), horizons=(1,), only=["log_har", "har"])
    assert list(walk.forecasts) == ["har", "log_har"]
    bare = dataclasses.replace(record, implied=None, others=None)
    with pytest.raises(ConfigError, match=r"--model har_implied needs what the record has not; with these prices"):
        walk_forward(bare, start=500, only=["har_implied"])


def test_short_records_and_unknown_models_are_refused():
    with pytest.raises(DataError, match=r"the record has 300 days; a walk-forward comparison needs 700"):
        first_forecast(made(300))
    with pytest.raises(ConfigError, match="--without lstm is no model; choose from ewma"):
        walk_forward(made(), start=500, without=["lstm"])
    with pytest.raises(ConfigError, match="--from is 2015-03-01; a date from"):
        first_forecast(made(), np.datetime64("2015-03-01"))
