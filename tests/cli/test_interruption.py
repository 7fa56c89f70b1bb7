"""Ctrl-C on the real command, and the main job on the bundled record, stopped and continued."""

import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import tenrec
from tests.cli.conftest import Tenrec
from tests.runs.tiny import TINY, tiny, write_config

TENREC = str(Path(sys.executable).parent / "tenrec")
LONG = TINY["training"] | {"updates": 20_000, "per_dispatch": 10}


def interrupt(command: list[str], folder: Path, sign: bytes, patience: float = 120.0) -> tuple[int, str, str]:
    """Run it at a terminal, press Ctrl-C once `sign` is on the screen; exit status, standard output, the screen."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=theirs, start_new_session=True)
    os.close(theirs)
    screen, waiting, deadline = b"", True, time.monotonic() + patience
    while time.monotonic() < deadline:
        try:
            shown = os.read(ours, 4096)
        except OSError:  # how Linux tells that the other side has closed
            break
        if not shown:
            break
        screen += shown
        if waiting and sign in screen:
            process.send_signal(signal.SIGINT)
            waiting = False
    out, _ = process.communicate(timeout=patience)
    os.close(ours)
    return process.returncode, out.decode(), screen.decode()


def test_ctrl_c_keeps_the_checkpoint_and_resume_finishes(tenrec_command: Tenrec, empty: Path):
    write_config(empty, tiny(training=LONG))
    command = [TENREC, "hedge", "hedge.yaml", "--out", "run", "--json"]
    status, out, screen = interrupt(command, empty, b"validation ")
    assert (status, out) == (130, "")
    assert "Traceback" not in screen
    _, _, last = screen.splitlines()[-1].partition("tenrec: ")  # the cursor is shown again before it
    assert last.startswith("Stopped at update ")
    assert last.endswith(" of 20000 of band_network; `tenrec resume run` continues there.")
    done = int(last.split()[3])
    assert 0 < done < 20_000
    answer = tenrec_command("resume", "run", "--json")
    assert (answer.status, answer.err) == (0, "")
    assert json.loads(answer.out)["training"]["band_network"]["updates"] == 20_000
    history = tenrec.load("run").folder.read_table("history")
    assert history["update"].to_list() == list(range(10, 20_001, 10))


def test_ctrl_c_before_there_is_a_run_leaves_nothing(tenrec_command: Tenrec, empty: Path, monkeypatch):
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tenrec.runs.api.preflight", stop)
    path = write_config(empty, tiny())
    answer = tenrec_command("hedge", path)
    assert (answer.status, answer.sentence) == (130, "Stopped.")
    assert list(empty.iterdir()) == [path]
