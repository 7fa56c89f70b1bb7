"""Volatility traded on records: the contracts, the money, and that nothing is known before its day."""

import datetime as dt
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest

from tenrec.backtest.positions import hold
from tenrec.backtest.variance_trades import (
    MONTH,
    VEGA,
    judge_trades,
    premium_scale,
    sell_variance,
    short_futures,
    spike_scale,
    variance_forecast,
    variance_marks,
)
from tenrec.core.errors import DataError, WorkError
from tenrec.hedging.costs import ProportionalCost
from tenrec.runs.vol.saved import save_forecaster
from tenrec.runs.vol.signals import SignalSource
from tenrec.runs.vol.strategy import _scales
from tenrec.volatility.forecast.forecaster import Forecaster
from tenrec.volatility.record import VarianceRecord
from tenrec.volatility.spikes.probability import spike_probability
from tenrec.volatility.variance.futures import futures_from_table, held_to_expiry, roll_yield, rolled_weights
from tests.volatility.records import made_futures, made_record


@pytest.fixture(scope="module")
def record():
    return made_record()


@pytest.fixture(scope="module")
def futures():
    return futures_from_table(made_futures())


def test_contracts_expire_when_the_exchange_said(futures):
    """Cboe's calendar: 18 April, 16 May, 20 June 2012; 20 March 2013 (its Friday of April is the 19th)."""
    known = [str(date) for date in futures.expiry]
    assert known[:6] == ["2012-01-18", "2012-02-15", "2012-03-21", "2012-04-18", "2012-05-16", "2012-06-20"]
    assert "2013-03-20" in known


def test_a_friday_without_trade_moves_the_expiry_to_tuesday():
    """Good Friday 2014 was the third Friday of April: the March future expired on a Tuesday (Cboe's calendar)."""
    table = made_futures("2014-01-02", 120).filter(pl.col("DATE") != dt.date(2014, 4, 18))
    assert "2014-03-18" in [str(date) for date in futures_from_table(table).expiry]


def test_a_contract_moves_to_the_front_at_an_expiry(futures):
    row = int(np.searchsorted(futures.dates, np.datetime64("2012-02-15")))
    assert futures.front[row] == futures.front[row - 1] + 1
    assert futures.nearest(0)[row] == pytest.approx(futures.index[row] + 0.5)
    held = futures.front[row]
    # The contract itself lost the month's contango on that day: it was second, now it is first.
    change = futures.price[row, held] - futures.price[row - 1, held]
    assert change == pytest.approx(futures.index[row] - futures.index[row - 1] - 0.5)


def test_the_rolled_future_has_thirty_days_left(futures):
    weights = rolled_weights(futures)
    assert weights.sum(axis=1) == pytest.approx(np.ones(len(futures.dates)))
    left = np.sum(weights * futures.days_left, axis=1)
    rows = np.arange(len(left))
    # Thirty days lie between the nearest two on all but the eves of some expiries.
    inside = (futures.days_left[rows, futures.front] <= 30) & (futures.days_left[rows, futures.front + 1] >= 30)
    assert inside.mean() > 0.85
    assert left[inside] == pytest.approx(np.full(inside.sum(), 30.0))


def test_a_rising_curve_pays_who_is_short(futures):
    """Each month of a still curve brings its contango: half a point a month, less what the index moved."""
    held = short_futures(futures, np.ones(len(futures.dates)), 0, spread=0.0)
    months = (futures.dates[-1] - futures.dates[0]).astype(float) / 30.4
    moved = futures.index[-1] - futures.index[0]
    assert held.wealth[-1] / VEGA == pytest.approx(0.5 * months - moved, rel=0.1)
    assert (roll_yield(futures) < 0).all()
    costly = short_futures(futures, np.ones(len(futures.dates)), 0)
    assert costly.cost.sum() == pytest.approx(held.wealth[-1] - costly.wealth[-1])
    found = held_to_expiry(futures)
    assert found["months"].to_list() == list(range(1, found.height + 1))


def test_money_is_what_positions_times_changes_say():
    rng = np.random.default_rng(0)
    price = 20.0 + np.cumsum(rng.standard_normal((50, 3)), axis=0)
    units = rng.standard_normal((50, 3))
    spread = np.full((50, 3), 0.1)
    price[30:, 2], units[29:, 2] = np.nan, 0.0
    held = hold(price, units, spread)
    gains = np.nansum(units[:-1] * np.diff(price, axis=0), axis=1)
    trades = np.abs(np.diff(units, axis=0, prepend=0.0)).sum(axis=1) * 0.1
    expected = np.concatenate([[0.0], np.cumsum(gains)]) - np.cumsum(trades)
    np.testing.assert_allclose(held.wealth, expected, atol=1e-12)
    with pytest.raises(WorkError, match="Contract 2 is held"):
        hold(price, np.ones((50, 3)), spread)
    free = hold(price, units, spread, costs=(ProportionalCost(jnp.asarray(0.0)),))
    np.testing.assert_allclose(free.wealth, np.concatenate([[0.0], np.cumsum(gains)]), atol=1e-12)


def test_a_swap_is_worth_nothing_at_first_and_the_difference_at_last(record):
    marks = variance_marks(record, 800)
    realised = np.sum(record.returns[801 : 801 + MONTH] ** 2) * record.days_per_year / MONTH
    assert marks[0] == 0.0
    assert marks[-1] == pytest.approx(realised - record.implied[800] ** 2)
    held = sell_variance(record, np.ones(len(record)), 800, spread=0.5)
    strike = record.implied[800]
    gain = -VEGA * 100.0 / (2.0 * strike) * marks[MONTH]
    # At the end of the month the next swap's cost is paid too.
    assert held.wealth[MONTH] == pytest.approx(gain - 2 * 0.5 * VEGA)


def test_nothing_is_known_before_its_day(record):
    other = made_record(seed=4)
    cut = 1100
    mixed = VarianceRecord(
        record.dates,
        *(
            np.concatenate([getattr(record, name)[:cut], getattr(other, name)[cut:]])
            for name in ("variance", "returns")
        ),
        implied=np.concatenate([record.implied[:cut], other.implied[cut:]]),
    )
    for one, two in zip(_decided(record), _decided(mixed), strict=True):
        np.testing.assert_array_equal(one[:cut], two[:cut])
        assert not np.array_equal(one[cut:], two[cut:])


def _decided(record):
    forecast = variance_forecast(record, 750)
    spikes = spike_probability(record, start=750)
    wealth = np.concatenate([np.zeros(750), sell_variance(record, np.ones(len(record)), 750).wealth])
    return premium_scale(record.implied, forecast), spike_scale(spikes.probability, spikes.climatology), wealth


def test_sizes_stay_within_their_bounds(record):
    by_premium, by_spike, _ = _decided(record)
    assert by_premium.min() >= 0.0
    assert by_premium.max() <= 2.0
    assert by_spike.min() >= 0.0
    assert by_spike.max() <= 1.0
    assert (by_premium[:750] == 0.0).all()


def test_the_record_of_a_strategy(record):
    held = sell_variance(record, np.ones(len(record)), 750)
    found = judge_trades(held, record.days_per_year)
    assert found.low < found.sharpe < found.high
    assert found.sharpe == pytest.approx(np.mean(held.pnl) / np.std(held.pnl) * np.sqrt(record.days_per_year))
    peaks = [held.wealth[: day + 1].max() - held.wealth[day] for day in range(len(held.wealth))]
    assert found.drawdown == pytest.approx(max(peaks))
    assert found.worst_day < 0 < found.cost


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.drop("VX2"), "VX1 and VX2"),
        (lambda t: t.head(20), "20 days; at least 60"),
        (lambda t: t.reverse(), "sort by date"),
        (lambda t: t.with_columns(VX1=pl.lit(-1.0)), "no positive price"),
        (lambda t: t.with_columns(DATE=pl.lit("soon")), "where a date is needed"),
    ],
)
def test_futures_that_cannot_be_used(change, said):
    with pytest.raises(DataError, match=said):
        futures_from_table(change(made_futures()), "futures.csv")


def test_saved_forecasts_and_probabilities_scale_the_size(tmp_path: Path):
    """Against the two formulas by hand; what the files say later moves no earlier size."""
    days = 1100
    rng = np.random.default_rng(4)
    dates = np.datetime64("2015-01-01") + np.arange(days)
    implied = 0.2 * np.exp(0.1 * rng.standard_normal(days))
    record = VarianceRecord(dates, np.full(days, 1e-4), 0.01 * rng.standard_normal(days), implied=implied)
    variance, chance, late = 1e-4 * (1 + rng.random((days, 1))), rng.random(days), np.arange(days) > 900
    sizes = []
    for name, factor in (("first", 1.0), ("second", 0.3)):
        own = np.where(late, factor, 1.0)
        made = Forecaster("har", "x", 365.0, dates[700:], (21,), (variance * own[:, None])[700:])
        save_forecaster(made, tmp_path / f"{name}.parquet")
        pl.DataFrame({"date": dates, "p": chance * own}).write_csv(tmp_path / f"{name}.csv")
        source = SignalSource.of(f"{tmp_path / name}.csv:p")
        scales, notes = _scales(record, 750, tmp_path / f"{name}.parquet", source)
        sizes.append(scales)
    assert "HAR in second.parquet." in notes[0]
    for name in ("forecast", "spike", "both"):
        np.testing.assert_array_equal(sizes[0][name][:901], sizes[1][name][:901])
        assert not np.allclose(sizes[0][name][901:], sizes[1][name][901:])
    day = 820
    premium = 1 - 365 * variance[700 : day + 1, 0] / implied[700 : day + 1] ** 2
    assert sizes[0]["forecast"][day] == pytest.approx(np.clip(premium[-1] / max(premium.mean(), 0.05), 0, 2))
    assert sizes[0]["spike"][day] == pytest.approx(np.clip(2 - chance[day] / chance[: day + 1].mean(), 0, 1))
    pl.DataFrame({"date": dates, "p": 100 * chance}).write_csv(tmp_path / "percent.csv")
    with pytest.raises(DataError, match=r"percent\.csv runs from .* probabilities from 0 to 1 are needed, such as"):
        _scales(record, 750, None, SignalSource(str(tmp_path / "percent.csv"), "p"))
