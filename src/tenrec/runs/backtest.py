"""`tenrec backtest FILE`: what the file is decides what is run. A new kind of file is one more entry of `KINDS`."""

import importlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from tenrec.core.errors import ConfigError
from tenrec.runs.loading import read_yaml
from tenrec.runs.progress import Reporter, Silent


@runtime_checkable
class Backtest(Protocol):
    """A finished backtest: everything is read from its folder."""

    @property
    def kind(self) -> str:
        """Key of the file's kind, as in `KINDS`."""
        ...

    @property
    def path(self) -> Path:
        """The run folder."""
        ...

    @property
    def metrics(self) -> dict[str, Any]:
        """The content of `metrics.json`."""
        ...


@dataclass(frozen=True)
class FileKind:
    """A kind of file that can be backtested.

    Args:
        key: its name in `metrics.json`. described: for the sentence that refuses a file. recognises: whether a file's
            content is of this kind. home: `module:function`, imported when used and called as
            `function(path, data=…, out=…, overrides=…, reporter=…)`; it returns a `Backtest`.
    """

    key: str
    described: str
    recognises: Callable[[Mapping[str, Any]], bool]
    home: str

    def run(self, path: Path, **options: Any) -> Backtest:
        """Run it."""
        module, _, name = self.home.partition(":")
        return getattr(importlib.import_module(module), name)(path, **options)


KINDS: tuple[FileKind, ...] = (
    FileKind(
        "rule",
        "a rule exported by `tenrec tune` (sections hedging, book, costs, rule)",
        lambda given: "hedging" in given or "rule" in given,
        "tenrec.runs.tuning.backtest:backtest_rule",
    ),
    FileKind(
        "panel",
        "a panel of option quotes (key panel), or a Parquet or CSV file of dated quotes",
        lambda given: "panel" in given,
        "tenrec.runs.panel.api:backtest_panel",
    ),
)
QUOTES = (".csv", ".parquet")


def run_backtest(
    path: str | Path | None = None,
    *,
    data: str | Path | None = None,
    out: str | Path | None = None,
    overrides: Iterable[str] = (),
    reporter: Reporter | None = None,
) -> Backtest:
    """Backtest what a YAML or JSON file holds, and write a run folder with metrics, ledger and report.

    Args:
        path: the file, or the folder of a tuning run for the rule that it exported; None for the bundled listed
            options.
        data: recorded ticks in place of those that the file names. out: run folder, by default `runs/backtest-<id>`.
        overrides: `key.path=value`, changes of the file's content.

    Raises:
        InputError: the file is of no kind that can be backtested, or cannot be used.
    """
    file = default_file() if path is None else Path(path)
    kind = kind_of(file)
    return kind.run(file, data=data, out=out, overrides=tuple(overrides), reporter=reporter or Silent())


def default_file() -> Path:
    """What is backtested without a file."""
    return Path(str(files("tenrec.runs") / "presets" / "panel.yaml"))


def kind_of(path: Path) -> FileKind:
    """What a file is.

    Raises:
        ConfigError: it cannot be read, or is none of `KINDS`.
    """
    from tenrec.runs.tuning.kinds import is_tune_run

    if is_tune_run(path):
        return KINDS[0]
    if path.suffix.lower() in QUOTES:
        return KINDS[1]
    given = read_yaml(path)
    kind = next((kind for kind in KINDS if kind.recognises(given)), None)
    if kind is None:
        has = ", ".join(str(name) for name in list(given)[:6]) or "nothing"
        known = "; or ".join(kind.described for kind in KINDS)
        raise ConfigError(f"{path} holds {has}, which is nothing that can be backtested; give {known}.")
    return kind
