"""Differential pricers: what they learn is the price and its slopes, and what cannot be learned so is refused."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tenrec.contracts import AsianOption, DigitalOption, european
from tenrec.core.errors import ConfigError, DataError
from tenrec.markets import BasketMarket, BlackScholesMarket, HestonMarket
from tenrec.nets.fit import FitSettings
from tenrec.pricing import black_scholes, differential, heston, pathwise

MARKET = BlackScholesMarket(spot=1.0, volatility=0.2, dt=jnp.full(2, 0.5), rate=0.03)
CALL = european("call", strike=1.0, expiry=2, quantity=1.0)
QUICK = FitSettings(updates=500, per_dispatch=100, learning_rate=1e-2)
RANGES = {"spot": (0.6, 1.5), "volatility": (0.1, 0.4)}


@pytest.fixture(scope="module")
def pricer() -> differential.DifferentialPricer:
    return differential.learn_contract(MARKET, CALL, RANGES, samples=4096, settings=QUICK)


def test_price_delta_and_vega_are_black_scholes(pricer: differential.DifferentialPricer):
    """Against the closed form over the inner part of the ranges; plain training on the same samples is worse."""
    spot, volatility = np.meshgrid(np.linspace(0.7, 1.4, 15), np.linspace(0.15, 0.35, 5))
    found = pricer.quote(spot=spot, volatility=volatility)
    given = (spot * np.exp(0.03), 1.0, volatility, 1.0)
    price = black_scholes.value(1.0, *given, np.exp(-0.03))
    assert np.sqrt(np.mean((found["price"] - price) ** 2)) < 0.006
    delta = black_scholes.delta(1.0, *given, spot=spot, discount=np.exp(-0.03))
    assert np.sqrt(np.mean((found["d_spot"] - delta) ** 2)) < 0.035
    vega = black_scholes.vega(*given, discount=np.exp(-0.03))
    assert np.sqrt(np.mean((found["d_volatility"] - vega) ** 2)) < 0.05

    payoff = pathwise.contract_payoff(MARKET, CALL, tuple(RANGES))
    low, high = jnp.array([0.6, 0.1]), jnp.array([1.5, 0.4])
    inputs = low + (high - low) * jax.random.uniform(jax.random.key(1), (4096, 2))
    samples = pathwise.draw(payoff, inputs, jax.random.key(2))
    plain = differential.learn(samples, balance=0.0, names=tuple(RANGES), settings=QUICK)
    worse = plain.quote(spot=spot, volatility=volatility)
    assert np.mean((worse["d_spot"] - delta) ** 2) > 2.0 * np.mean((found["d_spot"] - delta) ** 2)


def test_deltas_are_slopes_of_the_price(pricer: differential.DifferentialPricer):
    at = jnp.array([1.1, 0.2])
    for place, shift in enumerate(jnp.eye(2) * 1e-2):
        slope = (pricer.price(at + shift) - pricer.price(at - shift)) / 2e-2
        assert float(pricer.deltas(at)[place]) == pytest.approx(float(slope), abs=2e-3)


def test_a_pricer_is_the_same_from_its_file_and_from_its_seed(pricer: differential.DifferentialPricer, tmp_path: Path):
    differential.save(pricer, tmp_path / "call.npz")
    back = differential.load(tmp_path / "call.npz")
    asked = {"spot": np.array([0.9, 1.2]), "volatility": 0.3}
    for name, values in pricer.quote(**asked).items():
        np.testing.assert_array_equal(back.quote(**asked)[name], values)
    assert [path.name for path in tmp_path.iterdir()] == ["call.npz"]
    np.savez(tmp_path / "other.npz", x=np.ones(2))
    with pytest.raises(DataError, match="holds no such model"):
        differential.load(tmp_path / "other.npz")


def test_samples_have_the_price_as_their_mean():
    """Heston and a path-dependent contract; the mean slope is the derivative of the Fourier price, by differences."""
    numbers = {"initial_variance": 0.04, "mean_reversion": 1.5, "long_run_variance": 0.05, "vol_of_vol": 0.4}
    market = HestonMarket(spot=1.0, **numbers, correlation=-0.6, dt=jnp.full(10, 0.05))
    call = european("call", strike=1.0, expiry=10, quantity=-2.0)
    names = ["spot", "initial_variance", "maturity"]
    payoff = pathwise.contract_payoff(market, call, names, paths=4)
    at = jnp.array([1.05, 0.05, 0.4])
    drawn = pathwise.draw(payoff, jnp.tile(at, (4096, 1)), jax.random.key(3))

    def price(spot: float, variance: float, maturity: float) -> float:
        return -2.0 * float(
            heston.value(1.0, spot, 1.0, maturity, **numbers | {"initial_variance": variance}, correlation=-0.6)
        )

    with jax.enable_x64(True):
        assert float(drawn.values.mean()) == pytest.approx(price(1.05, 0.05, 0.4), abs=6e-3)
        for place, step in enumerate((1e-3, 1e-3, 1e-3)):
            shifts = [np.array([1.05, 0.05, 0.4]) + sign * step * np.eye(3)[place] for sign in (1, -1)]
            slope = (price(*shifts[0]) - price(*shifts[1])) / (2.0 * step)
            error = float(drawn.slopes[:, place].std()) / 64.0
            assert abs(float(drawn.slopes[:, place].mean()) - slope) < 4.0 * error + 0.01 * abs(slope)


def test_assets_of_a_basket_are_named_by_number():
    models = tuple(BlackScholesMarket(spot=spot, volatility=0.2, dt=jnp.full(2, 0.5)) for spot in (1.0, 2.0))
    market = BasketMarket(models, jnp.eye(2))
    payoff = pathwise.contract_payoff(market, lambda levels: levels[-1, 0] + 3.0 * levels[-1, 1], ["spot", "spot_2"])
    drawn = pathwise.draw(payoff, jnp.tile(jnp.array([1.0, 1.0]), (4096, 1)), jax.random.key(0))
    np.testing.assert_allclose(drawn.slopes.mean(axis=0), [1.0, 3.0], rtol=0.02)


def test_an_exotic_counts_with_its_quantity():
    terms = {"strike": jnp.asarray(0.5), "sign": jnp.asarray(1.0), "expiry": jnp.asarray(2)}
    one, two = (AsianOption(**terms, quantity=jnp.asarray(units), geometric=False) for units in (1.0, -2.0))
    values = [
        float(pathwise.contract_payoff(MARKET, option, ["spot"])(jnp.ones(1), jax.random.key(0)))
        for option in (one, two)
    ]
    assert values[1] == pytest.approx(-2.0 * values[0])


def test_jumps_are_refused():
    digital = DigitalOption(*(jnp.asarray(x) for x in (1.0, 1.0, 2, 1.0, 1.0)))
    with pytest.raises(ConfigError, match=r"jumps in spot.*smooth the jump"):
        differential.learn_contract(MARKET, digital, {"spot": (0.8, 1.2)}, settings=QUICK)


@pytest.mark.parametrize(
    ("ranges", "message"),
    [
        ({"sport": (0.8, 1.2)}, "'sport' is no number of BlackScholesMarket"),
        ({"drift": (0.0, 0.1)}, "'drift' is no number"),
        ({"spot": (1.2, 0.8)}, "range of spot is 1.2 to 0.8"),
        ({}, "ranges is empty"),
    ],
)
def test_what_cannot_be_learned_is_said(ranges: dict[str, tuple[float, float]], message: str):
    with pytest.raises(ConfigError, match=message):
        differential.learn_contract(MARKET, CALL, ranges)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"spot": 1.0}, "spot are given; spot, volatility are needed"),
        ({"spot": 3.0, "volatility": 0.2}, "spot is 3; the pricer learned from 0.6"),
        ({"spot": np.nan, "volatility": 0.2}, "spot is nan"),
    ],
)
def test_questions_outside_are_refused(pricer: differential.DifferentialPricer, asked: dict, message: str):
    with pytest.raises(ConfigError, match=message):
        pricer.quote(**asked)
