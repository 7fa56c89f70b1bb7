"""The run folder of a panel backtest."""

import hashlib
import json
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import equinox as eqx
import polars as pl

from tenrec.core.errors import ConfigError
from tenrec.runs.files import write_atomically, write_json, write_text
from tenrec.runs.folder import read_leaves
from tenrec.runs.loading import dump_config
from tenrec.runs.panel.config import PanelConfig
from tenrec.runs.stored import RUN_FILE, AbstractRunFolder, environment
from tenrec.runs.tuning.kinds import is_kind

KIND = "panel"
TABLES = ("gains", "buckets", "steps", "positions", "book", "pnl", "days")
WRITTEN = ("metrics.json", "report.html", *(f"{name}.parquet" for name in TABLES), "positions.csv", "smiles_*.parquet",
           "policies/*.eqx")  # fmt: skip


def panel_id(config: PanelConfig) -> str:
    """Hash of the configuration and of the code's version: twelve hexadecimal digits."""
    text = json.dumps(config.model_dump(mode="json"), sort_keys=True) + version("tenrec")
    return hashlib.sha256(text.encode()).hexdigest()[:12]


@dataclass(frozen=True)
class PanelFolder(AbstractRunFolder):
    """Paths inside the folder of a panel backtest, and its files."""

    made_by = "tenrec backtest"

    def config_text(self) -> str:
        """`config.yaml` as it lies there."""
        return (self.path / "config.yaml").read_text(encoding="utf-8")

    def kept_table(self, name: str) -> pl.DataFrame | None:
        """The table that `write_table` wrote, None where there is none yet."""
        return self.read_table(name) if (self.path / f"{name}.parquet").is_file() else None

    def keep(self, name: str, policies: Any) -> None:
        """Write the numbers of a learned delta, one policy for each cut-off."""
        write_atomically(self.path / "policies" / f"{name}.eqx", lambda p: eqx.tree_serialise_leaves(p, policies))

    def kept(self, name: str, like: Any) -> Any:
        """The policies that `keep` wrote, None where there are none yet."""
        path = self.path / "policies" / f"{name}.eqx"
        return read_leaves(path, like) if path.is_file() else None

    def discard(self) -> None:
        """Take away what a run wrote that could not be done."""
        for pattern in (*WRITTEN, RUN_FILE, "config.yaml"):
            for old in self.path.glob(pattern):
                old.unlink()
        for place in (self.path / "policies", self.path):
            if place.is_dir() and not any(place.iterdir()):
                place.rmdir()


def refuse_foreign(path: Path) -> None:
    """Refuse a place that holds anything but a panel backtest."""
    if path.exists() and not is_kind(path, KIND) and (not path.is_dir() or any(path.iterdir())):
        raise ConfigError(f"--out {path} exists and is not the folder of a panel backtest; give a new or empty folder.")


def create(path: Path, config: PanelConfig, base: Path) -> PanelFolder:
    """A folder for a new run, without what an earlier one wrote there.

    Raises:
        ConfigError: the folder cannot be made, or holds something else.
    """
    refuse_foreign(path)
    packages = ("tenrec", "jax", "equinox", "numpy", "polars")
    about = environment(panel_id(config), base, packages) | {"kind": KIND}
    try:
        path.mkdir(parents=True, exist_ok=True)
        for pattern in WRITTEN:
            for old in path.glob(pattern):
                old.unlink()
        write_json(path / RUN_FILE, about)
        write_text(path / "config.yaml", dump_config(config))
    except OSError as error:
        raise ConfigError(f"--out {path} cannot be written ({error.strerror}); give another folder.") from None
    return PanelFolder(path)
