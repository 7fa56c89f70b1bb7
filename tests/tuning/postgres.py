"""A PostgreSQL server of one's own: a new cluster in a folder, on a free port, ended with the test."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

NAME = "postgres"


def binaries() -> Path | None:
    """Where Debian puts initdb and pg_ctl, or wherever they stand in the path."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    here = shutil.which("initdb")
    return found[-1].parent if found else Path(here).parent if here else None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def server() -> Iterator[str]:
    """The address of a running server; where none is installed, CI fails and other machines skip."""
    place = binaries()
    if place is None:
        said = "PostgreSQL is not installed; on Debian: apt install postgresql"
        if os.environ.get("CI"):
            pytest.fail(said)
        pytest.skip(said)
    folder = Path(tempfile.mkdtemp(prefix="tenrec-pg-", dir="/tmp"))
    port, prefix = free_port(), []
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        owner = pwd.getpwnam("postgres")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        prefix = ["runuser", "-u", "postgres", "--"]

    def call(*command: str) -> None:
        subprocess.run([*prefix, *command], check=True, capture_output=True, cwd=folder)

    data = str(folder / "data")
    call(str(place / "initdb"), "-D", data, "-U", NAME, "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C")
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off -c synchronous_commit=off"
    try:
        call(str(place / "pg_ctl"), "-D", data, "-w", "-t", "30", "-l", str(folder / "log"), "-o", options, "start")
        yield f"postgresql://{NAME}@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run(
            [*prefix, str(place / "pg_ctl"), "-D", data, "-m", "immediate", "stop"], capture_output=True, check=False
        )
        shutil.rmtree(folder, ignore_errors=True)
