"""Several workers on one study in a real PostgreSQL; one of them is killed in the middle of a trial."""

import os
import signal
import subprocess
import sys
import time

import optuna
from optuna.trial import TrialState

from tenrec.runs.tuning.api import tune
from tenrec.tuning.study import open_storage, quiet
from tests.runs.tuning.small import SMALL
from tests.tuning.postgres import server

TRIALS = 24


def worker(url: str, study: str, number: int) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "tenrec", "worker", url, "--study", study, "--number", str(number), "--json"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def states(url: str, study: str) -> list[TrialState]:
    with quiet():
        return [trial.state for trial in optuna.load_study(study_name=study, storage=open_storage(url)).trials]


def test_a_killed_worker_loses_nothing_and_leaves_nothing_running(tmp_path, monkeypatch):
    # Trials last milliseconds here, so that a worker without a sign of life for two seconds is dead.
    monkeypatch.setattr("tenrec.tuning.study.GRACE", 2)
    monkeypatch.setattr("tenrec.tuning.study.HEARTBEAT", 1)
    with server() as url:
        config = {**SMALL, "storage": url, "study": "shared"}
        config = {**config, "search": {**SMALL["search"], "trials": TRIALS}}
        # A first run makes the study; a worker is killed in the middle of a trial, two others finish it.
        tune(config, out=tmp_path / "first", overrides=["search.trials=2"], images=False)
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
    storage = open_storage(url)
    with quiet():
        study = optuna.load_study(study_name="shared", storage=storage)
    until = time.monotonic() + 60
    while time.monotonic() < until:
        os.kill(process.pid, signal.SIGSTOP)
        if study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            break
        os.kill(process.pid, signal.SIGCONT)
        time.sleep(0.004)
    else:
        raise AssertionError("no trial was ever seen running")
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
