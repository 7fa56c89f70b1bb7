"""The run folder of a panel backtest."""

import hashlib
import json
import platform
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
from tenrec.runs.tuning.kinds import RUN_FILE, is_kind

KIND = "panel"
TABLES = ("gains", "buckets", "steps", "positions", "book", "pnl", "days")
WRITTEN = ("metrics.json", "report.html", *(f"{name}.parquet" for name in TABLES), "positions.csv", "smiles_*.parquet",
           "policies/*.eqx")  # fmt: skip


def panel_id(config: PanelConfig) -> str:
    """Hash of the configuration and of the code's version: twelve hexadecimal digits."""
    text = json.dumps(config.model_dump(mode="json"), sort_keys=True) + version("tenrec")
    return hashlib.sha256(text.encode()).hexdigest()[:12]


@dataclass(frozen=True)
class PanelFolder:
    """Paths inside the folder of a panel backtest, and its files."""

    path: Path

    @property
    def report(self) -> Path:
        """The HTML report."""
        return self.path / "report.html"

    def about(self) -> dict[str, Any]:
        """`run.json`."""
        return self._read(RUN_FILE)

    def metrics(self) -> dict[str, Any]:
        """`metrics.json`."""
        return self._read("metrics.json")

    def config_text(self) -> str:
        """`config.yaml` as it lies there."""
        return (self.path / "config.yaml").read_text(encoding="utf-8")

    def write_metrics(self, metrics: dict[str, Any]) -> None:
        """Write `metrics.json`."""
        write_json(self.path / "metrics.json", metrics)

    def write_table(self, name: str, table: pl.DataFrame, *, csv: bool = False) -> None:
        """Write a table as Parquet, and as CSV too if asked."""
        write_atomically(self.path / f"{name}.parquet", table.write_parquet)
        if csv:
            write_atomically(self.path / f"{name}.csv", lambda part: table.write_csv(part, float_precision=6))

    def read_table(self, name: str) -> pl.DataFrame:
        """Read back a table."""
        try:
            return pl.read_parquet(self.path / f"{name}.parquet")
        except (OSError, pl.exceptions.PolarsError):
            raise _damaged(self.path / f"{name}.parquet") from None

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

    def mark(self, state: str) -> None:
        """Update `run.json`."""
        write_json(self.path / RUN_FILE, {**self.about(), "state": state})

    def _read(self, name: str) -> dict[str, Any]:
        try:
            return json.loads((self.path / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise _damaged(self.path / name) from None


def _damaged(path: Path) -> ConfigError:
    return ConfigError(f"{path} is missing or damaged; run `tenrec backtest` again to make the run anew.")


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
    about = {
        "id": panel_id(config),
        "kind": KIND,
        "state": "started",
        "base": str(base.resolve()),
        "versions": {name: version(name) for name in ("tenrec", "jax", "equinox", "numpy", "polars")},
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
    }
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
