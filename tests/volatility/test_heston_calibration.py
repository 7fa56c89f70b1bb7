"""Heston's parameters come back from quotes of the independent Fourier pricer, and no better point lies near."""

import numpy as np
import pytest

from tenrec.pricing import heston as pricer
from tenrec.pricing import implied
from tenrec.volatility import heston

pytestmark = pytest.mark.usefixtures("x64")

TRUTH = heston.HestonParameters(*np.array([0.06, 2.0, 0.04, 0.6, -0.7]))
MATURITY = np.array([0.1, 0.4, 1.0, 2.0])


def test_parameters_come_back_from_the_other_pricers_quotes():
    k = np.linspace(-0.3, 0.2, 9)[None] * np.sqrt(MATURITY / 0.4)[:, None]
    price = np.asarray(pricer.value(1.0, 1.0, np.exp(k), MATURITY[:, None], **TRUTH._asdict()))
    quotes = implied.implied_volatilities(price, 1.0, np.exp(k), MATURITY[:, None], 1.0).volatility
    weights = np.ones_like(quotes)
    quotes[1, 3], weights[1, 3] = 2.0, 0.0
    found = heston.calibrate(k, quotes, MATURITY, weights)
    assert float(found.squares) < 1e-10
    np.testing.assert_allclose(np.array(found.parameters), np.array(TRUTH), rtol=2e-3)
