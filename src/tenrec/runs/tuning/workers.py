"""Several processes on one study, here or on other hosts."""

import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tenrec.core.errors import ConfigError, WorkError
from tenrec.runs.progress import Reporter, Silent
from tenrec.runs.tuning.build import Desk
from tenrec.runs.tuning.config import TuneConfig
from tenrec.runs.tuning.loading import load_tune_config
from tenrec.runs.tuning.recipe import evaluator
from tenrec.tuning.scoring import ready
from tenrec.tuning.study import completed, open_study, opened, run_trials, stored_config, study_names

if TYPE_CHECKING:
    import optuna

POLL = 0.5


def run_workers(study: "optuna.Study", url: str, name: str, config: TuneConfig, reporter: Reporter) -> None:
    """Start `config.workers` processes, and wait until the study has its trials.

    Raises:
        WorkError: every worker ended before the study was complete.
    """
    wanted = config.search.trials
    reporter.start(f"study, {config.workers} workers", wanted)
    workers = [_start(url, name, number + 1, wanted) for number in range(config.workers)]
    try:
        while (done := len(completed(study))) < wanted:
            reporter.advance(done, "")
            if all(worker.poll() is not None for worker in workers):
                break
            time.sleep(POLL)
        said = [worker.communicate()[1] for worker in workers]
    except BaseException:
        for worker in workers:
            worker.terminate()
            worker.communicate()
        raise
    if len(completed(study)) < wanted:
        message = next((text.strip() for text in said if text), "no message")
        raise WorkError(f"All workers ended with {len(completed(study))} of {wanted} trials done: {message}")
    reporter.advance(wanted, "")


def _start(url: str, name: str, number: int, trials: int) -> "subprocess.Popen[str]":
    command = [
        sys.executable,
        "-m",
        "tenrec",
        "worker",
        url,
        "--study",
        name,
        "--number",
        str(number),
        "--trials",
        str(trials),
        "--json",
    ]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def work(
    url: str,
    *,
    study: str | None = None,
    trials: int | None = None,
    number: int = 0,
    reporter: Reporter | None = None,
) -> dict[str, Any]:
    """Take trials of a stored study until it is complete; ticks, book and rule come from the study's configuration.

    Args:
        url: address of the storage. study: its name, where the storage holds several. trials: when to stop, by default
            the configuration's number. number: of this worker; workers with different numbers propose different sets.

    Raises:
        InputError: the storage cannot be reached, or the study is not there.
    """
    file = Path(url.removeprefix("sqlite:///"))
    if url.startswith("sqlite:///") and not file.is_file():
        raise ConfigError(f"The storage {url} does not exist; start a study there with `tenrec tune --storage {url}`.")
    with opened(url) as storage:
        return _work(storage, study, trials, number, reporter or Silent())


def _work(
    storage: "optuna.storages.BaseStorage", study: str | None, trials: int | None, number: int, told: Reporter
) -> dict[str, Any]:
    import optuna

    names = study_names(storage)
    if study is None and len(names) != 1:
        raise ConfigError(
            f"The storage holds {len(names)} studies ({', '.join(names) or 'none'}); name one with --study."
        )
    name = names[0] if study is None else study
    if name not in names:
        raise ConfigError(f"There is no study {name!r} in the storage; it has {', '.join(names) or 'none'}.")
    given = stored_config(optuna.load_study(study_name=name, storage=storage))
    base = Path(given.pop("base"))
    config = load_tune_config(given)
    desk = Desk(config, base)
    found = open_study(storage, name, {**given, "base": str(base)}, several=desk.objective.several, create=False)
    windows, facts = [], []
    told.start("ticks", len(desk.in_sample))
    for done, index in enumerate(desk.in_sample, start=1):
        window = desk.window(index)
        windows.append(ready(window))
        facts.append(window.facts)
        told.advance(done)
    wanted = trials or config.search.trials
    told.start("study", wanted)
    run_trials(
        found, desk.space, evaluator(desk, windows, facts), trials=wanted, seed=config.search.seed, worker=number,
        constrained=config.objective.max_drawdown is not None, after=lambda done: told.advance(done),
    )  # fmt: skip
    return {"study": name, "trials": len(completed(found))}
