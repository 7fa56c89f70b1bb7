"""Learned maps: polished, they find what made the quotes; their models are held against the market and Black."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tenrec.core.errors import ConfigError, DataError
from tenrec.markets import RoughBergomiMarket
from tenrec.nets.fit import FitSettings
from tenrec.pricing import implied
from tenrec.volatility import heston, inverse, rough_bergomi

TIMES = np.array([0.1, 0.5, 1.5])
K = 0.2 * np.sqrt(TIMES)[:, None] * np.linspace(-1.5, 1.0, 7)
QUICK = FitSettings(updates=400, per_dispatch=200, learning_rate=3e-3)


@pytest.fixture(scope="module")
def learned() -> inverse.InverseMap:
    return inverse.learn("heston", K, TIMES, surfaces=1024, settings=QUICK)


@pytest.fixture(scope="module")
def asked() -> tuple[np.ndarray, np.ndarray]:
    coordinates, volatility = inverse.make_surfaces("heston", K, TIMES, 1024, seed=50)
    return coordinates[:16], volatility[:16]


def test_a_polished_map_finds_what_made_the_quotes(learned: inverse.InverseMap, asked: tuple[np.ndarray, np.ndarray]):
    coordinates, volatility = asked
    rough = learned.guess(volatility)
    truth = jax.vmap(heston.from_coordinates)(jnp.asarray(coordinates))
    assert np.corrcoef(np.log(rough.initial_variance), np.log(truth.initial_variance))[0, 1] > 0.95
    few, more = (np.asarray(learned.calibrate(volatility, steps=steps).squares) for steps in (0, 12))
    assert np.median(np.sqrt(few / volatility[0].size)) < 0.03
    assert np.median(np.sqrt(more / volatility[0].size)) < 1e-5
    assert (more <= few).all()


def test_missing_quotes_count_for_nothing(learned: inverse.InverseMap, asked: tuple[np.ndarray, np.ndarray]):
    _, volatility = asked
    holed, weights = volatility.copy(), np.ones(volatility.shape)
    holed[:, 1, 3], weights[:, 1, 3] = np.nan, 0.0
    wrong = np.where(np.isnan(holed), 5.0, holed)
    by_value, by_weight = learned.calibrate(holed), learned.calibrate(wrong, weights)
    np.testing.assert_array_equal(by_value.squares, by_weight.squares)
    assert np.isfinite(np.asarray(by_value.squares)).all()


def test_a_map_is_the_same_from_its_file(learned: inverse.InverseMap, asked: tuple, tmp_path: Path):
    inverse.save(learned, tmp_path / "map.npz")
    assert (tmp_path / "map.npz").stat().st_size < 200_000
    back = inverse.load(tmp_path / "map.npz")
    for mine, theirs in zip(learned.guess(asked[1]), back.guess(asked[1]), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    (tmp_path / "other.npz").write_text("nothing")
    with pytest.raises(DataError, match="holds no such model"):
        inverse.load(tmp_path / "other.npz")


def test_what_cannot_be_learned_is_said():
    with pytest.raises(ConfigError, match="model is 'hesten'; choose from heston, rough_bergomi"):
        inverse.learn("hesten", K, TIMES)
    with pytest.raises(ConfigError, match="leave out strikes so far from the money"):
        inverse.learn("heston", K + 40.0, TIMES, surfaces=1024)


@pytest.mark.usefixtures("x64")
def test_rough_bergomi_without_noise_is_black():
    x = rough_bergomi.to_coordinates(*(jnp.asarray(number) for number in (0.04, 0.1, 1e-6, -0.5)))
    found = rough_bergomi.volatilities(x, jnp.asarray(K), jnp.asarray(TIMES), paths=4096)
    np.testing.assert_allclose(found, 0.2, atol=2e-3)


@pytest.mark.usefixtures("x64")
def test_rough_bergomi_is_that_of_the_market():
    """Implied volatilities of plain simulation by the market model, on finer periods."""
    numbers = {"forward_variance": 0.06, "roughness": 0.15, "vol_of_vol": 1.5, "correlation": -0.7}
    market = RoughBergomiMarket(spot=1.0, **numbers, dt=jnp.full(100, 0.005))
    last = np.asarray(market.simulate(jax.random.key(1), 60_000, sampling="antithetic").spot[:, -1])
    k = np.array([-0.2, 0.0, 0.15])
    sign = np.where(k >= 0.0, 1.0, -1.0)
    price = np.maximum(sign[:, None] * (last - np.exp(k)[:, None]), 0.0).mean(axis=1)
    theirs = implied.implied_volatilities(price, 1.0, np.exp(k), 0.5, sign).volatility
    x = rough_bergomi.to_coordinates(*(jnp.asarray(number) for number in numbers.values()))
    times = jnp.array([0.05, 0.1, 0.2, 0.35, 0.5])
    ours = rough_bergomi.volatilities(x, jnp.broadcast_to(k, (5, 3)), times, paths=8192)[-1]
    np.testing.assert_allclose(ours, theirs, atol=4e-3)
