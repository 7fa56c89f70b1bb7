"""What every book of plain options promises: cash flows from a path, linear in the quantity, none before their date."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array

from tenrec import contracts as package
from tenrec.contracts import BasketOption, EuropeanBook, MixedBook, QuotedBook, european, european_book
from tests.contracts.exotics import EXOTICS

DATES = 9
CONTRACTS = {
    "sold_call": european("call", strike=1.0, expiry=8),
    "held_put": european("put", strike=1.1, expiry=5, quantity=3.0),
    "book": european_book(
        ["call", "put", "call"], strikes=[0.9, 1.0, 1.2], expiries=[8, 4, 4], quantities=[-1, 2.0, -0.5]
    ),
}
every_contract = pytest.mark.parametrize("contract", CONTRACTS.values(), ids=CONTRACTS)


@pytest.fixture
def spot(key: Array) -> Array:
    return jnp.exp(0.2 * jax.random.normal(key, (DATES,)))


def test_every_contract_of_the_package_is_held_to_this():
    offered = {item for item in vars(package).values() if inspect.isclass(item) and not inspect.isabstract(item)}
    # Options on several assets: tests/contracts/test_basket.py.
    exotic = {type(one) for one in EXOTICS.values()} | {MixedBook, BasketOption, QuotedBook}
    assert offered == {type(contract) for contract in CONTRACTS.values()} | exotic


@every_contract
def test_flows_are_the_payoffs_at_their_dates(contract: EuropeanBook, spot: Array):
    expected = np.zeros(DATES)
    for strike, sign, expiry, quantity in zip(
        *(np.asarray(part) for part in (contract.strike, contract.sign, contract.expiry, contract.quantity)),
        strict=True,
    ):
        gain = float(spot[expiry]) - strike if sign > 0 else strike - float(spot[expiry])
        expected[expiry] += quantity * max(gain, 0.0)
    flows = contract.flows(spot)
    assert flows.shape == (DATES,)
    assert flows.dtype == spot.dtype
    np.testing.assert_allclose(flows, expected, rtol=1e-5, atol=1e-6)
    assert expected.any()


@every_contract
def test_later_prices_do_not_touch_earlier_flows(contract: EuropeanBook, spot: Array):
    for date in range(1, DATES):
        changed = spot.at[date:].multiply(3.0)
        np.testing.assert_array_equal(contract.flows(changed)[:date], contract.flows(spot)[:date])


@every_contract
def test_flows_are_linear_in_the_quantity(contract: EuropeanBook, spot: Array):
    double = EuropeanBook(contract.strike, contract.sign, contract.expiry, -2.0 * contract.quantity)
    np.testing.assert_array_equal(double.flows(spot), -2.0 * contract.flows(spot))


@every_contract
def test_flows_scale_with_spot_and_strike(contract: EuropeanBook, spot: Array):
    cents = EuropeanBook(100.0 * contract.strike, contract.sign, contract.expiry, contract.quantity)
    np.testing.assert_allclose(cents.flows(100.0 * spot), 100.0 * contract.flows(spot), rtol=1e-4, atol=1e-5)


@every_contract
def test_batches(contract: EuropeanBook, spot: Array):
    many = jnp.stack([spot, 1.1 * spot, 0.8 * spot])
    at_once = jax.vmap(contract.flows)(many)
    np.testing.assert_array_equal(at_once, jnp.stack([contract.flows(row) for row in many]))
    each = jax.tree.map(lambda leaf: jnp.stack([leaf] * 3), contract)
    np.testing.assert_array_equal(jax.vmap(lambda own, row: own.flows(row))(each, many), at_once)


@every_contract
def test_gradients_are_finite_at_the_kink(contract: EuropeanBook):
    at_the_money = jnp.full(DATES, 1.0)
    assert bool(jnp.isfinite(jax.grad(lambda spot: contract.flows(spot).sum())(at_the_money)).all())
