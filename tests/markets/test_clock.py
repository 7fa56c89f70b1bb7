"""Variance on one clock, interest on the other."""

from datetime import date

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array

from tenrec.contracts import european
from tenrec.core.errors import ConfigError
from tenrec.core.grid import TimeGrid
from tenrec.hedging.assess import Sample, views
from tenrec.hedging.engine import Terms, over_paths, terminal_pnl
from tenrec.hedging.policies import BlackScholesDelta
from tenrec.markets import ArraysMarket, BlackScholesMarket, ClockMarket, HestonMarket
from tenrec.pricing import black_scholes
from tenrec.runs.build import build_contract, build_market
from tenrec.runs.fair import fair_value, simulated_value
from tenrec.runs.loading import load_config

GRID = TimeGrid(14, 10, calendar="weekdays", weekend_weight=0.3, start=date(2024, 1, 8))
SHORT = TimeGrid(4, 2, calendar="weekdays", weekend_weight=0.3, start=date(2024, 1, 5))
RATE, YIELD, VOLATILITY = 0.5, 0.2, 0.4


def clock(grid: TimeGrid, **changes: object) -> ClockMarket:
    model = BlackScholesMarket(
        spot=100.0, volatility=VOLATILITY, rate=RATE, dividend_yield=YIELD, dt=grid.dt, **changes
    )
    return ClockMarket(model=model, calendar_dt=grid.elapsed)


@pytest.mark.usefixtures("x64")
def test_each_period_has_its_variance_and_its_growth(key: Array):
    """Friday to Monday: 1.6 weekdays of variance, three days of interest and dividends."""
    spot = np.asarray(clock(SHORT).simulate(key, 100_000, sampling="antithetic").spot)
    moves = np.diff(np.log(spot), axis=1)
    np.testing.assert_allclose(moves.var(axis=0), VOLATILITY**2 * SHORT.dt, rtol=0.02)
    np.testing.assert_allclose(SHORT.dt[0] / SHORT.dt[1], 1.6)
    growth = np.exp((RATE - YIELD) * np.cumsum(SHORT.elapsed))
    error = spot[:, 1:].std(axis=0) / np.sqrt(len(spot))
    assert (np.abs(spot[:, 1:].mean(axis=0) / 100.0 - growth) < 3.0 * error / 100.0).all()


@pytest.mark.usefixtures("x64")
def test_a_call_has_the_total_variance_and_the_discount_of_its_own_clock():
    market, option = clock(GRID), european("call", strike=100.0, expiry=10, quantity=1.0)
    found = simulated_value(option, market, paths=2**15)
    years = GRID.elapsed.sum()
    forward, discount = 100.0 * np.exp((RATE - YIELD) * years), np.exp(-RATE * years)
    exact = float(black_scholes.value(1.0, forward, 100.0, VOLATILITY, GRID.dt.sum(), discount))
    assert abs(found.value - exact) < 3.0 * found.standard_error
    view = views(Sample(market.simulate(jax.random.key(0), 2), option, jnp.asarray(0.0)))
    np.testing.assert_allclose(view.forward[:, 0, 0] / view.spot[:, 0], forward / 100.0, rtol=1e-12)
    np.testing.assert_allclose(view.discount[:, 0, 0], discount, rtol=1e-12)
    np.testing.assert_allclose(view.time_to_expiry[0, :, 0], GRID.times[-1] - GRID.times[:-1], rtol=1e-12)


@pytest.mark.usefixtures("x64")
def test_the_hedger_earns_interest_by_the_calendar():
    """Nothing but a premium: it grows with all days, weekends included."""
    market = clock(GRID, hedge_with="future")
    paths = market.simulate(jax.random.key(0), 4)
    np.testing.assert_allclose(paths.price[:, -1, 0], paths.spot[:, -1], rtol=1e-12)
    carried = 100.0 * np.exp((RATE - YIELD) * GRID.elapsed.sum())
    np.testing.assert_allclose(paths.price[:, 0, 0], carried, rtol=1e-12)
    nothing = european("call", strike=1e6, expiry=10)
    pnl = over_paths(terminal_pnl, BlackScholesDelta(), paths, nothing, Terms(margined=(True,)), jnp.asarray(2.0))
    np.testing.assert_allclose(pnl, 2.0 * np.exp(RATE * GRID.elapsed.sum()), rtol=1e-12)


def test_a_model_without_a_drift_is_refused():
    given = ArraysMarket(prices=jnp.ones((2, 3)), dt=jnp.full(2, 0.1), volatility=0.2)
    with pytest.raises(ConfigError, match="ArraysMarket cannot run on a clock of its own"):
        ClockMarket(model=given, calendar_dt=given.dt)


CONFIG = {
    "contract": {"kind": "european_call", "strike": 1.0, "days": 14},
    "grid": {"steps": 10, "calendar": "weekdays", "weekend_weight": 0.3, "start": "2024-01-08"},
}


def test_a_configuration_builds_it(tmp_path):
    config = load_config(CONFIG | {"market": {"model": "black_scholes", "volatility": 0.2, "rate": 0.1}})
    market = build_market(config, tmp_path)
    assert isinstance(market, ClockMarket)
    forward, discount = np.exp(0.1 * 14 / 365), np.exp(-0.1 * 14 / 365)
    exact = float(black_scholes.value(1.0, forward, 1.0, 0.2, GRID.times[-1], discount))
    assert fair_value(config, build_contract(config), market).value == pytest.approx(-exact, rel=1e-5)
    heston = load_config(CONFIG | {"market": {"model": "heston"}})
    model = build_market(heston, tmp_path)
    assert isinstance(model, ClockMarket)
    assert isinstance(model.model, HestonMarket)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        (
            {
                "market": {"model": "heston"},
                "hedge_with": ["spot", "variance_swap"],
                "policy": {"kind": "feed_forward"},
            },
            "cannot run on a clock of its own",
        ),
        ({"costs": {"borrow": 0.01}}, "costs.borrow was given with grid.calendar: weekdays"),
        ({"contract": {"kind": "american_put", "strike": 1.0, "days": 14}}, "contract.kind: american_put was given"),
    ],
)
def test_what_needs_one_clock_is_refused(changes: dict, named: str, tmp_path):
    with pytest.raises(ConfigError, match=named):
        build_market(load_config(CONFIG | changes), tmp_path)
