"""Greeks by autodiff of every price: numbers at expiry, at the money and without volatility, and right where known."""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array
from scipy import stats

from tenrec.pricing import american, basket, black_scholes, cliquet, exotics, heston, jumps, lookback, realised

RATE, DAY = 0.03, 1 / 365
HESTON = {"mean_reversion": 1.0, "long_run_variance": 0.04, "vol_of_vol": 0.5, "correlation": -0.7}
JUMPS = {"jump_intensity": 1.0, "jump_mean": -0.1, "jump_deviation": 0.15}

Price = Callable[[Array, Array, Array], Array]


def market(spot: Array, time: Array) -> tuple[Array, Array]:
    """Forward and discount factor."""
    return spot * jnp.exp(RATE * time), jnp.exp(-RATE * time)


def plain(spot: Array, volatility: Array, time: Array, *, sign: float) -> Array:
    forward, discount = market(spot, time)
    return jnp.asarray(black_scholes.value(sign, forward, 1.0, volatility, time, discount))


def digital(spot: Array, volatility: Array, time: Array, *, sign: float) -> Array:
    forward, discount = market(spot, time)
    return jnp.asarray(exotics.digital(sign, forward, 1.0, volatility, time, discount))


def knock_in(spot: Array, volatility: Array, time: Array, *, sign: float, direction: float) -> Array:
    forward, discount = market(spot, time)
    terms = (1.0, 1.0 + 0.1 * direction, volatility, time, discount)
    return jnp.asarray(exotics.knock_in(sign, direction, spot, forward, *terms))


def touch(spot: Array, volatility: Array, time: Array, *, direction: float) -> Array:
    forward, discount = market(spot, time)
    return jnp.asarray(exotics.touch(direction, spot, forward, 1.0 + 0.1 * direction, volatility, time, discount))


def asian(spot: Array, volatility: Array, time: Array, *, geometric: bool) -> Array:
    forward, discount = market(spot, time)
    terms = (1.0, volatility, DAY, 30.0, jnp.minimum(jnp.round(time / DAY), 30.0), 1.0, discount)
    return jnp.asarray(exotics.asian(1.0, spot, forward, *terms, geometric=geometric))


def looked_back(spot: Array, volatility: Array, time: Array, *, sign: float, floating: bool) -> Array:
    forward, discount = market(spot, time)
    terms = (1.0, volatility, time, DAY, 1.0, discount)
    return jnp.asarray(lookback.lookback(sign, spot, forward, *terms, floating=floating))


def two_assets(spot: Array, volatility: Array, time: Array, *, weight: float) -> Array:
    forwards = jnp.stack([spot, jnp.ones_like(spot)]) * jnp.exp(RATE * time)
    weights, both = jnp.asarray([1.0, weight]), jnp.stack([volatility, volatility])
    correlation = jnp.asarray([[1.0, 0.5], [0.5, 1.0]])
    level = jnp.maximum(1.0 + weight, 0.0)
    return basket.basket(1.0, forwards, weights, level, both, correlation, time, jnp.exp(-RATE * time))


def started(spot: Array, volatility: Array, time: Array) -> Array:
    forward, discount = market(spot, time)
    return jnp.asarray(cliquet.forward_start(1.0, 1.0, forward, 1.0, volatility, time, discount))


def coupon(spot: Array, volatility: Array, time: Array) -> Array:
    return jnp.asarray(cliquet.coupon(spot, volatility, time, 0.0, 0.05))


def variance(spot: Array, volatility: Array, time: Array, *, root: bool) -> Array:
    forward, _ = market(spot, time)
    terms = (forward, spot, volatility, DAY, jnp.round(time / DAY))
    return realised.realised_volatility(*terms, 0.0) if root else realised.realised_variance(*terms)


def american_put(spot: Array, volatility: Array, time: Array) -> Array:
    return jnp.asarray(american.american_put(spot, 1.0, volatility, time, RATE, 0.0))


def in_heston(spot: Array, volatility: Array, time: Array) -> Array:
    forward, discount = market(spot, time)
    return heston.value(1.0, forward, 1.0, time, initial_variance=volatility**2, **HESTON, discount=discount)


def in_merton(spot: Array, volatility: Array, time: Array) -> Array:
    forward, discount = market(spot, time)
    return jumps.merton(1.0, forward, 1.0, time, volatility=volatility, **JUMPS, discount=discount)


def in_bates(spot: Array, volatility: Array, time: Array) -> Array:
    forward, discount = market(spot, time)
    return jumps.bates(1.0, forward, 1.0, time, initial_variance=volatility**2, **HESTON, **JUMPS, discount=discount)


PRICES: dict[str, Price] = {
    "call": partial(plain, sign=1.0),
    "put": partial(plain, sign=-1.0),
    "digital_call": partial(digital, sign=1.0),
    "digital_put": partial(digital, sign=-1.0),
    "up_and_in_call": partial(knock_in, sign=1.0, direction=1.0),
    "up_and_in_put": partial(knock_in, sign=-1.0, direction=1.0),
    "down_and_in_call": partial(knock_in, sign=1.0, direction=-1.0),
    "down_and_in_put": partial(knock_in, sign=-1.0, direction=-1.0),
    "touch_up": partial(touch, direction=1.0),
    "touch_down": partial(touch, direction=-1.0),
    "asian": partial(asian, geometric=False),
    "geometric_asian": partial(asian, geometric=True),
    "lookback_call": partial(looked_back, sign=1.0, floating=False),
    "floating_lookback_put": partial(looked_back, sign=-1.0, floating=True),
    "basket": partial(two_assets, weight=1.0),
    "exchange": partial(two_assets, weight=-1.0),
    "forward_start": started,
    "coupon": coupon,
    "realised_variance": partial(variance, root=False),
    "realised_volatility": partial(variance, root=True),
    "american_put": american_put,
    "heston": in_heston,
    "merton": in_merton,
    "bates": in_bates,
}
FOURIER = ("heston", "merton", "bates")
"""They ask for double precision."""


def greeks(price: Price, spot: Array, volatility: Array, time: Array) -> dict[str, Array]:
    """Value, delta, gamma, vega and theta of many states at once."""

    def at(spot: Array, volatility: Array, time: Array) -> dict[str, Array]:
        first = jax.value_and_grad(price, (0, 1, 2))
        (value, slopes), (_, bends) = jax.jvp(lambda x: first(x, volatility, time), (spot,), (jnp.ones_like(spot),))
        return {"value": value, "delta": slopes[0], "vega": slopes[1], "theta": slopes[2], "gamma": bends[0]}

    return jax.jit(jax.vmap(at))(spot, volatility, time)


def states(dtype: type) -> tuple[Array, Array, Array]:
    """Spots around the strike and both barriers, down to no volatility and no time."""
    axes = (
        [0.5, 0.9, 1.0 - 1e-6, 1.0, 1.0 + 1e-6, 1.1, 2.0],
        [0.0, 1e-8, 1e-4, 0.2, 2.0],
        [0.0, 1e-12, 1e-6, DAY, 0.1, 2.0],
    )
    spot, volatility, time = (jnp.asarray(grid.ravel(), dtype) for grid in np.meshgrid(*axes, indexing="ij"))
    return spot, volatility, time


def assert_numbers(name: str, dtype: type) -> None:
    at = states(dtype)
    for greek, numbers in greeks(PRICES[name], *at).items():
        wrong = ~np.isfinite(numbers)
        where = [tuple(float(axis[index]) for axis in at) for index in np.flatnonzero(wrong)[:4]]
        assert not wrong.any(), f"{greek} of {name} at (spot, volatility, time) {where}, {wrong.sum()} of {wrong.size}"


@pytest.mark.parametrize("name", [name for name in PRICES if name not in FOURIER])
def test_greeks_are_numbers_everywhere(name: str):
    assert_numbers(name, np.float32)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("name", ["call", "digital_call", *FOURIER])
def test_greeks_are_numbers_everywhere_in_double_precision(name: str):
    assert_numbers(name, np.float64)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("time", [1e-4, 0.1, 1.0])
def test_digital_gamma(time: float):
    """−φ(d₂)·d₁/(S²σ²T)·e^{−rT} (Reiner and Rubinstein 1991), where a peer is 700 times off at T = 0.1."""
    for spot in (0.9, 0.99, 1.0, 1.01, 1.1):
        total = 0.2 * np.sqrt(time)
        d1 = (np.log(spot) + RATE * time) / total + 0.5 * total
        exact = -np.exp(-RATE * time) * stats.norm.pdf(d1 - total) * d1 / (spot**2 * total**2)
        at = (jnp.asarray([spot]), jnp.asarray([0.2]), jnp.asarray([time]))
        assert float(greeks(PRICES["digital_call"], *at)["gamma"][0]) == pytest.approx(exact, rel=1e-9, abs=1e-12)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("name", ["up_and_in_call", "asian", "floating_lookback_put", "basket", "heston", "merton"])
def test_greeks_are_finite_differences(name: str):
    price = PRICES[name]
    at, step = (jnp.asarray([1.01]), jnp.asarray([0.2]), jnp.asarray([20 * DAY])), 1e-5
    found = greeks(price, *at)

    def moved(axis: int, side: float) -> float:
        return float(price(*(numbers[0] + side * step * (place == axis) for place, numbers in enumerate(at))))

    here = moved(0, 0.0)
    for greek, axis in (("delta", 0), ("vega", 1), ("theta", 2)):
        slope = (moved(axis, 1.0) - moved(axis, -1.0)) / (2.0 * step)
        assert float(found[greek][0]) == pytest.approx(slope, rel=1e-5, abs=1e-7)
    bend = (moved(0, 1.0) - 2.0 * here + moved(0, -1.0)) / step**2
    assert float(found["gamma"][0]) == pytest.approx(bend, rel=2e-3, abs=1e-3)
