"""A saved forecaster: what a hedge takes from it, and that nothing of the future comes along."""

import dataclasses
import datetime as dt
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from tenrec.backtest import SIGNAL_NAMES, SelectionRule, load_record
from tenrec.backtest.forecasts import with_forecasts
from tenrec.core.errors import ConfigError, DataError
from tenrec.hedging.assess import Sample, views
from tenrec.hedging.policies import FORECAST_SIGNAL, BlackScholesDelta, ForecastDelta
from tenrec.runs.config import HedgeConfig
from tenrec.runs.loading import load_config
from tenrec.runs.preflight import preflight
from tenrec.runs.vol.saved import load_forecaster, save_forecaster
from tenrec.volatility.forecast.forecaster import Forecaster

CUT = np.datetime64("2019-06-28")


@pytest.fixture(scope="module")
def record():
    """The bundled panel, few contracts."""
    return load_record(SelectionRule(28, 30, 0.03, 15), rate=0.025)


@pytest.fixture(scope="module")
def forecaster(record) -> Forecaster:
    """Variances that differ from day to day, from 2017 on."""
    dates = record.history.dates[record.history.dates >= np.datetime64("2017-01-03")]
    variance = 1e-4 * (1.0 + np.random.default_rng(0).random((len(dates), 3)))
    return Forecaster("gjr_t", "x", 244.0, dates, (1, 5, 22), variance)


def test_a_file_gives_back_what_was_saved(forecaster: Forecaster, tmp_path: Path):
    save_forecaster(forecaster, tmp_path / "f.parquet")
    back = load_forecaster(tmp_path / "f.parquet")
    assert (back.model, back.label, back.horizons, back.days_per_year) == ("gjr_t", "GJR-t", (1, 5, 22), 244.0)
    np.testing.assert_array_equal(back.variance, forecaster.variance)
    np.testing.assert_array_equal(back.dates, forecaster.dates)


def test_between_horizons_the_sum_of_variances_is_linear(forecaster: Forecaster):
    day = forecaster.dates[[7]]
    one, five, month = forecaster.variance[7]
    three = np.sqrt(244 * (0.5 * one + 0.5 * 5 * five) / 3)
    assert forecaster.volatility(day, 3.0)[0] == pytest.approx(three, rel=1e-12)
    assert forecaster.volatility(day, 0.5)[0] == pytest.approx(np.sqrt(244 * one))
    assert forecaster.volatility(day, 60.0)[0] == pytest.approx(np.sqrt(244 * month))
    assert np.isnan(forecaster.volatility(forecaster.dates[:1] - 1, 5.0)[0])
    assert np.isnan(forecaster.volatility(forecaster.dates[-1:] + 11, 5.0)[0])


def test_the_panel_gets_the_last_forecast_made_by_each_close(record, forecaster: Forecaster):
    seen, share = with_forecasts(record, forecaster)
    assert seen.panel.paths.signal_names == (*SIGNAL_NAMES, FORECAST_SIGNAL) == seen.history.signal_names
    assert 0.6 < share < 0.8
    column = np.asarray(seen.panel.paths.signals[..., -1])
    before = record.panel.dates < np.datetime64("2017-01-03")
    assert np.all(column[before] == 0.0)
    path = int(np.flatnonzero(record.panel.dates[:, 0] > CUT)[0])
    close = int(np.searchsorted(record.history.dates, record.panel.dates[path, 2]))
    expected = forecaster.volatility(record.history.dates[[close]], 30 / 365 * 244)[0]
    assert column[path, 2] == pytest.approx(np.log(expected / record.history.volatility[close]), rel=1e-5)


def test_later_forecasts_change_nothing_before(record, forecaster: Forecaster):
    later = forecaster.dates > CUT
    other = dataclasses.replace(forecaster, variance=np.where(later[:, None], 9.0, 1.0) * forecaster.variance)
    first, second = (np.asarray(with_forecasts(record, one)[0].panel.paths.signals) for one in (forecaster, other))
    past = record.panel.dates <= CUT
    np.testing.assert_array_equal(first[past], second[past])
    assert not np.array_equal(first[~past], second[~past])


def test_synthetic_paths_see_the_signal_too(record, forecaster: Forecaster):
    seen, _ = with_forecasts(record, forecaster)

    @dataclasses.dataclass
    class Mix:
        bootstrap: float = 1.0
        calibrated: float = 1.0
        paths: int = 6

    made = seen.synthetic(dt.date(2019, 6, 28), Mix(), seed=0)
    assert made["bootstrap"].paths.signal_names == made["calibrated"].paths.signal_names == seen.history.signal_names
    assert float(jnp.abs(made["bootstrap"].paths.signals[..., -1]).max()) > 0
    assert float(jnp.abs(made["calibrated"].paths.signals[..., -1]).max()) == 0


def test_the_delta_is_that_of_the_scaled_smile(record, forecaster: Forecaster):
    panel = with_forecasts(record, forecaster)[0].panel.take(np.arange(40))
    view = views(Sample(panel.paths, panel.book, jnp.asarray(panel.premium)))
    ratio = jnp.exp(view.signals[..., -1])
    at_forecast = BlackScholesDelta().inputs(dataclasses.replace(view, volatility=view.volatility * ratio))
    np.testing.assert_allclose(ForecastDelta().inputs(view), at_forecast, rtol=1e-5, atol=1e-6)
    half = dataclasses.replace(view, volatility=view.volatility * jnp.sqrt(ratio))
    np.testing.assert_allclose(ForecastDelta(0.5).inputs(view), BlackScholesDelta().inputs(half), rtol=1e-5, atol=1e-6)


LISTED = {"market": {"model": "recorded"}, "contract": {"kind": "listed"}, "hedge_with": ["forward"]}


def test_what_is_no_forecaster_is_refused(record, forecaster: Forecaster, tmp_path: Path):
    with pytest.raises(ConfigError, match="is no file; `tenrec vol forecast --model hybrid --save"):
        load_forecaster(tmp_path / "none.parquet")
    (tmp_path / "text.parquet").write_text("date,close\n")
    with pytest.raises(ConfigError, match="is not a forecaster; give a file that"):
        preflight(
            load_config(LISTED | {"market": {"model": "recorded", "forecaster": str(tmp_path / "text.parquet")}}),
            tmp_path,
        )
    old = dataclasses.replace(forecaster, dates=forecaster.dates - 9000)
    with pytest.raises(DataError, match=r"closes run from 19.* give one that was made for these days"):
        with_forecasts(record, old)
    with pytest.raises(ConfigError, match=r"forecast_delta.*there is no market.forecaster"):
        load_config(LISTED | {"evaluate": {"against": ["black_scholes_delta", "forecast_delta"]}})


def test_the_forecaster_lies_beside_the_configuration(forecaster: Forecaster, tmp_path: Path):
    save_forecaster(forecaster, tmp_path / "f.parquet")
    features = {"policy": {"kind": "state_delta", "features": ["forecast_to_implied"]}}
    (tmp_path / "hedge.yaml").write_text(
        "market: {model: recorded, forecaster: f.parquet}\ncontract: {kind: listed}\nhedge_with: [forward]\n"
        "policy: {kind: state_delta, features: [forecast_to_implied], hidden: []}\n"
    )
    config = load_config(tmp_path / "hedge.yaml")
    assert config.market.forecaster == str(tmp_path / "f.parquet")
    preflight(config, tmp_path)
    blind = HedgeConfig.model_validate(LISTED | features)
    with pytest.raises(ConfigError, match=r"forecast_to_implied.* is not known here"):
        preflight(blind, tmp_path)
