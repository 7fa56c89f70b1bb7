"""A tuning run of seconds: coarse ticks, few weeks, few sets."""

from typing import Any

SMALL: dict[str, Any] = {
    "ticks": {"weeks": 4, "interval_seconds": 900},
    "search": {
        "trials": 12,
        "bulk": 64,
        "seeded": 4,
        "seed": 5,
        "space": {"cadence_seconds": [900, 3600], "delta_threshold": {"low": 0.02, "high": 0.2}},
    },
    "compare": [3600],
    "aversions": [1.0, 10.0],
    "network": {"updates": 12, "seeds": 2, "hidden": [4]},
}
