"""Heston's parameters recovered from series that were simulated with them."""

import jax
import numpy as np
import pytest

from tenrec.core.errors import DataError
from tenrec.markets import HestonMarket, HestonParameters, calibrate_heston

TRUE = HestonParameters(0.04, 6.0, 0.05, 0.6, -0.6)
DAY = 1 / 250
YEARS = 12


@pytest.fixture(scope="module")
def fits() -> np.ndarray:
    """Parameters fitted to each of 60 records of twelve years, from finer paths than the record shows."""
    with jax.enable_x64(True):
        market = HestonMarket(spot=1.0, dt=np.full(250 * YEARS, DAY), substeps=4, **TRUE._asdict())
        paths = market.simulate(jax.random.key(6), 60)
        returns, variances = np.diff(np.log(paths.spot), axis=1), np.asarray(paths.volatility) ** 2
    return np.array([calibrate_heston(r, v, DAY) for r, v in zip(returns, variances, strict=True)])


@pytest.mark.parametrize("index", range(1, 5), ids=HestonParameters._fields[1:])
def test_parameters_are_recovered(fits: np.ndarray, index: int):
    found, true = fits[:, index], TRUE[index]
    error = found.std() / np.sqrt(len(found))
    # κ of an autoregression is biased upwards by about 4/(years of record) (Tang and Chen, 2009), ρ and ξ by the
    # day's averaging: up to 2 %.
    bias = 4.0 / YEARS if index == 1 else 0.0
    assert abs(found.mean() - true - bias) < 3.0 * error + 0.02 * abs(true)
    assert found.std() < 0.25 * abs(true)


def test_start_is_the_last_observation():
    rng = np.random.default_rng(0)
    variances = np.exp(-3.0 + 0.1 * rng.standard_normal(101))
    assert calibrate_heston(rng.standard_normal(100) * 0.01, variances, DAY).initial_variance == variances[-1]


RETURNS, VARIANCES = np.zeros(30) + 0.01, np.linspace(0.04, 0.05, 31)


@pytest.mark.parametrize(
    ("returns", "variances", "dt", "message"),
    [
        (RETURNS[:5], VARIANCES[:6], DAY, "at least 20"),
        (RETURNS, VARIANCES[:30], DAY, "30 variances are given for 30 returns; 31 are needed"),
        (RETURNS, -VARIANCES, DAY, "not positive"),
        (RETURNS, VARIANCES, 0.0, "dt is 0.0"),
        (RETURNS, 0.04 * 1.05 ** np.arange(31.0), DAY, "does not revert"),
    ],
)
def test_what_cannot_be_fitted_is_refused(returns: np.ndarray, variances: np.ndarray, dt: float, message: str):
    with pytest.raises(DataError, match=message):
        calibrate_heston(returns, variances, dt)
