import datetime as dt

import numpy as np
import polars as pl
import pytest

from tenrec.backtest import Panel, SelectionRule, complete_forwards, option_panel
from tenrec.core.errors import ConfigError, DataError
from tenrec.data import shanghai_etf, shanghai_forwards

TRAIN = (dt.date(2015, 1, 1), dt.date(2018, 12, 31))
TEST = (dt.date(2020, 1, 1), dt.date(2021, 12, 31))


def conditional_value_at_risk(loss: np.ndarray, level: float = 0.95) -> float:
    ordered = np.sort(loss)[::-1]
    tail = (1 - level) * len(ordered)
    whole = int(tail)
    return float((ordered[:whole].sum() + (tail - whole) * ordered[whole]) / tail)


def unhedged(panel: Panel) -> np.ndarray:
    """P&L of the sold contract alone, units of the forward at sale; independent of the engine."""
    spot, dt_ = np.asarray(panel.paths.spot, float), np.asarray(panel.paths.dt, float)
    strike, sign = np.asarray(panel.book.strike)[:, 0], np.asarray(panel.book.sign)[:, 0]
    growth = np.exp(0.025 * dt_.sum(axis=1))
    return panel.premium * growth - np.maximum(sign * (spot[:, -1] - strike), 0.0)


def test_every_contract_is_sold_once_inside_the_window(panel: Panel) -> None:
    table = panel.contracts.with_columns(
        days=(pl.col("expiry") - pl.col("entry")).dt.total_days(),
        moneyness=(pl.col("strike") / pl.col("forward")).log().abs(),
    )
    assert table["contract"].n_unique() == table.height
    assert table["days"].is_between(20, 45).all()
    assert table["moneyness"].is_between(0.0, 0.10).all()
    assert (table["premium"] > 0).all()
    assert table["entry_volatility"].null_count() == 0


def test_left_out_contracts_are_counted_and_add_up(panel: Panel, options: pl.DataFrame, forwards: pl.DataFrame) -> None:
    quoted = (
        options.filter(pl.col("close") > 0).drop("forward", strict=False).join(forwards, on=["trade_date", "expiry"])
    )
    days = (pl.col("expiry") - pl.col("trade_date")).dt.total_days()
    window = days.is_between(20, 45) & ((pl.col("strike") / pl.col("forward")).log().abs() <= 0.10)
    candidates = quoted.filter(window).select("expiry", "cp", "strike_raw", "adj_event").n_unique()
    assert sum(panel.excluded.values()) + len(panel) == candidates
    assert panel.excluded["listed across a dividend adjustment"] > 300
    assert (panel.contracts["expiry"] <= options["trade_date"].max()).all()


def test_paths_start_at_one_and_stay_at_the_settlement(panel: Panel) -> None:
    spot, tradable = np.asarray(panel.paths.spot), np.asarray(panel.paths.tradable)
    expiry = np.asarray(panel.book.expiry)[:, 0]
    dates = np.arange(spot.shape[1])
    after = dates[None, :] >= expiry[:, None]
    assert (spot[:, 0] == 1).all()
    assert np.array_equal(tradable, ~after)
    assert np.array_equal(np.where(after, spot, 0.0), np.where(after, spot[:, -1:], 0.0))
    assert (np.asarray(panel.paths.dt)[after[:, :-1]] == 0).all()
    settlement = (panel.contracts["settlement"] / panel.contracts["forward"]).to_numpy()
    np.testing.assert_allclose(spot[:, -1], settlement, rtol=1e-6)


def test_time_is_the_calendar(panel: Panel) -> None:
    lived = (panel.contracts["expiry"] - panel.contracts["entry"]).dt.total_days().to_numpy()
    np.testing.assert_allclose(np.asarray(panel.paths.dt).sum(axis=1) * 365.0, lived, rtol=1e-5)
    assert np.array_equal(panel.dates[:, 0], panel.contracts["entry"].to_numpy().astype("datetime64[D]"))
    assert np.array_equal(panel.dates[:, -1], panel.contracts["expiry"].to_numpy().astype("datetime64[D]"))


def test_tail_is_settled_at_what_the_expiring_options_say(options: pl.DataFrame, forwards: pl.DataFrame) -> None:
    at_expiry = options.filter(pl.col("trade_date") == pl.col("expiry"), ~pl.col("dup_key"), pl.col("close") > 0)
    settled = at_expiry.drop("forward", strict=False).join(forwards, on=["trade_date", "expiry"])
    sign = pl.when(pl.col("cp") == "C").then(1.0).otherwise(-1.0)
    gap = settled.select(
        error=(pl.col("close") - (sign * (pl.col("forward") - pl.col("strike"))).clip(0.0)) / pl.col("forward"),
        source="source",
    )
    by_source = gap.group_by("source").agg(pl.col("error").median().abs())
    assert set(by_source["source"]) == {"etf_close", "put_call"}
    assert (by_source["error"] < 10e-4).all()


def test_put_call_settlement_agrees_with_the_recorded_etf_close(options: pl.DataFrame) -> None:
    etf = shanghai_etf()
    blind = complete_forwards(options, shanghai_forwards(), etf.clear()).filter(pl.col("source") == "put_call")
    both = blind.join(etf.rename({"date": "trade_date"}), on="trade_date")
    error = (both["forward"] / both["spot_est"]).log()
    assert both.height > 100
    assert np.median(error.abs()) < 10e-4
    assert (error.abs() < 80e-4).all()


def test_numbers_of_an_independent_computation(panel: Panel) -> None:
    # std / CVaR95 of no hedge, bp: 391 / 1131 on 2020–2021, computed elsewhere and stopped two days before expiry.
    test = panel.between(*TEST)
    pnl = unhedged(test) * 1e4
    assert pnl.std() == pytest.approx(391, rel=0.02)
    assert conditional_value_at_risk(-pnl) == pytest.approx(1131, rel=0.02)
    entered = panel.contracts.filter(pl.col("entry").is_between(*TRAIN))
    assert entered.height == pytest.approx(952, abs=2)


def test_between_sees_nothing_outside(panel: Panel) -> None:
    train = panel.between(*TRAIN)
    assert len(train) == 930
    assert (train.contracts["expiry"] <= TRAIN[1]).all()
    assert train.paths.spot.shape[0] == train.book.strike.shape[0] == train.premium.shape[0] == 930
    assert np.array_equal(train.dates[:, 0], train.contracts["entry"].to_numpy().astype("datetime64[D]"))


def test_the_sale_does_not_depend_on_the_future(panel: Panel, options: pl.DataFrame) -> None:
    cut = dt.date(2018, 12, 31)
    seen = option_panel(
        options.filter(pl.col("trade_date") <= cut),
        shanghai_forwards().filter(pl.col("trade_date") <= cut),
        shanghai_etf().filter(pl.col("date") <= cut),
    )
    whole = panel.between(None, cut)
    assert seen.contracts.equals(whole.contracts)
    steps = seen.paths.spot.shape[1]
    np.testing.assert_array_equal(np.asarray(seen.paths.spot), np.asarray(whole.paths.spot)[:, :steps])
    np.testing.assert_array_equal(np.asarray(seen.paths.volatility), np.asarray(whole.paths.volatility)[:, :steps])


def test_impossible_window_is_refused() -> None:
    with pytest.raises(ConfigError, match="min_days"):
        SelectionRule(min_days=50)


def test_empty_selection_is_refused(options: pl.DataFrame) -> None:
    few = options.filter(pl.col("trade_date") < dt.date(2015, 2, 12))
    with pytest.raises(DataError, match="no contract"):
        option_panel(few, shanghai_forwards(), shanghai_etf())
