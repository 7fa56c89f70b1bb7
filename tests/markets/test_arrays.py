"""Given price paths as a market."""

import numpy as np
import pytest
from jaxtyping import Array

from tenrec.core.errors import ConfigError
from tenrec.markets import ArraysMarket, split_rows

PRICES = 100.0 * np.exp(0.02 * np.cumsum(np.random.default_rng(2).standard_normal((20, 6)), axis=1))
DT = np.full(5, 1 / 250)


def test_rows_are_served_in_order(key: Array):
    market = ArraysMarket(prices=PRICES, dt=DT)
    np.testing.assert_allclose(market.simulate(key, 7).spot, PRICES[:7], rtol=1e-6)
    with pytest.raises(ConfigError, match="21 paths are asked of 20 rows"):
        market.simulate(key, 21)


def test_random_rows_are_rows(key: Array):
    volatility = np.linspace(0.1, 0.3, PRICES.size).reshape(PRICES.shape)
    paths = ArraysMarket(prices=PRICES, dt=DT, volatility=volatility, order="random").simulate(key, 300)
    row = np.abs(paths.spot[:, :1] - PRICES[:, 0]).argmin(axis=1)
    np.testing.assert_allclose(paths.spot, PRICES[row], rtol=1e-6)
    np.testing.assert_allclose(paths.volatility, volatility[row], rtol=1e-6)
    assert set(row) == set(range(20))


def test_volatility_defaults_to_the_realised_one(key: Array):
    market = ArraysMarket(prices=PRICES, dt=DT)
    expected = np.sqrt(np.diff(np.log(PRICES), axis=1).var(axis=0).mean() * 250)
    np.testing.assert_allclose(market.simulate(key, 2).volatility, expected, rtol=1e-4)


def test_split_keeps_the_last_rows_for_the_test(key: Array):
    volatility = np.full(PRICES.shape, 0.2)
    train, test = split_rows(ArraysMarket(prices=PRICES, dt=DT, volatility=volatility, rate=0.03), 5)
    np.testing.assert_allclose(train.simulate(key, 15).spot, PRICES[:15], rtol=1e-6)
    np.testing.assert_allclose(test.simulate(key, 5).spot, PRICES[15:], rtol=1e-6)
    assert test.volatility is not None
    assert test.volatility.shape == (5, 6)
    assert float(test.rate) == pytest.approx(0.03)
    for rows in (0, 20):
        with pytest.raises(ConfigError, match=f"{rows} test rows are asked of 20"):
            split_rows(ArraysMarket(prices=PRICES, dt=DT), rows)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dt": np.full(6, 0.1)}, "6 dates for 6 steps; 7 are needed"),
        ({"prices": -PRICES}, "prices is -"),
        ({"volatility": np.full(20, 0.2)}, r"volatility has shape \(20,\)"),
    ],
)
def test_what_does_not_fit_is_refused(changes: dict, message: str):
    with pytest.raises(ConfigError, match=message):
        ArraysMarket(**{"prices": PRICES, "dt": DT, **changes})
