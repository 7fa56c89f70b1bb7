"""tenrec: learn, tune, price, backtest and prove option hedges."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tenrec.runs.api import hedge, resume
    from tenrec.runs.backtest import run_backtest
    from tenrec.runs.run import Run, load

__all__ = ["Run", "hedge", "load", "resume", "run_backtest"]

_HOMES = {
    "Run": "tenrec.runs.run",
    "hedge": "tenrec.runs.api",
    "load": "tenrec.runs.run",
    "resume": "tenrec.runs.api",
    "run_backtest": "tenrec.runs.backtest",
}


def __getattr__(name: str) -> Any:
    """Import the heavy parts only when they are used."""
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'tenrec' has no attribute {name!r}")
