"""Whether a folder is that of a tuning run; asked before anything heavy is imported."""

import json
from pathlib import Path

RUN_FILE, KIND = "run.json", "tune"


def is_tune_run(path: str | Path) -> bool:
    """Whether a folder is that of a tuning run."""
    return is_kind(path, KIND)


def is_kind(path: str | Path, kind: str) -> bool:
    """Whether a folder is that of a run of this kind."""
    try:
        about = json.loads((Path(path) / RUN_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(about, dict) and about.get("kind") == kind
