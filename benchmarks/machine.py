"""What every benchmark does to the machine it runs on: one core, one thread, and a note of who else is busy."""

import os
import platform

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def pin_to_one_core() -> str:
    """Keep this process, and those it starts, on one core with one thread; call it before JAX is imported."""
    for name in THREADS:
        os.environ[name] = "1"
    if not hasattr(os, "sched_setaffinity"):
        return f"not pinned: {platform.system()} cannot pin a process to a core"
    core = max(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})
    return f"pinned to core {core}"


def busy() -> str:
    """The load before the benchmark starts; above zero, other work shares the cores and timings are too long."""
    load = f"load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "load unknown"
    return f"{load} on {os.cpu_count()} cores"
