"""An exported rule as production reads it: advice, and a backtest that ends where the run's own comparison did."""

import json
import shutil
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml

import tenrec
from tenrec.core.errors import ConfigError, DataError, InputError
from tenrec.runs.tuning.api import TuneRun, tune
from tenrec.runs.tuning.backtest import RuleBacktest
from tenrec.runs.tuning.production import advise_rule, load_rule
from tests.runs.tuning.small import SMALL
from tests.tuning.desk import walk


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> TuneRun:
    return tune(SMALL, out=tmp_path_factory.mktemp("tune") / "run", images=False)


@pytest.fixture(scope="module")
def exported(tuned: TuneRun) -> Path:
    return tuned.path / "hedging_config_optimized.yml"


@pytest.fixture(scope="module")
def replayed(exported: Path, tmp_path_factory: pytest.TempPathFactory) -> RuleBacktest:
    """By the command itself, in a folder of its own and with the file alone."""
    place = tmp_path_factory.mktemp("backtest")
    shutil.copy(exported, place / "rule.yml")
    command = [sys.executable, "-m", "tenrec", "backtest", "rule.yml", "--out", "b", "--json"]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=True)
    found = RuleBacktest(place / "b")
    assert json.loads(done.stdout)["result"] == found.metrics["result"]
    return found


def test_on_its_own_ticks_the_file_does_what_it_says(tuned: TuneRun, replayed: RuleBacktest):
    found = replayed.metrics
    assert found["weeks"] == {"all": 4, "judged": 2, "tuned_on": 2}
    for entry in found["expected"].values():
        assert entry["mean"] == pytest.approx(entry["expected"], abs=0.005)
        assert entry["inside"] is True
    comparison = tuned.metrics["comparison"]["tuned"]["out_of_sample"]
    for name in ("net_pnl", "cost", "sharpe", "cvar95_hourly", "turnover"):
        assert found["result"][name] == pytest.approx(comparison[name], rel=1e-9)


def test_the_ledger_holds_every_event_and_ends_with_the_week_s_pnl(replayed: RuleBacktest):
    ledger, weeks = replayed.ledger(), replayed.weeks
    for number in range(weeks.height):
        lines, row = ledger.filter(pl.col("week") == number), weeks.row(number, named=True)
        assert lines["pnl"][-1] == pytest.approx(row["net_pnl"], rel=1e-9)
        assert lines["cost"].sum() == pytest.approx(row["cost"], rel=1e-9)
        assert (lines["trade"] != 0).sum() == row["hedges"]
        assert np.allclose(lines["trade"].cum_sum(), lines["position"])
        # Between two events the position stands still, so that variation margin follows from the lines alone.
        moved = (lines["position"].shift(1, fill_value=0.0) * lines["price"].diff().fill_null(0.0)).cum_sum()
        paid = (lines["carry"] + lines["flow"] - lines["cost"]).cum_sum()
        assert np.allclose(lines["cash"], moved + paid, rtol=1e-10, atol=1e-6)
    page = (replayed.path / "report.html").read_text(encoding="utf-8")
    assert 'data-plot="replay_0"' in page
    assert 'data-plot="weeks"' in page


def test_other_ticks_are_judged_whole(exported: Path, tmp_path: Path):
    fresh = tenrec.run_backtest(exported, out=tmp_path / "fresh", overrides=["search.seed=6", "ticks.weeks=2"])
    assert fresh.metrics["weeks"] == {"all": 2, "judged": 2, "tuned_on": 0}
    begin, count = datetime(2024, 1, 1), 21 * 96
    stamps = [begin + timedelta(minutes=15 * number) for number in range(count)]
    pl.DataFrame({"time": stamps, "price": walk(count, scale=3e-3)}).write_parquet(tmp_path / "ticks.parquet")
    recorded = tenrec.run_backtest(exported, data=tmp_path / "ticks.parquet", out=tmp_path / "recorded")
    assert recorded.metrics["weeks"]["judged"] == 2  # the first week serves the volatility model
    assert recorded.metrics["market"]["about"]["price"] == "recorded"
    assert recorded.metrics["file"] == str(exported)


def test_what_cannot_be_backtested_is_refused(exported: Path, tmp_path: Path):
    (tmp_path / "hedge.yaml").write_text("market: {model: heston}\n")
    with pytest.raises(ConfigError, match="holds market, which is nothing that can be backtested"):
        tenrec.run_backtest(tmp_path / "hedge.yaml", out=tmp_path / "o")
    with pytest.raises(ConfigError, match="does not exist"):
        tenrec.run_backtest(tmp_path / "none.yml", out=tmp_path / "o")
    with pytest.raises(DataError, match=r"ticks\.parquet"):
        tenrec.run_backtest(exported, data=tmp_path / "ticks.parquet", out=tmp_path / "o")
    assert not (tmp_path / "o").exists()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine")
    with pytest.raises(ConfigError, match="not the folder of a backtest"):
        tenrec.run_backtest(exported, out=tmp_path / "full")


def test_advice_hedges_the_delta_when_due_and_stays_when_not(exported: Path):
    common = {"spot": 52_000.0, "days_to_expiry": 20.0, "entry_spot": 50_000.0, "implied_vol": 0.6}
    due = advise_rule(exported, **common)
    delta = due["black_scholes_delta"]
    assert delta > 0  # a straddle that was sold is short delta above its strike
    assert due["hold"] == pytest.approx(load_rule(exported).config.rule.hedge_ratio * delta)
    still = advise_rule(exported, **common, position=delta, seconds_since_hedge=1.0)
    assert still["trade"] == 0.0
    assert still["band"][0] < delta < still["band"][1]
    outside = advise_rule(exported, **common, position=delta + 10.0, seconds_since_hedge=1.0)
    assert outside["trade"] < 0
    assert "left its band" in outside["why"]


def test_what_is_no_exported_rule_is_refused(exported: Path, tmp_path: Path):
    (tmp_path / "other.yml").write_text(yaml.safe_dump({"book": {}}))
    with pytest.raises(ConfigError, match="no section 'hedging'"):
        load_rule(tmp_path / "other.yml")
    with pytest.raises(InputError, match="--spot is -1"):
        advise_rule(exported, spot=-1.0, days_to_expiry=20.0)
