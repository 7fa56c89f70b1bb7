"""Markets calibrated to what a market with known parameters made."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest
import yaml

from tenrec.core.errors import ConfigError, DataError
from tenrec.markets import GarchMarket, RegimesMarket
from tenrec.runs.loading import load_config
from tenrec.runs.preflight import preflight
from tenrec.runs.vol.calibrate import calibrate_prices

DAYS = 6000
DT = jnp.full(DAYS, 1 / 260.9)
"""Weekdays of a year, as the dates below have them."""


def written(market, folder: Path) -> Path:
    """The closes of one path."""
    close = np.asarray(market.simulate(jax.random.key(1), 1).spot[0], float)
    dates = np.busday_offset("1990-01-01", np.arange(DAYS + 1))
    pl.DataFrame({"date": dates.astype("datetime64[ms]"), "close": 100 * close}).with_columns(
        pl.col("date").cast(pl.Date)
    ).write_csv(folder / "p.csv")
    return folder / "p.csv"


def test_garch_comes_back(tmp_path: Path):
    truth = {"alpha": 0.03, "beta": 0.9, "gamma": 0.08, "long_run_volatility": 0.2}
    path = written(GarchMarket(spot=1.0, volatility=0.2, dt=DT, **truth), tmp_path)
    found = calibrate_prices(path, model="garch", implied=None, until=None, out=tmp_path / "garch.yaml")
    market = found["market"]
    assert market["alpha"] == pytest.approx(0.03, abs=0.015)
    assert market["beta"] == pytest.approx(0.9, abs=0.025)
    assert market["gamma"] == pytest.approx(0.08, abs=0.025)
    assert market["long_run_volatility"] == pytest.approx(0.2, rel=0.1)
    config = load_config(tmp_path / "garch.yaml")
    assert (
        config.market.model_dump(exclude_defaults=True).items() >= {"model": "garch", "alpha": market["alpha"]}.items()
    )
    assert config.grid.day_count == 261
    preflight(config, tmp_path)


def test_regimes_come_back(tmp_path: Path):
    truth = {"volatilities": jnp.array([0.1, 0.35]), "years": jnp.array([0.5, 0.15])}
    path = written(RegimesMarket(spot=1.0, dt=DT, **truth), tmp_path)
    found = calibrate_prices(path, model="regimes", implied=None, until="2012-06-29", out=None)
    order = np.argsort(found["market"]["volatilities"])
    assert np.array(found["market"]["volatilities"])[order] == pytest.approx([0.1, 0.35], rel=0.05)
    assert np.array(found["market"]["years"])[order] == pytest.approx([0.5, 0.15], rel=0.4)
    assert "1990-01-02 to 2012-06-29" in found["yaml"]
    preflight(load_config(yaml.safe_load(found["yaml"])), tmp_path)


def test_what_cannot_be_calibrated_is_refused(tmp_path: Path):
    with pytest.raises(ConfigError, match="--model sabr cannot be calibrated; choose from garch, regimes, heston"):
        calibrate_prices(None, model="sabr", implied=None, until=None, out=None)
    dates = [f"2020-{month:02d}-{day:02d}" for month in range(1, 13) for day in range(1, 26)]
    close = 100 * np.exp(np.cumsum(0.01 * np.random.default_rng(0).standard_normal(300)))
    pl.DataFrame({"date": dates, "close": close}).write_csv(tmp_path / "p.csv")
    with pytest.raises(DataError, match="the record has 299 days; calibrating garch needs 500"):
        calibrate_prices(tmp_path / "p.csv", model="garch", implied=None, until=None, out=tmp_path / "g.yaml")
    assert not (tmp_path / "g.yaml").exists()
    with pytest.raises(ConfigError, match="--until is '2015'; write the date as"):
        calibrate_prices(tmp_path / "p.csv", model="garch", implied=None, until="2015", out=None)
