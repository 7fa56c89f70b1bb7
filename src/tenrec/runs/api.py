"""Start and continue runs."""

from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path

from tenrec.core.errors import InputError, InterruptedWork
from tenrec.runs.config import HedgeConfig
from tenrec.runs.folder import RunFolder, create, opened, run_id
from tenrec.runs.loading import Source, load_config
from tenrec.runs.path_specs import RecordedSpec
from tenrec.runs.preflight import preflight
from tenrec.runs.progress import Reporter, Silent
from tenrec.runs.report import report_run
from tenrec.runs.run import Run
from tenrec.runs.simulated import Simulation, hedge_simulated
from tenrec.runs.what_if import keep_what_if

RUNS = Path("runs")


def hedge(
    config: Source | None = None,
    *,
    out: str | Path | None = None,
    overrides: Iterable[str] = (),
    reporter: Reporter | None = None,
) -> Run:
    """Learn a hedge, compare it with the classical ones, and write a run folder with an HTML report.

    Args:
        config: a YAML file, a mapping or a `HedgeConfig`; None for the main job, bundled listed options.
        out: run folder; by default `runs/<run id>`.
        overrides: `key.path=value`, as in `--set`.
        reporter: told about progress.

    Raises:
        InputError: the configuration cannot be used; nothing is left behind. WorkError: training failed.
        InterruptedWork: stopped by the user; `resume` continues.

    Example:
        >>> import tenrec
        >>> tenrec.hedge({"costs": {"proportional": 5}})
        Traceback (most recent call last):
            ...
        tenrec.core.errors.ConfigError: Configuration key 'costs.proportional' is 5; it must be less than 1.
    """
    base = Path(config).parent if isinstance(config, str | Path) else Path()
    checked = load_config(main_job() if config is None else config, overrides)
    simulation = preflight(checked, base)
    folder = create(RUNS / run_id(checked) if out is None else Path(out), checked, base)
    try:
        return _carry_out(folder, checked, base, reporter or Silent(), simulation=simulation)
    except InputError:
        folder.discard()
        raise


def resume(path: str | Path, *, reporter: Reporter | None = None) -> Run:
    """Continue an interrupted run, bit by bit as if it had not been interrupted; a finished one is returned.

    Raises:
        ConfigError: the folder is not a run. WorkError, InterruptedWork: as in `hedge`.
    """
    folder = opened(path)
    about = folder.about()
    if about["state"] == "done":
        return Run(folder)
    return _carry_out(folder, folder.config(), Path(about["base"]), reporter or Silent(), resume=True)


def main_job() -> Path:
    """The configuration that `tenrec hedge` runs without arguments."""
    return Path(str(files("tenrec.runs") / "presets" / "listed_options.yaml"))


def _carry_out(
    folder: RunFolder,
    config: HedgeConfig,
    base: Path,
    reporter: Reporter,
    *,
    simulation: Simulation | None = None,
    resume: bool = False,
) -> Run:
    try:
        if isinstance(config.market, RecordedSpec):
            from tenrec.runs.recorded import hedge_recorded

            hedge_recorded(config, folder, reporter, resume=resume)
        else:
            hedge_simulated(simulation or Simulation(config, base), folder, reporter, resume=resume)
        keep_what_if(folder)
        report_run(folder)
        folder.mark("done")
    except KeyboardInterrupt:
        raise InterruptedWork(f"Stopped; `tenrec resume {folder.path}` continues.") from None
    return Run(folder)
