"""Files by date as signals of a recorded panel: what each close knows, and what is refused."""

import datetime as dt
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tenrec.backtest import SelectionRule, load_record
from tenrec.backtest.forecasts import FEWEST_PAST, standardised_by_the_past, with_signals
from tenrec.core.errors import ConfigError, DataError
from tenrec.runs.loading import load_config
from tenrec.runs.path_specs import RecordedSpec
from tenrec.runs.preflight import preflight
from tenrec.runs.vol.signals import SignalSource, named_signals, write_known

DAYS = [dt.date(2021, 1, 4) + dt.timedelta(days=day) for day in (0, 1, 2, 3, 4, 7, 8)]
CLOSES = np.array(DAYS, "datetime64[D]")
LISTED = {"contract": {"kind": "listed"}, "hedge_with": ["forward"]}


def saved(path: Path, hindsight: tuple[str, ...] = (), days: list[dt.date] = DAYS, **columns) -> str:
    write_known(pl.DataFrame({"date": days, **columns}), path, hindsight)
    return str(path)


def test_a_close_knows_its_own_day_or_with_a_lag_the_days_before(tmp_path: Path):
    file = saved(tmp_path / "s.parquet", p=[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0], days=DAYS)
    own, late = (named_signals({"p": SignalSource(file, "p", lag)}, CLOSES)["p"].values for lag in (0, 1))
    assert own.tolist() == [0, 1, 2, 3, 4, 5, 6]
    # A day later: Monday 11th knows Friday's, Tuesday Monday's.
    assert late[1:].tolist() == [0, 1, 2, 3, 4, 5]
    assert np.isnan(late[0])


def test_a_value_stands_for_ten_days_and_no_longer(tmp_path: Path):
    file = saved(tmp_path / "s.parquet", days=DAYS[:1], p=[7.0])
    closes = np.array([DAYS[0] + dt.timedelta(days=d) for d in (0, 10, 11)], "datetime64[D]")
    assert named_signals({"p": SignalSource(file)}, closes)["p"].values.tolist()[:2] == [7.0, 7.0]
    assert np.isnan(named_signals({"p": SignalSource(file)}, closes)["p"].values[2])


def test_later_values_change_nothing_before():
    rng = np.random.default_rng(0)
    values = np.where(np.arange(300) < 20, np.nan, rng.standard_normal(300).cumsum())
    later = np.where(np.arange(300) > 200, 100.0 + 3.0 * values, values)
    first, second = standardised_by_the_past(values), standardised_by_the_past(later)
    np.testing.assert_array_equal(first[:201], second[:201])
    assert not np.allclose(first[201:], second[201:])
    assert not first[: 20 + FEWEST_PAST - 1].any()
    # Polars' cumulative moments are another way to the same number.
    day = 150
    past = pl.Series(values[20 : day + 1])
    assert first[day] == pytest.approx((values[day] - past.mean()) / past.std(ddof=0), rel=1e-9)


def test_contracts_and_resampled_days_see_the_signal(tmp_path: Path):
    record = load_record(SelectionRule(28, 30, 0.03, 15), rate=0.025)
    closes = record.history.dates
    values = np.arange(len(closes), dtype=float)
    seen = with_signals(record, {"day": values, "half": values / 2})
    assert seen.panel.paths.signal_names[-2:] == ("day", "half") == seen.history.signal_names[-2:]
    column = np.asarray(seen.panel.paths.signals[..., -2])
    row, date = 5, 3
    assert column[row, date] == int(np.flatnonzero(closes == record.panel.dates[row, date])[0])
    np.testing.assert_allclose(seen.panel.paths.signals[..., -1], column / 2)
    np.testing.assert_array_equal(seen.history.signals[:, -2], values)


def test_what_knew_the_future_or_says_nothing_is_refused(tmp_path: Path):
    file = saved(tmp_path / "s.parquet", ("spike",), logit=[0.1] * 7, spike=[0.0] * 7, event=["implied"] * 7)
    with pytest.raises(DataError, match=r"'spike' knows what came later, .* choose from logit, event"):
        named_signals({"p": SignalSource(file, "spike")}, CLOSES)
    with pytest.raises(DataError, match=r"has no column 'probability'; it has date, logit, event"):
        named_signals({"p": SignalSource(file, "probability")}, CLOSES)
    with pytest.raises(DataError, match=r"runs from 2021-01-04 to 2021-01-12 .* 2011-01-15; give a file of these days"):
        named_signals({"p": SignalSource(file, "logit")}, CLOSES - 3650)
    two = saved(tmp_path / "two.parquet", days=DAYS[:1] * 2, logit=[0.1, 0.2], event=["variance", "implied"])
    with pytest.raises(DataError, match=r"duplicate key.*give the file of one row a day that the command's --save"):
        named_signals({"p": SignalSource(two, "logit")}, CLOSES)
    three = saved(tmp_path / "three.parquet", a=[0.1] * 7, b=[0.2] * 7)
    with pytest.raises(DataError, match=r"signal p: three.parquet has the columns a, b; say which, as in p: three"):
        named_signals({"p": SignalSource(three)}, CLOSES)


def test_the_files_of_a_configuration_lie_beside_it(tmp_path: Path):
    saved(tmp_path / "s.parquet", p=[0.1] * 7)
    signals = {"spike_probability": "s.parquet:p", "late": {"file": "s.parquet", "column": "p", "lag": 1}}
    own = {"policy": {"kind": "state_delta", "features": ["spike_probability", "late"], "hidden": []}}
    path = tmp_path / "hedge.yaml"
    path.write_text(json.dumps(LISTED | own | {"market": {"model": "recorded", "signals": signals}}))
    config = load_config(path)
    assert isinstance(config.market, RecordedSpec)
    found = [spec.source for spec in config.market.signals.values()]
    assert found == [SignalSource(str(tmp_path / "s.parquet"), "p", lag) for lag in (0, 1)]
    preflight(config, tmp_path)
    assert load_config(config.model_dump(mode="json")) == config
    with pytest.raises(ConfigError, match="'delta', which is known already; give the file's column another name"):
        load_config(path, ["market.signals.delta=s.parquet:p"])
    with pytest.raises(ConfigError, match=r"policy feature 'regime_volatility' is not known here; .*spike_probability"):
        preflight(load_config(path, ["policy.features=[regime_volatility]"]), tmp_path)
    with pytest.raises(DataError, match=r"none\.csv does not exist"):
        preflight(load_config(path, ["market.signals.other=none.csv:p"]), tmp_path)
