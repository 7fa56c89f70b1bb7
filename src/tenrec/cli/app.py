"""`tenrec`: the command line. It parses and shows; the work is done elsewhere, and imported only when asked for."""

import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer

from tenrec.cli.backtest import register as register_backtest
from tenrec.cli.price import export_prices, pairs, price, report_prices
from tenrec.cli.vol import vol_app
from tenrec.core.errors import ConfigError, TenrecError

app = typer.Typer(
    name="tenrec",
    help="Learn, tune, price, backtest and prove option hedges.\n\n"
    "[bold]tenrec hedge[/] without arguments hedges bundled listed options and writes a report; "
    "[bold]tenrec init[/] writes a configuration to start from.",
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    add_completion=False,
)
data_app = typer.Typer(help="Look at data files before they are used.")
app.add_typer(data_app, name="data")
app.add_typer(vol_app, name="vol")
STOPPED = 130
GROUPS = ([], ["data"], ["vol"])
"""Words that are no command yet: alone, they ask for help."""

ConfigArgument = Annotated[
    Path | None, typer.Argument(metavar="[CONFIG.yaml]", help="Configuration; without one, the bundled listed options.")
]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a key, e.g. policy.kind=feed_forward.")
]
OutOption = Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Run folder (default runs/<run id>).")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document on standard output, nothing else there.")]
RunArgument = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")]


@app.callback()
def _common(
    debug: Annotated[bool, typer.Option("--debug", help="Show a traceback for errors.")] = False,
) -> None: ...


@app.command()
def hedge(
    config: ConfigArgument = None, out: OutOption = None, overrides: SetOption = None, as_json: JsonOption = False
) -> None:
    """Learn a hedge, compare it with classical ones on common paths, write a report.

    Examples: `tenrec hedge` · `tenrec hedge my.yaml --out runs/mine --set costs.proportional=0.002`
    """
    from tenrec.cli.show import reporting, show_run
    from tenrec.runs.api import hedge as run_hedge

    with reporting(quiet=as_json) as reporter:
        run = run_hedge(config, out=out, overrides=overrides or (), reporter=reporter)
    show_run(run, as_json=as_json)


@app.command()
def tune(
    config: Annotated[
        Path | None, typer.Argument(metavar="[CONFIG.yaml]", help="Without one, a short-gamma book on generated ticks.")
    ] = None,
    out: OutOption = None,
    overrides: SetOption = None,
    data: Annotated[Path | None, typer.Option("--data", help="Recorded ticks: Parquet or CSV.")] = None,
    trials: Annotated[int | None, typer.Option("--trials", help="Trials of the study.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Seed of ticks and search.")] = None,
    storage: Annotated[
        str | None, typer.Option("--storage", metavar="URL", help="sqlite:///FILE or postgresql://USER@HOST/NAME.")
    ] = None,
    study: Annotated[str | None, typer.Option("--study", metavar="NAME", help="Name of the study in it.")] = None,
    workers: Annotated[int | None, typer.Option("--workers", help="Processes that share the study.")] = None,
    png: Annotated[bool, typer.Option("--png/--no-png", help="Draw the figures as PNG files too.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Tune a hedging rule on ticks, check it out of sample, export it for production.

    Examples: `tenrec tune` · `tenrec tune --data ticks.parquet --trials 200` · `tenrec tune my.yaml --workers 4`
    """
    from tenrec.cli.show import reporting
    from tenrec.cli.show_tune import show_tune
    from tenrec.runs.tuning.api import tune as run_tune
    from tenrec.runs.tuning.options import with_options

    given = {"search.trials": trials, "search.seed": seed, "storage": storage, "study": study, "workers": workers}
    changes = with_options(given, data)
    with reporting(quiet=as_json) as reporter:
        run = run_tune(config, out=out, overrides=[*changes, *(overrides or ())], reporter=reporter, images=png)
    show_tune(run, as_json=as_json)


register_backtest(app)


@app.command()
def worker(
    storage: Annotated[str, typer.Argument(metavar="STORAGE", help="Address of the storage, as in --storage.")],
    study: Annotated[str | None, typer.Option("--study", metavar="NAME", help="Where it holds several.")] = None,
    trials: Annotated[int | None, typer.Option("--trials", help="Stop when the study has so many.")] = None,
    number: Annotated[int, typer.Option("--number", help="Number of this worker, different for each.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Take trials of a stored study until it is complete."""
    from tenrec.cli.show import reporting, show_document
    from tenrec.runs.tuning.workers import work

    with reporting(quiet=as_json) as reporter:
        done = work(storage, study=study, trials=trials, number=number, reporter=reporter)
    show_document(done, as_json=as_json)


@app.command()
def resume(run: RunArgument, as_json: JsonOption = False) -> None:
    """Continue an interrupted run exactly where its last checkpoint left it."""
    from tenrec.cli.show import reporting, show_run
    from tenrec.cli.show_tune import resume_tuning
    from tenrec.runs.tuning.kinds import is_kind, is_tune_run

    if is_tune_run(run):
        resume_tuning(run, as_json=as_json)
        return
    if is_kind(run, "panel"):
        from tenrec.cli.backtest import resume_backtest

        resume_backtest(run, as_json=as_json)
        return
    if is_kind(run, "price"):
        raise ConfigError(
            f"{run} is a finished run of `tenrec price`, so nothing is left to resume; `tenrec report` shows it."
        )
    from tenrec.runs.api import resume as run_resume

    with reporting(quiet=as_json) as reporter:
        finished = run_resume(run, reporter=reporter)
    show_run(finished, as_json=as_json)


@app.command()
def report(run: RunArgument, as_json: JsonOption = False) -> None:
    """Write the report of a finished run again and show its table."""
    from tenrec.cli.show_tune import report_tuning
    from tenrec.runs.tuning.kinds import is_kind, is_tune_run

    if is_tune_run(run):
        report_tuning(run, as_json=as_json)
        return
    if is_kind(run, "panel"):
        from tenrec.cli.backtest import report_backtest

        report_backtest(run, as_json=as_json)
        return
    if is_kind(run, "price"):
        report_prices(run, as_json=as_json)
        return
    from tenrec.cli.show import show_run
    from tenrec.runs.report import report_run
    from tenrec.runs.run import load

    loaded = load(run)
    report_run(loaded.folder)
    show_run(loaded, as_json=as_json)


@app.command()
def optimum(
    config: Annotated[Path, typer.Argument(metavar="CONFIG.yaml|RUN", help="A configuration, or a finished run.")],
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """The exact optimum by dynamic programming, and every policy's gap to it.

    For one European payoff in one Black–Scholes asset under proportional cost. Given a run folder, the learned policies
    are valued too: without Monte Carlo noise under the entropic risk, on a million paths under the others.
    """
    from tenrec.cli.show import reporting, show_optimum
    from tenrec.runs.optimum import optimum_of

    with reporting(quiet=as_json) as reporter:
        section = optimum_of(config, overrides or (), reporter)
    show_optimum(section, as_json=as_json)


@app.command()
def advise(
    run: RunArgument,
    spot: Annotated[float, typer.Option(help="Price of the underlying now.")],
    days_to_expiry: Annotated[float, typer.Option(help="Days left, as the run counts days.")],
    position: Annotated[float, typer.Option(help="Units of the hedging instrument held now.")] = 0.0,
    strike: Annotated[float | None, typer.Option(help="Strike (default: the run's).")] = None,
    kind: Annotated[str | None, typer.Option(help="call or put (default: the run's).")] = None,
    implied_vol: Annotated[float | None, typer.Option(help="Annualised decimal (default: the run's).")] = None,
    quantity: Annotated[
        float | None, typer.Option(help="Contracts owned, negative if sold (default: the run's).")
    ] = None,
    multiplier: Annotated[float, typer.Option(help="Units of the underlying in a contract.")] = 1.0,
    wealth: Annotated[
        float | None, typer.Option(help="Cash and hedge at mid prices, premium counted in (default: 0).")
    ] = None,
    policy: Annotated[str | None, typer.Option(help="A policy of the run (default: the learned one).")] = None,
    signal: Annotated[
        list[str] | None, typer.Option("--signal", metavar="NAME=VALUE", help="A market signal, e.g. return_5d=0.8.")
    ] = None,
    instrument: Annotated[
        list[str] | None,
        typer.Option(
            "--instrument",
            metavar="NAME=VALUE",
            help="Of the instruments after the first: position_2=-0.4, option_2_strike=105, option_2_days=12.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """What to hold now and what to trade, the band around it, and what the Black–Scholes delta would say.

    RUN may also be a rule that `tenrec tune` exported; then --strike is the price at which its book was struck.
    """
    from tenrec.cli.show import show_advice
    from tenrec.runs.tuning.kinds import is_tune_run

    if run.is_file() or is_tune_run(run):
        from tenrec.runs.tuning.production import advise_rule

        rule = {"implied_vol": implied_vol, "entry_spot": strike}
        answer = advise_rule(run, spot=spot, days_to_expiry=days_to_expiry, position=position, **rule)
        show_advice(answer, as_json=as_json)
        return
    from tenrec.runs.advise import advise as ask
    from tenrec.runs.run import load

    answer = ask(
        load(run),
        spot=spot,
        days_to_expiry=days_to_expiry,
        position=position,
        strike=strike,
        kind=kind,
        implied_vol=implied_vol,
        quantity=quantity,
        multiplier=multiplier,
        wealth=wealth,
        policy=policy,
        signals=signal or (),
        instruments=instrument or (),
    )
    show_advice(answer, as_json=as_json)


@app.command()
def dataset(
    config: Annotated[Path, typer.Argument(metavar="CONFIG.yaml", help="A configuration of a simulated market.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the arrays.")] = Path("dataset"),
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the training and test arrays of a simulated run: price_paths.npy and deep_hedging_data.npz."""
    from tenrec.cli.show import show_document
    from tenrec.runs.dataset import write_dataset

    written = write_dataset(config, out, overrides or ())
    show_document(written, as_json=as_json)


@app.command()
def export(
    run: RunArgument,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Default: RUN/<policy>.pyz.")] = None,
    policy: Annotated[str | None, typer.Option(help="A policy of the run (default: the learned one).")] = None,
    as_json: JsonOption = False,
) -> None:
    """Write a policy, or the pricer of `tenrec price`, as one file that answers without tenrec.

    NumPy, and JAX or ONNX Runtime, are all it needs.

    Example: `tenrec export runs/mine` and then `python runs/mine/band_network.pyz --spot 1.01 --time-to-maturity 0.03`
    """
    from tenrec.cli.show import show_export
    from tenrec.runs.tuning.kinds import is_kind

    if is_kind(run, "price"):
        export_prices(run, policy=policy, out=out, as_json=as_json)
        return
    from tenrec.runs.export import export_run
    from tenrec.runs.run import load

    show_export(export_run(load(run), policy=policy, out=out), as_json=as_json)


@app.command()
def init(
    path: Annotated[Path, typer.Argument(metavar="[FILE]", help="Where to write it.")] = Path("hedge.yaml"),
    listed: Annotated[bool, typer.Option("--listed", help="The main job on listed options instead.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
) -> None:
    """Write a commented configuration to start from."""
    from tenrec.runs.init import write_config

    write_config(path, listed=listed, force=force)
    typer.echo(f"Wrote {path}; `tenrec hedge {path}` runs it.")


@data_app.callback()
def _data() -> None: ...


@data_app.command("check")
def data_check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Parquet, CSV, npy or npz; or a folder of chains.")],
    columns: Annotated[
        list[str] | None, typer.Option("--columns", metavar="ROLE=NAME", help="Which column plays which role.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say what a data file was understood as: columns, units, dates, gaps, and what would be refused and why.

    Examples: `tenrec data check chain.csv` · `tenrec data check quotes.parquet --columns price=settle --json`
    """
    from tenrec.cli.show import show_data_report
    from tenrec.data import check

    checked = check(file, columns=pairs("--columns", columns))
    show_data_report(checked, as_json=as_json)
    if not checked.usable:
        raise typer.Exit(2)


app.command()(price)


def main() -> None:
    """Entry point: errors are one sentence on standard error, with the exit status of their kind."""
    # --debug counts wherever it stands; the option of the callback is there for --help.
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    debug = len(arguments) < len(sys.argv) - 1
    if arguments in GROUPS:
        arguments = [*arguments, "--help"]
    try:
        status = app(arguments, prog_name="tenrec", standalone_mode=False)
        if status == STOPPED:  # what Typer makes of Ctrl-C, without a word
            raise KeyboardInterrupt
    except TenrecError as error:
        status = _fail(error, str(error), error.exit_status, debug)
    except (KeyboardInterrupt, typer.Abort) as error:
        status = _fail(error, "Stopped.", STOPPED, debug)
    except OSError as error:
        about = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        status = _fail(error, f"{about}; check the disk and the permissions.", 1, debug)
    except Exception as error:
        status = _fail(error, *_told(error), debug)
    sys.exit(status or 0)


def _told(error: Exception) -> tuple[str, int]:
    """Message and exit status of an error that is none of tenrec's own: bad usage, or a defect."""
    describe = getattr(error, "format_message", None)
    if describe is not None:
        command = getattr(getattr(error, "ctx", None), "command_path", "tenrec")
        return f"{describe().rstrip('.')} (see `{command} --help`).", 2
    first = (str(error).splitlines() or ["no message"])[0]
    return f"An unexpected {type(error).__name__} ({first}); this is a defect of tenrec, --debug shows where.", 1


def _fail(error: BaseException, message: str, status: int, debug: bool) -> int:
    if debug:
        traceback.print_exception(error)
    sys.stderr.write(f"tenrec: {message}\n")
    return status
