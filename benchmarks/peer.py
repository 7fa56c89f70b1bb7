"""Another library at work in its own process and, if asked, its own Python; one round at a time."""

import argparse
import contextlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent / "peers"


def add_peer_option(parser: argparse.ArgumentParser) -> None:
    """`--peer-python`, and `--no-peer` for a machine that has no peer."""
    parser.add_argument(
        "--peer-python",
        default=sys.executable,
        metavar="PYTHON",
        help="the Python that has the peer installed (default: this one, with the extra `bench`)",
    )
    parser.add_argument("--no-peer", action="store_true", help="measure tenrec alone")


class Peer:
    """A script of `peers/` that answers each line on its input, JSON, with one line of JSON on its output.

    It waits between rounds and takes no time then, so that both sides can be measured in turns on one core.
    """

    def __init__(self, script: str, python: str) -> None:
        command = [python, str(FOLDER / script)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def close(self) -> None:
        """Let it end."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait(timeout=60)
        self._process.stdout.close()

    def ask(self, **request: Any) -> dict[str, Any]:
        """One round; what it measured."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            sys.exit("The peer ended; name a Python that has it with --peer-python, or give --no-peer.")
        return json.loads(answer)
