"""Realised measures against the laws of the models they are consistent for, and against slow plain loops."""

import datetime as dt
import math

import numpy as np
import polars as pl
import pytest
from scipy import integrate, stats

from tenrec.core.errors import DataError
from tenrec.volatility.realised import (
    bipower_variation,
    daily_measures,
    jump_statistic,
    realised_kernel,
    realised_quarticity,
    realised_variance,
    semivariances,
    trading_days,
    tripower_quarticity,
    whole_day_variance,
)
from tenrec.volatility.realised.measures import MU_1, MU_43
from tenrec.volatility.realised.ranges import garman_klass

N = 390
SIGMA = 0.01


@pytest.fixture(scope="module")
def days() -> np.ndarray:
    """2,000 days of 390 one-minute returns of Brownian motion with variance 1e-4 a day."""
    return np.random.default_rng(7).normal(0.0, SIGMA / math.sqrt(N), (2000, N))


def mean_and_error(values: list[float]) -> tuple[float, float]:
    return float(np.mean(values)), float(np.std(values) / math.sqrt(len(values)))


def test_constants_are_moments_of_the_normal():
    for constant, power in ((MU_1, 1.0), (MU_43, 4.0 / 3.0)):
        moment = 2 * integrate.quad(lambda x, p=power: x**p * stats.norm.pdf(x), 0, 12)[0]
        assert constant == pytest.approx(moment, rel=1e-9)


@pytest.mark.parametrize(
    ("measure", "truth"),
    [
        (realised_variance, SIGMA**2),
        (bipower_variation, SIGMA**2),
        (realised_kernel, SIGMA**2),
        (realised_quarticity, SIGMA**4),
        (tripower_quarticity, SIGMA**4),
        (lambda r: 2 * semivariances(r)[0], SIGMA**2),
        (lambda r: 2 * semivariances(r)[1], SIGMA**2),
    ],
)
def test_brownian_motion_is_measured_without_bias(days: np.ndarray, measure, truth: float):
    mean, error = mean_and_error([measure(day) for day in days])
    assert abs(mean - truth) < 4 * error + 2e-3 * truth


def test_measures_are_their_sums_written_out():
    r = np.random.default_rng(0).normal(size=30)
    n = len(r)
    bipower = math.pi / 2 * n / (n - 1) * sum(abs(r[i]) * abs(r[i - 1]) for i in range(1, n))
    tripower = n * n / (n - 2) * MU_43**-3 * sum(abs(r[i] * r[i - 1] * r[i - 2]) ** (4 / 3) for i in range(2, n))
    assert bipower_variation(r) == pytest.approx(bipower, rel=1e-12)
    assert tripower_quarticity(r) == pytest.approx(tripower, rel=1e-12)
    assert sum(semivariances(r)) == pytest.approx(realised_variance(r), rel=1e-12)


def test_a_masked_return_counts_nowhere(days: np.ndarray):
    day = days[0].copy()
    day[[3, 50, 51]] = np.nan
    for measure in (realised_variance, bipower_variation, realised_quarticity, tripower_quarticity, realised_kernel):
        assert measure(day) == measure(np.delete(days[0], [3, 50, 51]))


def test_bipower_and_the_test_see_a_jump(days: np.ndarray):
    jumped = days[:200].copy()
    jumped[:, 100] += 0.01
    variance = np.mean([realised_variance(day) for day in jumped])
    bipower = np.mean([bipower_variation(day) for day in jumped])
    assert variance == pytest.approx(2e-4, rel=0.03)
    leftover = 2 * 0.01 * SIGMA / math.sqrt(N) / MU_1  # the jump times its two neighbours, each E|r| = μ₁σ/√n
    assert bipower == pytest.approx(1e-4 + leftover, rel=0.02)
    assert np.mean([jump_statistic(day)[1] < 1e-3 for day in jumped]) > 0.95


def test_the_jump_statistic_is_standard_normal_without_jumps(days: np.ndarray):
    z = np.array([jump_statistic(day)[0] for day in days])
    assert np.mean(z) == pytest.approx(0.0, abs=0.1)
    assert np.std(z) == pytest.approx(1.0, abs=0.08)
    assert np.mean(z > 1.645) == pytest.approx(0.05, abs=0.02)


def test_the_kernel_withstands_noise_where_the_sum_of_squares_does_not():
    rng = np.random.default_rng(3)
    n, noise = 2340, 2e-4
    kernels, sums = [], []
    for _ in range(200):
        price = np.cumsum(rng.normal(0, SIGMA / math.sqrt(n), n + 1)) + noise * rng.normal(size=n + 1)
        kernels.append(realised_kernel(np.diff(price)))
        sums.append(realised_variance(np.diff(price)))
    assert np.mean(sums) > 2.5 * SIGMA**2
    assert np.mean(kernels) == pytest.approx(SIGMA**2, rel=0.1)


def test_garman_klass_is_unbiased_and_seven_times_as_efficient():
    """Garman and Klass (1980): efficiency 7.4 against the squared open-to-close return, in continuous time."""
    rng = np.random.default_rng(5)
    path = np.cumsum(rng.normal(0, SIGMA / 50, (4000, 2500)), axis=1)
    o, c = np.ones(4000), np.exp(path[:, -1])
    h, low = np.exp(np.maximum(path.max(1), 0)), np.exp(np.minimum(path.min(1), 0))
    estimate = garman_klass(o, h, low, c, o)
    assert estimate.mean() == pytest.approx(SIGMA**2, rel=0.05)
    assert np.var(path[:, -1] ** 2) / np.var(estimate) == pytest.approx(7.4, abs=1.0)


def minute_bars(days: int = 3, minutes: int = 390, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    rows, price = [], 100.0
    for day in range(days):
        start = dt.datetime(2024, 1, 8 + day, 9, 30)
        opening = price
        for minute in range(minutes):
            price *= math.exp(rng.normal(0, 5e-4))
            rows.append({"time": start + dt.timedelta(minutes=minute), "open": opening, "price": price})
            opening = price
        price *= 1.01
    return pl.DataFrame(rows)


def test_days_hold_their_own_returns_and_the_night_between():
    bars = minute_bars()
    table = daily_measures(bars)
    first = bars.filter(pl.col("time").dt.day() == 8)
    closes = np.concatenate([[first["open"][0]], first["price"].to_numpy()])
    five_minutes = np.diff(np.log(closes[::5]))
    assert len(five_minutes) == 78
    assert table["rv"][0] == pytest.approx(np.sum(five_minutes**2), rel=1e-12)
    assert table["open_to_close"][0] == pytest.approx(five_minutes.sum(), rel=1e-12)
    assert table["overnight"][0] is None
    assert table["overnight"][1:].to_list() == pytest.approx([math.log(1.01)] * 2)
    shifted = [np.diff(np.log(closes[shift::5])) for shift in range(5)]
    mean = np.mean([np.sum(r**2) * 390 / (5 * len(r)) for r in shifted])
    assert table["rv_ss"][0] == pytest.approx(mean, rel=1e-12)


def test_missing_bars_are_spanned_not_filled():
    bars = minute_bars(days=2)
    holed = bars.filter(~pl.col("time").dt.minute().is_between(40, 52) | (pl.col("time").dt.hour() != 10))
    day = next(iter(trading_days(holed)))
    returns = day.returns(5.0)
    assert np.isnan(returns).sum() == 2
    assert np.nansum(returns) == pytest.approx(day.log_price[-1] - day.log_price[0], rel=1e-12)


def test_a_thin_day_is_masked_with_its_reason():
    bars = minute_bars(days=3)
    thin = bars.filter((pl.col("time").dt.day() != 9) | (pl.col("time").dt.hour() < 11))
    table = daily_measures(thin)
    assert table["masked"].to_list() == [None, "too few bars", None]
    assert table["rv"][1] is None


def test_coarse_bars_are_refused_with_both_numbers():
    with pytest.raises(DataError, match="the bars are 5 minutes apart; realised measures need bars at most 1 minutes"):
        daily_measures(minute_bars(days=1).gather_every(5), minutes=1.0)


def test_the_night_is_added_or_scaled():
    session, night = np.array([1e-4, 3e-4, 2e-4]), np.array([np.nan, 0.01, 0.02])
    assert whole_day_variance(session, night, "leave") is session
    assert whole_day_variance(session, night, "add") == pytest.approx([1e-4, 4e-4, 6e-4])
    # The known days together vary by 5e-4 in session and 5e-4 at night: twice the session.
    assert whole_day_variance(session, night, "scale") == pytest.approx(2 * session)
