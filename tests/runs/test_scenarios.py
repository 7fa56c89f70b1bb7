"""The ladder and the stresses of a book and its hedge, held against Black's formula written out with SciPy."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import QuantLib
from scipy.integrate import quad
from scipy.stats import norm

import tenrec
from tenrec.contracts import european
from tenrec.core.errors import InputError
from tenrec.runs.advice import Setting
from tenrec.runs.loading import load_config
from tenrec.runs.scenarios import STRESSES, Moment, ladder, stresses
from tenrec.runs.setting import build_setting
from tests.runs.tiny import tiny

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


HESTON = {"initial_variance": 0.09, "mean_reversion": 2.0, "long_run_variance": 0.05, "vol_of_vol": 0.6}
RATE, DAYS = 0.03, 90


def heston_setting() -> Setting:
    """A spot, a variance swap and two listed options, of which one expires early."""
    options = [{"option": {"kind": "put", "moneyness": 0.95, "days": 120}}, {"option": {"days": 30}}]
    market = {"model": "heston", "spot": 100.0, "rate": RATE, "correlation": -0.7, **HESTON}
    config = tiny(
        market=market,
        contract={"kind": "european_call", "strike": STRIKE, "days": DAYS},
        grid={"steps": 30},
        hedge_with=["spot", "variance_swap", *options],
        policy={"kind": "feed_forward"},
    )
    return build_setting(load_config(config))


def quantlib_heston(sign: int, strike: float, days: int, spot: float, variance: float) -> float:
    """QuantLib's analytic engine."""
    today = QuantLib.Date(1, 1, 2025)
    QuantLib.Settings.instance().evaluationDate = today
    count = QuantLib.Actual365Fixed()
    curves = [QuantLib.YieldTermStructureHandle(QuantLib.FlatForward(today, rate, count)) for rate in (RATE, 0.0)]
    process = QuantLib.HestonProcess(
        *curves,
        QuantLib.QuoteHandle(QuantLib.SimpleQuote(spot)),
        variance,
        HESTON["mean_reversion"],
        HESTON["long_run_variance"],
        HESTON["vol_of_vol"],
        -0.7,
    )
    payoff = QuantLib.PlainVanillaPayoff(QuantLib.Option.Put if sign < 0 else QuantLib.Option.Call, strike)
    option = QuantLib.VanillaOption(payoff, QuantLib.EuropeanExercise(today + days))
    option.setPricingEngine(QuantLib.AnalyticHestonEngine(QuantLib.HestonModel(process), 1e-10, 10_000))
    return option.NPV()


def swap_by_hand(variance: float, passed: float, left: float) -> float:
    """Spot at the start × what accrued and the mean of ∫ v dt, over all time, discounted."""
    kappa, theta = HESTON["mean_reversion"], HESTON["long_run_variance"]
    ahead, _ = quad(lambda t: theta + (variance - theta) * np.exp(-kappa * t), 0.0, left)
    return 100.0 / (passed + left) * np.exp(-RATE * left) * (passed * variance + ahead)


def test_several_instruments_are_revalued_by_the_market_that_marks_them():
    """The book by Black's formula, the options by QuantLib's Heston, the swap by quadrature; Greeks by differences."""
    held = (0.4, 2.0, 0.7, -1.5)
    start = Moment(100.0, DAYS / 365, 0.3, held[0], held[1:])
    moves = {"spot_moves": [-0.2, 0.0, 0.1], "vol_moves": [-0.1, 0.0, 0.2], "years_ahead": [0.0, 45 / 365]}
    table = ladder(heston_setting(), start, **moves)

    def worth(spot: float, volatility: float, passed: int) -> Any:
        left, variance = (DAYS - passed) / 365, volatility**2
        deviation = volatility * np.sqrt(left)
        above = (np.log(spot / STRIKE) + RATE * left) / deviation + 0.5 * deviation
        sold = spot * norm.cdf(above) - STRIKE * np.exp(-RATE * left) * norm.cdf(above - deviation)
        put = quantlib_heston(-1, 95.0, 120 - passed, spot, variance)
        # The second option has expired after 30 of the 45 days, at the spot of the scenario.
        expiring = quantlib_heston(1, 100.0, 30, spot, variance) if passed == 0 else max(spot - 100.0, 0.0)
        units = held[0] * spot + held[1] * swap_by_hand(variance, passed / 365, left)
        return units + held[2] * put + held[3] * expiring - sold

    first = worth(100.0, 0.3, 0)
    for row in table.iter_rows(named=True):
        at = 100.0 * (1.0 + row["spot_move"]), 0.3 + row["vol_move"], round(365 * row["years_ahead"])
        assert row["pnl"] == pytest.approx(worth(*at) - first, abs=2e-4)
        up, down, middle = (worth(at[0] + move, *at[1:]) for move in (0.05, -0.05, 0.0))
        assert row["delta"] == pytest.approx((up - down) / 0.1, abs=1e-4)
        if not (row["years_ahead"] and row["spot_move"] == 0.0):
            assert row["gamma"] == pytest.approx((up - 2.0 * middle + down) / 0.05**2, abs=1e-4)
        slope = (worth(at[0], at[1] + 1e-3, at[2]) - worth(at[0], at[1] - 1e-3, at[2])) / 2e-3
        assert row["vega"] == pytest.approx(slope, rel=1e-3, abs=1e-2)


def test_stresses_of_a_basket_move_its_assets_together():
    """Against Margrabe's formula for the exchange of two assets, written out."""
    assets = [{"model": "black_scholes", "spot": spot, "volatility": vol} for spot, vol in ((100.0, 0.2), (95.0, 0.3))]
    config = tiny(
        market={"model": "basket", "assets": assets, "correlation": [[1.0, 0.6], [0.6, 1.0]]},
        contract={"kind": "exchange", "days": DAYS},
        policy={"kind": "feed_forward"},
        evaluate={"paths": 300, "against": ["no_hedge", "black_scholes_delta"]},
    )
    start = Moment(100.0, DAYS / 365, 0.2, 0.6, (-0.4,))
    table = stresses(build_setting(load_config(config)), start)

    def worth(move: float, factor: float) -> Any:
        first, second = 100.0 * (1.0 + move), 95.0 * (1.0 + move)
        deviation = factor * np.sqrt((0.2**2 + 0.3**2 - 2 * 0.6 * 0.2 * 0.3) * DAYS / 365)
        above = np.log(first / second) / deviation + 0.5 * deviation
        return 0.6 * first - 0.4 * second - first * norm.cdf(above) + second * norm.cdf(above - deviation)

    for row in table.iter_rows(named=True):
        at = row["spot_move"], row["vol_factor"]
        assert row["pnl"] == pytest.approx(worth(*at) - worth(0.0, 1.0), abs=2e-4)
        together = (worth(at[0] + 1e-4, at[1]) - worth(at[0] - 1e-4, at[1])) / 2e-2
        assert row["delta"] == pytest.approx(together, abs=1e-4)


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
