"""What every market promises, whatever its model."""

import dataclasses
import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array

from tenrec.core.errors import ConfigError
from tenrec.core.grid import TimeGrid
from tenrec.core.paths import MarketPaths
from tenrec.markets import MARKETS, AbstractMarket, Sampling, simulate_blocks
from tenrec.markets.base import check_hedge_with
from tenrec.markets.draws import make_draws
from tests.conformance.markets import DIVIDEND_YIELD, RATE, make_market, periods

NAMES = sorted(MARKETS)
KINDS = ["spot", "future"]
SAMPLINGS = ["pseudo", "antithetic", "sobol"]
STEPS = 8
# One count for nearly all tests: every other one is compiled anew.
COUNT = 2**13

every_market = pytest.mark.parametrize("name", NAMES)
every_sampling = pytest.mark.parametrize("sampling", SAMPLINGS)
every_instrument = pytest.mark.parametrize("hedge_with", KINDS)


@functools.cache
def market_of(name: str, hedge_with: str = "spot", steps: int = STEPS) -> AbstractMarket:
    return make_market(name, periods(steps), hedge_with=hedge_with)


def leaves(paths: MarketPaths) -> dict[str, Array]:
    named = {f.name: getattr(paths, f.name) for f in dataclasses.fields(paths) if f.name != "signal_names"}
    return {name: leaf for name, leaf in named.items() if leaf is not None}


@every_market
@every_instrument
def test_shapes_and_precision(name: str, hedge_with: str, key: Array):
    paths = market_of(name, hedge_with).simulate(key, COUNT)
    assert paths.spot.shape == (COUNT, STEPS + 1)
    assert paths.price.shape == (COUNT, STEPS + 1, 1)
    assert (paths.count, paths.steps, paths.instruments) == (COUNT, STEPS, 1)
    assert paths.signals.shape[-1] == len(paths.signal_names)
    for field, leaf in leaves(paths).items():
        assert leaf.dtype == (bool if field == "tradable" else jnp.float32), field
        assert not leaf.weak_type, field


@every_market
@pytest.mark.usefixtures("x64")
def test_double_precision(name: str, key: Array):
    paths = make_market(name, periods(STEPS)).simulate(key, 4)
    assert {leaf.dtype for field, leaf in leaves(paths).items() if field != "tradable"} == {jnp.dtype("float64")}


@every_market
@every_sampling
def test_same_key_same_paths(name: str, sampling: Sampling, key: Array):
    market = market_of(name)
    first, again = (market.simulate(key, COUNT, sampling=sampling) for _ in range(2))
    assert eqx.tree_equal(first, again)
    other = market.simulate(jax.random.key(1), COUNT, sampling=sampling)
    assert not np.array_equal(first.spot, other.spot)


@every_market
@pytest.mark.parametrize(
    ("sampling", "hedge_with"), [*((sampling, "spot") for sampling in SAMPLINGS), ("pseudo", "future")]
)
def test_numbers_are_sound(name: str, sampling: Sampling, hedge_with: str, key: Array):
    paths = market_of(name, hedge_with).simulate(key, COUNT, sampling=sampling)
    for field, leaf in leaves(paths).items():
        assert np.isfinite(leaf).all(), field
    assert (paths.spot > 0).all()
    assert (paths.price > 0).all()
    assert (paths.volatility >= 0).all()
    np.testing.assert_array_equal(paths.tradable, np.arange(STEPS + 1) < STEPS)


@every_market
@every_sampling
def test_discounted_spot_is_a_martingale(name: str, sampling: Sampling, key: Array):
    market = market_of(name)
    spot = np.asarray(market.simulate(key, COUNT, sampling=sampling).spot, dtype=np.float64)
    ratio = spot[:, 1:] / 2.0 * np.exp(-(RATE - DIVIDEND_YIELD) * np.cumsum(market.dt))
    # The error of independent paths; antithetic and Sobol points only make the true one smaller.
    error = ratio.std(axis=0) / np.sqrt(COUNT)
    assert (np.abs(ratio.mean(axis=0) - 1.0) < 4.0 * error).all()


@every_market
@every_instrument
def test_instrument_pays_what_the_model_says(name: str, hedge_with: str, key: Array):
    market = market_of(name, hedge_with)
    paths = market.simulate(key, COUNT)
    assert market.margined == (hedge_with == "future",)
    if hedge_with == "spot":
        np.testing.assert_array_equal(paths.price[..., 0], paths.spot)
        dividends = paths.spot[:, :-1] * np.expm1(DIVIDEND_YIELD * np.asarray(market.dt))
        np.testing.assert_allclose(paths.carry[:, 1:, 0], dividends, rtol=1e-5)
        assert (paths.carry[:, 0] == 0).all()
    else:
        left = (STEPS - np.arange(STEPS + 1)) / 365
        np.testing.assert_allclose(paths.price[..., 0], paths.spot * np.exp((RATE - DIVIDEND_YIELD) * left), rtol=1e-5)
        assert (paths.carry == 0).all()


@every_market
@every_instrument
def test_no_dividends_take_no_room(name: str, hedge_with: str, key: Array):
    paths = make_market(name, periods(STEPS), hedge_with=hedge_with, dividend_yield=0.0).simulate(key, 4)
    assert paths.carry.shape == (STEPS + 1, 1)
    assert (paths.carry == 0).all()
    assert (paths.dividend_yield == 0).all()


@every_market
def test_steps_are_counted_not_computed(name: str, key: Array):
    for day_count in range(230, 370, 7):
        grid = TimeGrid(days=30.0, steps=7, day_count=float(day_count))
        paths = make_market(name, grid.dt).simulate(key, 2)
        assert paths.spot.shape == (2, 8)
        np.testing.assert_allclose(np.sum(paths.dt), 30.0 / day_count, rtol=1e-6)


@every_market
def test_one_step_is_enough(name: str, key: Array):
    assert make_market(name, periods(1)).simulate(key, 2).spot.shape == (2, 2)


@every_market
def test_paths_can_be_drawn_inside_a_compiled_function(name: str, key: Array):
    market = market_of(name)

    @eqx.filter_jit
    def drawn(market: AbstractMarket, key: Array) -> MarketPaths:
        return market.simulate(key, COUNT)

    keys = jax.random.split(key, 3)
    batched = eqx.filter_vmap(drawn, in_axes=(None, 0))(market, keys)
    assert batched.spot.shape == (3, COUNT, STEPS + 1)
    np.testing.assert_allclose(batched.spot[2], market.simulate(keys[2], COUNT).spot, rtol=1e-6)


@every_market
def test_parameters_can_be_batched_and_differentiated(name: str, key: Array):
    market, kinds = market_of(name), [market_of(name, kind) for kind in KINDS]

    def means(rate: Array) -> Array:
        """Of the spot and of the future today."""
        made = [eqx.tree_at(lambda m: m.rate, one, rate).simulate(key, 16) for one in kinds]
        return jnp.stack([jnp.mean(paths.price[:, 0]) for paths in made])

    rates = jnp.array([0.0, 0.1])
    values, slopes = jax.jit(jax.vmap(lambda rate: jax.jvp(means, (rate,), (jnp.ones(()),))))(rates)
    # A forward struck today moves with the rate by its length times its price; a spot today does not move.
    length = float(jnp.sum(market.dt))
    np.testing.assert_allclose(slopes, length * values * jnp.array([0.0, 1.0]), rtol=1e-3)
    backward = jax.jit(jax.grad(lambda rate: means(rate)[1]))(rates[1])
    np.testing.assert_allclose(backward, slopes[1, 1], rtol=1e-4)


@every_market
def test_antithetic_paths_come_in_pairs(name: str, key: Array):
    market = market_of(name)
    if name == "heston":
        market = eqx.tree_at(lambda m: m.vol_of_vol, market, jnp.asarray(1e-3))
    returns = np.diff(np.log(market.simulate(key, COUNT, sampling="antithetic").spot), axis=1)
    first, mirrored = np.split(returns, 2)
    assert not np.array_equal(first, mirrored)
    if name in ("black_scholes", "heston"):
        assert np.corrcoef(first.ravel(), mirrored.ravel())[0, 1] < -0.99


@every_market
def test_blocks_cover_the_count(name: str, key: Array):
    blocks = list(simulate_blocks(market_of(name), key, 10, block=4))
    assert [block.count for block in blocks] == [4, 4, 2]
    assert not np.array_equal(blocks[0].spot, blocks[1].spot)


@every_market
def test_impossible_requests_are_refused(name: str, key: Array):
    market = market_of(name)
    with pytest.raises(ConfigError, match="at least 1"):
        market.simulate(key, 0)
    with pytest.raises(ConfigError, match="even"):
        market.simulate(key, 3, sampling="antithetic")
    with pytest.raises(ConfigError, match="outside of compiled functions"):
        jax.jit(lambda k: market.simulate(k, 4, sampling="sobol").spot)(key)
    with pytest.raises(ConfigError, match="sampling is 'quasi'"):
        make_draws(market.randomness(), key, 4, "quasi")
    with pytest.raises(ConfigError, match="hedge_with is 'swap'"):
        check_hedge_with("swap")
    with pytest.raises(ConfigError, match="dt is 0"):
        dataclasses.replace(market, dt=jnp.zeros(STEPS))
    with pytest.raises(ConfigError, match="rate is nan"):
        dataclasses.replace(market, rate=float("nan"))
