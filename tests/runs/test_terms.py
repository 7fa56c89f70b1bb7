"""Costs, limits, margin and settlement as the configuration says them."""

import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array

from tenrec.contracts import european
from tenrec.core.errors import ConfigError, UnsolvableError
from tenrec.core.paths import market_paths
from tenrec.hedging.assess import Sample, assess, outcome_of
from tenrec.hedging.attribution import PARTS, attributions
from tenrec.hedging.engine import Entry, Terms, over_paths, run
from tenrec.hedging.margin import Margin
from tenrec.hedging.marks import marked_pnl
from tenrec.hedging.policies import BlackScholesDelta
from tenrec.runs.build import optimum_problem
from tenrec.runs.loading import load_config
from tenrec.runs.tables import ledger_table
from tenrec.runs.terms import build_margin, build_terms

ROOT = Path(__file__).resolve().parents[2]
COIN = Terms(margined=(True,), inverse=True, funding=jnp.asarray(0.125))
SPOT = np.array([[100.0, 125.0, 80.0], [100.0, 90.0, 110.0]])


def coin_sample() -> Sample:
    paths = market_paths(spot=jnp.asarray(SPOT), dt=jnp.array([0.1, 0.2]), volatility=0.5)
    return Sample(paths, european("call", strike=100.0, expiry=2), jnp.asarray(5.0))


@pytest.fixture
def coin(x64: None) -> tuple[Sample, Entry]:
    sample = coin_sample()
    lines = over_paths(run, BlackScholesDelta(), sample.paths, sample.contract, COIN, sample.premium)
    return sample, lines


def test_a_ledger_in_coin_by_hand(coin: tuple[Sample, Entry]):
    """q contracts of one dollar gain q·(1/S before − 1/S now); the premium and the payoff change hands in coin."""
    sample, lines = coin
    for path, spot in enumerate(SPOT):
        cash, before = 5.0 / 100.0, 0.0
        for date in range(3):
            if date:
                earlier, years = spot[date - 1], [0.1, 0.2][date - 1]
                cash += before * (1.0 / earlier - 1.0 / spot[date]) - 0.125 * before / earlier * years
            cash -= max(spot[2] - 100.0, 0.0) / spot[2] if date == 2 else 0.0
            assert float(lines.cash[path, date]) == pytest.approx(cash, rel=1e-12)
            before = float(lines.position[path, date, 0])
        pnl = outcome_of(lines, sample.paths, COIN).pnl[path]
        assert float(pnl) == pytest.approx(cash * spot[2], rel=1e-12)


def test_a_delta_is_as_many_contracts_as_it_is_worth(coin: tuple[Sample, Entry]):
    sample, lines = coin
    plain = over_paths(run, BlackScholesDelta(), sample.paths, sample.contract, Terms(), sample.premium)
    np.testing.assert_allclose(lines.position, plain.position * sample.paths.price, rtol=1e-12)


def test_the_pnl_of_a_ledger_in_coin_is_explained_to_rounding(coin: tuple[Sample, Entry]):
    sample, lines = coin
    parts = attributions(lines, sample, COIN)
    total = sum(np.asarray(getattr(parts, name)) for name in PARTS)
    marked = jax.vmap(lambda rows, spot: marked_pnl(rows, _one(sample, spot), sample.contract, COIN))(
        lines, sample.paths.spot
    )
    np.testing.assert_allclose(np.cumsum(total, axis=1), marked, rtol=1e-10)
    np.testing.assert_allclose(marked[:, -1], outcome_of(lines, sample.paths, COIN).pnl, rtol=1e-12)


def _one(sample: Sample, spot: Array):
    return market_paths(spot=spot, dt=sample.paths.dt, volatility=0.5)


@pytest.mark.usefixtures("x64")
def test_margins_and_the_worst_shortfall():
    """Equity is collateral and marked P&L; margins are shares of the value held after the trade."""
    sample, terms = coin_sample(), Terms(margined=(True,))
    margin = Margin(*(jnp.asarray(value) for value in (0.2, 0.1, 2.0)))
    lines = over_paths(run, BlackScholesDelta(), sample.paths, sample.contract, terms, sample.premium)
    dates, labels = np.tile(np.arange(3), (2, 1)), np.arange(2)
    table = ledger_table({"delta": lines}, sample, terms, dates=dates, labels=labels, margin=margin)
    assert set(table["policy"]) == {"delta"}
    held = np.abs(table["position"].to_numpy()) * table["spot"].to_numpy()
    np.testing.assert_allclose(table["margin_initial"], 0.2 * held, rtol=1e-12)
    np.testing.assert_allclose(table["margin_maintenance"], 0.1 * held, rtol=1e-12)
    short = np.maximum(0.1 * held - (2.0 + table["pnl"].to_numpy()), 0.0).reshape(2, 3).max(axis=1)
    assert short.max() > 0.1
    found = assess({"delta": BlackScholesDelta()}, sample, terms, margin)["delta"].shortfall
    np.testing.assert_allclose(found, short, rtol=1e-12)


def test_every_key_becomes_what_it_says():
    config = load_config(ROOT / "examples" / "inverse_perpetual.yaml", ["costs.fixed=0.1", "costs.minimum=0.2"])
    terms, margin = build_terms(config), build_margin(config)
    assert terms.inverse
    assert terms.margined == (True,)
    assert margin is not None
    assert float(margin.maintenance) == pytest.approx(0.05)
    assert terms.limits is not None
    assert float(terms.limits.trade[0]) == 20000.0
    assert float(terms.funding) == pytest.approx(0.1)  # type: ignore[arg-type]
    assert terms.borrow is None
    cost = sum(member(jnp.array([-100.0]), jnp.array([0.5]), jnp.array([0.0])) for member in terms.costs)
    assert float(cost) == pytest.approx((0.3 * 2e-4 + 0.7 * 6e-4) * 50.0 + 0.1 + 0.2, rel=1e-5)


REFUSED = {
    "limits={lot: 1, position: 0.5}": "limits.position is 0.5, which forbids every hedge",
    "limits.trade=0": "limits.trade is 0, which forbids every hedge",
    "limits.lot=3": "limits.lot is 3, which forbids every hedge",
}


@pytest.mark.parametrize(("override", "sentence"), REFUSED.items())
def test_a_limit_that_forbids_every_hedge_is_refused(override: str, sentence: str):
    with pytest.raises(ConfigError, match=re.escape(sentence)):
        build_terms(load_config(ROOT / "examples" / "quickstart.yaml", [override]))


UNFIT = {
    ("hedge_with=[future]", "settlement=funded"): "settlement is 'funded'",
    ("costs={maker: -0.1, maker_share: 1}",): "a cost cannot be negative",
    ("margin={initial: 0.1, maintenance: 0.2}",): "lower maintenance",
    ("market={model: recorded}", "contract={kind: listed}", "hedge_with=[forward]", "costs.fixed=1"): "costs.fixed",
}


@pytest.mark.parametrize(("overrides", "sentence"), UNFIT.items())
def test_terms_that_do_not_fit_are_refused(overrides: tuple[str, ...], sentence: str):
    with pytest.raises(ConfigError, match=sentence):
        load_config(ROOT / "examples" / "quickstart.yaml", [*overrides, "evaluate.against=[black_scholes_delta]"])


@pytest.mark.parametrize("override", ["costs.fixed=0.1", "limits.lot=0.1", "settlement=inverse"])
def test_the_exact_optimum_is_not_claimed_under_other_terms(override: str):
    with pytest.raises(UnsolvableError, match=r"is given; the exact optimum"):
        optimum_problem(load_config(ROOT / "examples" / "quickstart.yaml", [override]))
