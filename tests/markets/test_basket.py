"""Correlated assets: the correlation asked for, and every asset as it is alone."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tenrec.core.errors import ConfigError
from tenrec.markets import MARKETS, AbstractMarket, BasketMarket, Sampling
from tests.conformance.markets import DIVIDEND_YIELD, RATE, make_market, periods

STEPS, COUNT = 6, 2**13
NAMES = ("black_scholes", "heston", "merton", "sabr", "rough_bergomi", "garch")
RHO = 0.6


def correlation(count: int) -> np.ndarray:
    return np.where(np.eye(count, dtype=bool), 1.0, RHO)


@pytest.fixture(scope="module")
def market() -> BasketMarket:
    return BasketMarket(tuple(make_market(name, periods(STEPS)) for name in NAMES), correlation(len(NAMES)))


@pytest.mark.parametrize("sampling", ["pseudo", "antithetic"])
def test_every_asset_is_a_martingale_with_its_own_spread(market: BasketMarket, sampling: Sampling):
    paths = market.simulate(jax.random.key(0), COUNT, sampling=sampling)
    assert paths.assets.shape == paths.price.shape == (COUNT, STEPS + 1, len(NAMES))
    assert market.margined == (False,) * len(NAMES)
    np.testing.assert_array_equal(paths.spot, paths.assets[..., 0])
    ratio = np.asarray(paths.assets, float)[:, -1] / 2.0 * np.exp(-(RATE - DIVIDEND_YIELD) * STEPS / 365)
    assert (np.abs(ratio.mean(axis=0) - 1.0) < 4.0 * ratio.std(axis=0) / np.sqrt(COUNT)).all()
    for place, model in enumerate(market.models):
        alone = np.asarray(model.simulate(jax.random.key(1), COUNT).spot, float)[:, -1]
        spread = np.log(np.asarray(paths.assets, float)[:, -1, place]).std() / np.log(alone).std()
        assert spread == pytest.approx(1.0, abs=0.05), NAMES[place]
    paid = np.asarray(paths.carry)[:, 1:] / np.asarray(paths.assets)[:, :-1]
    np.testing.assert_allclose(paid, np.expm1(DIVIDEND_YIELD / 365), rtol=1e-4)


def test_returns_have_the_correlation_of_the_brownian_motions(market: BasketMarket):
    """In one short period volatility is nearly constant; jumps of Merton's and moves of the variance only dilute it."""
    short = BasketMarket(tuple(make_market(name, periods(1, 36500.0)) for name in NAMES), correlation(len(NAMES)))
    returns = np.diff(np.log(np.asarray(short.simulate(jax.random.key(2), 8 * COUNT).assets, float)), axis=1)[:, 0]
    found = np.corrcoef(returns.T)
    continuous = [place for place, name in enumerate(NAMES) if name != "merton"]
    upper = found[np.ix_(continuous, continuous)][np.triu_indices(len(continuous), 1)]
    np.testing.assert_allclose(upper, RHO, atol=0.02)


def test_volatilities_that_move_are_signals(market: BasketMarket):
    paths = market.simulate(jax.random.key(0), COUNT)
    moving = [
        f"log_volatility_{place}" for place, name in enumerate(NAMES, 1) if name not in ("black_scholes", "merton")
    ]
    assert list(paths.signal_names) == moving
    np.testing.assert_array_equal(paths.signals[:, 0], 0.0)


def test_every_simulated_model_can_be_an_asset():
    for name in set(MARKETS) - {"uncertain", "bootstrap", "arrays"}:
        models = (make_market(name, periods(2)), make_market("black_scholes", periods(2)))
        assert BasketMarket(models, correlation(2)).randomness().factors >= 2


def refused(models: tuple[AbstractMarket, ...], matrix: Any, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        BasketMarket(models, matrix)


def test_impossible_baskets_are_refused():
    one = make_market("black_scholes", periods(2))
    refused((one,), np.eye(1), "at least 2")
    refused((one, one), np.eye(3), "2 × 2")
    refused((one, one), jnp.array([[1.0, 0.5], [0.4, 1.0]]), "not symmetric")
    refused((one, one, one), np.array([[1, 0.9, -0.9], [0.9, 1, 0.9], [-0.9, 0.9, 1.0]]), "eigenvalue")
    refused((one, make_market("black_scholes", periods(2), rate=0.1)), np.eye(2), "rates 0.04 and 0.1")
    refused((one, make_market("bootstrap", periods(2))), np.eye(2), "cannot be an asset")
