"""The hedging instruments of the configuration."""

from typing import Literal

Instrument = Literal["spot", "future", "forward", "variance_swap"]
