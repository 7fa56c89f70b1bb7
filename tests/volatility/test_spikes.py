"""Spike probabilities: events by hand, the logit and the scores against other implementations, nothing from later."""

import dataclasses
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy import optimize, signal, stats
from scipy.special import expit

from tenrec.core.errors import ConfigError, DataError
from tenrec.reporting.volatility.spikes_words import spike_findings
from tenrec.runs.progress import Silent
from tenrec.runs.vol.spikes import watch_spikes
from tenrec.volatility.record import VarianceRecord
from tenrec.volatility.spikes import IMPLIED_SPIKE, VARIANCE_SPIKE, SpikeEvent, SpikeProbability, spike_probability
from tenrec.volatility.spikes.alarms import count_alarms
from tenrec.volatility.spikes.features import spike_inputs
from tenrec.volatility.spikes.learn import blocked_folds, calibrate
from tenrec.volatility.spikes.logit import fit_logit
from tenrec.volatility.spikes.network import NetworkSettings, walk_network
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
    odds = rng.standard_normal(20_000)
    noise = (rng.random(20_000) < 0.2).astype(float)
    assert calibrate(noise, odds).slope < 0.15
    assert expit(calibrate(noise, odds)(odds)).mean() == pytest.approx(noise.mean(), abs=1e-6)
    true = (rng.random(20_000) < expit(odds - 1)).astype(float)
    assert calibrate(true, 3 * odds).slope == pytest.approx(1 / 3, rel=0.2)


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


def test_no_network_sees_the_future(warned):
    _, cut, pairs = warned
    settings = NetworkSettings(hidden=(4,), seeds=1, updates=20)
    first, second = (walk_network(found, settings)[0] for found in pairs[1])
    assert np.isfinite(first[pairs[1][0].start :]).all()
    np.testing.assert_allclose(second[:cut], first[:cut], rtol=1e-5)
    assert not np.allclose(second[cut:], first[cut:])


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


def test_alarms_are_counted_as_a_desk_hears_them():
    """Two spikes, at days 12 and 32, of which one is warned of three days before; one alarm for nothing at day 24."""
    dates = np.datetime64("2020-01-01") + np.arange(60)
    spike = np.isin(np.arange(60), [12, 32])
    record = VarianceRecord(dates, np.where(spike, 9e-4, 1e-4), np.zeros(60))
    event = SpikeEvent("variance", 4.0, horizon=5, window=3)
    probability = np.where(np.isin(np.arange(60), [9, 11, 24]), 0.9, 0.05)
    inputs = spike_inputs(record)
    found = SpikeProbability(
        event, dates, 3, probability, np.full(60, 0.2), event.outcome(record), inputs, inputs.values, {}
    )  # fmt: skip
    rows = np.arange(3, 55)
    counted = count_alarms(found, rows, event.days_until(record), 260.0, 2.0, relative=True)
    assert (counted.spikes, counted.warned, counted.lead) == (2, 1, 3.0)
    assert counted.false_a_year == pytest.approx(260 / 52)
    assert (counted.days, counted.precision) == pytest.approx((3 / 52, 2 / 3))
    quiet = count_alarms(found, rows, event.days_until(record), 260.0, 0.95, relative=False)
    assert (quiet.warned, quiet.days) == (0, 0.0)
    assert np.isnan(quiet.lead)


def test_a_run_writes_its_folder_and_says_where_volatility_stands(tmp_path: Path):
    record = restless(900, seed=1)
    table = {"date": record.dates, "rv": record.variance, "return": record.returns}
    pl.DataFrame(table).write_csv(tmp_path / "p.csv")
    pl.DataFrame({"date": record.dates, "close": 100 * record.implied}).write_csv(tmp_path / "vix.csv")
    pl.DataFrame({"date": record.dates[100:], "near": 100 * record.implied[100:], "far": 20.0}).write_csv(
        tmp_path / "term.csv"
    )
    given = {"implied": tmp_path / "vix.csv", "signals": [f"{tmp_path / 'term.csv'}:near"], "seeds": 2, "alarm": 0.3}
    metrics = watch(tmp_path / "p.csv", tmp_path / "run", **given)
    assert {path.name for path in (tmp_path / "run").iterdir()} == {
        "metrics.json", "probabilities.parquet", "report.html"
    }  # fmt: skip
    assert metrics["signals"] == ["near"]
    judged = metrics["events"]["implied"]
    assert set(judged["models"]) == {"climatology", "level", "logit", "network"}
    assert judged["models"]["climatology"]["brier_skill"]["value"] == 0
    assert len(judged["alarms"]) == 4
    said = spike_findings(metrics)
    assert f"After {record.dates[-1]}, " in said[0]
    probabilities = pl.read_parquet(tmp_path / "run" / "probabilities.parquet")
    assert probabilities.filter(pl.col("spike").is_null()).height == 10  # five days of each event
    assert probabilities["why_near_slope"].null_count() == 0
    again = watch(tmp_path / "p.csv", tmp_path / "run", **given)
    assert again["events"] == metrics["events"]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file.txt").write_text("kept")
    with pytest.raises(ConfigError, match="exists and is not of an earlier watch"):
        watch(tmp_path / "p.csv", tmp_path / "mine")
    with pytest.raises(DataError, match=r"term.csv has no column 'nxt'; it has date, near, far"):
        watch(tmp_path / "p.csv", tmp_path / "other", signals=[f"{tmp_path / 'term.csv'}:nxt"])
    assert not (tmp_path / "other").exists()


def watch(path: Path, out: Path, **changes):
    settings = {"implied": None, "signals": (), "horizon": 5, "variance_factor": 2.5, "implied_factor": 1.2}
    settings |= {"alarm": None, "since": None, "judge_from": None, "seeds": 0, "seed": 0, "minutes": 5.0}
    settings |= {"overnight": "leave", "session": None, "reporter": Silent()}
    return watch_spikes(path, out=out, **(settings | changes))
