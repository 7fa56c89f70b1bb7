"""Generated and recorded ticks: their moments, what they know when, and what is refused."""

import dataclasses
import math
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tenrec.core.errors import DataError
from tenrec.tuning.generator import GeneratedTicks, TickModel
from tenrec.tuning.records import fit_model, read_ticks, realised_volatility, with_funding
from tenrec.tuning.ticks import DAY, RecordedTicks, check_ticks
from tests.tuning.desk import ticks_of, walk

YEAR = 365 * DAY


def test_windows_are_the_same_whatever_else_is_drawn():
    few, many = (GeneratedTicks(TickModel(), 5, count, interval=600.0) for count in (3, 9))
    np.testing.assert_array_equal(few.window(2).spot, many.window(2).spot)
    assert not np.array_equal(few.window(1).spot, few.window(2).spot)


def test_variance_is_that_of_diffusion_and_jumps():
    model = TickModel(jumps_per_year=200.0, jump_sd=0.02)
    source = GeneratedTicks(model, 7, 1, interval=300.0, seconds=2000 * DAY)
    moves = np.diff(np.log(source.window(0).spot))
    mean_square = 0.36 * math.exp(2 * 0.25**2) + 200 * 0.02**2
    assert moves.var() / 300 * YEAR == pytest.approx(mean_square, rel=0.05)
    assert source.window(0).spot[-1] > 0


def test_prices_are_a_martingale():
    source = GeneratedTicks(TickModel(jumps_per_year=300.0, jump_mean=-0.02, jump_sd=0.03), 9, 1500, interval=7200.0)
    ends = np.array([source.window(i).spot[-1] for i in range(source.count)]) / 50_000.0
    assert abs(ends.mean() - 1.0) < 4 * ends.std() / math.sqrt(len(ends))


def test_implied_volatility_foresees_the_mean_variance():
    """√E[mean of σ² over the horizon | today] by simulation, against the formula, at the median state."""
    model = TickModel(jumps_per_year=0.0, volatility_sd=0.3)
    rng = np.random.default_rng(0)
    steps, paths = 300, 4000
    persistence = 0.5 ** (30 / steps / model.half_life_days)
    state, total = np.zeros(paths), np.zeros(paths)
    for _ in range(steps):
        state = persistence * state + 0.3 * math.sqrt(1 - persistence**2) * rng.standard_normal(paths)
        total += 0.36 * np.exp(2 * state) / steps
    from tenrec.tuning.generator import implied_volatility

    assert implied_volatility(model, np.zeros(1))[0] == pytest.approx(math.sqrt(total.mean()), rel=0.02)


def test_funding_comes_every_eight_hours():
    ticks = GeneratedTicks(TickModel(), 5, 1, interval=60.0).window(0)
    np.testing.assert_array_equal(np.flatnonzero(ticks.funding) * 60 / 3600, np.arange(8, 168, 8))


def test_fit_finds_what_ticks_were_generated_with():
    model = TickModel(volatility=0.8, volatility_sd=0.35, half_life_days=6.0, jumps_per_year=40.0, jump_sd=0.05)
    ticks = GeneratedTicks(model, 3, 1, interval=300.0, seconds=1500 * DAY).window(0)
    found = fit_model(ticks, TickModel())
    assert found.volatility == pytest.approx(0.8, rel=0.1)
    assert found.volatility_sd == pytest.approx(0.35, rel=0.25)
    assert found.half_life_days == pytest.approx(6.0, rel=0.4)
    assert found.jumps_per_year * found.jump_sd**2 == pytest.approx(40 * 0.05**2, rel=0.35)


def test_volatility_knows_nothing_of_later_prices():
    spot = walk(3000)
    changed = np.concatenate([spot[:2000], spot[2000:] * 1.3])
    time = 60.0 * np.arange(3000)
    before, after = (realised_volatility(time, prices) for prices in (spot, changed))
    np.testing.assert_array_equal(before[:2000], after[:2000])
    assert after[2001] > 1.5 * before[2001]


def test_volatility_of_a_random_walk_is_found():
    scale = 0.6 * math.sqrt(60 / YEAR)
    spot = walk(60 * 24 * 60, scale=scale)
    found = realised_volatility(60.0 * np.arange(len(spot)), spot)
    assert np.median(found[len(found) // 2 :]) == pytest.approx(0.6, rel=0.1)


def written(folder: Path, spot: np.ndarray, *, drop: slice | None = None, **columns: object) -> Path:
    start = datetime(2018, 1, 1)
    table = pl.DataFrame({"time": [start + timedelta(minutes=i) for i in range(len(spot))], "price": spot, **columns})
    if drop is not None:
        kept = np.ones(len(spot), bool)
        kept[drop] = False
        table = table.filter(pl.Series(kept))
    path = folder / "ticks.parquet"
    table.write_parquet(path)
    return path


def test_gaps_are_masked_and_keep_the_last_price(tmp_path: Path):
    spot = walk(2000)
    ticks = read_ticks(written(tmp_path, spot, drop=slice(500, 560), implied_vol=np.full(2000, 0.5)))
    assert ticks.count == 1940
    assert len(ticks.time) == 2000
    np.testing.assert_array_equal(ticks.spot[500:560], spot[499])
    assert not ticks.tradable[500:560].any()
    np.testing.assert_array_equal(ticks.spot[560:], spot[560:])
    assert ticks.about["volatility"] == "recorded"


def test_a_record_without_implied_volatility_begins_after_its_warm_up(tmp_path: Path):
    ticks = read_ticks(written(tmp_path, walk(60 * 24 * 9)), until=date(2018, 1, 8))
    assert ticks.time[0] == 7 * DAY
    assert ticks.time[-1] < 8 * DAY
    assert "realised-volatility" in ticks.about["volatility"]


def test_windows_of_a_record_are_whole_and_mostly_traded():
    spot = walk(3000)
    gap = (np.arange(3000) >= 1000) & (np.arange(3000) < 1900)
    ticks = dataclasses.replace(ticks_of(spot), tradable=~gap)
    source = RecordedTicks(ticks, seconds=1000 * 60.0)
    assert source.bounds == [(0, 1000), (2000, 3000)] or source.bounds == [(0, 1000)]
    assert source.window(0).time[0] == 0.0


def funding_file(folder: Path, start: datetime, count: int = 60) -> tuple[Path, np.ndarray]:
    rates = 1e-4 * np.random.default_rng(1).standard_normal(count)
    table = pl.DataFrame(
        {
            "Symbol": ["BTC-USDT"] * count,
            "exchange": ["binance"] * count,
            "time_utc": [start + timedelta(hours=8 * i) for i in range(count)],
            "Funding Rate": rates,
        }
    )
    table.write_parquet(folder / "funding.parquet")
    return folder / "funding.parquet", rates


def test_real_funding_is_used_where_dates_overlap_and_its_law_elsewhere(tmp_path: Path):
    ticks = dataclasses.replace(ticks_of(walk(60 * 24 * 10)), start=datetime(2020, 1, 1), about={})
    names = {"symbol": "BTC-USDT", "exchange": "binance", "seed": 1}
    path, rates = funding_file(tmp_path, datetime(2020, 1, 1))
    found = with_funding(ticks, path, **names)
    np.testing.assert_array_equal(found.funding[found.funding != 0], rates[:30])
    assert found.about["funding"].startswith("recorded rates")
    path, _ = funding_file(tmp_path, datetime(2023, 1, 1))
    found = with_funding(ticks, path, **names)
    assert np.count_nonzero(found.funding) == 29
    assert found.about["funding"].startswith("generated from the distribution")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"time": [0.0, 60.0, 30.0]}, "is earlier than"),
        ({"time": [0.0, 60.0, 60.0]}, "repeats the time"),
        ({"spot": [1.0, -1.0, 1.0]}, "price -1"),
        ({"volatility": [0.5, 0.0, 0.5]}, "volatility 0"),
    ],
)
def test_ticks_that_cannot_be_are_refused(changes: dict, said: str):
    ticks = dataclasses.replace(
        ticks_of(np.array([1.0, 2.0, 3.0])), **{name: np.array(value) for name, value in changes.items()}
    )
    with pytest.raises(DataError, match=said):
        check_ticks(ticks)


def test_ticks_coarser_than_the_cadence_are_refused():
    with pytest.raises(DataError, match="longer than the cadence"):
        check_ticks(ticks_of(walk(10), interval=600.0), cadence=300.0)
