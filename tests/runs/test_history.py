"""A recorded index hedged with a variance swap and a VIX future: windows and ledger against bookkeeping by hand."""

import datetime as dt
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest
from scipy.stats import norm

import tenrec
from tenrec.core.errors import ConfigError, DataError, InputError
from tenrec.hedging.assess import assess, ledgers
from tenrec.hedging.policies import Static
from tenrec.runs.loading import load_config
from tenrec.runs.simulated import Simulation
from tenrec.runs.tables import ledger_table
from tenrec.volatility.variance.futures import futures_from_table

CONFIG = """
market: {model: history, file: spx.csv, implied: vix.csv, futures: vx.csv, every: 5, train_until: 2011-06-30, spot: 100}
contract: {kind: european_call, strike: 100, days: 22}
grid: {steps: 22, day_count: 252}
hedge_with:
  - spot
  - {variance_swap: {costs: {proportional: 0.05}}}
  - {vix_future: {costs: {proportional: 0.003}}}
costs: {proportional: 0.0002, unwind: true}
risk: {measure: quadratic}
policy: {kind: feed_forward}
evaluate: {against: [no_hedge, black_scholes_delta, static_delta]}
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three years of an index, its VIX, and two futures listed at a time."""
    folder, rng = tmp_path_factory.mktemp("history"), np.random.default_rng(3)
    days = [day for n in range(1095) if (day := dt.date(2010, 1, 4) + dt.timedelta(days=n)).weekday() < 5]
    vix = 20.0 * np.exp(0.05 * rng.standard_normal(len(days)).cumsum() * 0.3)
    close = 1000.0 * np.exp(np.cumsum(0.011 * rng.standard_normal(len(days))))
    pl.DataFrame({"date": days, "close": close}).write_csv(folder / "spx.csv")
    pl.DataFrame({"date": days, "close": vix}).write_csv(folder / "vix.csv")
    # A future's price tells its contract: 20 + the number of the column + a little noise.
    table = {"DATE": days, "VIX": vix, **{f"VX{n}": vix + n + 0.1 * rng.random(len(days)) for n in (1, 2, 3)}}
    pl.DataFrame(table).write_csv(folder / "vx.csv")
    (folder / "run.yaml").write_text(CONFIG)
    return folder


@pytest.fixture(scope="module")
def judged(place: Path):
    simulation = Simulation(load_config(place / "run.yaml"), place)
    return simulation, simulation._judged(jax.random.key(0), 0, simulation.evaluation_count())


def by_hand(place: Path, start: dt.date) -> dict[str, np.ndarray]:
    """What the files say of the 22 days after a sale; read anew."""
    spx, vix, vx = (pl.read_csv(place / name, try_parse_dates=True) for name in ("spx.csv", "vix.csv", "vx.csv"))
    first = spx["date"].to_list().index(start)
    rows = slice(first, first + 23)
    futures = futures_from_table(vx)
    last = np.datetime64(spx["date"][first + 22])
    contract = next(n for n, day in enumerate(futures.expiry) if day > last)
    return {
        "spot": 100.0 * spx["close"].to_numpy()[rows] / spx["close"][first],
        "vol": vix["close"].to_numpy()[rows] / 100.0,
        "future": futures.price[rows, contract],
    }


def test_money_is_that_of_bookkeeping_by_hand(judged, place: Path):
    """Funded spot and swap, margined future, each charged in proportion at both ends; the premium at the sale's VIX."""
    simulation, sample = judged
    units = np.array([0.5, 2.0, -0.3])
    outcome = assess({"static": Static(jnp.asarray(units, jnp.float32))}, sample, simulation.terms)["static"]
    spx = pl.read_csv(place / "spx.csv", try_parse_dates=True)["date"].to_list()
    first = next(n for n in range(0, len(spx), 5) if spx[n + 1] > dt.date(2011, 6, 30))
    # The record of returns begins a day after the prices: sales are at every fifth of its rows.
    for row in (0, 7):
        known = by_hand(place, spx[first + 1 + 5 * row])
        spot, vol, future = known["spot"], known["vol"], known["future"]
        years = 22 / 252
        realised = np.concatenate([[0.0], np.cumsum(np.diff(np.log(spot)) ** 2)])
        left = years * (22 - np.arange(23)) / 22
        swap = 100.0 / years * (realised + left * vol**2)
        d1 = 0.5 * vol[0] * np.sqrt(years)
        premium = 100.0 * (norm.cdf(d1) - norm.cdf(-d1))
        payoff = max(spot[-1] - 100.0, 0.0)
        gain = units[0] * (spot[-1] - spot[0]) + units[1] * (swap[-1] - swap[0]) + units[2] * (future[-1] - future[0])
        rates = np.array([0.0002, 0.05, 0.003])
        cost = sum(rates @ np.abs(units * [spot[at], swap[at], future[at]]) for at in (0, -1))
        assert float(outcome.pnl[row]) == pytest.approx(premium - payoff + gain - cost, abs=2e-4)
        assert float(outcome.cost[row]) == pytest.approx(cost, rel=1e-5)


def test_the_attribution_tells_the_instruments_apart_and_adds_up(judged):
    simulation, sample = judged
    policy = {"static": Static(jnp.asarray([0.0, 2.0, -0.3], jnp.float32), hedged=True)}
    lines = ledgers(policy, sample, simulation.terms)
    count = sample.paths.count
    dates = np.broadcast_to(np.arange(23), (count, 23))
    table = ledger_table(lines, sample, simulation.terms, dates=dates, labels=np.arange(count))
    price = np.asarray(sample.paths.price, float)
    last = table.group_by("path", maintain_order=True).agg(
        pl.col("pnl").last(), instruments=pl.col("pnl_instruments").sum(),
        parts=pl.sum_horizontal(pl.col("^pnl_.*$")).sum(),
    )  # fmt: skip
    gains = 2.0 * (price[:, -1, 1] - price[:, 0, 1]) - 0.3 * (price[:, -1, 2] - price[:, 0, 2])
    np.testing.assert_allclose(last["instruments"], gains, atol=2e-4)
    np.testing.assert_allclose(last["parts"], last["pnl"], atol=2e-4)


def test_sales_to_learn_from_end_before_those_judged_begin(judged, place: Path):
    simulation, sample = judged
    learned, later = simulation.market, simulation.judged_on
    assert learned.order == "random"
    assert learned.prices.shape[0] + later.prices.shape[0] < 208
    quarters = simulation.clusters()
    assert quarters is not None
    assert len(quarters) == later.prices.shape[0] == sample.paths.count
    assert len(np.unique(quarters)) == 6
    with pytest.raises(ConfigError, match=r"leaves 0 sales to learn from and \d+ to be judged on, from 2010-01-05"):
        Simulation(load_config(place / "run.yaml", ["market.train_until=2010-01-20"]), place)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("market.futures=null", "names vix_future and there is no market.futures"),
        ("grid.steps=10", "grid.steps is 10 and the contract lives 22 days"),
        ("market.every=300", r"give 3 windows of 22 days with futures .* smaller market\.every"),
        ("premium=fair", "each sale is paid at its own implied volatility"),
        ("evaluate.against=[black_scholes_delta, delta_vega]", "'delta_vega', which holds listed options"),
        ("market.model=heston", "not known"),
    ],
)
def test_what_does_not_fit_is_one_sentence(place: Path, change: str, said: str):
    with pytest.raises((ConfigError, DataError), match=said) as refused:
        Simulation(load_config(place / "run.yaml", [change]), place)
    assert "\n" not in str(refused.value)


def test_a_whole_run_stays_in_bounds(place: Path, tmp_path: Path):
    """A network that sees its wealth, hardly trained, loses a multiple of the delta at most; no model, no ladder."""
    changes = ["training.updates=2", "training.paths=64", "evaluate.paths=60"]
    run = tenrec.hedge(place / "run.yaml", out=tmp_path / "run", overrides=changes)
    risks = {name: entry["risk_bp"]["value"] for name, entry in run.metrics["policies"].items()}
    assert risks["feed_forward"] < 100.0 * risks["black_scholes_delta"]
    assert (run.folder.path / "report.html").is_file()
    assert not (run.folder.path / "ladder.parquet").exists()
    with pytest.raises(InputError, match="no model says what they are worth"):
        run.ladder()
