"""SABR slices against QuantLib's own calibration, and what happens to quotes that are left out."""

import numpy as np
import pytest

from tenrec.core.errors import ConfigError
from tenrec.volatility import sabr

ql = pytest.importorskip("QuantLib")
pytestmark = pytest.mark.usefixtures("x64")

TIMES = np.array([0.1, 0.5, 2.0])
K = np.linspace(-1.2, 0.8, 15)[None] * (0.3 * np.sqrt(TIMES))[:, None]
FORWARD = 100.0


def quotes(beta: float, noise: float) -> np.ndarray:
    """Volatilities of QuantLib's formula, with noise of so many decimals."""
    made = np.array(
        [
            [
                ql.sabrVolatility(FORWARD * np.exp(k), FORWARD, t, 0.3 * FORWARD ** (1 - beta), beta, nu, rho)
                for k in row
            ]
            for row, t, nu, rho in zip(K, TIMES, (2.0, 0.9, 0.5), (-0.6, -0.4, 0.3), strict=True)
        ]
    )
    return made + np.random.default_rng(5).normal(0.0, noise, made.shape) if noise else made


@pytest.mark.parametrize("beta", [0.0, 0.5, 1.0])
def test_parameters_come_back(beta: float):
    volatility, weights = quotes(beta, 0.0), np.ones(K.shape)
    volatility[:, 3], weights[:, 3] = 3.0, 0.0
    found = sabr.fit_slices(K, volatility, TIMES, weights, elasticity=beta)
    assert float(found.error.max()) < 1e-8
    np.testing.assert_allclose(found.slices.level, 0.3, rtol=1e-6)
    np.testing.assert_allclose(found.slices.vol_of_vol, [2.0, 0.9, 0.5], rtol=1e-6)
    np.testing.assert_allclose(found.slices.correlation, [-0.6, -0.4, 0.3], rtol=1e-6)


def test_noisy_slices_end_where_quantlib_does_or_better():
    """QuantLib's `SABRInterpolation`, vega weights off, β fixed, started from its own guess."""
    volatility = quotes(0.7, 0.003)
    found = sabr.fit_slices(K, volatility, TIMES, elasticity=0.7)
    for row, (k, time) in enumerate(zip(K, TIMES, strict=True)):
        strikes, begin = FORWARD * np.exp(k), (0.3 * FORWARD**0.3, 0.7, 0.5, 0.0)
        fixed = (False, True, False, False, False)
        fit = ql.SABRInterpolation(list(strikes), list(volatility[row]), float(time), FORWARD, *begin, *fixed)
        numbers = (fit.alpha(), fit.beta(), fit.nu(), fit.rho())
        theirs = [ql.sabrVolatility(float(strike), FORWARD, float(time), *numbers) for strike in strikes]
        error = np.sqrt(np.mean((np.array(theirs) - volatility[row]) ** 2))
        assert 0.001 < float(found.error[row]) <= 1.0001 * error


def test_an_impossible_elasticity_is_refused():
    with pytest.raises(ConfigError, match=r"elasticity is 1\.5; a number from 0 to 1 is needed"):
        sabr.fit_slices(K, quotes(1.0, 0.0), TIMES, elasticity=1.5)
