"""Every example loads as it is, and runs with less work."""

import subprocess
import sys
from pathlib import Path

import pytest

import tenrec
from tenrec.runs.loading import load_config

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
CONFIGS = sorted(path.name for path in EXAMPLES.glob("*.yaml"))

LESS = (
    "grid.steps=4",
    "training.updates=2",
    "training.per_dispatch=2",
    "training.paths=64",
    "training.validation_paths=64",
    "evaluate.paths=200",
)


def test_there_are_examples():
    assert {"quickstart.yaml", "near_optimal.yaml", "deep_hedging_notebook.yaml"} <= set(CONFIGS)


@pytest.mark.parametrize("name", CONFIGS)
def test_a_configuration_says_first_what_it_is_for(name: str):
    assert (EXAMPLES / name).read_text(encoding="utf-8").startswith("# ")
    config = load_config(EXAMPLES / name)
    assert config.training.updates >= 100
    assert config.evaluate.reference == "black_scholes_delta"


@pytest.mark.parametrize("name", CONFIGS)
def test_a_configuration_runs(name: str, tmp_path: Path):
    config = load_config(EXAMPLES / name)
    # Every further baseline is compiled anew; that each can be built, and obeys the engine, is tested elsewhere.
    against = [kind for kind in config.evaluate.against if kind in ("black_scholes_delta", "optimum")]
    # The weekdays of a calendar are as many as they are.
    less = [item for item in LESS if config.grid.calendar == "every_day" or not item.startswith("grid.steps")]
    run = tenrec.hedge(EXAMPLES / name, out=tmp_path / "run", overrides=[*less, f"evaluate.against={against}"])
    names = {*against, config.policy.name or config.policy.kind}
    assert set(run.metrics["policies"]) == names - {"optimum"}
    for entry in run.metrics["policies"].values():
        assert entry["risk_bp"]["low"] <= entry["risk_bp"]["value"] <= entry["risk_bp"]["high"]
    assert (run.metrics["optimum"] is not None) == ("optimum" in names)
    assert run.folder.report.stat().st_size > 1e5


def test_python_api(tmp_path: Path):
    out = tmp_path / "run"
    command = [sys.executable, str(EXAMPLES / "python_api.py"), "--updates", "2", "--paths", "64", "--out", str(out)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    run = tenrec.load(out)
    for name, entry in run.metrics["policies"].items():
        assert f"{name:<22} risk {entry['risk']['value']:.3f} " in done.stdout
    held = [line for line in done.stdout.splitlines() if line.startswith("spot ")]
    assert [line.split(":")[0] for line in held] == ["spot   90.0", "spot   95.0", "spot  100.0", "spot  105.0"]
    asked = {"time_to_maturity": 30 / 365, "position": -0.3, "implied_vol": 0.2}
    assert held[1] == f"spot   95.0: hold {float(run.policy().target(spot=95.0, **asked)):+.3f} units"


def test_differential_pricer(tmp_path: Path):
    command = [sys.executable, str(EXAMPLES / "differential_pricer.py"), "--samples", "1024", "--updates", "200"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line.split() for line in done.stdout.splitlines() if line.startswith("spot ")]
    prices, deltas = ([float(line[place].rstrip(",")) for line in lines] for place in (3, 5))
    assert prices == sorted(prices)
    assert all(0.0 < delta < 1.0 for delta in deltas)
    assert (tmp_path / "asian.npz").is_file()
