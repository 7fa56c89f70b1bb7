"""Files of prices as records of variance, and what is refused."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tenrec.core.errors import ConfigError, DataError
from tenrec.reporting.volatility.words import findings
from tenrec.runs.progress import Silent
from tenrec.runs.vol.forecast import forecast_prices
from tenrec.runs.vol.measures import measure_bars
from tenrec.runs.vol.reading import read_prices
from tenrec.runs.vol.saved import load_forecaster
from tests.volatility.test_realised import minute_bars

DATES = pl.date_range(pl.date(2020, 1, 1), pl.date(2020, 12, 31), "1d", eager=True).filter(
    pl.date_range(pl.date(2020, 1, 1), pl.date(2020, 12, 31), "1d", eager=True).dt.weekday() < 6
)


def write(path: Path, **columns) -> Path:
    pl.DataFrame({"date": DATES, **columns}).write_csv(path)
    return path


def prices(seed: int = 0) -> np.ndarray:
    return 100 * np.exp(np.cumsum(0.01 * np.random.default_rng(seed).standard_normal(len(DATES))))


def test_closes_become_squared_returns(tmp_path: Path):
    close = prices()
    reading = read_prices(write(tmp_path / "p.csv", close=close))
    assert reading.kind == "daily closes (squared returns)"
    assert reading.record.variance == pytest.approx(np.diff(np.log(close)) ** 2, rel=1e-9)
    assert 255 < reading.record.days_per_year < 265


def test_bars_become_ranges(tmp_path: Path):
    close = prices()
    bars = {"open": close * 0.999, "high": close * 1.01, "low": close * 0.99, "close": close}
    reading = read_prices(write(tmp_path / "p.csv", **bars))
    assert reading.kind.startswith("daily bars")
    session = 0.5 * np.log(1.01 / 0.99) ** 2 - (2 * np.log(2) - 1) * np.log(1 / 0.999) ** 2
    night = np.log(0.999 * close[1:] / close[:-1]) ** 2
    assert reading.record.variance == pytest.approx(session + night, rel=1e-9)


def test_early_bars_that_repeat_the_close_are_left_out(tmp_path: Path):
    rng = np.random.default_rng(0)
    days = pl.date_range(pl.date(2010, 1, 1), pl.date(2014, 12, 31), "1d", eager=True)
    close = 100 * np.exp(np.cumsum(0.01 * rng.standard_normal(len(days))))
    true = np.arange(len(days)) >= 500
    table = {"date": days, "open": close, "close": close}
    table |= {"high": np.where(true, 1.01 * close, close), "low": np.where(true, 0.99 * close, close)}
    pl.DataFrame(table).write_csv(tmp_path / "p.csv")
    reading = read_prices(tmp_path / "p.csv")
    assert reading.kind.startswith("daily bars")
    assert len(reading.record) == len(days) - 500 - 1
    assert reading.notes == ("500 early bars that only repeat the close are left out; ranges begin 2011-05-16.",)


def test_measures_in_percent_are_recognised_and_said(tmp_path: Path):
    variance = prices() ** 2 / 1e4
    decimal = read_prices(write(tmp_path / "a.csv", rv5=variance / 1e4, close=prices(1)))
    percent = read_prices(write(tmp_path / "b.csv", rv5=variance, close=prices(1)))
    assert percent.record.variance == pytest.approx(decimal.record.variance)
    assert "percent squared" in percent.notes[0]


def test_an_index_in_points_is_an_implied_volatility_in_decimals(tmp_path: Path):
    vix = write(tmp_path / "vix.csv", close=20 + np.arange(len(DATES)) / 100)
    record = read_prices(write(tmp_path / "p.csv", close=prices()), implied=vix).record
    assert record.implied is not None
    assert record.implied[0] == pytest.approx(0.2001)


def test_intraday_bars_are_measured(tmp_path: Path):
    minute_bars(days=4).write_parquet(tmp_path / "bars.parquet")
    reading = read_prices(tmp_path / "bars.parquet")
    assert reading.kind == "intraday bars, sampled every 5 minutes"
    assert len(reading.record) == 4
    done = measure_bars(tmp_path / "bars.parquet", tmp_path / "out.csv", minutes=5.0, session="09:30-12:00")
    table = pl.read_csv(tmp_path / "out.csv")
    assert (done["days"], table.height) == (4, 4)
    assert table["rv"].mean() < reading.record.variance.mean()  # a part of the session


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ({"close": [5.0] * len(DATES)}, "the price does not change over 261 days; a price that moves is needed"),
        ({"close": [-1.0] + [5.0] * (len(DATES) - 1)}, "-1.0 is not a positive price"),
        ({"rv": [-1e-4] + [1e-4] * (len(DATES) - 1)}, "is a negative variance"),
        ({"close": prices()}, "the record has 261 days; a walk-forward comparison needs 700"),
    ],
)
def test_what_cannot_be_used_is_refused_and_nothing_is_left(tmp_path: Path, columns: dict, sentence: str):
    path, out = write(tmp_path / "p.csv", **columns), tmp_path / "run"
    with pytest.raises(DataError, match=sentence):
        run(path, out)
    assert not out.exists()


def test_a_day_twice_is_refused(tmp_path: Path):
    table = pl.DataFrame({"date": DATES, "close": prices()})
    pl.concat([table.head(9), table.slice(8)]).write_csv(tmp_path / "p.csv")
    with pytest.raises(DataError, match="duplicate key"):
        read_prices(tmp_path / "p.csv")


def test_a_gap_is_told_and_its_return_left_out(tmp_path: Path):
    table = pl.DataFrame({"date": DATES, "close": prices()})
    pl.concat([table.head(50), table.slice(80)]).write_csv(tmp_path / "p.csv")
    reading = read_prices(tmp_path / "p.csv")
    assert "1 gap of more than 14 days, the longest of 43 before" in reading.notes[0]
    assert len(reading.record) == len(DATES) - 30 - 2


def run(path: Path, out: Path, **changes):
    settings = {"implied": None, "horizons": (1,), "since": None, "seeds": 1, "seed": 0, "minutes": 5.0}
    settings |= {"overnight": "leave", "session": None, "reporter": Silent()}
    return forecast_prices(path, out=out, **(settings | {"without": ()} | changes))


def test_a_run_writes_its_folder(tmp_path: Path):
    rng = np.random.default_rng(0)
    days = pl.date_range(pl.date(2017, 1, 1), pl.date(2018, 12, 31), "1d", eager=True)
    pl.DataFrame({"date": days, "rv": 1e-4 * np.exp(rng.standard_normal(len(days)))}).write_csv(tmp_path / "p.csv")
    metrics = run(tmp_path / "p.csv", tmp_path / "run", without=["hybrid", "network"])
    models = metrics["horizons"]["1"]["models"]
    assert set(models) == {"ewma", "rough", "har", "log_har"}  # what can be had without returns
    table = pl.read_parquet(tmp_path / "run" / "forecasts.parquet")
    assert table.columns == ["date", "horizon", "variance", "ewma", "rough", "har", "log_har"]
    assert {path.name for path in (tmp_path / "run").iterdir()} == {"metrics.json", "forecasts.parquet", "report.html"}
    again = run(tmp_path / "p.csv", tmp_path / "run", without=["hybrid", "network"])
    assert again["horizons"] == metrics["horizons"]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file.txt").write_text("kept")
    with pytest.raises(ConfigError, match="exists and is not of an earlier forecast"):
        run(tmp_path / "p.csv", tmp_path / "mine")


def test_a_model_alone_is_saved_as_a_forecaster(tmp_path: Path):
    rng = np.random.default_rng(0)
    days = pl.date_range(pl.date(2017, 1, 1), pl.date(2018, 12, 31), "1d", eager=True)
    pl.DataFrame({"date": days, "rv": 1e-4 * np.exp(rng.standard_normal(len(days)))}).write_csv(tmp_path / "p.csv")
    metrics = run(
        tmp_path / "p.csv", tmp_path / "run", only=["log_har"], save=tmp_path / "f.parquet", since="2017-12-01"
    )
    assert metrics["reference"] == "log_har"
    made, table = load_forecaster(tmp_path / "f.parquet"), pl.read_parquet(tmp_path / "run" / "forecasts.parquet")
    assert (made.model, made.prices, made.horizons) == ("log_har", "p", (1,))
    assert made.variance[:, 0] == pytest.approx(table["log_har"].to_numpy())
    assert "nothing to compare with" in findings(metrics)[0]
    with pytest.raises(ConfigError, match=r"does not end in \.parquet"):
        run(tmp_path / "p.csv", tmp_path / "other", save=tmp_path / "f.csv")
    assert not (tmp_path / "other").exists()


def test_a_further_series_becomes_an_input(tmp_path: Path):
    other = write(tmp_path / "vvix.csv", close=90 + np.arange(len(DATES)) / 10)
    path = write(tmp_path / "p.csv", close=prices())
    record = read_prices(path, also=[other, other]).record
    assert record.others is not None
    assert record.others[0] == pytest.approx(np.log([90.1, 90.1]))
    pl.DataFrame({"date": ["1990-01-02", "1990-01-03"], "close": [3.0, 4.0]}).write_csv(tmp_path / "old.csv")
    with pytest.raises(DataError, match=r"has no day in common with .*; give a value of old\.csv for those days"):
        read_prices(path, also=[tmp_path / "old.csv"])
