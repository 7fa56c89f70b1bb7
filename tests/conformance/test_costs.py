"""What every cost promises: never negative, nothing for no trade, blind to the side, convex, in the quote currency."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array

from tenrec.hedging import costs as package
from tenrec.hedging.costs import AbstractCost, HalfSpreadCost, MakerTakerCost, ProportionalCost

PRICE, HALF_SPREAD = np.array([100.0, 3.0]), np.array([0.05, 0.02])
TRADE = np.array([-2.0, 5.0])
MEMBERS: dict[str, AbstractCost] = {
    "proportional": ProportionalCost(jnp.asarray(0.001)),
    "proportional_each": ProportionalCost(jnp.asarray([0.001, 0.02])),
    "half_spread": HalfSpreadCost(),
    "maker_taker": MakerTakerCost(*(jnp.asarray(rate) for rate in (2e-4, 5e-4, 1e-4, 0.5))),
}
# Written out for TRADE: Σ rate·|n|·S and Σ |n|·half-spread.
KNOWN = {
    "proportional": 0.2 + 0.015,
    "proportional_each": 0.2 + 0.3,
    "half_spread": 0.1 + 0.1,
    "maker_taker": 4e-4 * 215.0,
}
every_cost = pytest.mark.parametrize("name", MEMBERS)


def charge(name: str, trade: Array | np.ndarray, *, scale: float = 1.0) -> Array:
    arguments = (jnp.asarray(trade, float), jnp.asarray(scale * PRICE, float), jnp.asarray(scale * HALF_SPREAD, float))
    return MEMBERS[name](*arguments)


def test_every_cost_of_the_package_is_held_to_this():
    concrete = {item for item in vars(package).values() if inspect.isclass(item) and issubclass(item, AbstractCost)}
    assert concrete - {AbstractCost} == {type(member) for member in MEMBERS.values()}


@every_cost
def test_known_value(name: str):
    found = charge(name, TRADE)
    assert found.shape == ()
    assert found.dtype == jnp.float32
    assert float(found) == pytest.approx(KNOWN[name], rel=1e-6)


@every_cost
def test_nothing_for_no_trade_and_never_negative(name: str, key: Array):
    assert float(charge(name, np.zeros(2))) == 0.0
    trades = jax.random.normal(key, (200, 2))
    assert bool(jnp.all(jax.vmap(lambda trade: charge(name, trade))(trades) > 0))


@every_cost
def test_buying_costs_what_selling_does(name: str):
    assert float(charge(name, TRADE)) == float(charge(name, -TRADE))


@every_cost
def test_convex_and_proportional_to_size(name: str, key: Array):
    first, second = jax.random.normal(key, (2, 2))
    apart = 0.3 * charge(name, first) + 0.7 * charge(name, second)
    assert float(charge(name, 0.3 * first + 0.7 * second)) <= float(apart) + 1e-6
    np.testing.assert_allclose(charge(name, 3.0 * TRADE), 3.0 * charge(name, TRADE), rtol=1e-6)


@every_cost
def test_scales_with_the_unit_of_account(name: str):
    np.testing.assert_allclose(charge(name, TRADE, scale=7.0), 7.0 * charge(name, TRADE), rtol=1e-6)


@every_cost
def test_gradient_is_the_cost_of_one_more_unit(name: str):
    slope = jax.grad(lambda trade: charge(name, trade))(jnp.asarray(TRADE, jnp.float32))
    one_more = np.array([charge(name, [-3.0, 5.0]), charge(name, [-2.0, 6.0])]) - float(charge(name, TRADE))
    np.testing.assert_allclose(slope * np.sign(TRADE), one_more, rtol=1e-4)
    assert bool(jnp.isfinite(jax.grad(lambda trade: charge(name, trade))(jnp.zeros(2))).all())
