"""What a hedger knows at a date: the right numbers, and nothing of later dates."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array

from tenrec.contracts import EuropeanBook, european, european_book
from tenrec.core.paths import MarketPaths, market_paths
from tenrec.hedging.view import observe, view_at

STEPS = 6
DT = np.array([1.0, 1.0, 3.0, 1.0, 2.0, 1.0]) / 365
BOOK = european_book(["call", "put"], strikes=[1.0, 1.125], expiries=[STEPS, 3], quantities=[-1.0, 2.0])

pytestmark = pytest.mark.usefixtures("x64")


def one_path(**changes: object) -> MarketPaths:
    rng = np.random.default_rng(3)
    market = {
        "spot": jnp.asarray(np.exp(0.1 * rng.standard_normal(STEPS + 1))),
        "dt": jnp.asarray(DT),
        "volatility": jnp.asarray(rng.uniform(0.1, 0.3, STEPS + 1)),
        "rate": 0.05,
        "dividend_yield": 0.02,
        "signals": jnp.asarray(rng.standard_normal((STEPS + 1, 2))),
        "signal_names": ("first", "second"),
    }
    return market_paths(**{**market, **changes})


def test_every_field():
    paths = one_path(rate=jnp.linspace(0.01, 0.06, STEPS), dividend_yield=jnp.linspace(0.03, 0.0, STEPS))
    view = observe(paths, BOOK)
    spot, dates = np.asarray(paths.spot), range(STEPS)
    rate, dividends = np.asarray(paths.rate), np.asarray(paths.dividend_yield)
    np.testing.assert_array_equal(view.spot, spot[:-1])
    np.testing.assert_array_equal(view.initial_spot, spot[0])
    np.testing.assert_array_equal(view.price, paths.price[:-1])
    np.testing.assert_array_equal(view.volatility, paths.volatility[:-1])
    np.testing.assert_array_equal(view.entry_volatility, paths.volatility[0])
    np.testing.assert_array_equal(view.signals, paths.signals[:-1])
    np.testing.assert_array_equal(view.period, DT)
    np.testing.assert_allclose(view.maturity, DT.sum(), rtol=1e-14)
    np.testing.assert_allclose(view.last_return[1:], np.log(spot[1:-1] / spot[:-2]), atol=1e-15)
    assert view.last_return[0] == 0.0
    for leg, expiry in enumerate((STEPS, 3)):
        left = [DT[date:expiry].sum() for date in dates]
        interest = [(rate * DT)[date:expiry].sum() for date in dates]
        paid_out = [(dividends * DT)[date:expiry].sum() for date in dates]
        alive = np.arange(STEPS) < expiry
        np.testing.assert_allclose(view.time_to_expiry[:, leg], left, atol=1e-15)
        np.testing.assert_allclose(view.discount[alive, leg], np.exp(-np.array(interest))[alive], rtol=1e-14)
        forward = spot[:-1] * np.exp(np.array(interest) - np.array(paid_out))
        np.testing.assert_allclose(view.forward[alive, leg], forward[alive], rtol=1e-14)
        np.testing.assert_array_equal(view.quantity[:, leg], np.where(alive, [-1.0, 2.0][leg], 0.0))
        np.testing.assert_array_equal(view.strike[:, leg], [1.0, 1.125][leg])
        np.testing.assert_array_equal(view.sign[:, leg], [1.0, -1.0][leg])
    np.testing.assert_allclose(view.time_to_maturity, [DT[date:].sum() for date in dates], atol=1e-15)


@pytest.mark.parametrize("date", range(STEPS))
def test_no_look_ahead(date: int):
    """Whatever the market does after a date, the view up to that date is the same to the last bit."""
    paths = one_path()
    changed = {
        name: getattr(paths, name).at[date + 1 :].set(3.0)
        for name in ("spot", "price", "volatility", "carry", "half_spread", "signals")
    }
    changed["tradable"] = paths.tradable.at[date + 1 :].set(False)
    before, after = observe(paths, BOOK), observe(dataclasses.replace(paths, **changed), BOOK)
    jax.tree.map(lambda a, b: np.testing.assert_array_equal(a[: date + 1], b[: date + 1]), before, after)
    if date < STEPS - 1:
        assert bool(jnp.all(before.spot[date + 1 :] != after.spot[date + 1 :]))


@pytest.mark.parametrize(
    "book", [european("put", strike=0.9, expiry=STEPS, quantity=3.0), BOOK], ids=["one option", "book"]
)
def test_asking_at_a_state_is_as_seeing_it_on_a_path(book: EuropeanBook):
    paths = one_path()
    seen = observe(paths, book)
    asked = view_at(
        book,
        spot=seen.spot,
        time_to_expiry=seen.time_to_expiry,
        volatility=seen.volatility,
        entry_volatility=seen.entry_volatility,
        maturity=seen.maturity,
        period=seen.period,
        initial_spot=seen.initial_spot,
        last_return=seen.last_return,
        rate=0.05,
        dividend_yield=0.02,
        signals=seen.signals,
        signal_names=seen.signal_names,
    )
    for field in dataclasses.fields(seen):
        if field.name in ("signal_names", "exotics", "options"):
            assert getattr(asked, field.name) == getattr(seen, field.name)
            continue
        mine, theirs = getattr(asked, field.name), getattr(seen, field.name)
        assert mine.shape == theirs.shape
        alive = seen.quantity != 0
        if theirs.shape == alive.shape:
            mine, theirs = mine[alive], theirs[alive]
        np.testing.assert_allclose(mine, theirs, rtol=1e-13, atol=1e-15, err_msg=field.name)


def test_states_broadcast_and_default_to_neutral():
    view = view_at(
        BOOK,
        spot=jnp.ones((4, 3)),
        time_to_expiry=jnp.full((4, 3, 2), 0.1),
        volatility=jnp.full((4, 3), 0.2),
        maturity=0.2,
        period=1 / 365,
        initial_spot=1.0,
        signal_names=("first",),
    )
    assert view.price.shape == (4, 3, 1)
    assert view.forward.shape == view.quantity.shape == (4, 3, 2)
    assert view.signals.shape == (4, 3, 1)
    assert not view.signals.any()
    assert not view.last_return.any()
    np.testing.assert_array_equal(view.entry_volatility, view.volatility)
    np.testing.assert_array_equal(view.discount, 1.0)


def test_each_path_sees_its_own_contract(key: Array):
    """Vectorised over paths that carry contracts of their own, each view is that of its path alone."""
    strikes = jnp.array([[0.9], [1.1]])
    books = EuropeanBook(strikes, jnp.ones((2, 1)), jnp.array([[STEPS], [2]]), -jnp.ones((2, 1)))
    paths = one_path()
    many = jax.vmap(lambda book: observe(paths, book))(books)
    for index, (strike, expiry) in enumerate([(0.9, STEPS), (1.1, 2)]):
        alone = observe(paths, european("call", strike=strike, expiry=expiry))
        jax.tree.map(lambda whole, one, i=index: np.testing.assert_allclose(whole[i], one, rtol=1e-14), many, alone)
