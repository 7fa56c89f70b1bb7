import datetime as dt
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest

from tenrec.backtest import SIGNAL_NAMES, Panel, SelectionRule
from tenrec.backtest.augment import (
    FEWEST_CLOSES,
    MarketHistory,
    bootstrapped,
    calibrated,
    market_history,
    model_signals,
)
from tenrec.core.errors import ConfigError, DataError
from tenrec.data import shanghai_etf, shanghai_forwards
from tenrec.hedging.assess import Sample, assess, ledgers, views
from tenrec.hedging.costs import ProportionalCost
from tenrec.hedging.engine import Terms
from tenrec.hedging.policies import BlackScholesDelta, NoHedge
from tenrec.hedging.sensitivities import book_value
from tenrec.pricing import black_scholes
from tenrec.training import local_objective

RATE = 0.025
CUT = dt.date(2018, 12, 31)
PATHS = 400
MAKERS = {"bootstrapped": bootstrapped, "calibrated": calibrated}
FREE = Terms(margined=(True,))


@pytest.fixture(scope="module")
def whole(options: pl.DataFrame) -> MarketHistory:
    return market_history(options, shanghai_forwards(), shanghai_etf(), rate=RATE)


@pytest.fixture(scope="module")
def history(whole: MarketHistory) -> MarketHistory:
    return whole.until(CUT)


@pytest.fixture(scope="module")
def samples(history: MarketHistory) -> dict[str, Sample]:
    return {name: make(history, count=PATHS, seed=3, rate=RATE) for name, make in MAKERS.items()}


@pytest.fixture(params=list(MAKERS))
def sample(request: pytest.FixtureRequest, samples: dict[str, Sample]) -> Sample:
    return samples[request.param]


def same(first: object, second: object) -> bool:
    leaves = zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True)
    return all(np.array_equal(one, other) for one, other in leaves)


def fields(history: MarketHistory) -> list[np.ndarray]:
    return [history.dates, history.returns, history.volatility, history.signals]


def test_a_changed_future_changes_nothing(options: pl.DataFrame, whole: MarketHistory, history: MarketHistory) -> None:
    def changed(table: pl.DataFrame, date: str, *names: str) -> pl.DataFrame:
        later = pl.col(date) > CUT
        return table.with_columns(pl.when(later).then(pl.col(name) * 1.1).otherwise(pl.col(name)) for name in names)

    other = market_history(
        changed(options, "trade_date", "close"),
        changed(shanghai_forwards(), "trade_date", "fwd_parity"),
        changed(shanghai_etf(), "date", "spot_est"),
        rate=RATE,
    )
    assert not same(fields(other), fields(whole))
    cut = other.until(CUT)
    assert same(fields(cut), fields(history))
    for make in MAKERS.values():
        assert same(make(cut, count=20, seed=0, rate=RATE), make(history, count=20, seed=0, rate=RATE))


def test_history_ends_at_the_cut_off_and_is_what_a_cut_record_gives(
    options: pl.DataFrame, history: MarketHistory
) -> None:
    last = dt.date(2018, 12, 28)  # the last session of the year
    assert history.dates[-1] == np.datetime64(last)
    assert same(fields(history), fields(history.until(last)))
    assert history.until(dt.date(2018, 12, 27)).dates[-1] == np.datetime64("2018-12-27")
    seen = market_history(
        options.filter(pl.col("trade_date") <= CUT),
        shanghai_forwards().filter(pl.col("trade_date") <= CUT),
        shanghai_etf().filter(pl.col("date") <= CUT),
        until=CUT,
        rate=RATE,
    )
    assert same(fields(seen), fields(history))


def test_form_is_that_of_the_panel(panel: Panel, sample: Sample) -> None:
    recorded = Sample(panel.paths, panel.book, jnp.asarray(panel.premium, jnp.float32))
    assert sample.paths.signal_names == SIGNAL_NAMES
    assert jax.tree.structure(sample) == jax.tree.structure(recorded)
    for made, real in zip(jax.tree.leaves(sample), jax.tree.leaves(recorded), strict=True):
        assert (made.ndim, made.dtype) == (real.ndim, real.dtype)
    assert sample.paths.count == PATHS
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(sample))


def test_contracts_are_inside_the_window_and_settled(sample: Sample) -> None:
    paths, book = sample.paths, sample.contract
    spot, years = np.asarray(paths.spot), np.asarray(paths.dt)
    expiry, strike = np.asarray(book.expiry)[:, 0], np.asarray(book.strike)[:, 0]
    after = np.arange(paths.steps + 1)[None, :] >= expiry[:, None]
    days = years.sum(axis=1) * 365.0
    assert days.min() > 20 - 1e-3
    assert days.max() < 45 + 1e-3
    assert np.ptp(days) > 20
    assert np.abs(np.log(strike)).max() <= 0.10
    assert np.log(strike).std() == pytest.approx(0.10 / np.sqrt(3.0), rel=0.1)
    assert np.asarray(book.sign).mean() == pytest.approx(0.0, abs=4.0 / np.sqrt(PATHS))
    assert (np.asarray(book.quantity) == -1).all()
    assert (spot[:, 0] == 1).all()
    assert np.array_equal(np.asarray(paths.tradable), ~after)
    assert (years[after[:, :-1]] == 0).all()
    assert (years[~after[:, :-1]] > 0).all()
    assert np.array_equal(spot[after], np.repeat(spot[:, -1], after.sum(axis=1)))


def test_premium_is_the_black_value_and_the_first_mark(sample: Sample) -> None:
    paths, book = sample.paths, sample.contract
    years = jnp.sum(paths.dt, axis=1)
    value = black_scholes.value(
        book.sign[:, 0], jnp.ones(PATHS), book.strike[:, 0], paths.volatility[:, 0], years, jnp.exp(-RATE * years)
    )
    np.testing.assert_allclose(sample.premium, value, atol=2e-7)
    seen = views(sample)
    np.testing.assert_allclose(sample.premium, -book_value(seen, seen.volatility)[:, 0], atol=2e-7)


def test_engine_keeps_the_accounts(sample: Sample) -> None:
    paths, book = sample.paths, sample.contract
    lines = ledgers({"delta": BlackScholesDelta()}, sample, FREE)["delta"]
    spot, years = np.asarray(paths.spot, float), np.asarray(paths.dt, float)
    held, sign = np.asarray(lines.position, float)[:, :-1, 0], np.asarray(book.sign, float)[:, 0]
    left = np.exp(RATE * (years.sum(axis=1, keepdims=True) - np.cumsum(years, axis=1)))
    payoff = np.maximum(sign * (spot[:, -1] - np.asarray(book.strike, float)[:, 0]), 0.0)
    premium = np.asarray(sample.premium, float) * np.exp(RATE * years.sum(axis=1))
    by_hand = premium - payoff + (held * np.diff(spot, axis=1) * left).sum(axis=1)
    np.testing.assert_allclose(lines.cash[:, -1], by_hand, atol=2e-6)


def test_hedging_helps_and_costs(sample: Sample) -> None:
    terms = Terms(margined=(True,), costs=(ProportionalCost(jnp.asarray(5e-4)),))
    outcomes = assess({"none": NoHedge(), "delta": BlackScholesDelta()}, sample, terms)
    assert np.std(outcomes["delta"].pnl) < 0.6 * np.std(outcomes["none"].pnl)
    assert (np.asarray(outcomes["delta"].cost) > 0).all()


def test_recorded_and_made_paths_train_together(panel: Panel, sample: Sample) -> None:
    objective = eqx.filter_jit(local_objective(FREE))
    recorded = Sample(panel.paths, panel.book, jnp.asarray(panel.premium, jnp.float32))
    losses = [float(objective(BlackScholesDelta(), part, None)) for part in (recorded, sample)]
    assert 0.4 < losses[1] / losses[0] < 2.5


def test_resampled_days_are_recorded_days(history: MarketHistory, samples: dict[str, Sample]) -> None:
    paths = samples["bootstrapped"].paths
    live = np.asarray(paths.tradable)[:, :-1]
    signals = np.asarray(paths.signals)[:, 1:][live]
    recorded = history.signals.astype(np.float32)
    # One signal tells the day; all that was seen and passed on that day must then agree.
    order = np.argsort(recorded[:, 0])
    day = order[np.searchsorted(recorded[order, 0], signals[:, 0])]
    np.testing.assert_array_equal(signals, recorded[day])
    np.testing.assert_allclose(np.asarray(paths.volatility)[:, 1:][live], history.volatility[day], rtol=1e-6)
    returns = np.diff(np.log(np.asarray(paths.spot, float)), axis=1)[live]
    np.testing.assert_allclose(returns, history.returns[day - 1], atol=1e-6)
    np.testing.assert_allclose(np.asarray(paths.dt)[live] * 365.0, history.calendar_days[day - 1], rtol=1e-5)


@pytest.mark.parametrize("mean_block", [5.0, 40.0])
def test_blocks_have_their_mean_length(history: MarketHistory, mean_block: float) -> None:
    paths = bootstrapped(history, count=PATHS, seed=1, rate=RATE, mean_block=mean_block).paths
    order = np.argsort(history.signals[:, 0].astype(np.float32))
    day = order[np.searchsorted(history.signals[order, 0].astype(np.float32), np.asarray(paths.signals)[..., 0])]
    both = np.asarray(paths.tradable)[:, 1:]
    follows = np.diff(day, axis=1)[both] == 1
    assert 1.0 - follows.mean() == pytest.approx(1.0 / mean_block, rel=0.2)


@pytest.mark.parametrize("year", [2016, 2017, 2018])
def test_fitted_law_is_near_the_record(whole: MarketHistory, year: int) -> None:
    history = whole.until(dt.date(year, 12, 31))
    paths = calibrated(history, count=2000, seed=0, rate=RATE).paths
    live = np.asarray(paths.tradable)
    volatility = np.asarray(paths.volatility)[live]
    returns = np.diff(np.log(np.asarray(paths.spot, float)), axis=1)[live[:, :-1]]
    assert volatility.mean() == pytest.approx(history.volatility.mean(), rel=0.15)
    assert volatility.min() >= 0.9999 * history.volatility.min()
    assert returns.std() == pytest.approx(history.returns.std(), rel=0.15)
    ends = np.asarray(paths.spot, float)[:, -1]
    assert ends.mean() == pytest.approx(1.0, abs=4.0 * ends.std() / np.sqrt(len(ends)))


def test_model_signals_are_defined_as_the_recorded_ones(whole: MarketHistory) -> None:
    returns = np.append(0.0, whole.returns)
    made = model_signals(returns[None, :], whole.volatility[None, :])[0]
    known = slice(20, None)
    for name in ("return_1d", "return_5d", "return_20d", "implied_to_realised"):
        column = SIGNAL_NAMES.index(name)
        np.testing.assert_allclose(made[known, column], whole.signals[known, column], atol=1e-9)


def test_model_paths_carry_their_own_returns(samples: dict[str, Sample]) -> None:
    paths = samples["calibrated"].paths
    live = np.asarray(paths.tradable)[:, 5:]
    log_spot = np.log(np.asarray(paths.spot, float))
    five = (log_spot[:, 5:] - log_spot[:, :-5]) / (np.asarray(paths.volatility)[:, 5:] * np.sqrt(5 / 244))
    signals = np.asarray(paths.signals)
    made = signals[:, 5:, SIGNAL_NAMES.index("return_5d")]
    np.testing.assert_allclose(made[live], five[live], atol=2e-4)
    for name in ("term_structure", "hedging_beta", "hedging_error"):
        assert (signals[..., SIGNAL_NAMES.index(name)] == 0).all()


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_seed_decides(history: MarketHistory, make: Callable[..., Sample]) -> None:
    first, again, other = (make(history, count=20, seed=seed, rate=RATE) for seed in (7, 7, 8))
    assert same(first, again)
    assert not same(first, other)


def test_bought_options_mirror_sold_ones(history: MarketHistory, samples: dict[str, Sample]) -> None:
    sold = samples["bootstrapped"]
    bought = bootstrapped(history, count=PATHS, seed=3, rate=RATE, quantity=1.0)
    pnl = [np.asarray(assess({"delta": BlackScholesDelta()}, side, FREE)["delta"].pnl) for side in (sold, bought)]
    np.testing.assert_allclose(pnl[0], -pnl[1], atol=1e-6)


def test_what_cannot_be_made_is_refused(whole: MarketHistory, history: MarketHistory) -> None:
    with pytest.raises(DataError, match=f"at least {FEWEST_CLOSES}"):
        whole.until(dt.date(2015, 3, 1))
    with pytest.raises(DataError, match="no session"):
        bootstrapped(history, count=50, seed=0, rate=RATE, rule=SelectionRule(min_days=2, max_days=2))
    for make in MAKERS.values():
        with pytest.raises(ConfigError, match="at least 1"):
            make(history, count=0, seed=0, rate=RATE)
