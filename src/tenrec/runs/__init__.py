"""Runs: configuration, recipes, the run folder. Names are imported when they are used: `tenrec init` needs no JAX."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tenrec.runs.api import hedge, resume
    from tenrec.runs.config import HedgeConfig
    from tenrec.runs.loading import load_config
    from tenrec.runs.run import Run, load

__all__ = ["HedgeConfig", "Run", "hedge", "load", "load_config", "resume"]

_HOMES = {
    "HedgeConfig": "tenrec.runs.config",
    "Run": "tenrec.runs.run",
    "hedge": "tenrec.runs.api",
    "load": "tenrec.runs.run",
    "load_config": "tenrec.runs.loading",
    "resume": "tenrec.runs.api",
}


def __getattr__(name: str) -> Any:
    """Import a public name from its module."""
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'tenrec.runs' has no attribute {name!r}")
