"""One finished tiny run, shared by the tests that only read it."""

from pathlib import Path

import pytest

import tenrec
from tests.runs.tiny import tiny


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tenrec.Run:
    return tenrec.hedge(tiny(), out=tmp_path_factory.mktemp("finished") / "run")


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, which is also the working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
