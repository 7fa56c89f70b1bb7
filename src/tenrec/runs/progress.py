"""How long work tells how far it is; the command line draws it, Python callers hear nothing."""

from typing import Protocol, runtime_checkable


@runtime_checkable
class Reporter(Protocol):
    """Told about the stages of a run, one after the other."""

    def start(self, stage: str, total: int) -> None:
        """A stage begins; `total` is its number of units."""
        ...

    def advance(self, done: int, note: str = "") -> None:
        """`done` units of the stage are done, counted from its start."""
        ...

    def say(self, text: str) -> None:
        """One line for the user."""
        ...


class Silent:
    """A reporter that keeps quiet."""

    def start(self, stage: str, total: int) -> None:
        """Nothing."""

    def advance(self, done: int, note: str = "") -> None:
        """Nothing."""

    def say(self, text: str) -> None:
        """Nothing."""
