"""The stationary bootstrap: blocks, joint days, drift."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array

from tenrec.core.errors import ConfigError
from tenrec.markets import BootstrapMarket
from tenrec.markets.draws import make_draws

RNG = np.random.default_rng(3)
RETURNS = 0.01 * RNG.standard_normal(250)
DT = np.full(20, 1 / 250)


def days_of(market: BootstrapMarket, count: int) -> np.ndarray:
    return np.asarray(market.days(make_draws(market.randomness(), jax.random.key(1), count, "pseudo")))


def test_every_return_is_a_recorded_one(key: Array):
    spot = np.asarray(BootstrapMarket(returns=RETURNS, dt=DT, spot=3.0).simulate(key, 50).spot, dtype=float)
    found = np.diff(np.log(spot), axis=1).ravel()
    nearest = np.abs(found[:, None] - RETURNS).min(axis=1)
    assert nearest.max() < 1e-6
    assert (spot[:, 0] == 3.0).all()


@pytest.mark.parametrize("mean_block", [1.0, 5.0, 40.0])
def test_blocks_have_their_mean_length(mean_block: float):
    market = BootstrapMarket(returns=RETURNS, dt=np.full(60, 1 / 250), mean_block=mean_block)
    days = days_of(market, 4000)
    follows = np.mean((days[:-1] + 1) % 250 == days[1:])
    # A fresh block can start where the old one would have gone on: 1 in 250.
    expected = 1.0 - (1.0 - 1.0 / 250) / mean_block
    assert follows == pytest.approx(expected, abs=0.004)


def test_every_day_is_as_likely():
    days = days_of(BootstrapMarket(returns=RETURNS, dt=np.full(60, 1 / 250), mean_block=10.0), 20_000)
    counts = np.bincount(days[-1], minlength=250)
    assert counts.min() > 0
    # χ² with 249 degrees of freedom: mean 249, standard deviation 22.
    assert np.sum((counts - 80.0) ** 2 / 80.0) < 249 + 5 * 22


def test_joint_days_stay_joint(key: Array):
    """What is seen at a date is what was recorded at the close of the day whose return led there."""
    volatility = np.linspace(0.1, 0.35, 251)
    signals = np.stack([np.arange(251.0), RNG.standard_normal(251)], axis=1)
    market = BootstrapMarket(
        returns=RETURNS, dt=DT, volatility=volatility, signals=signals, signal_names=("day", "other"), mean_block=5.0
    )
    paths = market.simulate(key, 40)
    close = np.asarray(paths.signals[..., 0], dtype=int)
    np.testing.assert_allclose(paths.volatility, volatility[close], rtol=1e-6)
    np.testing.assert_allclose(paths.signals[..., 1], signals[close, 1], rtol=1e-6)
    found = np.diff(np.log(np.asarray(paths.spot, dtype=float)), axis=1)
    np.testing.assert_allclose(found, RETURNS[close[:, 1:] - 1], atol=1e-6)
    # The first date is the close before the first return.
    assert (close[:, 1] == close[:, 0] + 1).all()
    assert paths.signal_names == ("day", "other")


def test_recorded_mean_is_kept_or_replaced(key: Array):
    lifted = RETURNS + 0.002
    one_day = {"returns": lifted, "dt": np.full(1, 1 / 250)}
    error = 4.0 * RETURNS.std() / np.sqrt(50_000)
    kept = BootstrapMarket(**one_day).simulate(key, 50_000)
    assert np.mean(kept.spot[:, 1]) == pytest.approx(np.exp(lifted).mean(), abs=error)
    shifted = BootstrapMarket(**one_day, drift=0.05).simulate(key, 50_000)
    assert np.mean(shifted.spot[:, 1]) == pytest.approx(np.exp(0.05 / 250), abs=error)


def test_volatility_defaults_to_that_of_the_record(key: Array):
    paths = BootstrapMarket(returns=RETURNS, dt=DT).simulate(key, 2)
    np.testing.assert_allclose(paths.volatility, RETURNS.std() * np.sqrt(250), rtol=1e-5)


def test_one_series_of_signals_is_one_column(key: Array):
    market = BootstrapMarket(returns=RETURNS, dt=DT, signals=np.arange(251.0), signal_names=("day",))
    assert market.simulate(key, 2).signals.shape == (2, 21, 1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"volatility": np.full(250, 0.2)}, r"volatility has 250 rows for 250 returns; .* \(251\)"),
        ({"signals": np.zeros((250, 1)), "signal_names": ("x",)}, "signals has 250 rows"),
        ({"signals": np.zeros((251, 2)), "signal_names": ("x",)}, "2 signals are given with 1 names"),
        ({"mean_block": 0.5}, "mean_block is 0.5"),
        ({"returns": np.array([0.1])}, "at least 2"),
        ({"returns": np.array([0.1, np.nan])}, "returns is nan"),
    ],
)
def test_what_does_not_fit_is_refused(changes: dict, message: str):
    with pytest.raises(ConfigError, match=message):
        BootstrapMarket(**{"returns": RETURNS, "dt": jnp.asarray(DT), **changes})
