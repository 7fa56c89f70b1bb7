"""Start and continue tuning runs."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from tenrec.core.errors import ConfigError, InterruptedWork
from tenrec.runs.progress import Reporter, Silent
from tenrec.runs.tuning.build import Desk
from tenrec.runs.tuning.config import TuneConfig
from tenrec.runs.tuning.evidence import comparison, importance, later_mean, overfitting, paired_scores, walk_forward
from tenrec.runs.tuning.export import exported, write_exports
from tenrec.runs.tuning.folder import TuneFolder, create, refuse_foreign, study_config, tune_id
from tenrec.runs.tuning.kinds import is_tune_run
from tenrec.runs.tuning.ledger import thinned, week_ledger, week_name
from tenrec.runs.tuning.loading import Source, load_tune_config
from tenrec.runs.tuning.recipe import (
    Bulk,
    Market,
    begin_study,
    best_of_each,
    bulk_pass,
    candidates,
    chosen_trial,
    evaluator,
    families,
    judge,
    network_seeds,
    run_study,
)
from tenrec.runs.tuning.report import report_tune
from tenrec.runs.tuning.workers import run_workers
from tenrec.tuning.metrics import Results, summary
from tenrec.tuning.rivals import Rival
from tenrec.tuning.search import PARAMETERS
from tenrec.tuning.study import completed, numbers_of, open_study, opened, release, settle

if TYPE_CHECKING:
    import optuna

RUNS = Path("runs")
OWN_STUDY = "tenrec"
"""Name of the study that lies in the run folder."""


@dataclass(frozen=True)
class TuneRun:
    """A finished tuning run; everything is read from its folder."""

    folder: TuneFolder

    @property
    def path(self) -> Path:
        """The run folder."""
        return self.folder.path

    @property
    def metrics(self) -> dict[str, Any]:
        """The content of `metrics.json`."""
        return self.folder.metrics()

    @property
    def trials(self) -> pl.DataFrame:
        """One row a trial."""
        return self.folder.read_table("trials")


def tune(
    config: Source | None = None,
    *,
    out: str | Path | None = None,
    overrides: Iterable[str] = (),
    reporter: Reporter | None = None,
    images: bool = True,
) -> TuneRun:
    """Tune a rule on ticks, check it out of sample, and write a run folder with report and exports.

    Args:
        config: a YAML file, a mapping or a `TuneConfig`; None for a short-gamma book on generated ticks.
        out: run folder; by default `runs/tune-<run id>`. overrides: `key.path=value`. images: write PNG files too.

    Raises:
        InputError: the configuration, the ticks or the storage cannot be used; a stored study is left untouched.
        InterruptedWork: stopped by the user; `tenrec resume` continues.
    """
    base = Path(config).parent if isinstance(config, str | Path) else Path()
    checked = load_tune_config({} if config is None else config, overrides)
    desk = Desk(checked, base)
    desk.check()
    path = RUNS / f"tune-{tune_id(checked)}" if out is None else Path(out)
    with _study(checked, path, desk) as study:
        folder = create(path, checked, base)
        return _carry_out(folder, desk, study, reporter or Silent(), images=images)


def resume_tune(path: str | Path, *, reporter: Reporter | None = None, images: bool = True) -> TuneRun:
    """Continue an interrupted tuning run; a finished one is returned.

    Raises:
        ConfigError: the folder is not that of a tuning run.
    """
    if not is_tune_run(path):
        raise ConfigError(f"{path} is not the folder of a tuning run; give one that `tenrec tune` made.")
    folder = TuneFolder(Path(path))
    about = folder.about()
    if about["state"] == "done":
        return TuneRun(folder)
    config = folder.config()
    desk = Desk(config, Path(about["base"]))
    desk.check()
    with _study(config, folder.path, desk) as study:
        return _carry_out(folder, desk, study, reporter or Silent(), images=images)


def study_place(config: TuneConfig, path: Path) -> tuple[str, str]:
    """Address of the storage, and name of the study in it."""
    if config.storage is None:
        return TuneFolder(path).storage, config.study or OWN_STUDY
    return config.storage, config.study or tune_id(config)


@contextmanager
def _study(config: TuneConfig, path: Path, desk: Desk) -> "Iterator[optuna.Study]":
    """The run's study, refused before anything is written if it was made with another configuration."""
    url, name = study_place(config, path)
    if config.storage is None:
        refuse_foreign(path)
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"--out {path} cannot be written ({error.strerror}); give another folder.") from None
    told = {**study_config(config), "base": str(desk.base.resolve())}
    with opened(url) as storage:
        yield open_study(storage, name, told, several=desk.objective.several)


def _carry_out(folder: TuneFolder, desk: Desk, study: "optuna.Study", reporter: Reporter, *, images: bool) -> TuneRun:
    began = time.perf_counter()
    config, market = desk.config, Market()
    try:
        bulk, windows = bulk_pass(desk, market, reporter)
        begin_study(desk, study, bulk)
        if config.workers > 1:
            run_workers(study, *study_place(config, folder.path), config, reporter)
            settle(study)
        else:
            if config.storage is None:
                release(study)
            run_study(desk, study, evaluator(desk, windows, market.facts[: len(windows)]), reporter)
            settle(study)
        _conclude(folder, desk, study, market, bulk, reporter, began)
        reporter.start("report", 1)
        trouble = report_tune(folder, images=images)
        if trouble is not None:
            reporter.say(trouble)
        folder.mark("done")
    except KeyboardInterrupt:
        raise InterruptedWork(f"Stopped; `tenrec resume {folder.path}` continues.") from None
    return TuneRun(folder)


def _conclude(
    folder: TuneFolder, desk: Desk, study: "optuna.Study", market: Market, bulk: Bulk, reporter: Reporter, began: float
) -> None:
    """Judge the best set, and write everything but the report."""
    config = desk.config
    trials = _trials_table(desk, study)
    best = chosen_trial(study)
    values = {name: float(best.params[name]) for name in desk.space.names}
    everyone = [*candidates(desk, values), *families(desk, reporter)]
    whole = judge(desk, everyone, market.facts, reporter)
    kept = best_of_each(desk, everyone, whole)
    rivals, found = [everyone[index] for index in kept], whole.sets(kept)
    outside = found.windows(slice(len(desk.in_sample), None))
    judged = outside if len(outside.years) else found
    table = _windows_table(desk, rivals, found)
    shown, title = _replay(desk, rivals[0], table)
    forward = pl.DataFrame(walk_forward(desk, bulk))
    metrics = {
        "kind": "tune",
        "parameters": list(desk.space.names),
        "rule": {name: values.get(name, float(getattr(config.rule, name))) for name in PARAMETERS},
        "best": {"trial": best.number, "score": float(numbers_of(best)["score"]), "values": values},
        "trials": trials.height,
        "market": {**market.section(), **_gaps(desk, values)},
        "windows": {"in_sample": len(desk.in_sample), "out_of_sample": len(desk.out_of_sample)},
        "data_hash": desk.fingerprint,
        "comparison": comparison(desk, rivals, found, config.level),
        "network_seeds": network_seeds(desk, everyone, whole),
        "tuned_minus_default": paired_scores(desk, judged, 0, 1, config.level),
        "overfitting": overfitting(desk, bulk, found, 0),
        "importance": importance(desk, bulk) if config.search.bulk else None,
        "bulk": {"sets": int(bulk.found.cvar.shape[1]), "seconds": bulk.seconds},
        "replay": {"title": title},
        "walk_forward": later_mean(forward, table, len(desk.in_sample)),
        "seconds": time.perf_counter() - began,
    }
    folder.write_table("trials", trials, csv=True)
    folder.write_table("bulk", _bulk_table(desk, bulk))
    folder.write_table("windows", table)
    folder.write_table("walk_forward", forward)
    folder.write_table("replay", shown)
    folder.write_metrics(metrics)
    write_exports(folder, exported(desk, metrics, table))


def _gaps(desk: Desk, values: dict[str, float]) -> dict[str, Any]:
    """What the report says of gaps longer than the tuned cadence, and of cadences that the ticks are too coarse for."""
    cadence = values.get("cadence_seconds", desk.config.rule.cadence_seconds)
    return {"long_gaps": desk.gap_words(cadence), "spacing_seconds": desk.spacing, "too_short": list(desk.too_short)}


def _trials_table(desk: Desk, study: "optuna.Study") -> pl.DataFrame:
    rows = [
        {
            "number": trial.number,
            "score": numbers_of(trial)["score"],
            **{name: float(trial.params[name]) for name in desk.space.names},
            **{name: value for name, value in numbers_of(trial).items() if name != "score"},
        }
        for trial in completed(study)
    ]
    return pl.DataFrame(rows)


def _bulk_table(desk: Desk, bulk: Bulk) -> pl.DataFrame:
    inside = bulk.found.windows(slice(0, len(desk.in_sample)))
    shown = summary(inside)
    names = ("net_pnl", "cost", "hedges", "sharpe", "max_drawdown", "error_std")
    return pl.DataFrame({"score": desk.wanted.score(inside), **bulk.values, **{name: shown[name] for name in names}})


def _windows_table(desk: Desk, rivals: list[Rival], found: Results) -> pl.DataFrame:
    inside, rows = len(desk.in_sample), []
    columns = {"net_pnl": "wealth", "cost": "cost", "hedges": "hedges", "drawdown": "drawdown", "funding": "funding"}
    for index, rival in enumerate(rivals):
        for number in range(len(found.years)):
            numbers = {name: float(found.tally[key][number, index]) for name, key in columns.items()}
            rows.append({"window": number, "rival": rival.key, "sample": "in" if number < inside else "out", **numbers})
    return pl.DataFrame(rows)


def _replay(desk: Desk, tuned: Rival, table: pl.DataFrame) -> tuple[pl.DataFrame, str]:
    """The tuned rule on its best week, out of sample where there is one: ticks thinned, every hedge kept."""
    rows = table.filter(pl.col("rival") == "tuned")
    later = rows.filter(pl.col("sample") == "out")
    best = (later if later.height else rows).sort("net_pnl")["window"][-1]
    title = f"{week_name(desk.source.window(best), best)}{' (out of sample)' if later.height else ''}"
    return thinned(week_ledger(tuned.policy, desk.window(best), desk.costs)), title
