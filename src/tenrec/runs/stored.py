"""What every run folder has: `run.json`, `metrics.json`, `report.html` and tables."""

import json
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar

import polars as pl

from tenrec.core.errors import ConfigError
from tenrec.runs.files import write_atomically, write_json

RUN_FILE = "run.json"
ABOUT = ("id", "state", "base", "versions", "python", "platform")


@dataclass(frozen=True)
class AbstractRunFolder:
    """Paths inside the folder of a run, and its small files."""

    path: Path
    made_by: ClassVar[str]

    @property
    def report(self) -> Path:
        """The HTML report."""
        return self.path / "report.html"

    def about(self) -> dict[str, Any]:
        """`run.json`: id, state ("started" or "done"), versions, where relative file names start."""
        about = self._read_json(RUN_FILE)
        if not set(ABOUT) <= set(about):
            raise damaged(self.path / RUN_FILE, self.made_by)
        return about

    def metrics(self) -> dict[str, Any]:
        """`metrics.json`."""
        return self._read_json("metrics.json")

    def write_metrics(self, metrics: dict[str, Any]) -> None:
        """Write `metrics.json`."""
        write_json(self.path / "metrics.json", metrics)

    def write_table(self, name: str, table: pl.DataFrame, *, csv: bool = False) -> None:
        """Write a table as Parquet, and as CSV too if asked."""
        write_atomically(self.path / f"{name}.parquet", table.write_parquet)
        if csv:
            write_atomically(self.path / f"{name}.csv", lambda part: table.write_csv(part, float_precision=7))

    def read_table(self, name: str) -> pl.DataFrame:
        """Read back a table."""
        try:
            return pl.read_parquet(self.path / f"{name}.parquet")
        except (OSError, pl.exceptions.PolarsError):
            raise damaged(self.path / f"{name}.parquet", self.made_by) from None

    def mark(self, state: str, **changes: Any) -> None:
        """Update `run.json`."""
        write_json(self.path / RUN_FILE, {**self.about(), "state": state, **changes})

    def _read_json(self, name: str) -> dict[str, Any]:
        try:
            document = json.loads((self.path / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise damaged(self.path / name, self.made_by) from None
        if not isinstance(document, dict):
            raise damaged(self.path / name, self.made_by)
        return document


def damaged(path: Path, made_by: str) -> ConfigError:
    """The error for a file of a run folder that cannot be read; `made_by` is the command that makes it anew."""
    return ConfigError(f"{path} is missing or damaged; run `{made_by}` again to make the run anew.")


def environment(identity: str, base: Path, packages: Sequence[str]) -> dict[str, Any]:
    """What `run.json` says of a run that begins: its id, where relative names start, versions of `packages`."""
    return {
        "id": identity,
        "state": "started",
        "base": str(base.resolve()),
        "versions": {name: version(name) for name in packages},
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
    }
