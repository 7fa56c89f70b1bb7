"""The run folder: the hand-off between a run and everything that reads it."""

import hashlib
import json
import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import equinox as eqx
import polars as pl

from tenrec.core.errors import ConfigError
from tenrec.runs.config import HedgeConfig
from tenrec.runs.files import write_atomically, write_json, write_text
from tenrec.runs.loading import dump_config, load_config

RUN_FILE = "run.json"
ABOUT = ("id", "state", "base", "versions", "python", "platform")
Tree = TypeVar("Tree")
TABLES = ("curves", "days", "groups", "history", "ladder", "ledger", "pnl", "stresses")


def run_id(config: HedgeConfig) -> str:
    """Hash of the configuration and the code's version: twelve hexadecimal digits."""
    text = json.dumps(config.model_dump(mode="json"), sort_keys=True) + version("tenrec")
    return hashlib.sha256(text.encode()).hexdigest()[:12]


@dataclass(frozen=True)
class RunFolder:
    """Paths inside a run folder, and its small files."""

    path: Path

    @property
    def policies(self) -> Path:
        """Folder of the policies' numbers."""
        return self.path / "policies"

    @property
    def report(self) -> Path:
        """The HTML report."""
        return self.path / "report.html"

    def checkpoint(self, stage: str) -> Path:
        """The checkpoint of a training stage."""
        return self.path / "checkpoints" / f"{stage}.eqx"

    def config(self) -> HedgeConfig:
        """The configuration that the run was started with."""
        return load_config(self.path / "config.yaml")

    def about(self) -> dict[str, Any]:
        """`run.json`: id, state ("started" or "done"), versions, where relative file names start."""
        about = self._read_json(RUN_FILE)
        if not set(ABOUT) <= set(about):
            raise damaged(self.path / RUN_FILE)
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
        path = self.path / f"{name}.parquet"
        try:
            return pl.read_parquet(path)
        except (OSError, pl.exceptions.PolarsError):
            raise damaged(path) from None

    def mark(self, state: str, **changes: Any) -> None:
        """Update `run.json`."""
        write_json(self.path / RUN_FILE, {**self.about(), "state": state, **changes})

    def clear(self) -> None:
        """Remove what an earlier run wrote here, and nothing else, so that old and new results never mix."""
        tables = [f"{name}.{kind}" for name in TABLES for kind in ("parquet", "csv")]
        patterns = ("checkpoints/*.eqx", "checkpoints/*.parquet", "policies/*.eqx", "metrics.json", "report.html")
        for pattern in (*patterns, *tables):
            for path in self.path.glob(pattern):
                path.unlink()

    def discard(self) -> None:
        """Remove the run, and its folders where nothing else lies in them."""
        self.clear()
        for name in ("config.yaml", RUN_FILE):
            (self.path / name).unlink(missing_ok=True)
        for place in (self.path / "checkpoints", self.policies, self.path):
            if place.is_dir() and not any(place.iterdir()):
                place.rmdir()

    def _read_json(self, name: str) -> dict[str, Any]:
        path = self.path / name
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise damaged(path) from None
        if not isinstance(document, dict):
            raise damaged(path)
        return document


def damaged(path: Path) -> ConfigError:
    """The error for a file of a run folder that cannot be read."""
    return ConfigError(f"{path} is missing or damaged; run `tenrec hedge` again to make the run anew.")


def read_leaves(path: Path, like: Tree) -> Tree:
    """The numbers that `eqx.tree_serialise_leaves` wrote, in the shapes of `like`; ConfigError if they do not fit."""
    try:
        return eqx.tree_deserialise_leaves(path, like)
    except (OSError, EOFError, ValueError, RuntimeError):
        raise damaged(path) from None


def create(path: Path, config: HedgeConfig, base: Path) -> RunFolder:
    """A folder for a new run; raises ConfigError if it cannot be made, or holds something that is not a run."""
    try:
        if path.exists() and (not path.is_dir() or (any(path.iterdir()) and not (path / RUN_FILE).is_file())):
            raise ConfigError(f"--out {path} exists and is not a run folder; give a new or empty folder.")
        folder = RunFolder(path)
        _begin(folder, config, base)
        folder.clear()
    except OSError as error:
        raise ConfigError(f"--out {path} cannot be written ({error.strerror}); give another folder.") from None
    return folder


def _begin(folder: RunFolder, config: HedgeConfig, base: Path) -> None:
    environment = {
        "id": run_id(config),
        "state": "started",
        "base": str(base.resolve()),
        "versions": {name: version(name) for name in ("tenrec", "jax", "equinox", "optax", "numpy", "polars")},
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
    }
    write_json(folder.path / RUN_FILE, environment)
    write_text(folder.path / "config.yaml", dump_config(config))


def opened(path: str | Path) -> RunFolder:
    """An existing run folder; raises ConfigError if it is not one."""
    path = Path(path)
    if not path.is_dir():
        raise ConfigError(f"{path} is not a folder; give the folder of a run, as `tenrec hedge --out` made it.")
    if not (path / RUN_FILE).is_file() or not (path / "config.yaml").is_file():
        raise ConfigError(f"{path} is not a run folder (it has no {RUN_FILE}); give a folder that `tenrec hedge` made.")
    return RunFolder(path)
