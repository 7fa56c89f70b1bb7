"""Spike probabilities: events by hand, the logit and the scores against other implementations, nothing from later."""

import dataclasses

import numpy as np
import pytest
from scipy import optimize, signal, stats
from scipy.special import expit

from tenrec.core.errors import ConfigError, DataError
from tenrec.volatility.record import VarianceRecord
from tenrec.volatility.spikes import IMPLIED_SPIKE, VARIANCE_SPIKE, SpikeEvent, spike_probability
from tenrec.volatility.spikes.learn import blocked_folds, calibrate
from tenrec.volatility.spikes.logit import fit_logit
from tenrec.volatility.spikes.scores import (
    area_under_curve,
    average_precision,
    brier_skill,
    operating_points,
    reliability,
    resamples,
    weighted_areas,
)


def restless(days: int = 1500, seed: int = 0) -> VarianceRecord:
    """A record whose spikes are announced: the implied volatility rises three days before each jump of the variance."""
    rng = np.random.default_rng(seed)
    shocks = rng.standard_normal((days, 3))
    log = signal.lfilter([0.06], [1.0, -0.95], shocks[:, 0])
    jumps = rng.random(days) < 0.03
    warned = np.convolve(jumps[::-1], np.ones(4), "full")[:days][::-1] > 0
    variance = 1e-4 * np.exp(log + 0.2 * shocks[:, 1]) * np.where(jumps, 12.0, 1.0)
    implied = np.sqrt(252e-4 * np.exp(0.8 * log)) * np.where(warned, 1.15, 1.0) * np.where(jumps, 1.4, 1.0)
    dates = np.datetime64("2010-01-01") + np.arange(days) * 365 // 252
    return VarianceRecord(dates, variance, 0.01 * np.exp(0.5 * log) * shocks[:, 2], implied=implied)


def test_events_are_those_of_the_definition():
    """Day by day from the words, with loops."""
    record = restless(120)
    largest, level = VARIANCE_SPIKE.outcome(record), IMPLIED_SPIKE.outcome(record)
    for day in range(120):
        if day < 21 or day > 114:
            assert np.isnan(largest[day])
        else:
            mean = sum(record.variance[day - 21 : day + 1]) / 22
            assert largest[day] == (max(record.variance[day + 1 : day + 6]) > 2.5 * mean)
        if day <= 114:
            closes = record.implied[day + 1 : day + 6]
            assert level[day] == (max(closes) >= 1.2 * record.implied[day])
            first = next((k + 1 for k, close in enumerate(closes) if close >= 1.2 * record.implied[day]), None)
            until = IMPLIED_SPIKE.days_until(record)[day]
            assert np.isnan(until) if first is None else until == first


def test_the_logit_is_that_of_statsmodels():
    sm = pytest.importorskip("statsmodels.api", reason="statsmodels (extra oracle) is not installed")
    rng = np.random.default_rng(1)
    x = rng.standard_normal((400, 3))
    y = (rng.random(400) < expit(-1 + x @ [0.5, -1.0, 0.0])).astype(float)
    ours = fit_logit(x, y)
    theirs = sm.Logit(y, sm.add_constant(x)).fit(disp=0, tol=1e-12)
    assert [ours.constant, *ours.slopes] == pytest.approx(theirs.params, abs=1e-8)


def test_a_ridge_is_the_minimum_of_its_loss():
    """SciPy's BFGS on the penalised likelihood."""
    rng = np.random.default_rng(2)
    x, offset = rng.standard_normal((200, 2)), rng.standard_normal(200)
    y = (rng.random(200) < expit(x[:, 0])).astype(float)

    def loss(b: np.ndarray) -> float:
        line = offset + b[0] + x @ b[1:]
        return np.sum(np.log1p(np.exp(line)) - y * line) + 0.5 * 7.0 * np.sum((b[1:] - 0.3) ** 2)

    found = optimize.minimize(loss, np.zeros(3), method="BFGS", options={"gtol": 1e-9})
    ours = fit_logit(x, y, ridge=7.0, centre=0.3, offset=offset)
    assert [ours.constant, *ours.slopes] == pytest.approx(found.x, abs=1e-5)


def test_parted_classes_do_not_break_the_logit():
    x = np.linspace(-1, 1, 60)[:, None]
    fit = fit_logit(x, (x[:, 0] > 0).astype(float), ridge=1e-3)
    assert np.isfinite(fit.slopes).all()
    assert fit.slopes[0] > 10


def test_scores_are_those_of_scipy_and_of_the_definition():
    rng = np.random.default_rng(3)
    y = (rng.random(300) < 0.3).astype(float)
    p = np.round(expit(y + rng.standard_normal(300)), 1)  # with ties
    statistic = stats.mannwhitneyu(p[y == 1], p[y == 0]).statistic
    area = area_under_curve(y, p)
    assert area == pytest.approx(statistic / (y.sum() * (1 - y).sum()), rel=1e-12)
    false, hits, precision = operating_points(y, p)
    assert np.trapezoid(np.append(0, hits), np.append(0, false)) == pytest.approx(area, rel=1e-12)
    steps = [(np.mean(y[p >= level]), np.sum(y[p >= level]) / y.sum()) for level in np.unique(p)[::-1]]
    recalls = np.array([0.0] + [recall for _, recall in steps])
    assert average_precision(y, p) == pytest.approx(np.sum(np.diff(recalls) * [own for own, _ in steps]), rel=1e-12)
    assert precision[-1] == pytest.approx(y.mean())
    assert brier_skill(y, y, np.full(300, 0.5)) == 1.0
    groups = reliability(y, p, 5)
    assert np.average(groups.frequency, weights=groups.days) == pytest.approx(y.mean())


def test_weighted_areas_count_days_as_often_as_drawn():
    rng = np.random.default_rng(4)
    y, p = (rng.random(80) < 0.4).astype(float), np.round(rng.random(80), 1)
    drawn = resamples(80, count=5, seed=1)
    expected = [area_under_curve(np.repeat(y, w.astype(int)), np.repeat(p, w.astype(int))) for w in drawn.weights]
    assert weighted_areas(y, p, drawn.weights) == pytest.approx(expected, rel=1e-12)
    interval = resamples(80, count=400).area(y, p)
    assert interval.low < interval.value < interval.high


def test_folds_leave_a_gap_on_both_sides():
    days = np.arange(100, 200)
    for learned, judged in blocked_folds(days, gap=7):
        distance = np.abs(days[learned][:, None] - days[judged]).min()
        assert distance == 8
    assert sorted(np.concatenate([judged for _, judged in blocked_folds(days, 7)])) == list(range(100))


def test_calibration_leaves_climatology_where_nothing_is_known():
    rng = np.random.default_rng(5)
    odds = rng.standard_normal(2000)
    noise = (rng.random(2000) < 0.2).astype(float)
    assert calibrate(noise, odds).slope < 0.1
    assert expit(calibrate(noise, odds)(odds)).mean() == pytest.approx(noise.mean(), abs=1e-6)
    true = (rng.random(2000) < expit(odds - 1)).astype(float)
    assert calibrate(true, 3 * odds).slope == pytest.approx(1 / 3, rel=0.3)


EVENTS = (VARIANCE_SPIKE, IMPLIED_SPIKE)


@pytest.fixture(scope="module")
def warned():
    """Probabilities of a record, and of one whose last 90 days are others."""
    record = restless()
    cut = len(record) - 90
    later = np.arange(len(record)) >= cut
    factor = np.where(later, np.linspace(1, 9, len(record)), 1.0)
    other = dataclasses.replace(
        record,
        variance=record.variance * factor,
        implied=record.implied * factor,
        returns=np.where(later, -factor, 1.0) * record.returns,
    )
    return record, cut, [[spike_probability(own, event) for own in (record, other)] for event in EVENTS]


def test_no_probability_sees_the_future(warned):
    record, cut, pairs = warned
    for first, second in pairs:
        seen = np.isfinite(first.probability)
        assert seen[first.start :].all()
        assert not seen[: first.start].any()
        shorter = spike_probability(record.take(slice(0, cut)), first.event, start=first.start)
        for name in ("probability", "climatology", "reasons"):
            own = getattr(first, name)[:cut]
            np.testing.assert_array_equal(getattr(second, name)[:cut], own)
            # Days per year, a unit of the implied variance, are counted on the whole record: equal up to rounding.
            np.testing.assert_allclose(getattr(shorter, name), own, atol=1e-9)
        assert not np.allclose(first.probability[cut:], second.probability[cut:])


def test_an_announced_spike_is_forecast(warned):
    *_, pairs = warned
    (variance, _), (implied, _) = pairs
    for found in (variance, implied):
        rows = found.judged()
        y, p, base = found.outcome[rows], found.probability[rows], found.climatology[rows]
        assert area_under_curve(y, p) > 0.6
        assert brier_skill(y, p, base) > 0.03
        assert p.mean() == pytest.approx(y.mean(), abs=0.06)


def test_reasons_add_up_to_the_log_odds(warned):
    *_, pairs = warned
    found = pairs[0][0]
    for cutoff, fit in found.fits.items():
        odds = np.log(found.probability[cutoff] / (1 - found.probability[cutoff]))
        rest = fit.calibration(np.array([fit.logit.constant]))[0]
        assert odds == pytest.approx(rest + found.reasons[cutoff].sum(), rel=1e-9)


def test_what_cannot_be_answered_is_refused():
    record = restless(800)
    with pytest.raises(DataError, match="the record has no implied volatility"):
        spike_probability(dataclasses.replace(record, implied=None), IMPLIED_SPIKE)
    with pytest.raises(DataError, match=r"the record has 300 days; .* needs 700"):
        spike_probability(restless(300), VARIANCE_SPIKE)
    with pytest.raises(DataError, match=r"days before the first fit are before a spike .*20 are needed: lower"):
        spike_probability(record, SpikeEvent("variance", 500.0))
    with pytest.raises(ConfigError, match=r"the factor of a spike is 0\.5; give a number above 1"):
        SpikeEvent("implied", 0.5)
