"""What every exotic contract promises: nothing of the future, flows at expiry, values and Greeks that are numbers."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array

from tenrec.contracts import AbstractExotic, CustomPayoff, LaterSale, european, mixed_book
from tenrec.core.errors import ConfigError
from tenrec.core.paths import market_paths
from tenrec.hedging.policies import BlackScholesDelta
from tenrec.hedging.sensitivities import book_delta, book_gamma, book_value, book_vega
from tenrec.hedging.view import MarketView, observe, view_at
from tests.contracts.exotics import EXOTICS, EXPIRY

DATES = 9
every_exotic = pytest.mark.parametrize("exotic", EXOTICS.values(), ids=EXOTICS)


@pytest.fixture
def spots(key: Array) -> Array:
    """Paths that cross the barriers, paths that do not, and one that stays where it was."""
    moves = 0.03 * jax.random.normal(key, (200, DATES - 1))
    paths = jnp.exp(jnp.concatenate([jnp.zeros((200, 1)), jnp.cumsum(moves, axis=1)], axis=1))
    return jnp.concatenate([paths, jnp.ones((1, DATES))])


@every_exotic
def test_later_prices_touch_neither_states_nor_the_payoff(exotic: AbstractExotic, spots: Array):
    spot = spots[0]
    for date in range(1, DATES):
        changed = spot.at[date:].multiply(1.4)
        np.testing.assert_array_equal(exotic.states(changed)[:date], exotic.states(spot)[:date])
        np.testing.assert_array_equal(exotic.flows(changed)[:date], exotic.flows(spot)[:date])
    assert float(exotic.payoff(spot.at[EXPIRY + 1 :].multiply(2.0))) == float(exotic.payoff(spot))


@every_exotic
def test_states_are_neutral_at_the_start_and_named(exotic: AbstractExotic, spots: Array):
    states = jax.vmap(exotic.states)(spots)
    assert states.shape == (len(spots), DATES, len(exotic.state_names))
    np.testing.assert_array_equal(states[:, 0], 0.0)


@every_exotic
def test_a_book_pays_quantity_times_the_flows(exotic: AbstractExotic, spots: Array):
    book = mixed_book(european("call", strike=1.0, expiry=3, quantity=2.0), (exotic,))
    flows = jax.vmap(book.flows)(spots)
    paid = jax.vmap(exotic.payoff)(spots)
    assert float(jnp.max(paid)) > 0.0
    expected = np.zeros((len(spots), DATES))
    expected[:, 3] += 2.0 * np.maximum(np.asarray(spots[:, 3]) - 1.0, 0.0)
    own = np.asarray(jax.vmap(exotic.flows)(spots))
    np.testing.assert_allclose(flows, expected + float(exotic.quantity) * own, atol=1e-6)
    if not isinstance(exotic, LaterSale):
        np.testing.assert_allclose(own.sum(axis=1), paid, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(own[:, EXPIRY + 1 :], 0.0)


def test_in_and_out_are_the_plain_option(spots: Array):
    for side in ("up", "down"):
        for kind, sign in (("call", 1.0), ("put", -1.0)):
            both = [EXOTICS[f"{side}_and_{way}_{kind}"] for way in ("in", "out")]
            total = sum(jax.vmap(one.payoff)(spots) for one in both)
            np.testing.assert_allclose(total, np.maximum(sign * (np.asarray(spots)[:, EXPIRY] - 1.0), 0.0), atol=1e-6)


@jax.jit
def greeks(view: MarketView) -> dict[str, Array]:
    """The value, and the derivatives where the contract has one."""
    functions = {"value": book_value, "delta": book_delta, "gamma": book_gamma, "vega": book_vega}
    if any(isinstance(exotic, CustomPayoff) for exotic in view.exotics):
        functions = {"value": book_value}
    return {name: function(view, view.volatility) for name, function in functions.items()}


def _size(name: str) -> float:
    """What a state may come to: a flag is 1, the others are returns."""
    return 1.0 if name in ("touched", "exercised") else 0.1


@every_exotic
def test_values_and_greeks_are_numbers_everywhere(exotic: AbstractExotic):
    """At the money, on the barrier, beyond it, at expiry and a moment before it; touched or not."""
    book = mixed_book(None, (exotic,))
    spot, time, state = (
        grid.ravel()
        for grid in np.meshgrid([0.5, 0.95, 1.0, 1.05, 2.0], [0.0, 1e-9, 1 / 365, 0.1], [0.0, 1.0], indexing="ij")
    )
    names = book.state_names
    view = view_at(
        book,
        spot=jnp.asarray(spot, float),
        time_to_expiry=jnp.asarray(time, float)[:, None],
        volatility=jnp.full(spot.shape, 0.2),
        maturity=0.1,
        period=1 / 365,
        initial_spot=1.0,
        rate=0.03,
        signals=jnp.asarray(state, float)[:, None] * jnp.asarray([_size(name) for name in names]),
        signal_names=names,
    )
    found = greeks(view)
    for name, numbers in found.items():
        assert np.isfinite(numbers).all(), name
    np.testing.assert_array_equal(found["value"][time == 0.0], 0.0)


@every_exotic
@pytest.mark.usefixtures("x64")
def test_delta_and_vega_are_finite_differences_of_the_value(exotic: AbstractExotic):
    book = mixed_book(None, (exotic,))
    names = book.state_names

    def view(spot: float) -> MarketView:
        known = [np.log(1.01 / spot) if name.startswith("log_") else 0.0 for name in names]
        return view_at(
            book,
            spot=jnp.asarray([spot]),
            time_to_expiry=jnp.asarray([[4 / 365]]),
            volatility=jnp.asarray([0.2]),
            maturity=EXPIRY / 365,
            period=1 / 365,
            initial_spot=1.0,
            signals=jnp.asarray([known]),
            signal_names=names,
        )

    h = 1e-6
    here = view(1.003)
    if isinstance(exotic, CustomPayoff):
        with pytest.raises(ConfigError, match="no Black–Scholes delta"):
            book_delta(here, here.volatility)
        return
    found = greeks(here)
    # What is known of the past stays: the state is relative to the spot, and moves with it.
    up, down = (float(greeks(view(1.003 + side * h))["value"][0]) for side in (1.0, -1.0))
    assert float(found["delta"][0]) == pytest.approx((up - down) / (2 * h), rel=1e-5, abs=1e-7)
    high, low = (
        float(greeks(dataclasses.replace(here, volatility=jnp.asarray([0.2 + side * h])))["value"][0])
        for side in (1.0, -1.0)
    )
    assert float(found["vega"][0]) == pytest.approx((high - low) / (2 * h), rel=1e-5, abs=1e-7)


def test_the_view_of_a_mixed_book_shows_states_by_name(spots: Array):
    book = mixed_book(
        european("call", strike=1.0, expiry=EXPIRY), (EXOTICS["up_and_in_call"], EXOTICS["one_touch_down"])
    )
    assert book.state_names == ("touched", "touched_2")
    seen = observe(market_paths(spot=spots[0], dt=jnp.full(DATES - 1, 1 / 365), volatility=0.2), book)
    assert seen.signal_names == book.state_names
    np.testing.assert_array_equal(seen.signals[:, 0], book.exotics[0].states(spots[0])[:-1, 0])
    assert BlackScholesDelta().inputs(seen).shape == (DATES - 1, 1)
    np.testing.assert_allclose(seen.size[0], 3.0)
