"""Where a `tenrec vol` command writes."""

import json
from pathlib import Path

from tenrec.core.errors import ConfigError

METRICS = "metrics.json"


def checked_folder(path: Path, kind: str, what: str) -> Path:
    """The folder, if it is new, empty or holds an earlier result of the same kind.

    Args:
        kind: the `kind` in the folder's metrics.json. what: how a message calls the earlier result.
    """
    if not path.exists() or (path.is_dir() and not any(path.iterdir())):
        return path
    try:
        earlier = json.loads((path / METRICS).read_text(encoding="utf-8")).get("kind") == kind
    except (OSError, ValueError, AttributeError):
        earlier = False
    if not earlier:
        raise ConfigError(f"--out {path} exists and is not of an earlier {what}; give a new or empty folder.")
    return path
