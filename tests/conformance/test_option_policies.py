"""What policies that hold listed options promise, wherever spot, time and the option's own life and strike may be."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array

from tenrec.contracts import european
from tenrec.hedging.policies.options import MOST
from tenrec.hedging.view import MarketView, OptionView
from tests.conformance.policies import WITH_OPTIONS, make_policy, states
from tests.conformance.test_policies import BOOKS, inputs_alone, inputs_of, targets
from tests.laws.listed import black

every_policy = pytest.mark.parametrize("name", WITH_OPTIONS)
HELD = jnp.array([0.4, -0.2, 0.1])


def listed(view: MarketView, *, unit: float = 100.0) -> MarketView:
    """The states with a call that outlives the book and a put that expires with it, or has expired, beside the spot."""
    spot, time = view.spot, view.time_to_maturity
    own = jnp.zeros_like(spot)
    columns = {
        "sign": (own, own + 1.0, jnp.where(time > 1e-5, -1.0, 0.0)),
        "strike": (own + unit, own + 1.02 * unit, own + 0.9 * unit),
        "time": (own, time + 30 / 365, time),
        "forward": (spot, spot, spot),
        "discount": (own + 1.0, own + 1.0, own + 1.0),
    }
    options = OptionView(**{name: jnp.stack(column, axis=-1).astype(spot.dtype) for name, column in columns.items()})
    price = jnp.stack([spot, 0.03 * spot, 0.01 * spot], axis=-1)
    return dataclasses.replace(view, price=price, options=options)


@every_policy
def test_shapes_precision_and_bounded_numbers(name: str, key: Array):
    """Deep in the wings, a billionth of a year before expiry and at it; no option is held that is not listed."""
    view = listed(states(BOOKS["straddle_and_wing"]))
    policy = make_policy(name, view, key)
    for leaf in jax.tree.leaves(inputs_of(policy, view)):
        assert leaf.dtype == jnp.float32
        assert bool(jnp.isfinite(leaf).all())
    wanted = targets(policy, view, HELD)
    assert wanted.shape == (*view.spot.shape, 3)
    assert wanted.dtype == jnp.float32
    assert bool(jnp.isfinite(wanted).all())
    if name.startswith("delta_"):
        assert float(jnp.abs(wanted[:, 1:]).max()) <= MOST * 4.0
        assert not wanted[:, 2][view.time_to_maturity <= 1e-5].any()


@every_policy
@pytest.mark.usefixtures("x64")
def test_double_precision(name: str, key: Array):
    view = listed(states())
    assert targets(make_policy(name, view, key), view, HELD).dtype == jnp.float64


@every_policy
def test_pure_and_vectorised(name: str, key: Array):
    view = listed(states(BOOKS["straddle_and_wing"]))
    policy = make_policy(name, view, key)
    whole, alone = inputs_of(policy, view), inputs_alone(policy, view)
    for leaf, other in zip(*map(jax.tree.leaves, (whole, alone)), strict=True):
        np.testing.assert_allclose(other, leaf, rtol=2e-5, atol=1e-5)


@every_policy
def test_units_of_account_do_not_matter(name: str, key: Array):
    """Spot and all strikes in cents: as many units of every instrument."""
    large = listed(states(european("call", strike=100.0, expiry=30)))
    small = listed(states(european("call", strike=1.0, expiry=30), initial_spot=1.0), unit=1.0)
    policy = make_policy(name, large, key)
    np.testing.assert_allclose(targets(policy, large, HELD), targets(policy, small, HELD), rtol=2e-3, atol=2e-5)


@pytest.mark.parametrize("name", ["black_scholes_delta", "delta_gamma", "delta_vega"])
def test_mirrored_book(name: str, key: Array):
    sold, held = (listed(states(european("call", strike=100.0, expiry=30, quantity=side))) for side in (-1.0, 1.0))
    policy = make_policy(name, sold, key)
    np.testing.assert_allclose(targets(policy, sold, HELD), -targets(policy, held, -HELD), atol=1e-6)


@pytest.mark.parametrize("name", ["delta_gamma", "delta_vega", "static", "static_delta"])
@pytest.mark.usefixtures("x64")
def test_put_call_parity(name: str, key: Array):
    """A put has the Greeks of its call but one unit of the spot: the options held for it are the same."""
    call, put = (
        listed(states(european(kind, strike=100.0, expiry=30), years=np.array([0.1]))) for kind in ("call", "put")
    )
    policy = make_policy(name, call, key)
    of_call, of_put = targets(policy, call, HELD), targets(policy, put, HELD)
    np.testing.assert_allclose(of_call[:, 1:], of_put[:, 1:], atol=1e-9)
    np.testing.assert_allclose(of_call[:, 0] - of_put[:, 0], float(name != "static"), atol=1e-9)


@pytest.mark.parametrize("name", ["delta_gamma", "delta_vega", "static_delta"])
@pytest.mark.usefixtures("x64")
def test_the_first_instrument_takes_the_delta_that_the_options_leave(name: str, key: Array):
    """The delta hedge of the book alone, less the options' delta by differences of SciPy's Black formula."""
    view = listed(states(spot=np.array([92.0, 100.0, 107.0]), years=np.array([0.05, 0.1])))
    options = view.options
    assert options is not None
    policy = make_policy(name, view, key)
    wanted = np.asarray(targets(policy, view, HELD))
    alone = np.asarray(targets(make_policy("black_scholes_delta", view, key), view, HELD))[:, 0]
    spot, volatility = np.asarray(view.spot), np.asarray(view.volatility)
    left = alone
    for place, sign in ((1, 1.0), (2, -1.0)):
        strike, time = (np.asarray(leaf)[:, place] for leaf in (options.strike, options.time))
        up, down = (black(sign, spot + move, strike, volatility, time, np.ones(1)) for move in (1e-3, -1e-3))
        left = left - wanted[:, place] * (up - down) / 2e-3
    np.testing.assert_allclose(wanted[:, 0], left, atol=1e-7)
    assert np.abs(left - alone).max() > 0.1
