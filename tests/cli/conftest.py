"""The command line called as a user calls it, in this process."""

import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tenrec.cli.app import main


@dataclass(frozen=True)
class Answer:
    """What a command left: exit status, standard output, standard error."""

    status: int
    out: str
    err: str

    @property
    def sentence(self) -> str:
        """What an error says, which must be all that is said and one line."""
        assert self.out == ""
        assert self.err.startswith("tenrec: ")
        assert self.err.endswith(".\n")
        assert self.err.count("\n") == 1
        return self.err.removeprefix("tenrec: ").rstrip("\n")


Tenrec = Callable[..., Answer]


@pytest.fixture
def tenrec_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Tenrec:
    """`tenrec WORDS…` through the entry point of the installed command."""

    def call(*words: object) -> Answer:
        monkeypatch.setattr(sys, "argv", ["tenrec", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main()
        said = capsys.readouterr()
        assert isinstance(left.value.code, int)
        return Answer(left.value.code, said.out, said.err)

    return call
