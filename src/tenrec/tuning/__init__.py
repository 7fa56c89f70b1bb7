"""Rules tuned on ticks: sources of ticks, books along them, scoring of parameter sets, studies, statistics."""

import os

# XLA keeps a scan in registers only while one pass of its loop touches less than this many bytes; with the default of
# 1,024 a scan over ticks in float64 is forty times slower. Without effect once JAX has compiled anything.
_FLAG = "xla_cpu_small_while_loop_byte_threshold"
if _FLAG not in os.environ.get("XLA_FLAGS", ""):
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_backend_extra_options={_FLAG}=8192".strip()

__all__: list[str] = []
