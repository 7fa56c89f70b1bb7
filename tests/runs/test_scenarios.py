"""The ladder and the stresses of a book and its hedge, held against Black's formula written out with SciPy."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.stats import norm

import tenrec
from tenrec.contracts import european
from tenrec.core.errors import InputError
from tenrec.runs.advice import Setting
from tenrec.runs.scenarios import STRESSES, Moment, ladder, stresses

MATURITY, STRIKE = 0.25, 105.0
START = Moment(spot=100.0, time_to_maturity=MATURITY, volatility=0.3, position=0.4)


def setting(**changes: object) -> Setting:
    given = {"contract": european("call", strike=STRIKE, expiry=30), "maturity": MATURITY, "period": MATURITY / 30}
    return Setting(**{**given, "initial_spot": 100.0, "volatility": 0.3, **changes})


def call(spot: np.ndarray, volatility: np.ndarray, time: np.ndarray) -> tuple[np.ndarray, ...]:
    """Value, delta, gamma and vega."""
    deviation = volatility * np.sqrt(time)
    above = np.log(spot / STRIKE) / deviation + 0.5 * deviation
    value = spot * norm.cdf(above) - STRIKE * norm.cdf(above - deviation)
    density = norm.pdf(above)
    return value, norm.cdf(above), density / (spot * deviation), spot * density * np.sqrt(time)


@pytest.mark.parametrize("inverse", [False, True])
def test_a_ladder_is_the_book_and_the_hedge_revalued(inverse: bool):
    position = 40.0 if inverse else 0.4
    start = Moment(START.spot, START.time_to_maturity, START.volatility, position)
    table = ladder(setting(inverse=inverse), start)
    assert table.height == 9 * 4 * 3
    spot = 100.0 * (1.0 + table["spot_move"].to_numpy())
    volatility = 0.3 + table["vol_move"].to_numpy()
    value, delta, gamma, vega = call(spot, volatility, MATURITY - table["years_ahead"].to_numpy())
    sold = float(call(np.array(100.0), np.array(0.3), np.array(MATURITY))[0])
    np.testing.assert_allclose(table["pnl"], 0.4 * (spot - 100.0) - value + sold, atol=2e-4)
    np.testing.assert_allclose(table["delta"], 0.4 - delta, atol=2e-6)
    np.testing.assert_allclose(table["gamma"], -gamma, atol=1e-6)
    np.testing.assert_allclose(table["vega"], -vega, atol=1e-4)
    still = table.filter((table["spot_move"] == 0) & (table["vol_move"] == 0) & (table["years_ahead"] == 0))
    assert still["pnl"].to_list() == [0.0]


def test_a_stress_is_one_rung_of_a_ladder():
    table = stresses(setting(), START)
    assert table["stress"][0] == "1987-10-19"
    assert table["source"].str.len_chars().min() > 10
    move, factor = table["spot_move"].to_numpy(), table["vol_factor"].to_numpy()
    for row in range(table.height):
        rung = ladder(
            setting(), START, spot_moves=[move[row]], vol_moves=[0.3 * (factor[row] - 1.0)], years_ahead=[0.0]
        )
        assert table["pnl"][row] == pytest.approx(rung["pnl"][0], abs=1e-5)


def test_moves_that_leave_no_market_are_refused():
    with pytest.raises(InputError, match="above -1, all of the spot"):
        ladder(setting(), START, spot_moves=[-1.0, 0.0])
    with pytest.raises(InputError, match="leaves no volatility"):
        ladder(setting(), START, vol_moves=[-0.3])
    with pytest.raises(InputError, match="years that are left"):
        ladder(setting(), START, years_ahead=[0.5])


def test_a_run_starts_where_its_policy_does(finished: tenrec.Run):
    hedged = finished.ladder("black_scholes_delta", spot_moves=[-0.01, 0.0, 0.01], vol_moves=[0.0], years_ahead=[0.0])
    assert hedged["delta"].to_numpy()[1] == pytest.approx(0.0, abs=1e-5)
    assert (finished.stresses()["pnl"] < 0).all()


def test_the_levels_of_the_stresses_are_the_recorded_ones():
    folder = Path(__file__).parents[2] / "../shared/data/vol_indices"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not here; levels are held against its S&P 500 and VIX")
    index = pl.read_csv(folder / "SPX_daily.csv").rename(str.lower)
    vix = pl.read_csv(folder / "VIX.csv").rename(str.lower)

    def at(table: pl.DataFrame, day: str, column: str = "close") -> float:
        return table.filter(pl.col("date") == day)[column].item()

    days = {
        "2008-10": ("2008-09-30", "2008-10-31", "close", "close"),
        "2010-05-06": ("2010-05-05", "2010-05-06", "low", "high"),
        "2015-08-24": ("2015-08-21", "2015-08-24", "close", "close"),
        "2018-02-05": ("2018-02-02", "2018-02-05", "close", "close"),
    }
    named = {stress.name: stress for stress in STRESSES}
    for name, (before, after, spot, volatility) in days.items():
        assert named[name].spot == pytest.approx((at(index, before), at(index, after, spot)), abs=0.006)
        assert named[name].volatility == (at(vix, before), at(vix, after, volatility))
    assert named["1987-10-19"].spot == pytest.approx((at(index, "1987-10-16"), at(index, "1987-10-19")), abs=0.006)
