"""Trading gains: what they are in the ledger, that they average to zero, and where training may rely on that."""

import functools
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tenrec.contracts import european
from tenrec.core.paths import select
from tenrec.hedging.assess import Sample, ledgers
from tenrec.hedging.costs import ProportionalCost
from tenrec.hedging.engine import Terminal, Terms, over_paths, terminal
from tenrec.hedging.policies import AbstractPositionPolicy, BlackScholesDelta, Zakamouline
from tenrec.hedging.view import MarketView
from tenrec.markets import BlackScholesMarket
from tenrec.markets.base import HedgeWith
from tenrec.risk import EntropicRisk
from tenrec.runs.build import is_fair_game
from tenrec.runs.loading import load_config
from tenrec.training import Objective, fair_game_score, starting_aversion, terminal_objective

RATE, YIELD, COST = 0.04, 0.01, 0.01
DT = np.full(6, 5 / 365)
PATHS = 4096


def make_sample(hedge_with: HedgeWith) -> tuple[Sample, Terms]:
    market = BlackScholesMarket(spot=2.0, volatility=0.2, dt=DT, rate=RATE, dividend_yield=YIELD, hedge_with=hedge_with)
    paths = market.simulate(jax.random.key(4), PATHS)
    terms = Terms(market.margined, (ProportionalCost(jnp.asarray(COST)),), unwind=True)
    return Sample(paths, european("call", strike=2.0, expiry=6), jnp.asarray(0.05)), terms


@pytest.fixture(scope="module", params=["spot", "future"])
def ended(request: pytest.FixtureRequest) -> tuple[Sample, Terms, Terminal]:
    sample, terms = make_sample(request.param)

    @eqx.filter_jit
    def end(sample: Sample) -> Terminal:
        return over_paths(terminal, BlackScholesDelta(), sample.paths, sample.contract, terms, sample.premium)

    return sample, terms, end(sample)


def test_gains_are_the_pnl_without_premium_flows_and_costs(ended: tuple[Sample, Terms, Terminal]):
    """Added up by hand from the ledger's lines, each carried to the end at the rate."""
    sample, terms, end = ended
    lines = ledgers({"it": BlackScholesDelta()}, sample, terms)["it"]
    growth = np.exp(RATE * np.append(np.cumsum(DT[::-1])[::-1], 0.0))
    received = np.asarray(lines.flow, np.float64) - np.asarray(lines.cost, np.float64)
    expected = np.asarray(end.pnl) - 0.05 * growth[0] - received @ growth
    np.testing.assert_allclose(end.gains, expected, atol=2e-6)


def test_gains_average_to_zero_under_risk_neutral_paths(ended: tuple[Sample, Terms, Terminal]):
    gains = np.asarray(ended[2].gains, np.float64)
    error = gains.std() / PATHS**0.5
    assert abs(gains.mean()) < 4.0 * error
    assert error > 1e-4


class Share(AbstractPositionPolicy):
    """A share of the Black–Scholes delta."""

    share: jax.Array

    def inputs(self, view: MarketView) -> jax.Array:
        return self.share * BlackScholesDelta().inputs(view)

    def target(self, known: jax.Array, position: jax.Array) -> jax.Array:
        return known


def in_batches(sample: Sample, function: Callable[[Sample], jax.Array]) -> np.ndarray:
    """The function of 64 batches of 64 paths each."""

    @eqx.filter_jit
    def each(sample: Sample) -> jax.Array:
        def one(index: jax.Array) -> jax.Array:
            return function(Sample(select(sample.paths, index), sample.contract, sample.premium))

        return jax.lax.map(one, jnp.arange(PATHS).reshape(64, 64))

    return np.asarray(each(sample), np.float64)


def test_slope_and_comparison_keep_their_mean_and_lose_their_noise():
    """Over 64 batches: the slope by the share of the delta that is held, and one share compared with another."""
    sample, terms = make_sample("spot")
    risk, full, less = EntropicRisk(aversion=20.0), Share(jnp.asarray(1.0)), Share(jnp.asarray(0.9))
    plain, fair = terminal_objective(risk, terms), terminal_objective(risk, terms, fair_game=True)
    score = fair_game_score(risk, terms)

    def apart(objective: Objective, one: Sample) -> jax.Array:
        return objective(full, one, None) - objective(less, one, None)

    def slope(objective: Objective, one: Sample) -> jax.Array:
        return eqx.filter_grad(lambda policy: objective(policy, one, None))(full).share

    for measured, noisy, quiet in ((slope, plain, fair), (apart, plain, score)):
        before = in_batches(sample, functools.partial(measured, noisy))
        after = in_batches(sample, functools.partial(measured, quiet))
        assert abs(np.mean(after - before)) < 4.0 * np.std(after - before) / 8.0
        assert np.std(after) < 0.4 * np.std(before)
    first = in_batches(sample, lambda one: fair(full, one, None) - plain(full, one, None))
    np.testing.assert_allclose(first, 0.0, atol=1e-5)


def test_a_band_starts_where_it_does_best():
    """The aversion chosen has the least risk of those tried, which a look at each confirms."""
    sample, terms = make_sample("spot")
    objective = terminal_objective(EntropicRisk(aversion=60.0), terms)
    chosen = starting_aversion(objective, sample, COST)

    @eqx.filter_jit
    def risk(aversion: jax.Array) -> jax.Array:
        return objective(Zakamouline(jnp.asarray(COST), aversion), sample, None)

    tried = {each: float(risk(jnp.asarray(each))) for each in np.geomspace(2.0, 500.0, 7)}
    assert chosen == pytest.approx(min(tried, key=tried.__getitem__))
    assert 2.0 < chosen < 500.0


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([], True),
        (["market.rate=0.03"], True),
        (["market.drift=0.05"], False),
        (["market={model: heston, rate: 0.02, drift: 0.02}"], True),
        (["risk={measure: cvar}"], True),
        (["risk={measure: quadratic}"], False),
        (["market={model: uncertain, of: {volatility: 0.2}, spreads: {rate: 0.1}}"], False),
    ],
)
def test_where_training_relies_on_a_fair_game(changes: list[str], expected: bool):
    assert is_fair_game(load_config({}, changes)) is expected


def test_policies_that_name_no_features_see_what_their_optimum_depends_on():
    plain = ("standardised_moneyness", "sqrt_time_to_maturity", "volatility")
    assert load_config({}).policy.features == plain
    config = load_config({"risk": {"measure": "cvar"}, "rivals": [{"kind": "feed_forward"}]})
    assert config.policy.features == (*plain, "wealth")
    assert config.rivals[0].features == (*plain, "position", "wealth")
    assert load_config(config).policy.features == config.policy.features
