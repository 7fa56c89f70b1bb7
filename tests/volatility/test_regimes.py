"""Hidden regimes against enumeration and a known truth, change points, unusual days, and nothing from later."""

import dataclasses
import itertools
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy import stats

from tenrec.core.errors import ConfigError, DataError
from tenrec.reporting.volatility.regime_words import regime_findings
from tenrec.runs.progress import Silent
from tenrec.runs.vol.regime import find_regimes
from tenrec.volatility.record import VarianceRecord
from tenrec.volatility.regimes import HiddenMarkov, fit_regimes, walk_regimes
from tenrec.volatility.regimes.anomalies import robust_location, score_moves
from tenrec.volatility.regimes.changes import prior_line, run_lengths
from tenrec.volatility.regimes.hidden_markov import GAUSSIAN

CHAIN = HiddenMarkov(
    np.array([0.6, 0.3, 0.1]),
    np.array([[0.9, 0.08, 0.02], [0.05, 0.9, 0.05], [0.1, 0.1, 0.8]]),
    np.array([0.05, 0.0, -0.2]),
    np.array([0.5, 1.0, 2.5]),
    5.0,
)


def enumerated(chain: HiddenMarkov, values: np.ndarray) -> tuple[np.ndarray, float]:
    """Smoothed probabilities and likelihood by summing over every path of regimes."""
    size, total = len(chain.scales), 0.0
    smoothed = np.zeros((len(values), size))
    law = stats.norm(chain.means, chain.scales)
    if chain.freedom < GAUSSIAN:
        law = stats.t(chain.freedom, chain.means, chain.scales)
    density = [law.pdf(value) if np.isfinite(value) else np.ones(size) for value in values]
    for path in itertools.product(range(size), repeat=len(values)):
        p = chain.initial[path[0]] * np.prod([chain.transition[i, j] for i, j in itertools.pairwise(path)])
        p *= np.prod([own[state] for own, state in zip(density, path, strict=True)])
        total += p
        smoothed[np.arange(len(values)), list(path)] += p
    return smoothed / total, total


@pytest.mark.parametrize("freedom", [5.0, GAUSSIAN])
def test_filter_and_smoother_are_the_sums_over_all_paths(freedom: float):
    chain = dataclasses.replace(CHAIN, freedom=freedom)
    values = np.array([0.3, -1.0, np.nan, 3.0, 0.1, -4.0])
    smoothed, likelihood = enumerated(chain, values)
    known = chain.filter(values)
    assert known.log_likelihood.sum() == pytest.approx(np.log(likelihood), rel=1e-12)
    assert chain.smooth(values) == pytest.approx(smoothed, rel=1e-10)
    for day in range(1, 7):
        assert known.probabilities[day - 1] == pytest.approx(enumerated(chain, values[:day])[0][-1], rel=1e-10)
    assert known.predicted[3] == pytest.approx(known.probabilities[2] @ chain.transition)


def test_tail_is_that_of_the_mixture():
    values = np.array([2.0])
    weights = np.array([[0.5, 0.3, 0.2]])
    expected = 2 * sum(
        w * stats.t.sf(2.0, 5.0, loc=m, scale=s) for w, m, s in zip(weights[0], CHAIN.means, CHAIN.scales, strict=True)
    )
    assert CHAIN.tail(values, weights)[0] == pytest.approx(expected)


def simulated(chain: HiddenMarkov, days: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    states = np.zeros(days, int)
    for day in range(1, days):
        states[day] = rng.choice(len(chain.scales), p=chain.transition[states[day - 1]])
    return states, chain.means[states] + chain.scales[states] * rng.standard_t(chain.freedom, days)


TRUTH = HiddenMarkov(
    np.array([1.0, 0.0]), np.array([[0.99, 0.01], [0.02, 0.98]]), np.array([5e-4, -1e-3]), np.array([0.006, 0.02]), 7.0
)


@pytest.fixture(scope="module")
def sample():
    return simulated(TRUTH, 3000, seed=3)


def test_a_fit_finds_the_truth(sample):
    """And no chain nearby is likelier: the truth least of all."""
    states, values = sample
    (fit,) = fit_regimes(values, 2, starts=3)
    chain = fit.chain
    assert chain.scales == pytest.approx(TRUTH.scales, rel=0.1)
    assert np.diag(chain.transition) == pytest.approx(np.diag(TRUTH.transition), abs=0.01)
    assert 4.5 < chain.freedom < 12
    assert np.mean(chain.smooth(values).argmax(1) == states) > 0.93
    total = chain.filter(values).log_likelihood.sum()
    assert fit.log_likelihood == pytest.approx(total, rel=1e-10)  # compiled and written out
    assert total > TRUTH.filter(values).log_likelihood.sum()
    for name in ("means", "scales", "freedom"):
        for factor in (0.97, 1.03):
            other = dataclasses.replace(chain, **{name: getattr(chain, name) * factor})
            assert other.filter(values).log_likelihood.sum() < total + 1e-6
    moved = chain.transition + 0.003 * np.array([[-1, 1], [1, -1]])
    assert dataclasses.replace(chain, transition=moved).filter(values).log_likelihood.sum() < total


def test_one_normal_regime_is_the_sample(sample):
    values = sample[1]
    (fit,) = fit_regimes(values, 1, law="normal", starts=1)
    assert fit.chain.means[0] == pytest.approx(values.mean(), abs=1e-9)
    assert fit.chain.scales[0] == pytest.approx(values.std(), rel=1e-7)
    expected = stats.norm.logpdf(values, values.mean(), values.std()).sum()
    assert fit.log_likelihood == pytest.approx(expected, rel=1e-9)
    assert fit.bic == pytest.approx(-2 * expected + 2 * np.log(3000), rel=1e-9)


@pytest.mark.usefixtures("x64")
def test_one_t_regime_is_scipys(sample):
    values = sample[1]
    (fit,) = fit_regimes(values, 1, starts=1)
    freedom, mean, scale = stats.t.fit(values)
    assert fit.log_likelihood == pytest.approx(stats.t.logpdf(values, freedom, mean, scale).sum(), abs=0.02)
    assert fit.chain.freedom == pytest.approx(freedom, rel=0.02)


@pytest.fixture(scope="module")
def record(sample):
    days = 1300
    values = sample[1][:days]
    dates = np.datetime64("2010-01-01") + np.arange(days) * 365 // 252
    noise = np.random.default_rng(0).standard_normal((2, days))
    variance = TRUTH.scales[sample[0][:days]] ** 2 * np.exp(0.3 * noise[0])
    implied = np.sqrt(252 * variance) * np.exp(0.1 * noise[1])
    return VarianceRecord(dates, variance, values, implied=implied)


def test_no_filtered_probability_sees_the_future(record):
    cut = 1200
    later = np.arange(len(record)) >= cut
    other = dataclasses.replace(record, returns=np.where(later, -6 * record.returns, record.returns))
    walks = [walk_regimes(own, regimes=2, start=600) for own in (record, other)]
    for name in ("probabilities", "volatility", "surprise"):
        one, two = (getattr(walk, name) for walk in walks)
        assert np.isnan(one[:600]).all()
        assert np.isfinite(one[600:]).all()
        np.testing.assert_allclose(two[:cut], one[:cut], rtol=1e-9, err_msg=name)
        assert not np.allclose(two[cut:], one[cut:])
    assert not np.allclose(walks[0].smoothed[:cut], walks[1].smoothed[:cut], atol=1e-4)  # hindsight does
    calm = walks[0].probabilities[600:, 0]
    assert np.mean((calm < 0.5) == (record.variance[600:] > 1.5e-4)) > 0.85


def test_changes_are_dated_and_called_later():
    rng = np.random.default_rng(3)
    level = np.repeat([-9.0, -6.5, -9.0], 300)
    noise = np.zeros(900)
    for day in range(1, 900):
        noise[day] = 0.5 * noise[day - 1] + 0.4 * rng.standard_normal()
    values = level + noise
    found = run_lengths(values)
    assert [change.began for change in found.changes] == pytest.approx([300, 600], abs=1)
    assert all(0 <= change.called - change.began < 5 for change in found.changes)
    assert found.changes[0].after == pytest.approx(np.exp(-6.5), rel=1.5)
    earlier = run_lengths(values[:500])
    np.testing.assert_allclose(found.recent[:500], earlier.recent, rtol=1e-9)
    assert [change.began for change in earlier.changes] == [found.changes[0].began]
    assert stats.kstest(found.tail[1:299], "uniform").pvalue > 0.01


def test_a_line_learns_as_bayes_says():
    """The predictive t law after some days, against the conjugate posterior of a regression written out."""
    rng = np.random.default_rng(2)
    x, y = np.column_stack([np.ones(20), rng.standard_normal(20)]), rng.standard_normal(20)
    lines = prior_line(0.0, 0.4, 0.3)
    precision, mean, shape, rate = lines.precision[0], np.array([0.0, 0.4]), lines.shape[0], lines.shape[0] * 0.3
    for row, value in zip(x, y, strict=True):
        lines = lines.learn(row, value)
    after = precision + x.T @ x
    centre = np.linalg.solve(after, precision @ mean + x.T @ y)
    b = rate + 0.5 * (y @ y + mean @ precision @ mean - centre @ after @ centre)
    a = shape + 10.0
    new = np.array([1.0, 0.7])
    got = [float(part[0]) for part in lines.predict(new)]
    assert got == pytest.approx([centre @ new, np.sqrt(b / a * (1 + new @ np.linalg.solve(after, new))), 2 * a])


def test_the_robust_picture_ignores_what_stands_out():
    rng = np.random.default_rng(0)
    shape = np.array([[1.0, 0.0], [0.8, 0.6]])
    rows = rng.standard_normal((4000, 2)) @ shape.T
    spoilt = np.concatenate([rows, rng.standard_normal((80, 2)) + 12.0])
    location = robust_location(spoilt)
    assert location.centre == pytest.approx([0, 0], abs=0.1)
    assert np.linalg.inv(location.inverse) == pytest.approx(shape @ shape.T, abs=0.15)
    clean = robust_location(rows).squared_distance(rows)
    assert np.mean(clean > stats.chi2.ppf(0.95, 2)) == pytest.approx(0.05, abs=0.015)


def test_an_unusual_day_is_found_and_later_days_change_nothing(record):
    implied = record.implied.copy()
    implied[900:] *= 30.0
    odd = dataclasses.replace(record, implied=implied)
    found = score_moves(odd)
    assert int(np.nanargmax(found.distance)) == 900
    assert found.labels[found.largest[900]] == "implied volatility"
    assert found.rank[900] == 1.0
    shorter = score_moves(odd.take(slice(0, 950)))
    np.testing.assert_array_equal(found.distance[:950], shorter.distance)
    np.testing.assert_array_equal(found.rank[:950], shorter.rank)


def run(path: Path | None, out: Path, **changes):
    settings = {"implied": None, "signals": (), "regimes": None, "law": "t", "since": None, "seed": 0}
    settings |= {"minutes": 5.0, "overnight": "leave", "session": None, "reporter": Silent()}
    return find_regimes(path, out=out, **(settings | changes))


def test_a_run_writes_its_folder_and_says_where_the_market_stands(tmp_path: Path, record):
    price = 100 * np.exp(np.cumsum(record.returns))
    pl.DataFrame({"date": record.dates, "rv": record.variance, "close": price}).write_csv(tmp_path / "p.csv")
    metrics = run(tmp_path / "p.csv", tmp_path / "run", regimes=2)
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert names == {"metrics.json", "regimes.parquet", "report.html"}
    found = metrics["found"]
    assert [regime["name"] for regime in found["regimes"]] == ["calm", "stormy"]
    assert sum(found["now"]["probabilities"]) == pytest.approx(1.0)
    assert regime_findings(metrics)[0].startswith(f"After {record.dates[-1]} the market is ")
    table = pl.read_parquet(tmp_path / "run" / "regimes.parquet")
    assert table.height == len(record)
    assert table["calm"].null_count() == 500


@pytest.mark.parametrize(
    ("days", "changes", "sentence"),
    [
        (300, {}, "the record has 300 days; a walk through regimes needs 550"),
        (700, {"regimes": 9}, "9 regimes are asked for; give a number from 1 to 8"),
        (700, {"since": "2010-03-01"}, "--from is 2010-03-01; a date from"),
        (700, {"since": "soon"}, "--from is 'soon'; write the date as 2006-01-01"),
    ],
)
def test_what_cannot_be_used_is_refused_and_nothing_is_left(
    tmp_path: Path, record, days: int, changes: dict, sentence: str
):
    table = {"date": record.dates[:days], "rv": record.variance[:days], "return": record.returns[:days]}
    pl.DataFrame(table).write_csv(tmp_path / "p.csv")
    with pytest.raises((ConfigError, DataError), match=sentence):
        run(tmp_path / "p.csv", tmp_path / "run", **changes)
    pl.DataFrame({name: table[name] for name in ("date", "rv")}).write_csv(tmp_path / "q.csv")
    if days == 700 and "regimes" in changes:
        with pytest.raises(DataError, match="the record has no returns; give prices"):
            run(tmp_path / "q.csv", tmp_path / "run")
    assert not (tmp_path / "run").exists()
