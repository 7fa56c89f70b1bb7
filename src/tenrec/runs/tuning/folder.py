"""The run folder of a tuning run."""

import hashlib
import json
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tenrec.core.errors import ConfigError
from tenrec.runs.files import write_json, write_text
from tenrec.runs.loading import dump_config
from tenrec.runs.stored import RUN_FILE, AbstractRunFolder, environment
from tenrec.runs.tuning.config import TuneConfig
from tenrec.runs.tuning.kinds import KIND, is_tune_run
from tenrec.runs.tuning.loading import load_tune_config

FIXED = frozenset(("storage", "study", "workers"))
"""Keys that say where a study runs, not what it is."""
WRITTEN = (
    "metrics.json", "report.html", "trials.parquet", "trials.csv", "comparison.parquet", "replay.parquet",
    "windows.parquet", "bulk.parquet", "walk_forward.parquet", "plots/*.png", "hedging_optimization_results.png",
    "hedging_config_optimized.yml", "hedging_config_optimized.json",
)  # fmt: skip


def tune_id(config: TuneConfig) -> str:
    """Hash of what is tuned and of the code's version: twelve hexadecimal digits."""
    text = json.dumps(study_config(config), sort_keys=True) + version("tenrec")
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def study_config(config: TuneConfig) -> dict[str, Any]:
    """What a stored study must agree with: the configuration without its places and without the number of trials."""
    given = {key: value for key, value in config.model_dump(mode="json").items() if key not in FIXED}
    return {**given, "search": {key: value for key, value in given["search"].items() if key != "trials"}}


@dataclass(frozen=True)
class TuneFolder(AbstractRunFolder):
    """Paths inside the folder of a tuning run, and its small files."""

    made_by = "tenrec tune"

    @property
    def storage(self) -> str:
        """Address of the study that lies in the folder."""
        return f"sqlite:///{(self.path / 'study.db').resolve()}"

    def config(self) -> TuneConfig:
        """The configuration that the run was started with."""
        return load_tune_config(self.path / "config.yaml")


def create(path: Path, config: TuneConfig, base: Path) -> TuneFolder:
    """A folder for a new run, without what an earlier run wrote there; its study is left to be compared.

    Raises:
        ConfigError: the folder cannot be made, or holds something that is not a tuning run.
    """
    refuse_foreign(path)
    try:
        folder = TuneFolder(path)
        packages = ("tenrec", "optuna", "jax", "numpy", "polars")
        about = environment(tune_id(config), base, packages) | {"kind": KIND}
        path.mkdir(parents=True, exist_ok=True)
        for pattern in WRITTEN:
            for old in path.glob(pattern):
                old.unlink()
        write_json(path / RUN_FILE, about)
        write_text(path / "config.yaml", dump_config(config))
    except OSError as error:
        raise ConfigError(f"--out {path} cannot be written ({error.strerror}); give another folder.") from None
    return folder


def refuse_foreign(path: Path) -> None:
    """Refuse a place that holds anything but a tuning run, or but the study of one that was stopped at once."""
    if not path.exists() or is_tune_run(path):
        return
    if not path.is_dir() or any(not item.name.startswith("study.db") for item in path.iterdir()):
        raise ConfigError(f"--out {path} exists and is not the folder of a tuning run; give a new or empty folder.")
