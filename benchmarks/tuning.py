"""How fast rules are scored on ticks: many sets, a study, long records, many weeks.

    python benchmarks/tuning.py [sets] [study] [year] [weeks]

sets    10,000 parameter sets on one week of 10-second ticks, all metrics, once compiled, and the memory that takes.
study   100 trials on one week, in memory, compilation included, against the loop of a copied notebook in Python.
year    one trial on 52 weeks of one-minute ticks.
weeks   64 sets on 256 weeks of 10-second ticks, made, revalued and scored one after the other.
"""

import argparse
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from machine import busy

from tenrec.runs.tuning.build import Desk
from tenrec.runs.tuning.loading import load_tune_config
from tenrec.runs.tuning.recipe import evaluator
from tenrec.tuning.scoring import cores, pack, ready, score_many, score_pack, score_stream
from tenrec.tuning.study import open_storage, open_study, run_trials

TRIALS, WEEKS = 100, 256


def desk(*changes: str) -> Desk:
    """The default job, changed."""
    return Desk(load_tune_config({}, changes), Path())


def least(action: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Seconds of the fastest of several calls, and the least seconds that the cores worked on one."""
    times, works = [], []
    for _ in range(repeats):
        began, working = time.perf_counter(), time.process_time()
        action()
        times.append(time.perf_counter() - began)
        works.append(time.process_time() - working)
    return min(times), min(works)


def memory() -> float:
    """Largest resident memory so far, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e9


def sets() -> None:
    """10,000 sets, one week."""
    job = desk("ticks.weeks=1")
    window = ready(job.window(0))
    policies = job.space.policies(job.space.sobol(10_000, 1))
    score_many(policies, window, job.costs)
    seconds, work = least(lambda: score_many(policies, window, job.costs), 3)
    rate = 10_000 * 60_480 / work / 1e6
    print(
        f"sets   {seconds:.2f} s of 4 s allowed on {cores()} cores; {work:.2f} s of work, {rate:.0f} M set-ticks a "
        f"second of it; {memory():.2f} GB of 2"
    )


def study() -> None:
    """100 trials against the notebook's loop."""
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    from tests.tuning import notebook

    path = notebook.ticks(60_480)
    began = time.perf_counter()
    notebook.run(notebook.Rule(60.0, 1.0, 1.0, 0.25), path)
    naive = time.perf_counter() - began
    began = time.perf_counter()
    job = desk("ticks.weeks=1")
    window = job.window(0)
    stored = open_study(open_storage(None), "benchmark", {}, several=False)
    run_trials(stored, job.space, evaluator(job, [ready(window)], [window.facts]), trials=TRIALS, seed=42)
    seconds = time.perf_counter() - began
    print(
        f"study  {TRIALS} trials in {seconds:.2f} s, the notebook's loop {naive:.2f} s a trial: "
        f"{naive * TRIALS / seconds:.0f} times faster, 100 wanted"
    )


def year() -> None:
    """One trial on 52 weeks of minutes."""
    job = desk("ticks.weeks=53", "ticks.interval_seconds=60", "search.space.cadence_seconds=[60,300]")
    packed = pack([ready(job.window(number)) for number in range(52)])
    rule = job.space.policies({name: np.asarray(value) for name, value in middle(job).items()})
    score_pack(rule, packed, job.costs)
    seconds, work = least(lambda: score_pack(rule, packed, job.costs), 10)
    print(f"year   {1e3 * seconds:.1f} ms a trial of 20 ms allowed on {cores()} cores; {1e3 * work:.1f} ms of work")


def middle(job: Desk) -> dict[str, float]:
    """The middle of the space."""
    return {one.name: float(one.at(np.array([0.5]))[0]) for one in job.space.dimensions}


def weeks() -> None:
    """64 sets on 256 weeks; the memory of the first and of the second half tells whether it is flat."""
    job = desk(f"ticks.weeks={WEEKS}")
    policies = job.space.policies(job.space.sobol(64, 1))
    list(score_stream(policies, job.window, [0, 1], job.costs))
    began, working, half = time.perf_counter(), time.process_time(), 0.0
    for number, _ in enumerate(score_stream(policies, job.window, range(WEEKS), job.costs)):
        half = memory() if number == WEEKS // 2 else half
    seconds, work = time.perf_counter() - began, time.process_time() - working
    print(
        f"weeks  {seconds:.1f} s of 60 s allowed on {cores()} cores; {work:.1f} s of work; {half:.2f} GB after half of "
        f"the weeks, {memory():.2f} GB after all"
    )


def main() -> None:
    """Run what is named, or everything."""
    known = {"sets": sets, "study": study, "year": year, "weeks": weeks}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("named", nargs="*", metavar="NAME", help=", ".join(known))
    named = parser.parse_args().named or list(known)
    print(busy())
    for name in named:
        known[name]()


if __name__ == "__main__":
    main()
