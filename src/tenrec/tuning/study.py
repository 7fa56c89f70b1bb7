"""The study: trials that a tree-structured Parzen estimator proposes, in a storage that several workers may share."""

import json
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tenrec.core.errors import ConfigError, InputError
from tenrec.tuning.search import Space

if TYPE_CHECKING:
    import optuna

HEARTBEAT, GRACE = 5, 20
"""Seconds between a worker's signs of life, and without one until its trial is taken from it and tried again."""
ORPHANED = 60.0
"""Seconds after which a running trial that never gave a sign of life is given up: its worker died as it began."""
RETRIES = 3
CONFIG, NUMBERS, EXCESS = "tenrec_config", "numbers", "excess"

Evaluate = Callable[[Mapping[str, float]], tuple[Sequence[float], float, Mapping[str, float]]]
"""From a parameter set to its objectives, how far it breaks its constraint (≤ 0: not), and numbers to keep."""


@contextmanager
def quiet() -> Iterator[None]:
    """Optuna without its log, and without its warnings that heartbeats and constraints may change one day."""
    import optuna

    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(level)


def open_storage(url: str | None) -> "optuna.storages.BaseStorage":
    """The storage at a database address (`sqlite:///FILE`, `postgresql://…`); None for one in memory.

    Raises:
        InputError: it cannot be reached, or the driver is missing.
    """
    import optuna
    from sqlalchemy.exc import SQLAlchemyError

    if url is None:
        return optuna.storages.InMemoryStorage()
    shown = without_password(url)
    try:
        with quiet():
            storage = optuna.storages.RDBStorage(
                driver_of(url),
                engine_kwargs={"connect_args": {"timeout": 60}}
                if url.startswith("sqlite")
                else {"pool_pre_ping": True},
                heartbeat_interval=HEARTBEAT,
                grace_period=GRACE,
                heartbeat_stale_trial_callback=optuna.storages.RetryHeartbeatStaleTrialCallback(max_retry=RETRIES),
            )
        if url.startswith("sqlite"):
            _write_ahead(storage.engine)
        return storage
    except ImportError:
        raise InputError(
            f"The storage {shown} needs a database driver that is not installed; run `pip install 'psycopg[binary]'`."
        ) from None
    except (SQLAlchemyError, ValueError, OSError, RuntimeError) as error:
        reason = str(getattr(error, "orig", None) or error).strip().splitlines() or ["no reason given"]
        raise InputError(
            f"The storage {shown} cannot be reached ({reason[0].rstrip('.')}); check that the database runs, and the "
            "address, as in sqlite:///study.db or postgresql://user:password@host:5432/name."
        ) from None


def close(storage: "optuna.storages.BaseStorage") -> None:
    """Give the connections back; the storage is not used afterwards."""
    import optuna

    if isinstance(storage, optuna.storages.RDBStorage):
        storage.remove_session()
        storage.engine.dispose()


@contextmanager
def opened(url: str | None) -> "Iterator[optuna.storages.BaseStorage]":
    """The storage, closed at the end; see `open_storage`."""
    storage = open_storage(url)
    try:
        yield storage
    finally:
        close(storage)


def _write_ahead(engine: Any) -> None:
    """Let SQLite append to a log in place of waiting for the disk at every commit; a killed process loses nothing."""
    from sqlalchemy import event

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")

    engine.dispose()


def driver_of(url: str) -> str:
    """The address with the driver that tenrec uses for PostgreSQL.

    Example:
        >>> driver_of("postgresql://me@db/study"), driver_of("sqlite:///study.db")
        ('postgresql+psycopg://me@db/study', 'sqlite:///study.db')
    """
    scheme, separator, rest = url.partition("://")
    return f"postgresql+psycopg{separator}{rest}" if scheme in ("postgresql", "postgres") else url


def without_password(url: str) -> str:
    """The address as it may be shown.

    Example:
        >>> without_password("postgresql://me:secret@db:5432/study")
        'postgresql://me:***@db:5432/study'
    """
    scheme, separator, rest = url.partition("://")
    who, at, where = rest.rpartition("@")
    user, colon, _ = who.partition(":")
    return f"{scheme}{separator}{user}{':***' if colon else ''}{at}{where}"


def open_study(
    storage: "optuna.storages.BaseStorage", name: str, config: Mapping[str, Any], *, several: bool, create: bool = True
) -> "optuna.Study":
    """The study of this name, made if it is not there; it remembers the configuration it was made with.

    Raises:
        ConfigError: the stored study was made with another configuration; it is left untouched. Or it is not there and
            `create` is False.
    """
    import optuna

    text = json.dumps(config, sort_keys=True)
    with quiet():
        known = {summary.study_name for summary in optuna.get_all_study_summaries(storage, include_best_trial=False)}
        if name in known:
            study = optuna.load_study(study_name=name, storage=storage)
            stored = study.user_attrs.get(CONFIG)
            if stored is not None and stored != text:
                raise ConfigError(
                    f"The stored study {name!r} was made with another configuration "
                    f"({_difference(json.loads(stored), json.loads(text))}); use another --storage or --out, or the "
                    "configuration it was made with. It was left untouched."
                )
            return study
        if not create:
            raise ConfigError(
                f"There is no study {name!r} in the storage; it has {', '.join(sorted(known)) or 'none'}."
            )
        lower, higher = optuna.study.StudyDirection.MINIMIZE, optuna.study.StudyDirection.MAXIMIZE
        directions = [lower, lower] if several else [higher]
        study = optuna.create_study(storage=storage, study_name=name, directions=directions, load_if_exists=True)
        study.set_user_attr(CONFIG, text)
        return study


def study_names(storage: "optuna.storages.BaseStorage") -> list[str]:
    """Names of the studies in a storage."""
    import optuna

    return sorted(one.study_name for one in optuna.get_all_study_summaries(storage, include_best_trial=False))


def stored_config(study: "optuna.Study") -> dict[str, Any]:
    """The configuration that a study was made with."""
    if CONFIG not in study.user_attrs:
        raise ConfigError(f"The study {study.study_name!r} was not made by tenrec; name one that `tenrec tune` made.")
    return json.loads(study.user_attrs[CONFIG])


def _difference(stored: Any, given: Any, path: str = "") -> str:
    """The first key in which two configurations differ."""
    if isinstance(stored, dict) and isinstance(given, dict):
        for key in [*stored, *(key for key in given if key not in stored)]:
            if stored.get(key) != given.get(key):
                return _difference(stored.get(key), given.get(key), f"{path}.{key}" if path else str(key))
    return f"{path} was {stored}, now {given}"


def completed(study: "optuna.Study") -> list["optuna.trial.FrozenTrial"]:
    """Finished trials, in the order of their numbers."""
    from optuna.trial import TrialState

    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))


def numbers_of(trial: "optuna.trial.FrozenTrial") -> dict[str, float]:
    """What a trial found, by name."""
    return trial.user_attrs.get(NUMBERS, {})


def release(study: "optuna.Study") -> int:
    """Give up what an interrupted single worker left running, and queue it again; the number of such trials."""
    from optuna.trial import TrialState

    left = study.get_trials(deepcopy=True, states=(TrialState.RUNNING,))
    with quiet():
        for trial in left:
            study.tell(trial.number, state=TrialState.FAIL)
            if "fixed_params" in trial.system_attrs:
                study.enqueue_trial(trial.system_attrs["fixed_params"], user_attrs=trial.user_attrs)
    return len(left)


def run_trials(
    study: "optuna.Study",
    space: Space,
    evaluate: Evaluate,
    *,
    trials: int,
    seed: int,
    constrained: bool = False,
    worker: int = 0,
    after: Callable[[int], None] | None = None,
) -> None:
    """Try sets until the study has `trials` finished ones; `after` hears how many there are.

    Each proposal depends on the seed, the number of the trials before it and their results only, so that one worker
    makes the same study whether or not it was interrupted.
    """
    import optuna

    def objective(trial: optuna.Trial) -> float | Sequence[float]:
        values, excess, numbers = evaluate(space.suggest(trial))
        # One attribute, for each is a transaction of its own.
        trial.set_user_attr(NUMBERS, dict(numbers))
        if constrained:
            trial.set_constraint(EXCESS, excess)
        return values[0] if len(values) == 1 else values

    with quiet():
        while (done := len(completed(study))) < trials:
            study.sampler = optuna.samplers.TPESampler(seed=_seed(seed, done, worker), multivariate=True)
            study.optimize(objective, n_trials=1)
            if after is not None:
                after(min(done + 1, trials))


def _seed(seed: int, number: int, worker: int) -> int:
    import numpy as np

    return int(np.random.SeedSequence([seed, number, worker]).generate_state(1)[0])


def settle(study: "optuna.Study", patience: float | None = None) -> int:
    """Wait until no trial is running any more: live workers finish theirs, those of dead ones are failed.

    Returns:
        How many trials are still running when the patience is over.
    """
    import optuna
    from optuna.trial import TrialState

    until = time.monotonic() + (ORPHANED + GRACE if patience is None else patience)
    while True:
        with quiet():
            optuna.storages.fail_stale_trials(study)
            running = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
            for trial in running:
                begun = trial.datetime_start
                if begun is not None and (datetime.now() - begun).total_seconds() > ORPHANED:
                    study.tell(trial.number, state=TrialState.FAIL)
        if not running or time.monotonic() > until:
            return len(running)
        time.sleep(0.5)
