"""The variance swap of Heston's market against its closed form and the martingale property."""

import datetime as dt

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest

from tenrec.core.errors import ConfigError
from tenrec.markets import HestonMarket
from tenrec.pricing.heston import expected_variance
from tenrec.runs.loading import load_config
from tenrec.runs.terms import build_terms
from tests.runs.tiny import tiny

SPOT, KAPPA, THETA, START, RATE = 100.0, 1.5, 0.05, 0.03, 0.08
DT = np.array([1.0, 1.0, 3.0, 1.0, 1.0, 1.0, 3.0, 1.0, 1.0, 1.0]) / 365
PAIR = {
    "market": {"model": "heston"},
    "hedge_with": ["spot", "variance_swap"],
    "policy": {"kind": "feed_forward", "hidden": [4]},
}


@pytest.mark.usefixtures("x64")
def test_the_swap_is_worth_what_is_accrued_and_what_is_expected():
    """The accrued part by the trapezoidal rule, the rest by the expected variance that Heston's prices use."""
    parameters = {"initial_variance": START, "mean_reversion": KAPPA, "long_run_variance": THETA, "vol_of_vol": 1.0}
    common = {"spot": SPOT, "correlation": -0.7, "dt": DT, "rate": RATE, "dividend_yield": 0.02, "variance_swap": True}
    paths = HestonMarket(**parameters, **common).simulate(jax.random.key(3), 20_000, sampling="antithetic")
    price, variance = np.asarray(paths.price[..., 1]), np.asarray(paths.volatility) ** 2
    time = np.append(0.0, np.cumsum(DT))
    left = time[-1] - time
    decay = np.exp(-KAPPA * DT)
    # What a step from v is expected to accrue is not the trapezoid's: some κ²Δt³(v − θ)/12 more, known at its start.
    excess = (variance[:, :-1] - THETA) * ((1.0 - decay) / KAPPA - 0.5 * DT * (1.0 + decay))
    accrued = np.cumsum(0.5 * (variance[:, 1:] + variance[:, :-1]) * DT + excess, axis=1)
    accrued = np.concatenate([np.zeros((len(price), 1)), accrued], axis=1)
    expected = jnp.vectorize(lambda years, now: expected_variance(years, now, jnp.asarray(KAPPA), jnp.asarray(THETA)))
    rest = np.asarray(expected(left, variance))
    known = SPOT / time[-1] * np.exp(-RATE * left) * (accrued + rest)
    np.testing.assert_allclose(price, known, rtol=1e-11)
    assert np.abs(excess).max() < 1e-2 * accrued[:, -1].mean() / len(DT)
    discounted = price * np.exp(-RATE * time)
    pairs = 0.5 * (discounted[:10_000] + discounted[10_000:])
    error = pairs[:, 1:].std(axis=0) / 100.0
    assert (np.abs(pairs[:, 1:].mean(axis=0) - price[0, 0]) < 4 * error).all()
    np.testing.assert_array_equal(paths.carry[..., 1], 0.0)
    assert float(paths.carry[0, 1, 0]) > 0.0


def test_each_instrument_has_its_own_cost():
    terms = build_terms(load_config(tiny(**PAIR, costs={"proportional": 0.001, "variance_swap": 0.02})))
    assert terms.margined == (False, False)
    np.testing.assert_allclose(terms.costs[0].rate, [0.001, 0.02])


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"hedge_with": ["variance_swap"]}, "one instrument on the underlying"),
        ({"hedge_with": ["spot", "future"]}, "which a variance_swap may follow"),
        ({"market": {"model": "black_scholes"}}, "known for heston"),
        ({"policy": {"kind": "band_network"}}, "several instruments need a feed_forward"),
        ({"settlement": "inverse", "hedge_with": ["future", "variance_swap"]}, "settlement: inverse"),
        ({"hedge_with": ["spot"], "costs": {"variance_swap": 0.1}}, "costs.variance_swap is given"),
    ],
)
def test_what_does_not_go_together_is_refused(changes: dict, says: str):
    with pytest.raises(ConfigError, match=says):
        load_config(tiny(**{**PAIR, **changes}))


@pytest.mark.usefixtures("x64")
def test_a_recorded_swap_costs_the_implied_and_pays_the_realised_variance():
    """Over recorded expiries of the Shanghai panel, held from the sale to the end through the engine's prices."""
    from tenrec.backtest.panel import option_panel
    from tenrec.data import shanghai_etf, shanghai_forwards, shanghai_options
    from tenrec.markets.variance_swap import with_recorded_variance_swap

    month = pl.col("trade_date").is_between(dt.date(2019, 1, 1), dt.date(2019, 3, 31))
    panel = option_panel(shanghai_options().filter(month), shanghai_forwards().filter(month), shanghai_etf())
    one = panel.paths
    two = with_recorded_variance_swap(one, one.volatility, notional=jnp.asarray(50.0))
    price, years = np.asarray(two.price[..., 1]), np.asarray(one.dt).sum(-1)
    assert two.instruments == 2
    returns = np.diff(np.log(np.asarray(one.spot)), axis=-1)
    np.testing.assert_allclose(price[:, -1], 50.0 * (returns**2).sum(-1) / years, rtol=1e-10)
    discount = np.exp(-np.asarray(one.rate)[..., 0] * years)
    np.testing.assert_allclose(price[:, 0], 50.0 * discount * np.asarray(one.volatility)[:, 0] ** 2, rtol=1e-10)
