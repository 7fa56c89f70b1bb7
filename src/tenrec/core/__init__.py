"""What every layer shares. The errors are offered here; grid, paths and checks are imported from their own modules.

Commands import the errors at once and must start quickly, so that nothing heavy is imported along with them.
"""

from tenrec.core.errors import (
    ConfigError,
    DataError,
    InputError,
    InterruptedWork,
    TenrecError,
    UnsolvableError,
    WorkError,
)

__all__ = [
    "ConfigError",
    "DataError",
    "InputError",
    "InterruptedWork",
    "TenrecError",
    "UnsolvableError",
    "WorkError",
]
