"""A whole tuning run: what it writes, that it is repeatable and resumable, and what it refuses."""

import copy
import json
import shutil
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml

from tenrec.core.errors import ConfigError, DataError, InputError, InterruptedWork
from tenrec.runs.tuning import recipe
from tenrec.runs.tuning.api import TuneRun, resume_tune, tune
from tenrec.runs.tuning.export import JSON_FILE, YAML_FILE
from tests.runs.tuning.small import SMALL
from tests.tuning.desk import walk


def small(**changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(SMALL), **changes}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> TuneRun:
    return tune(small(), out=tmp_path_factory.mktemp("tune") / "run", images=False)


def test_the_exported_rule_has_what_production_reads(run: TuneRun):
    exported = yaml.safe_load((run.path / YAML_FILE).read_text())
    assert exported == json.loads((run.path / JSON_FILE).read_text())
    assert list(exported) == [
        "hedging", "optimization_metadata", "expected_performance", "book", "costs", "rule", "ticks", "out_of_sample"
    ]  # fmt: skip
    assert list(exported["hedging"]) == [
        "cadence_seconds", "delta_threshold", "hedge_ratio", "gamma_scalp_threshold", "max_hedge_per_interval"
    ]  # fmt: skip
    about = exported["optimization_metadata"]
    assert set(about) == {
        "best_score", "n_trials", "optimization_date", "market_data_duration_hours", "data_hash", "seed", "version"
    }  # fmt: skip
    assert about["best_score"] == run.metrics["best"]["score"]
    assert about["market_data_duration_hours"] == pytest.approx(4 * 168, abs=1.01)
    expected = exported["expected_performance"]
    for name in ("net_pnl_usd", "max_drawdown_usd", "hedge_count_per_week", "transaction_costs_usd"):
        low, high = expected[f"{name}_out_of_sample_range"]
        assert low <= expected[name] <= high
    assert exported["rule"]["delta_threshold"] == exported["hedging"]["delta_threshold"]


def test_the_best_set_is_the_best_of_the_trials_and_is_scored_the_same_by_the_comparison(run: TuneRun):
    trials = run.trials
    assert trials.height == 12
    assert trials["score"].max() == run.metrics["best"]["score"]
    again = run.metrics["comparison"]["tuned"]["in_sample"]["score"]
    assert again == pytest.approx(run.metrics["best"]["score"], abs=2e-3)  # single against double precision
    assert pl.read_csv(run.path / "trials.csv").height == 12


def test_the_report_holds_every_figure_and_fetches_nothing(run: TuneRun):
    page = run.folder.report.read_text(encoding="utf-8")
    for name in ("samples", "history", "threshold", "cadences", "cost", "importance", "parallel", "pareto", "replay"):
        assert f'data-plot="{name}"' in page, name
    assert 'src="http' not in page
    assert "Monthly with fresh data" in page


def test_the_replay_ends_with_the_week_s_pnl(run: TuneRun):
    shown = run.folder.read_table("replay")
    weeks = run.folder.read_table("windows").filter(pl.col("rival") == "tuned", pl.col("sample") == "out")
    assert shown["pnl"][-1] == pytest.approx(weeks["net_pnl"].max(), rel=1e-9)


def test_an_interrupted_run_is_resumed_to_the_same_end(run: TuneRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    whole = recipe.evaluator

    def stops(*given: Any) -> Any:
        evaluate, calls = whole(*given), iter(range(100))

        def stopped(values: Any) -> Any:
            if next(calls) == 7:
                raise KeyboardInterrupt
            return evaluate(values)

        return stopped

    monkeypatch.setattr("tenrec.runs.tuning.api.evaluator", stops)
    with pytest.raises(InterruptedWork, match="tenrec resume"):
        tune(small(), out=tmp_path / "run", images=False)
    monkeypatch.undo()
    resumed = resume_tune(tmp_path / "run", images=False)
    columns = [name for name in run.trials.columns if name != "number"]
    assert resumed.trials.select(columns).equals(run.trials.select(columns))
    assert resumed.metrics["comparison"] == run.metrics["comparison"]


def test_another_configuration_in_the_same_folder_is_refused(run: TuneRun):
    before = run.metrics
    with pytest.raises(ConfigError, match="another configuration"):
        tune(small(compare=[1800]), out=run.path, images=False)
    assert run.metrics == before


def test_more_trials_go_on_with_the_stored_study(run: TuneRun, tmp_path: Path):
    shutil.copytree(run.path, tmp_path / "run")
    more = tune(small(), out=tmp_path / "run", overrides=["search.trials=14"], images=False)
    assert more.trials.height == 14
    assert more.trials["score"].head(12).equals(run.trials["score"])


def test_two_objectives_under_a_constraint(tmp_path: Path):
    config = small(objective={"kind": "pareto", "max_drawdown": 1e6})
    config["search"] |= {"trials": 4, "bulk": 16, "seeded": 2}
    found = tune(config, out=tmp_path / "run", images=False)
    assert np.isfinite(found.metrics["best"]["score"])


def record(folder: Path, spot: np.ndarray, **columns: Any) -> Path:
    start = datetime(2018, 1, 1)
    times = [start + timedelta(minutes=15 * i) for i in range(len(spot))]
    table = pl.DataFrame({"time": times, "price": spot, "implied_vol": np.full(len(spot), 0.6), **columns})
    path = folder / "ticks.csv"
    table.write_csv(path)
    return path


def test_own_ticks_and_an_own_book(tmp_path: Path):
    path = record(tmp_path, walk(3 * 672 + 5, scale=2e-3))
    legs = [
        {"kind": "call", "strike": 51_000, "expiry": "2018-01-12T08:00:00", "quantity": -10},
        {"kind": "put", "strike": 45_000, "expiry": "2018-03-30T08:00:00", "quantity": -5},
    ]
    config = small(ticks={"source": "recorded", "file": path.name}, book={"legs": legs, "settlement": "inverse"})
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(config))
    found = tune(tmp_path / "own.yaml", out=tmp_path / "run", images=False)
    assert found.metrics["windows"] == {"in_sample": 1, "out_of_sample": 2}
    assert found.metrics["market"]["about"]["volatility"] == "recorded"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"search": {"space": {}}}, "search.space"),
        ({"search": {"space": {"delta_threshold": {"low": 0.3, "high": 0.3}}}}, "leave nothing to search"),
        ({"search": {"trails": 3}}, "did you mean 'trials'"),
        ({"ticks": {"weeks": 4, "interval_seconds": 7200}}, "longer than the cadence"),
        ({"book": {"legs": [{"kind": "call", "quantity": -1, "moneyness": 1.0}]}}, "moneyness and days"),
        ({"storage": "postgresql://me@127.0.0.1:1/none"}, "cannot be reached"),
        ({"ticks": {"source": "recorded", "file": "nowhere.csv"}}, "does not exist"),
    ],
)
def test_bad_input_is_one_clear_sentence_and_leaves_nothing(change: dict, said: str, tmp_path: Path):
    with pytest.raises(InputError, match=said) as caught:
        tune(small(**change), out=tmp_path / "run", images=False)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_an_expired_leg_is_refused(tmp_path: Path):
    path = record(tmp_path, walk(700))
    leg = {"kind": "call", "strike": 50_000, "expiry": "2017-12-31T08:00:00", "quantity": -1}
    with pytest.raises(ConfigError, match="expired on 2017-12-31"):
        tune(small(ticks={"source": "recorded", "file": str(path)}, book={"legs": [leg]}), out=tmp_path / "run")


def test_ticks_out_of_order_are_refused_by_row(tmp_path: Path):
    path = record(tmp_path, walk(20))
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:5], lines[6], lines[5], *lines[7:]]))
    with pytest.raises(DataError, match="row"):
        tune(small(ticks={"source": "recorded", "file": str(path)}), out=tmp_path / "run", images=False)


def test_the_command_prints_one_document(tmp_path: Path):
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(small()))
    command = [
        sys.executable,
        "-m",
        "tenrec",
        "tune",
        "own.yaml",
        "--trials",
        "3",
        "--out",
        "run",
        "--json",
        "--no-png",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["trials"] == 3
