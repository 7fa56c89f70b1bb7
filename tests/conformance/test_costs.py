"""What every cost promises: never negative, nothing for no trade, blind to the side, convex, in the quote currency."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array

from tenrec.core.errors import ConfigError
from tenrec.hedging import costs as package
from tenrec.hedging.costs import (
    AbstractCost,
    FixedCost,
    HalfSpreadCost,
    MakerTakerCost,
    MinimumFee,
    ProportionalCost,
    QuadraticCost,
)
from tenrec.hedging.limits import make_limits
from tests.laws.accounts import cost_by_hand

PRICE, HALF_SPREAD = np.array([100.0, 3.0]), np.array([0.05, 0.02])
TRADE = np.array([-2.0, 5.0])
# Rates of the two instruments, by the rule's name; the hand-computed loop reads the same names.
RATES: dict[str, dict[str, tuple[float, float]]] = {
    "proportional": {"proportional": (0.001, 0.001)},
    "proportional_each": {"proportional": (0.001, 0.02)},
    "half_spread": {"half_spread": (1.0, 1.0)},
    "maker_taker": {
        "maker": (2e-4, -1e-4),
        "taker": (5e-4, 6e-4),
        "slippage": (1e-4, 0.0),
        "maker_share": (0.5, 0.2),
    },
    "quadratic": {"quadratic": (1e-4, 2e-3)},
    "fixed": {"fixed": (0.5, 0.2)},
    "minimum_fee": {"proportional": (0.001, 0.02), "minimum": (1.0, 0.1)},
}
LINEAR = ["proportional", "proportional_each", "half_spread", "maker_taker"]
CONVEX = [*LINEAR, "quadratic"]
every_cost = pytest.mark.parametrize("name", RATES)


def member(name: str, scale: float = 1.0) -> AbstractCost:
    """One example of each cost; `scale` is the unit of account, in which fees are told."""
    rate = {key: jnp.asarray(both, float) for key, both in RATES[name].items()}
    width = jnp.asarray(0.05, float)
    match name:
        case "half_spread":
            return HalfSpreadCost()
        case "maker_taker":
            return MakerTakerCost(**rate)
        case "quadratic":
            return QuadraticCost(rate["quadratic"])
        case "fixed":
            return FixedCost(scale * rate["fixed"], width)
        case "minimum_fee":
            return MinimumFee(scale * rate["minimum"], rate["proportional"], width)
        case _:
            return ProportionalCost(rate["proportional"])


def charge(name: str, trade: Array | np.ndarray, *, scale: float = 1.0) -> Array:
    arguments = (jnp.asarray(trade, float), jnp.asarray(scale * PRICE, float), jnp.asarray(scale * HALF_SPREAD, float))
    return member(name, scale)(*arguments)


def by_hand(name: str, trade: np.ndarray) -> float:
    """The rule in plain numbers, instrument by instrument; the top-up is what the minimum adds to its commission."""
    total = 0.0
    for k in range(2):
        rates = {key: both[k] for key, both in RATES[name].items()}
        total += cost_by_hand(trade[k], PRICE[k], HALF_SPREAD[k], rates)
        if name == "minimum_fee":
            total -= rates["proportional"] * abs(trade[k]) * PRICE[k]
    return total


def test_every_cost_of_the_package_is_held_to_this():
    concrete = {item for item in vars(package).values() if inspect.isclass(item) and issubclass(item, AbstractCost)}
    assert concrete - {AbstractCost} == {type(member(name)) for name in RATES}


@every_cost
@pytest.mark.parametrize("trade", [TRADE, np.array([0.003, 0.0]), np.array([0.0, 1.0]), np.array([40.0, -0.5])])
def test_what_a_loop_by_hand_finds(name: str, trade: np.ndarray):
    found = charge(name, trade)
    assert found.shape == ()
    assert found.dtype == jnp.float32
    assert float(found) == pytest.approx(by_hand(name, trade), rel=1e-6, abs=1e-9)


@every_cost
def test_nothing_for_no_trade_and_never_negative(name: str, key: Array):
    assert float(charge(name, np.zeros(2))) == 0.0
    trades = jax.random.normal(key, (200, 2))
    assert bool(jnp.all(jax.vmap(lambda trade: charge(name, trade))(trades) > 0))


@every_cost
def test_buying_costs_what_selling_does(name: str):
    assert float(charge(name, TRADE)) == float(charge(name, -TRADE))


@pytest.mark.parametrize("name", CONVEX)
def test_convex(name: str, key: Array):
    first, second = jax.random.normal(key, (2, 2))
    apart = 0.3 * charge(name, first) + 0.7 * charge(name, second)
    assert float(charge(name, 0.3 * first + 0.7 * second)) <= float(apart) + 1e-6


@pytest.mark.parametrize("name", LINEAR)
def test_proportional_to_size(name: str):
    np.testing.assert_allclose(charge(name, 3.0 * TRADE), 3.0 * charge(name, TRADE), rtol=1e-6)


@every_cost
def test_scales_with_the_unit_of_account(name: str):
    np.testing.assert_allclose(charge(name, TRADE, scale=7.0), 7.0 * charge(name, TRADE), rtol=1e-6)


@pytest.mark.parametrize("name", CONVEX)
def test_gradient_is_the_cost_of_one_more_unit(name: str):
    slope = jax.grad(lambda trade: charge(name, trade))(jnp.asarray(TRADE, jnp.float32))
    step = 1e-2
    for k in range(2):
        bump = step * np.eye(2)[k]
        difference = (by_hand(name, TRADE + bump) - by_hand(name, TRADE - bump)) / (2 * step)
        assert float(slope[k]) == pytest.approx(difference, rel=1e-4)


@every_cost
def test_gradients_are_numbers_even_at_no_trade(name: str):
    for trade in (jnp.zeros(2), jnp.asarray(TRADE, float)):
        assert bool(jnp.isfinite(jax.grad(lambda trade: charge(name, trade))(trade)).all())


@pytest.mark.parametrize("name", ["fixed", "minimum_fee"])
def test_training_feels_a_fee_for_trading_at_all(name: str):
    """Its slope is that of a softened fee: it pulls towards no trade, the more so the smaller the trade."""
    slope = jax.grad(lambda trade: charge(name, trade))
    near, far = slope(jnp.asarray([0.01, -0.01])), slope(jnp.asarray([1.0, -1.0]))
    assert float(near[0]) > abs(float(far[0])) > 0.0
    assert float(near[1]) < -abs(float(far[1])) < 0.0


def limited(target: float, held: float, lot: float, most: float, step: float) -> float:
    """The rule in plain numbers, searched over every position that is allowed: the nearest to what is wanted."""
    reach = np.arange(-400, 401) * lot
    allowed = reach[(np.abs(reach) <= most + 1e-9) & (np.abs(reach - held) <= step + 1e-9)]
    return float(allowed[np.argmin(np.abs(allowed - target))])


def test_limits_take_the_nearest_position_that_is_allowed():
    rng = np.random.default_rng(4)
    limits = make_limits(lot=0.05, position=0.83, trade=0.26)
    for target in rng.uniform(-1.5, 1.5, 60):
        held = float(np.round(rng.uniform(-0.8, 0.8) / 0.05) * 0.05)
        found = float(limits(jnp.asarray([target]), jnp.asarray([held]))[0])
        assert found == pytest.approx(limited(target, held, 0.05, 0.83, 0.26), abs=1e-6)


def test_limits_that_do_not_bind_change_nothing_and_lots_are_straight_through():
    free = make_limits(position=2.0, trade=3.0, instruments=2)
    wanted, held = jnp.asarray([0.1234567, -1.2]), jnp.asarray([0.7, 0.3])
    np.testing.assert_array_equal(free(wanted, held), wanted)
    lots = make_limits(lot=0.5, position=2.0)
    slope = jax.grad(lambda x: lots(x[None], jnp.zeros(1))[0])
    assert float(slope(jnp.asarray(0.3))) == 1.0
    assert float(slope(jnp.asarray(7.0))) == 0.0


@pytest.mark.parametrize("given", [{"lot": 1.0, "position": 0.5}, {"lot": 1.0, "trade": 0.9}, {"position": 0.0}])
def test_a_limit_that_forbids_every_hedge(given: dict[str, float]):
    with pytest.raises(ConfigError, match="forbids every hedge"):
        make_limits(**given)
