"""An exported policy gives the targets of the run's own, in a process that cannot import tenrec."""

import json
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

import tenrec
from tenrec.core.errors import ConfigError
from tenrec.runs.export import TOLERANCE, export_run
from tenrec.runs.folder import create
from tenrec.runs.loading import load_config
from tenrec.runs.policies import save_policy, untrained
from tenrec.runs.run import Run
from tenrec.runs.setting import neutral_view
from tests.runs.tiny import tiny

ASK = """
import json, sys
for name in {blocked!r}:
    sys.modules[name] = None
sys.path.insert(0, {file!r})
import tenrec_policy
state = json.load(sys.stdin)
print(json.dumps(tenrec_policy.target(**state).tolist()))
"""


@pytest.fixture(scope="module")
def exported(finished: tenrec.Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The learned policy of the shared run as one file."""
    path = tmp_path_factory.mktemp("export") / "policy.pyz"
    written = export_run(finished, policy="band_network", out=path)
    assert written["formats"] == ["jax", "onnx"]
    assert written["onnx_left_out"] is None
    assert max(written["largest_difference"].values()) <= TOLERANCE
    return path


def asked(file: Path, state: Mapping[str, object], *blocked: str) -> np.ndarray:
    code = ASK.format(blocked=["tenrec", "equinox", *blocked], file=str(file))
    given = json.dumps(state)
    done = subprocess.run([sys.executable, "-c", code], input=given, capture_output=True, text=True, check=True)
    return np.array(json.loads(done.stdout))


@pytest.mark.parametrize("blocked", ["jax", "onnxruntime"])
def test_the_same_targets_without_tenrec(blocked: str, exported: Path, finished: tenrec.Run):
    """Spots around the strike by positions inside and outside the band; shapes broadcast."""
    state = {
        "spot": np.linspace(0.9, 1.1, 7).reshape(7, 1).tolist(),
        "time_to_maturity": 0.02,
        "position": [-0.5, 0.5, 0.9],
        "implied_vol": 0.25,
    }
    answers = asked(exported, state, blocked)
    wanted = finished.policy("band_network").target(**{name: np.array(value) for name, value in state.items()})
    assert answers.shape == (7, 3)
    np.testing.assert_allclose(answers, wanted, atol=TOLERANCE)
    assert len(np.unique(answers)) > 10


def test_a_backend_that_is_not_there_is_told(exported: Path):
    code = f"import sys; sys.path.insert(0, {str(exported)!r}); import tenrec_policy as it; it.target('other', spot=1.0"
    code += ", time_to_maturity=0.02)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "ValueError: 'other' is not usable here; install jax or onnxruntime." in done.stderr


def test_a_policy_that_sees_its_position(finished: tenrec.Run, empty: Path):
    written = export_run(finished, policy="feed_forward", out=empty / "deep.pyz")
    state = {"spot": 1.01, "time_to_maturity": 0.02, "position": [0.1, 0.8]}
    wanted = finished.policy("feed_forward").target(spot=1.01, time_to_maturity=0.02, position=np.array([0.1, 0.8]))
    np.testing.assert_allclose(asked(Path(written["file"]), state), wanted, atol=TOLERANCE)
    assert wanted[0] != wanted[1]


OPTION = {"option": {"kind": "put", "delta": 0.3, "days": 40}}
HESTON = {"model": "heston", "spot": 100.0, "initial_variance": 0.06, "rate": 0.02}
ASSETS = {
    "model": "basket",
    "assets": [{"model": "black_scholes", "spot": 100.0}, {"model": "heston", "spot": 95.0}],
    "correlation": [[1.0, 0.5], [0.5, 1.0]],
}
FURTHER: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "option_and_swap": (
        {"market": HESTON, "hedge_with": ["spot", "variance_swap", OPTION]},
        {"position_2": -0.3, "position_3": [0.2, 0.9], "option_3_strike": [93.0, 0.0], "option_3_days": 14.6},
    ),
    "basket": (
        {"market": ASSETS, "contract": {"kind": "spread_call", "strike": 5.0, "days": 20}},
        {"position_2": [-0.4, 0.7], "log_relative_2": 0.05, "log_volatility_2": -0.1},
    ),
}


def unlearned(path: Path, **sections: Any) -> Run:
    """A run folder with a network of random weights, as if learned; nothing is simulated."""
    # Weights that are large enough to tell every input and every instrument apart.
    given = {"contract": {"kind": "european_call", "strike": 100.0, "days": 20}, "costs": {"proportional": 0.001}}
    config = load_config(tiny(**{**given, "policy": {"kind": "feed_forward", "hidden": [8]}, **sections}))
    folder = create(path, config, Path())
    save_policy(
        folder.policies, "feed_forward", untrained(config.policy, neutral_view(config), config, jax.random.key(3))
    )
    folder.write_metrics({"learned": "feed_forward", "policies": {}})
    return Run(folder)


@pytest.mark.parametrize("name", FURTHER)
def test_every_instrument_without_tenrec(name: str, empty: Path):
    """Inputs are called as `tenrec advise --instrument` calls them; the answer has all instruments on its last axis.

    An option of strike 0 is one that is listed now.
    """
    sections, told = FURTHER[name]
    run = unlearned(empty / "run", **sections)
    written = export_run(run)
    # ONNX is kept only where it is within 1e-6 of the largest target.
    assert written["formats"] == ["jax", "onnx"]
    state = {"spot": [97.0, 104.0], "time_to_maturity": 0.03, "position": 0.1, "implied_vol": 0.22} | told
    answers = [asked(Path(written["file"]), state, blocked) for blocked in ("jax", "onnxruntime")]
    days, count = run.config.grid.day_count, len(written["instruments"])
    for row in range(2):
        point = {key: np.broadcast_to(value, 2)[row] for key, value in state.items()}
        held = [point.pop("position"), *(point.pop(f"position_{place}") for place in range(2, count + 1))]
        point = {key: value for key, value in point.items() if key != "option_3_strike" or value > 0.0}
        if "option_3_days" in point:
            point["option_3_time"] = point.pop("option_3_days") / days
        wanted = run.policy().targets(positions=held, **point)
        assert wanted.shape == (count,)
        assert len(np.unique(wanted)) == count
        for answer in answers:
            np.testing.assert_allclose(answer[row], wanted, rtol=TOLERANCE, atol=TOLERANCE)
    assert np.abs(answers[0][0] - answers[0][1]).min() > 1e-4


def test_limits_hold_outside_a_path_too(empty: Path):
    """Whole lots within the most that may be held, as the engine would trade, in answers and in the file."""
    hedge = ["spot", {"option": {"days": 40, "limits": {"position": 0.5, "lot": 0.1}}}]
    run = unlearned(empty / "run", market=HESTON, hedge_with=hedge, limits={"trade": 0.2})
    spot = np.linspace(80.0, 120.0, 41)
    wanted = run.policy().targets(spot=spot, time_to_maturity=0.03, positions=[0.3, 0.2])
    np.testing.assert_allclose(np.clip(wanted[:, 0], 0.1, 0.5), wanted[:, 0], atol=1e-6)
    np.testing.assert_allclose(wanted[:, 1] / 0.1, np.round(wanted[:, 1] / 0.1), atol=1e-5)
    assert np.abs(wanted[:, 1]).max() == pytest.approx(0.5, abs=1e-6)
    answers = asked(
        Path(export_run(run)["file"]),
        {"spot": spot.tolist(), "time_to_maturity": 0.03, "position": 0.3, "position_2": 0.2},
        "onnxruntime",
    )
    np.testing.assert_allclose(answers, wanted, atol=TOLERANCE)
    alone = run.policy("black_scholes_delta").target(spot=120.0, time_to_maturity=0.03, position=0.3)
    assert alone == pytest.approx(0.5, abs=1e-6)


def test_from_a_shell(exported: Path):
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, str(exported), *arguments], capture_output=True, text=True, check=False)

    answer = run("--spot", "1.01", "--time-to-maturity", "0.02", "--position", "0.4")
    assert (answer.returncode, answer.stderr) == (0, "")
    state = {"spot": 1.01, "time_to_maturity": 0.02, "position": 0.4}
    assert float(answer.stdout) == asked(exported, state).item()
    missing = run("--spot", "1.01")
    assert (missing.returncode, missing.stdout) == (2, "")
    assert missing.stderr.startswith("The policy was not given time_to_maturity; its inputs are spot, ")
    broken = run("--spot", "nan", "--time-to-maturity", "0.02")
    assert (broken.returncode, broken.stderr) == (2, "spot is not finite; the policy needs finite numbers.\n")
    about = json.loads(run("--about").stdout)
    assert about["policy"] == "band_network"
    assert about["inputs"]["spot"] is None
    assert about["inputs"]["position"] == 0.0


def test_the_file_holds_no_training_code(exported: Path):
    with zipfile.ZipFile(exported) as archive:
        names = set(archive.namelist())
        assert "import tenrec\n" not in archive.read("tenrec_policy/__init__.py").decode()
    files = {"__init__.py", "about.json", "policy.jax", "policy.onnx"}
    assert names == {"__main__.py", *(f"tenrec_policy/{name}" for name in files)}


def test_a_folder_is_no_file(finished: tenrec.Run, empty: Path):
    with pytest.raises(ConfigError, match="is a folder; name a file, such as"):
        export_run(finished, out=empty)
    assert list(empty.iterdir()) == []
