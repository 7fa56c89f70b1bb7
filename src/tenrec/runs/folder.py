"""The run folder: the hand-off between a run and everything that reads it."""

import hashlib
import json
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

import equinox as eqx

from tenrec.core.errors import ConfigError
from tenrec.runs.config import HedgeConfig
from tenrec.runs.files import write_json, write_text
from tenrec.runs.loading import dump_config, load_config
from tenrec.runs.stored import RUN_FILE, AbstractRunFolder, damaged, environment

Tree = TypeVar("Tree")
TABLES = ("curves", "days", "groups", "history", "ladder", "ledger", "pnl", "stresses")


def run_id(config: HedgeConfig) -> str:
    """Hash of the configuration and the code's version: twelve hexadecimal digits."""
    text = json.dumps(config.model_dump(mode="json"), sort_keys=True) + version("tenrec")
    return hashlib.sha256(text.encode()).hexdigest()[:12]


@dataclass(frozen=True)
class RunFolder(AbstractRunFolder):
    """Paths inside the folder of a hedge, and its small files."""

    made_by = "tenrec hedge"

    @property
    def policies(self) -> Path:
        """Folder of the policies' numbers."""
        return self.path / "policies"

    def checkpoint(self, stage: str) -> Path:
        """The checkpoint of a training stage."""
        return self.path / "checkpoints" / f"{stage}.eqx"

    def config(self) -> HedgeConfig:
        """The configuration that the run was started with."""
        return load_config(self.path / "config.yaml")

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


def read_leaves(path: Path, like: Tree) -> Tree:
    """The numbers that `eqx.tree_serialise_leaves` wrote, in the shapes of `like`; ConfigError if they do not fit."""
    try:
        return eqx.tree_deserialise_leaves(path, like)
    except (OSError, EOFError, ValueError, RuntimeError):
        raise damaged(path, RunFolder.made_by) from None


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
    packages = ("tenrec", "jax", "equinox", "optax", "numpy", "polars")
    write_json(folder.path / RUN_FILE, environment(run_id(config), base, packages))
    write_text(folder.path / "config.yaml", dump_config(config))


def opened(path: str | Path) -> RunFolder:
    """An existing run folder; raises ConfigError if it is not one."""
    path = Path(path)
    if not path.is_dir():
        raise ConfigError(f"{path} is not a folder; give the folder of a run, as `tenrec hedge --out` made it.")
    if not (path / RUN_FILE).is_file() or not (path / "config.yaml").is_file():
        raise ConfigError(f"{path} is not a run folder (it has no {RUN_FILE}); give a folder that `tenrec hedge` made.")
    return RunFolder(path)
