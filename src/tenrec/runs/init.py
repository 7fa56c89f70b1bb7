"""Configurations to start from."""

from importlib.resources import files
from pathlib import Path

from tenrec.core.errors import ConfigError
from tenrec.runs.files import write_text


def write_config(path: Path, *, listed: bool = False, force: bool = False) -> None:
    """Write a commented configuration; raises ConfigError rather than overwrite a file."""
    if path.is_dir() or (path.exists() and not force):
        raise ConfigError(f"{path} exists; give another name, or --force to overwrite a file.")
    name = "listed_options.yaml" if listed else "simulated.yaml"
    write_text(path, (files("tenrec.runs") / "presets" / name).read_text(encoding="utf-8"))
