"""An exported policy gives the targets of the run's own, in a process that cannot import tenrec."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

import tenrec
from tenrec.core.errors import ConfigError
from tenrec.runs.export import TOLERANCE, export_run

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


def asked(file: Path, state: dict[str, object], *blocked: str) -> np.ndarray:
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


def test_a_policy_that_sees_its_position(finished: tenrec.Run, empty: Path):
    written = export_run(finished, policy="feed_forward", out=empty / "deep.pyz")
    state = {"spot": 1.01, "time_to_maturity": 0.02, "position": [0.1, 0.8]}
    wanted = finished.policy("feed_forward").target(spot=1.01, time_to_maturity=0.02, position=np.array([0.1, 0.8]))
    np.testing.assert_allclose(asked(Path(written["file"]), state), wanted, atol=TOLERANCE)
    assert wanted[0] != wanted[1]


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
