"""The options of `tenrec tune` as changes of its configuration."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def with_options(given: Mapping[str, Any], data: Path | None) -> list[str]:
    """`key.path=value` for each option that was given.

    Example:
        >>> with_options({"search.trials": 20, "storage": None}, None)
        ['search.trials=20']
    """
    changes = [f"{key}={json.dumps(value)}" for key, value in given.items() if value is not None]
    if data is not None:
        changes.append(f"ticks={json.dumps({'source': 'recorded', 'file': str(data.resolve())})}")
    return changes
