"""Several workers on one study in a real PostgreSQL; one of them is killed in the middle of a trial."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from tenrec.core.errors import ConfigError
from tenrec.runs.tuning.api import tune
from tenrec.runs.tuning.folder import study_config
from tenrec.runs.tuning.loading import load_tune_config
from tenrec.runs.tuning.workers import work
from tenrec.tuning.study import open_study, opened, quiet
from tests.runs.tuning.small import SMALL
from tests.tuning.postgres import server

TRIALS = 24


def worker(url: str, study: str, number: int) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "tenrec", "worker", url, "--study", study, "--number", str(number), "--json"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def states(url: str, study: str) -> list[TrialState]:
    with opened(url) as storage, quiet():
        return [trial.state for trial in optuna.load_study(study_name=study, storage=storage).trials]


def test_a_killed_worker_loses_nothing_and_leaves_nothing_running(tmp_path, monkeypatch):
    # Trials last milliseconds here, so that a worker without a sign of life for two seconds is dead.
    monkeypatch.setattr("tenrec.tuning.study.GRACE", 2)
    monkeypatch.setattr("tenrec.tuning.study.HEARTBEAT", 1)
    monkeypatch.setattr("tenrec.tuning.study.ORPHANED", 4.0)
    with server() as url:
        config = {**SMALL, "storage": url, "study": "shared"}
        config = {**config, "search": {**SMALL["search"], "trials": TRIALS}}
        # A worker is killed in the middle of a trial; two others finish the study.
        checked = load_tune_config(config)
        with opened(url) as storage:
            open_study(storage, "shared", {**study_config(checked), "base": str(Path().resolve())}, several=False)
        first = worker(url, "shared", 1)
        stop_in_a_trial(first, url)
        finished = tune({**config, "workers": 2}, out=tmp_path / "run", images=False)
        assert first.returncode == -signal.SIGKILL
        found = states(url, "shared")
        assert TrialState.RUNNING not in found
        assert found.count(TrialState.COMPLETE) >= TRIALS
        assert finished.trials.height == found.count(TrialState.COMPLETE)
        scores = finished.trials["score"]
        assert finished.metrics["best"]["score"] == scores.max()


def stop_in_a_trial(process: "subprocess.Popen[bytes]", url: str) -> None:
    """Freeze the worker until one of its trials is seen running, then kill it."""
    until = time.monotonic() + 90
    with opened(url) as storage, quiet():
        study = optuna.load_study(study_name="shared", storage=storage)
        while time.monotonic() < until and process.poll() is None:
            os.kill(process.pid, signal.SIGSTOP)
            if study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
                os.kill(process.pid, signal.SIGKILL)
                process.communicate()
                return
            os.kill(process.pid, signal.SIGCONT)
            time.sleep(0.004)
    process.kill()
    raise AssertionError(f"no trial was ever seen running: {process.communicate()[1].decode()}")


def test_a_worker_makes_no_storage_where_there_is_none(tmp_path):
    missing = tmp_path / "none.db"
    with pytest.raises(ConfigError, match=r"does not exist; start a study there with `tenrec tune --storage sqlite"):
        work(f"sqlite:///{missing}")
    assert list(tmp_path.iterdir()) == []
