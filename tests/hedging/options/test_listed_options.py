"""Listed options as hedging instruments: their dates, prices and accounts, each held against another way to them."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, Float
from scipy.stats import norm

from tenrec.contracts import european
from tenrec.core.errors import ConfigError
from tenrec.core.listed import EXPIRES, GOES_ON, GONE, ROLLS
from tenrec.core.paths import MarketPaths
from tenrec.hedging.assess import Sample, assess, marks
from tenrec.hedging.attribution import attributions
from tenrec.hedging.costs import ProportionalCost
from tenrec.hedging.engine import Terms, over_paths, run
from tenrec.hedging.limits import make_limits
from tenrec.hedging.options import OptionSlot, list_options
from tenrec.hedging.policies import GreekHedge, Static
from tenrec.hedging.policies.base import AbstractPositionPolicy
from tenrec.hedging.policies.options import MOST
from tenrec.hedging.sensitivities import book_delta, book_gamma, option_deltas, option_gammas
from tenrec.hedging.view import MarketView, observe
from tenrec.markets import BlackScholesMarket, SabrMarket
from tenrec.pricing import heston, jumps
from tests.conformance.markets import HESTON, JUMPS, PARAMETERS, RATE, make_market

DAY, STEPS, PATHS, PRICED_PATHS = 1 / 365, 12, 6, 20_000
DT = np.full(STEPS, DAY)
ROLLED = OptionSlot(sign=-1.0, life=7 * DAY, every=5 * DAY, roll_at=2 * DAY, rule="delta", level=0.3)
EXPIRING = OptionSlot(sign=1.0, life=4 * DAY, every=4 * DAY)
ENDING = OptionSlot(sign=1.0, life=6 * DAY, rule="strike", level=1.9)
OUTLIVING = OptionSlot(sign=1.0, life=40 * DAY, rule="moneyness", level=1.05)
SLOTS = (ROLLED, EXPIRING, ENDING, OUTLIVING)
RATES = np.array([0.001, 0.02, 0.03, 0.01, 0.005])


@pytest.fixture(scope="module")
def paths() -> MarketPaths:
    with jax.enable_x64(True):
        return list_options(make_market("heston", DT), SLOTS).simulate(jax.random.key(3), PATHS)


class Wander(AbstractPositionPolicy):
    """Positions without sense, that change with the spot and grow with what is held."""

    def inputs(self, view: MarketView) -> Float[Array, "*at instruments"]:
        number = jnp.arange(1.0, view.price.shape[-1] + 1.0)
        return jnp.sin(40.0 * view.spot[..., None] * number) + 0.3

    def target(
        self, known: Float[Array, " instruments"], position: Float[Array, " instruments"]
    ) -> Float[Array, " instruments"]:
        return known + 0.25 * position


def test_when_options_are_listed_and_end():
    assert ROLLED.lives(DT).tolist() == [0, 0, 0, 0, 0, ROLLS, 0, 0, 0, 0, ROLLS, 0, 0]
    assert EXPIRING.lives(DT).tolist() == [0, 0, 0, 0, EXPIRES, 0, 0, 0, EXPIRES, 0, 0, 0, GONE]
    assert ENDING.lives(DT).tolist() == [GOES_ON] * 6 + [GONE] * 7
    assert OUTLIVING.lives(DT).tolist() == [GOES_ON] * 13
    assert [(part.first, part.last) for part in ROLLED.segments(DT)] == [(0, 5), (5, 10), (10, 12)]


@pytest.mark.parametrize(
    ("slot", "says"),
    [
        (OptionSlot(life=0.5 * DAY), "before the next"),
        (OptionSlot(life=2.5 * DAY), "between two trading dates"),
        (OptionSlot(life=5 * DAY, every=0.4 * DAY), "before the next"),
    ],
)
def test_dates_that_do_not_fit_are_refused(slot: OptionSlot, says: str):
    with pytest.raises(ConfigError, match=says):
        slot.segments(DT)


def test_a_market_without_option_prices_is_refused():
    market = SabrMarket(dt=jnp.asarray(DT), **PARAMETERS["sabr"])
    with pytest.raises(ConfigError, match="no model price on a SabrMarket"):
        list_options(market, [OUTLIVING])


def keep_books(lines: dict[str, np.ndarray], paths: MarketPaths, path: int, *, unwind: bool) -> np.ndarray:
    """Wealth at every date in plain numbers: each option is bought, held and sold as a contract of its own."""
    listed = paths.listed
    price = np.asarray(paths.price[path])
    closing = np.asarray(listed.closing[path])
    life = np.asarray(listed.life)
    carried, rate = np.asarray(paths.carry)[path], np.asarray(paths.rate).reshape(-1)[0]
    cash, held, found = 0.0, np.zeros(price.shape[1]), []
    for date in range(STEPS + 1):
        if date:
            cash *= np.exp(rate * DAY)
            cash += float(held @ carried[date])
        cost = 0.0
        for column in range(price.shape[1]):
            worth = closing[date, column]
            if life[date, column] in (ROLLS, EXPIRES, GONE):
                cash += held[column] * worth
                cost += RATES[column] * abs(held[column]) * worth * (life[date, column] == ROLLS)
                held[column] = 0.0
            trade = lines["position"][date, column] - held[column]
            cash -= trade * price[date, column]
            cost += RATES[column] * abs(trade) * price[date, column]
            held[column] += trade
        cash -= cost if date < STEPS or unwind else 0.0
        cash += -max(float(paths.spot[path, -1]) - 2.0, 0.0) if date == STEPS else 0.0
        found.append(cash)
    return np.array(found)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("unwind", [False, True])
def test_the_accounts_of_rolled_expired_and_delisted_options(paths: MarketPaths, unwind: bool):
    """Money moves by what each listed option was bought and sold for, to 1e-10."""
    terms = Terms(margined=(False,) * 5, costs=(ProportionalCost(jnp.asarray(RATES)),), unwind=unwind)
    sample = Sample(paths, european("call", strike=2.0, expiry=STEPS), jnp.asarray(0.0))
    lines = over_paths(run, Wander(), paths, sample.contract, terms, sample.premium)
    for path in range(PATHS):
        mine = {"position": np.asarray(lines.position[path])}
        expected = keep_books(mine, paths, path, unwind=unwind)
        np.testing.assert_allclose(lines.cash[path], expected, rtol=0, atol=1e-10 * np.abs(expected).max())
    position = np.asarray(lines.position)
    np.testing.assert_array_equal(position[:, 6:, 3], 0.0)
    assert (np.abs(position[:, 5, 1]) > 0).all()
    before = np.concatenate([np.zeros((PATHS, 1, 5)), position[:, :-1]], axis=1)
    np.testing.assert_allclose(before - np.asarray(lines.closed) + np.asarray(lines.trade), position, atol=1e-14)
    parts = attributions(lines, sample, terms)
    steps = jnp.diff(marks(lines, sample, terms), axis=-1, prepend=0.0)
    np.testing.assert_allclose(parts.total(), steps, rtol=1e-11, atol=1e-13)
    assert float(jnp.abs(parts.instruments).max()) > 0.0
    outcome = assess({"wander": Wander()}, sample, terms)["wander"]
    value = np.abs(np.asarray(lines.trade)) * np.asarray(paths.price)
    sold = np.where(np.asarray(paths.listed.life) == ROLLS, np.asarray(lines.closed), 0.0)
    value += np.abs(sold) * np.asarray(paths.listed.closing)
    np.testing.assert_allclose(outcome.traded, value[:, :-1].sum(axis=(1, 2)), rtol=1e-12)


@pytest.mark.usefixtures("x64")
def test_limits_hold_for_the_option_that_is_bought(paths: MarketPaths):
    limits = make_limits(position=np.array([9, 0.5, 9, 9, 9]), trade=np.array([9, 0.2, 9, 9, 9]), instruments=5)
    terms = Terms(margined=(False,) * 5, limits=limits)
    contract = european("call", strike=2.0, expiry=STEPS)
    lines = over_paths(run, Wander(), paths, contract, terms, jnp.asarray(0.0))
    assert float(jnp.abs(lines.position[..., 1]).max()) <= 0.5
    assert float(jnp.abs(lines.trade[:, :-1, 1]).max()) <= 0.2 + 1e-12


@pytest.mark.usefixtures("x64")
def test_strikes_are_those_of_their_rule(paths: MarketPaths):
    listed, spot, volatility = paths.listed, np.asarray(paths.spot), np.asarray(paths.volatility)
    for first, last in ((0, 5), (5, 10), (10, 13)):
        strike = np.asarray(listed.strike)[:, first:last, 1]
        np.testing.assert_array_equal(strike, np.broadcast_to(strike[:, :1], strike.shape))
        time = 7 * DAY
        total = volatility[:, first] * np.sqrt(time)
        upper = (np.log(spot[:, first] / strike[:, 0]) + 0.03 * time) / total + 0.5 * total
        np.testing.assert_allclose(np.exp(-0.01 * time) * norm.cdf(-upper), 0.3, rtol=1e-9)
    np.testing.assert_allclose(np.asarray(listed.strike)[:, 4:8, 2], spot[:, 4:5] * np.ones(4), rtol=1e-14)
    np.testing.assert_allclose(np.asarray(listed.closing)[:, 4, 2], np.maximum(spot[:, 4] - spot[:, 0], 0), atol=1e-12)


MODELS = {
    "heston": (heston.value, HESTON),
    "bates": (jumps.bates, {**HESTON, **JUMPS}),
    "merton": (jumps.merton, PARAMETERS["merton"]),
    "kou": (jumps.kou, PARAMETERS["kou"]),
}


@pytest.fixture(scope="module", params=["bates", "merton", "kou", "black_scholes"])
def priced(request: pytest.FixtureRequest) -> tuple[str, MarketPaths]:
    """Many paths on one market with options that roll and that outlive the grid; Heston is within Bates."""
    # In single precision, as runs have it.
    market = list_options(make_market(request.param, DT.astype(np.float32)), (ROLLED, OUTLIVING))
    return request.param, market.simulate(jax.random.key(8), PRICED_PATHS, sampling="antithetic")


def largest_price_error(name: str, paths: MarketPaths, *, columns: tuple[int, ...]) -> float:
    """At 400 random paths, dates and options, against the formula of the model."""
    formula, parameters = MODELS[name]
    numbers = {key: value for key, value in parameters.items() if key != "spot"}
    rng = np.random.default_rng(2)
    path, date, column = rng.integers(0, len(paths.spot), 400), rng.integers(0, STEPS, 400), rng.choice(columns, 400)
    listed = paths.listed
    spot = np.asarray(paths.spot, np.float64)[path, date]
    if "initial_variance" in numbers:
        jumping = JUMPS["jump_intensity"] * (JUMPS["jump_mean"] ** 2 + JUMPS["jump_deviation"] ** 2)
        seen = np.asarray(paths.volatility, np.float64)[path, date] ** 2
        numbers["initial_variance"] = np.maximum(seen - (jumping if name == "bates" else 0.0), 0.0)
    time, growth, discount, sign = (
        np.asarray(leaf, np.float64)[date, column]
        for leaf in (listed.time, listed.growth, listed.discount, listed.sign)
    )
    strike = np.asarray(listed.strike, np.float64)[path, date, column]
    with jax.enable_x64(True):
        known = np.asarray(formula(sign, spot * growth, strike, time, discount=discount, **numbers))
    found = np.asarray(paths.price)[path, date, column]
    return float(np.abs(found - known).max())


def test_tabulated_prices_are_the_models(priced: tuple[str, MarketPaths]):
    """Against the Fourier formulas, which are held against QuantLib elsewhere: within 1e-4 of the spot."""
    name, paths = priced
    if name != "black_scholes":
        assert largest_price_error(name, paths, columns=(1, 2)) < 5e-5 * 2.0


def test_tabulated_prices_of_heston(paths: MarketPaths):
    assert largest_price_error("heston", paths, columns=(1, 4)) < 5e-5 * 2.0


def test_discounted_prices_are_martingales(priced: tuple[str, MarketPaths]):
    """Holding an option gains nothing on average beyond interest, at every date and in all, within 3 errors."""
    _, paths = priced
    discount = np.exp(-RATE * DAY * np.arange(STEPS + 1))[:, None]
    gains = np.asarray(paths.listed.closing, float)[:, 1:] * discount[1:]
    gains = gains - np.asarray(paths.price, float)[:, :-1] * discount[:-1]
    for column in (1, 2):
        pairs = 0.5 * (gains[: PRICED_PATHS // 2, :, column] + gains[PRICED_PATHS // 2 :, :, column])
        whole = pairs.sum(axis=1)
        assert abs(whole.mean()) < 3.0 * whole.std() / np.sqrt(len(whole))
        each = np.abs(pairs.mean(axis=0)) / (pairs.std(axis=0) / np.sqrt(len(pairs)))
        # The largest of a dozen dates may be a little beyond.
        assert np.sort(each)[-2] < 3.0
        assert each.max() < 4.0


def hedged_view(slots: tuple[OptionSlot, ...]) -> MarketView:
    with jax.enable_x64(True):
        market = BlackScholesMarket(spot=2.0, volatility=0.2, dt=jnp.asarray(DT), rate=RATE)
        paths = list_options(market, slots).simulate(jax.random.key(1), 1)
        one = jax.tree.map(lambda leaf: leaf, dataclasses.replace(paths, spot=paths.spot[0], price=paths.price[0]))
        listed = dataclasses.replace(one.listed, strike=one.listed.strike[0], closing=one.listed.closing[0])
        one = dataclasses.replace(one, listed=listed, carry=paths.carry, half_spread=paths.half_spread)
        return observe(one, european("call", strike=2.0, expiry=STEPS))


@pytest.mark.usefixtures("x64")
def test_gamma_and_delta_are_gone_where_the_option_has_gamma():
    view = hedged_view((OptionSlot(life=10 * DAY),))
    units = eqx.filter_jit(GreekHedge("gamma").inputs)(view)
    of_book, of_options = eqx.filter_jit(
        lambda view: (book_gamma(view, view.volatility), option_gammas(view, view.volatility))
    )(view)
    gamma = of_book + jnp.sum(units * of_options, axis=-1)
    delta = book_delta(view, view.volatility) + jnp.sum(units * option_deltas(view, view.volatility), axis=-1)
    free = jnp.abs(units[:, 1]) < 0.98 * MOST
    assert bool(free[:3].all())
    # What is left is the ridge's share, r²/(h² + r²).
    assert float(jnp.max(jnp.abs(gamma / of_book)[:3])) < 0.05
    np.testing.assert_allclose(delta + units[:, 0], 0.0, atol=1e-12)


@pytest.fixture(scope="module")
def odd_view() -> MarketView:
    """Options that end, that are followed every other day, and that are far from the money."""
    every_other_day = OptionSlot(life=2 * DAY, every=2 * DAY, level=1.6)
    return hedged_view((ENDING, every_other_day, OptionSlot(sign=-1.0, life=40 * DAY, level=0.5)))


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("greek", ["gamma", "vega"])
def test_where_the_greek_vanishes_positions_stay_bounded(odd_view: MarketView, greek: str):
    view, inputs = odd_view, eqx.filter_jit(GreekHedge(greek).inputs)
    for time in (1.0, 1e-9, 0.0):
        dying = dataclasses.replace(view, options=dataclasses.replace(view.options, time=view.options.time * time))
        units = inputs(dying)
        assert bool(jnp.isfinite(units).all())
        assert float(jnp.abs(units[:, 1:]).max()) <= MOST


@pytest.mark.usefixtures("x64")
def test_a_static_call_replicates_the_call():
    """A sold call is hedged to nothing by holding the same listed one to the end."""
    market = BlackScholesMarket(spot=2.0, volatility=0.2, dt=jnp.asarray(DT), rate=RATE)
    held = list_options(market, [OptionSlot(life=STEPS * DAY)]).simulate(jax.random.key(1), 20)
    sample = Sample(held, european("call", strike=2.0, expiry=STEPS), held.price[0, 0, 1])
    pnl = assess({"static": Static(jnp.array([0.0, 1.0]))}, sample, Terms(margined=(False, False)))["static"].pnl
    np.testing.assert_allclose(pnl, 0.0, atol=1e-12)
