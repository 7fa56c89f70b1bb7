"""How long a user waits before anything happens: `import tenrec`, and `tenrec --help`.

python benchmarks/startup.py
"""

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from machine import busy

IMPORT = "import time; began = time.perf_counter(); import tenrec; print(time.perf_counter() - began)"
LIMITS = {"import tenrec": 0.3, "tenrec --help": 0.5}


def seconds_to_import() -> float:
    """Inside a fresh interpreter, its own start not counted."""
    done = subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, check=True, text=True)
    return float(done.stdout)


def seconds_to_help() -> float:
    """The whole command, as the user types it."""
    began = time.perf_counter()
    subprocess.run([str(Path(sys.executable).parent / "tenrec"), "--help"], capture_output=True, check=True)
    return time.perf_counter() - began


def main() -> None:
    """Measure both several times; the best is what the code costs, the rest is the machine's other work."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=10)
    given = parser.parse_args()
    print(busy())
    measures: dict[str, Callable[[], float]] = {"import tenrec": seconds_to_import, "tenrec --help": seconds_to_help}
    for name, measure in measures.items():
        times = [measure() for _ in range(given.repeats)]
        best, limit = min(times), LIMITS[name]
        print(
            f"{name}: best {best:.3f} s, median {statistics.median(times):.3f} s; "
            f"{best / limit:.2f} of the {limit} s allowed"
        )


if __name__ == "__main__":
    main()
