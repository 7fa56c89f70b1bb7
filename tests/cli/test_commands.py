"""Every command on small runs: what it prints, where, and with which exit status."""

import json
import shutil
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm

import tenrec
from tenrec.cli import main
from tenrec.core.errors import WorkError
from tenrec.runs.loading import load_config
from tests.cli.conftest import Tenrec
from tests.data.files import chain
from tests.runs.tiny import duel, tiny, without_seconds, write_config

OPTIONS = {
    "hedge": ["--out", "--set", "--json"],
    "resume": ["--json"],
    "report": ["--json"],
    "optimum": ["--set", "--json"],
    "export": ["--out", "--policy", "--json"],
    "advise": ["--spot", "--days-to-expiry", "--position", "--strike", "--kind", "--quantity", "--multiplier"],
    "dataset": ["--out", "--set", "--json"],
    "init": ["--listed", "--force"],
    "data": ["check"],
    "data check": ["FILE", "--json"],
    "vol spikes": ["--vix", "--horizon", "--from", "--seeds", "--json"],
    "vol regime": ["--vix", "--regimes", "--from", "--law", "--json"],
}


def test_the_installed_command_is_the_one_tested():
    (script,) = entry_points(group="console_scripts", name="tenrec")
    assert script.load() is main


@pytest.mark.parametrize("command", OPTIONS)
def test_each_command_explains_itself(tenrec_command: Tenrec, command: str):
    answer = tenrec_command(*command.split(), "--help")
    assert (answer.status, answer.err) == (0, "")
    assert f"Usage: tenrec {command}" in answer.out
    assert [option for option in OPTIONS[command] if option not in answer.out] == []


def test_without_a_command_all_are_listed(tenrec_command: Tenrec):
    answer = tenrec_command()
    assert answer.status == 0
    assert [command for command in OPTIONS if " " not in command and f" {command} " not in answer.out] == []
    assert tenrec_command("--help").out == answer.out
    assert tenrec_command("data").out == tenrec_command("data", "--help").out


USAGE: dict[str, tuple[list[str], str]] = {
    "unknown command": (["hegde"], "(see `tenrec --help`)"),
    "unknown option": (["hedge", "--jsno"], "(see `tenrec hedge --help`)"),
    "missing argument": (["optimum"], "(see `tenrec optimum --help`)"),
    "missing option": (["advise", "run"], "(see `tenrec advise --help`)"),
    "word for a number": (["advise", "run", "--spot", "high", "--days-to-expiry", "3"], "Invalid value for '--spot'"),
    "missing configuration": (["hedge", "nowhere.yaml"], "nowhere.yaml does not exist"),
    "folder for a configuration": (["hedge", "."], "cannot be read as a YAML text file"),
    "set without a value": (["hedge", "hedge.yaml", "--set", "grid.steps"], "key.path=value is needed"),
    "impossible value": (["hedge", "hedge.yaml", "--set", "costs.proportional=5"], "'costs.proportional' is 5"),
    "unknown key": (["hedge", "hedge.yaml", "--set", "grid.step=5"], "did you mean 'steps'?"),
    "unknown key of the main job": (["hedge", "--set", "market.panle=x"], "did you mean 'panel'?"),
    "unknown signal of the main job": (["hedge", "--set", "policy.features=[return_6d]"], "'return_6d' is not known"),
    "folder of something else": (["hedge", "hedge.yaml", "--out", "."], "exists and is not a run folder"),
    "no run to resume": (["resume", "nowhere"], "nowhere is not a folder"),
    "no run to report": (["report", "."], "is not a run folder"),
    "no run to ask": (["advise", ".", "--spot", "1", "--days-to-expiry", "3"], "is not a run folder"),
    "optimum of nothing": (["optimum", "nowhere.yaml"], "nowhere.yaml does not exist"),
    "arrays of a record": (["dataset", "listed.yaml"], "writes the paths of a simulated market"),
    "arrays into a file": (["dataset", "hedge.yaml", "--out", "hedge.yaml"], "is a file; give a folder"),
    "arrays of unknown features": (["dataset", "hedge.yaml", "--set", "policy.features=[x]"], "'x' is not known"),
    "configuration over another": (["init", "hedge.yaml"], "hedge.yaml exists; give another name, or --force"),
    "no data file": (["data", "check", "nowhere.csv"], "nowhere.csv"),
    "spikes of nothing": (["vol", "spikes", "nowhere.csv"], "nowhere.csv does not exist"),
    "spike below today": (["vol", "spikes", "--implied-factor", "0.9"], "give a number above 1, such as 2.5 or 1.2"),
    "regimes from nowhen": (["vol", "regime", "--from", "2015-03-01"], "leaves enough days on either side"),
}


@pytest.mark.parametrize("name", USAGE)
@pytest.mark.parametrize("flags", [[], ["--json"]], ids=["words", "json"])
def test_bad_input_is_one_sentence_and_leaves_nothing(tenrec_command: Tenrec, empty: Path, name: str, flags: list[str]):
    words, said = USAGE[name]
    write_config(empty, tiny())
    write_config(empty, {"market": {"model": "recorded"}, "contract": {"kind": "listed"}, "hedge_with": ["forward"]},
                 "listed.yaml")  # fmt: skip
    before = {path: path.read_bytes() for path in empty.iterdir()}
    answer = tenrec_command(*words, *([] if words[0] == "init" else flags))
    assert answer.status == 2
    assert said in answer.sentence
    assert {path: path.read_bytes() for path in empty.iterdir()} == before


def test_failed_work_has_another_status(tenrec_command: Tenrec, monkeypatch: pytest.MonkeyPatch):
    statuses = {
        WorkError("The work failed."): (1, "The work failed."),
        OSError(28, "No space left on device", "runs"): (1, "runs: No space left on device; check the disk"),
        RuntimeError("a\nb"): (1, "An unexpected RuntimeError (a); this is a defect of tenrec, --debug shows where."),
        KeyboardInterrupt(): (130, "Stopped."),
    }
    for error, (status, said) in statuses.items():

        def fail(*_: object, error: BaseException = error, **__: object) -> None:
            raise error

        monkeypatch.setattr("tenrec.runs.api.hedge", fail)
        answer = tenrec_command("hedge")
        assert answer.status == status
        assert said in answer.sentence
        shown = tenrec_command("hedge", "--debug")
        assert shown.status == status
        assert "Traceback" in shown.err
        assert said in shown.err.splitlines()[-1]


def test_hedge_from_a_file(tenrec_command: Tenrec, finished: tenrec.Run, empty: Path):
    path = write_config(empty, duel(training=duel()["training"] | {"updates": 2}))
    answer = tenrec_command("hedge", path, "--out", "run", "--set", "training.updates=6", "--json")
    assert (answer.status, answer.err) == (0, "")
    document = json.loads(answer.out)
    assert document.pop("run") == "run"
    assert document.pop("report") == str(Path("run") / "report.html")
    assert document == tenrec.load("run").metrics
    assert without_seconds(document) == without_seconds(finished.metrics)
    assert sorted(found.name for found in empty.iterdir()) == ["hedge.yaml", "run"]


@pytest.mark.parametrize("command", ["resume", "report"])
def test_a_finished_run_is_shown(tenrec_command: Tenrec, finished: tenrec.Run, tmp_path: Path, command: str):
    copy = Path(shutil.copytree(finished.path, tmp_path / "copy"))
    if command == "report":
        (copy / "report.html").unlink()
    answer = tenrec_command(command, copy)
    assert (answer.status, answer.err) == (0, "")
    for entry in finished.metrics["policies"].values():
        marked = (line.lstrip(" ◆◇\N{NO-BREAK SPACE}") for line in answer.out.splitlines())
        row = next(line for line in marked if line.startswith(entry["label"]))
        assert f" {entry['risk_bp']['value']:.0f} " in row
    assert answer.out.splitlines()[-1] == f"Report: {copy / 'report.html'}"
    assert (copy / "report.html").read_bytes() == (finished.path / "report.html").read_bytes()
    document = json.loads(tenrec_command(command, copy, "--json").out)
    assert document["policies"] == finished.metrics["policies"]


def test_optimum_of_a_configuration(tenrec_command: Tenrec, tmp_path: Path):
    against = ["no_hedge", "black_scholes_delta", "zakamouline"]
    path = write_config(tmp_path, tiny(evaluate={"against": against}))
    answer = tenrec_command("optimum", path, "--json")
    assert (answer.status, answer.err) == (0, "")
    section = json.loads(answer.out)
    assert list(section["policies"]) == against
    assert 0 < section["numerical_error_bp"] < 1e-2
    for entry in section["policies"].values():
        assert entry["gap_bp"] > 0
        assert entry["gap_bp"] == pytest.approx(entry["value_bp"] - section["optimum_bp"])
    cheaper = json.loads(tenrec_command("optimum", path, "--set", "costs.proportional=0", "--json").out)
    assert cheaper["optimum_bp"] < section["optimum_bp"] - 1
    assert cheaper["policies"]["no_hedge"]["value_bp"] == pytest.approx(
        section["policies"]["no_hedge"]["value_bp"], abs=1e-6
    )


def test_optimum_of_a_run_values_what_was_learned(tenrec_command: Tenrec, finished: tenrec.Run):
    """The exact values lie within four standard errors of those on the run's paths, and none below the optimum."""
    section = json.loads(tenrec_command("optimum", finished.path, "--json").out)
    assert list(section["policies"]) == list(finished.metrics["policies"])
    for name, entry in section["policies"].items():
        simulated = finished.metrics["policies"][name]["risk_bp"]
        error = (simulated["high"] - simulated["low"]) / 2 / norm.ppf(0.975)
        assert abs(entry["value_bp"] - simulated["value"]) < 4 * error
        assert entry["gap_bp"] > 0
    table = tenrec_command("optimum", finished.path).out.splitlines()
    assert table[0].startswith(f"Exact optimum {section['optimum_bp']:.4f} bp of spot, numerical error below")
    best = min(section["policies"], key=lambda name: section["policies"][name]["gap_bp"])
    assert table[2].split() == [best, *(f"{section['policies'][best][key]:.4f}" for key in ("value_bp", "gap_bp"))]


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("market={model: heston}", "market.model is 'heston'; the exact optimum is computed for one Black–Scholes"),
        ("risk={measure: expectile}", "risk.measure is 'expectile'; the exact optimum is computed for entropic, cvar"),
        ("contract=[{days: 20}, {days: 10}]", "The contracts have several expiries"),
    ],
)
def test_optimum_refuses_what_it_cannot_solve(tenrec_command: Tenrec, tmp_path: Path, override: str, said: str):
    answer = tenrec_command("optimum", write_config(tmp_path, tiny()), "--set", override, "--json")
    assert answer.status == 2
    assert said in answer.sentence


def advice(tenrec_command: Tenrec, run: tenrec.Run, *more: object) -> dict[str, Any]:
    """The answer at spot 1.01, 12 days before the end, as JSON."""
    given = ["--spot", 1.01, "--days-to-expiry", 12, "--policy", "band_network", "--json", *more]
    answer = tenrec_command("advise", run.path, *given)
    assert (answer.status, answer.err) == (0, "")
    return json.loads(answer.out)


def delta(spot: float, strike: float, years: float, volatility: float) -> float:
    """N(d₁) without rates (Black and Scholes 1973)."""
    deviation = volatility * years**0.5
    return float(norm.cdf(np.log(spot / strike) / deviation + deviation / 2))


def test_advice_at_the_band(tenrec_command: Tenrec, finished: tenrec.Run):
    below = advice(tenrec_command, finished, "--position", 0.01)
    low, high = below["band"]
    assert 0 < low < high < 1
    assert (below["hold"], below["trade"]) == (pytest.approx(low, abs=1e-6), pytest.approx(low - 0.01, abs=1e-6))
    above = advice(tenrec_command, finished, "--position", 0.99)
    assert (above["hold"], above["trade"]) == (pytest.approx(high, abs=1e-6), pytest.approx(high - 0.99, abs=1e-6))
    inside = advice(tenrec_command, finished, "--position", (low + high) / 2)
    assert (inside["hold"], inside["trade"]) == (inside["position"], 0)
    assert "inside the no-trade band" in inside["why"]
    assert "outside the band" in above["why"]
    assert (inside["policy"], inside["instrument"]) == ("band_network", "spot")


def test_advice_names_the_black_scholes_delta(tenrec_command: Tenrec, finished: tenrec.Run):
    found = advice(tenrec_command, finished)
    assert found["black_scholes_delta"] == pytest.approx(delta(1.01, 1.0, 12 / 365, 0.2), abs=1e-6)
    other = advice(tenrec_command, finished, "--strike", 1.05, "--implied-vol", 0.3, "--kind", "put")
    assert other["black_scholes_delta"] == pytest.approx(delta(1.01, 1.05, 12 / 365, 0.3) - 1, abs=1e-6)
    assert other["hold"] < 0
    only = advice(tenrec_command, finished, "--policy", "black_scholes_delta")
    assert (only["policy"], only["band"]) == ("black_scholes_delta", None)
    assert only["hold"] == only["black_scholes_delta"] == found["black_scholes_delta"]


def test_advice_for_many_contracts(tenrec_command: Tenrec, finished: tenrec.Run):
    one = advice(tenrec_command, finished, "--position", 0.01)
    many = advice(tenrec_command, finished, "--position", 10, "--quantity", -10, "--multiplier", 100)
    for key in ("hold", "trade", "black_scholes_delta", "band"):
        assert many[key] == pytest.approx(np.multiply(1000, one[key]).tolist(), rel=1e-5)
    held = advice(tenrec_command, finished, "--position", -0.01, "--quantity", 1)
    assert held["hold"] == pytest.approx(-one["hold"], rel=1e-6)
    assert held["band"] == pytest.approx([-edge for edge in reversed(one["band"])], rel=1e-6)


def test_advice_in_words(tenrec_command: Tenrec, finished: tenrec.Run):
    given = ["--spot", 1.01, "--days-to-expiry", 12, "--position", 0.01, "--policy", "band_network"]
    low, high = advice(tenrec_command, finished)["band"]
    lines = tenrec_command("advise", finished.path, *given).out.splitlines()
    assert lines[0] == f"Hold {low:.6g} of the spot: buy {low - 0.01:.6g}."
    assert lines[1] == f"No-trade band: {low:.6g} to {high:.6g}."
    assert lines[2] == f"Black–Scholes delta would hold {delta(1.01, 1.0, 12 / 365, 0.2):.6g}."
    assert lines[3].startswith("The position is outside the band")
    assert lines[4].startswith("The book in variance terms: -")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--spot", -1, "--days-to-expiry", 3], "spot is -1; a positive price is needed."),
        (["--spot", 1, "--days-to-expiry", 0], "--days-to-expiry is 0.0; a positive number of days is needed."),
        (["--spot", "nan", "--days-to-expiry", 3], "spot is nan"),
        (["--spot", 1, "--days-to-expiry", "inf"], "time_to_maturity is inf"),
        (["--spot", 1, "--days-to-expiry", 3, "--kind", "straddle"], "kind is 'straddle'; 'call' or 'put' is needed."),
        (["--spot", 1, "--days-to-expiry", 3, "--quantity", 0], "quantity is 0"),
        (["--spot", 1, "--days-to-expiry", 3, "--multiplier", -100], "--multiplier is -100.0; a positive number"),
        (["--spot", 1, "--days-to-expiry", 3, "--policy", "lelnd"], "holds no policy 'lelnd'; choose from"),
        (["--spot", 1, "--days-to-expiry", 3, "--signal", "return_5d=1"], "'return_5d' is not a signal of this run"),
    ],
)
def test_advice_on_nonsense_is_refused(tenrec_command: Tenrec, finished: tenrec.Run, words: list, said: str):
    answer = tenrec_command("advise", finished.path, *words)
    assert answer.status == 2
    assert said in answer.sentence


def test_init_writes_what_hedge_reads(tenrec_command: Tenrec, empty: Path):
    assert tenrec_command("init").out == "Wrote hedge.yaml; `tenrec hedge hedge.yaml` runs it.\n"
    assert tenrec_command("init", "main.yaml", "--listed").status == 0
    assert load_config(empty / "hedge.yaml").policy == load_config({}).policy
    assert load_config(empty / "main.yaml").market.model == "recorded"
    assert "# " in (empty / "hedge.yaml").read_text(encoding="utf-8")
    (empty / "hedge.yaml").write_text("grid: {steps: 3}", encoding="utf-8")
    assert tenrec_command("init").status == 2
    assert load_config(empty / "hedge.yaml").grid.steps == 3
    assert tenrec_command("init", "--force").status == 0
    assert load_config(empty / "hedge.yaml").grid.steps == 30


def test_data_check(tenrec_command: Tenrec, tmp_path: Path):
    good = chain(tmp_path)
    answer = tenrec_command("data", "check", good)
    assert (answer.status, answer.err) == (0, "")
    assert answer.out.splitlines()[0] == "chain.csv: option panel, 1 row"
    document = json.loads(tenrec_command("data", "check", good, "--json").out)
    assert (document["kind"], document["usable"], document["refusals"]) == ("option panel", True, [])
    bad = chain(tmp_path, "2021-01-05,2021-02-01,call,-100,2.0,1.2")
    answer = tenrec_command("data", "check", bad)
    assert (answer.status, answer.err) == (2, "")
    assert "row 3" in answer.out
    assert answer.out.splitlines()[-1] == "not usable as it is"
    answer = tenrec_command("data", "check", bad, "--json")
    assert (answer.status, json.loads(answer.out)["usable"]) == (2, False)


NOTEBOOK = {
    "policy": {
        "kind": "feed_forward",
        "hidden": [4],
        "standardise": False,
        "features": ["normalised_price", "time_fraction", "last_log_return", "volatility"],
    },
    "training": {"updates": 4, "paths": 64, "fresh_paths": False, "validation_paths": 64, "per_dispatch": 4},
    "evaluate": {"paths": 30, "against": ["black_scholes_delta"]},
    # With a drift the gains of trading are not known to average out, on paths from a file as on simulated ones.
    "market": {"model": "black_scholes", "spot": 100.0, "volatility": 0.3, "drift": 0.05},
    "contract": {"kind": "european_call", "strike": 101.0, "days": 20},
}


@pytest.fixture
def arrays(tenrec_command: Tenrec, empty: Path) -> dict[str, np.ndarray]:
    """What `tenrec dataset` writes for 64 training and 30 test paths, in the working folder."""
    write_config(empty, tiny(**NOTEBOOK))
    answer = tenrec_command("dataset", "hedge.yaml", "--out", "data", "--json")
    assert (answer.status, answer.err) == (0, "")
    assert json.loads(answer.out) == {
        "folder": "data",
        "price_paths": [94, 5],
        "X_train": [64, 4, 4],
        "X_test": [30, 4, 4],
        "Y_train": [64],
        "Y_test": [30],
        "features": NOTEBOOK["policy"]["features"],
    }
    with np.load(empty / "data" / "deep_hedging_data.npz") as stored:
        return {name: stored[name] for name in stored.files} | {"paths": np.load(empty / "data" / "price_paths.npy")}


def test_dataset_rows_belong_to_the_paths(arrays: dict[str, np.ndarray]):
    """Row i of the paths is row i of X_train, the test rows follow: every feature, computed again from the prices."""
    paths = arrays["paths"]
    returns = np.log(paths[:, 1:] / paths[:, :-1])
    last = np.concatenate([np.zeros((94, 1)), returns[:, :-1]], axis=1)
    left = np.broadcast_to(1 - np.arange(4) / 4, (94, 4))
    expected = np.stack([paths[:, :-1] / 100.0, left, last, np.full((94, 4), 0.3)], axis=-1)
    payoff = np.maximum(paths[:, -1] - 101.0, 0.0)
    assert (payoff > 0).any()
    np.testing.assert_allclose(arrays["X_train"], expected[:64], atol=2e-6)
    np.testing.assert_allclose(arrays["X_test"], expected[64:], atol=2e-6)
    np.testing.assert_allclose(arrays["Y_train"], payoff[:64], atol=1e-5)
    np.testing.assert_allclose(arrays["Y_test"], payoff[64:], atol=1e-5)


@pytest.mark.usefixtures("arrays")
def test_a_run_on_the_arrays_is_the_run_that_they_came_from(tenrec_command: Tenrec, empty: Path):
    given = {"model": "arrays", "file": "data/price_paths.npy", "volatility": 0.3, "train_rows": 64}
    write_config(empty, tiny(**NOTEBOOK | {"market": given}), "own.yaml")
    for name in ("hedge", "own"):
        assert tenrec_command("hedge", f"{name}.yaml", "--out", name, "--json").status == 0
    simulated, own = (tenrec.load(name).pnl() for name in ("hedge", "own"))
    assert simulated.columns == own.columns == ["black_scholes_delta", "feed_forward"]
    assert own.height == 30
    np.testing.assert_allclose(own.to_numpy(), simulated.to_numpy(), atol=0.01)
    assert simulated["feed_forward"].std() > 1
