"""`tenrec backtest FILE`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from tenrec.runs.backtest import Backtest


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("backtest")(backtest)


def backtest(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]",
            help="A panel configuration, a file of dated option quotes, a rule exported by `tenrec tune` or its run "
            "folder; without one, the bundled listed options.",
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option("--data", help="Ticks or quotes, Parquet or CSV (default: those that the file names)."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Run folder (default runs/<kind>-<id>).")
    ] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a key, e.g. ticks.since=2018-01-01.")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Of generated ticks, or of the training.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document on standard output, nothing else there.")
    ] = False,
) -> None:
    """Hedge listed options through recorded days, or replay a tuned rule; the file's content says what is run.

    Examples: `tenrec backtest` · `tenrec backtest panel.yaml` · `tenrec backtest quotes.csv` · `… rule.yml`
    """
    from tenrec.cli.show import reporting
    from tenrec.runs.backtest import run_backtest

    changes = [f"search.seed={seed}"] if seed is not None else []
    with reporting(quiet=as_json) as reporter:
        done = run_backtest(file, data=data, out=out, overrides=[*changes, *(overrides or ())], reporter=reporter)
    show(done, as_json=as_json)


def resume_backtest(run: Path, *, as_json: bool) -> None:
    """Continue a panel backtest."""
    from tenrec.cli.show import reporting
    from tenrec.runs.panel.api import resume_panel

    with reporting(quiet=as_json) as reporter:
        done = resume_panel(run, reporter=reporter)
    show(done, as_json=as_json)


def report_backtest(run: Path, *, as_json: bool) -> None:
    """Write the report of a finished panel backtest again."""
    from tenrec.runs.panel.api import finished_panel
    from tenrec.runs.panel.report import report_panel

    done = finished_panel(run)
    report_panel(done.folder)
    show(done, as_json=as_json)


def show(done: "Backtest", *, as_json: bool) -> None:
    """The result, by the kind of file it came from."""
    from tenrec.cli.show import show_document, terminal

    report = done.path / "report.html"
    if as_json:
        show_document({"run": str(done.path), "report": str(report), **done.metrics}, as_json=True)
        return
    SHOWN[done.kind](done.metrics)
    terminal().print(f"\nReport: [bold]{report}[/]", highlight=False, soft_wrap=True)


def show_rule(metrics: dict[str, Any]) -> None:
    """A replayed rule: its numbers beside the exported expectations, and what they say."""
    from rich.table import Table

    from tenrec.cli.show import terminal
    from tenrec.reporting.text import number
    from tenrec.runs.tuning.expected import LABELS, replay_findings

    out, weeks = terminal(), metrics["weeks"]
    out.print(f"[bold]Replay of {metrics['file']}[/]: {metrics['market']['ticks']:,} ticks, {weeks['all']} weeks")
    table = Table(
        "a week", "here", "5–95 % of weeks", "expected", "stated range", "inside", box=None, header_style="bold"
    )
    for column in table.columns[1:]:
        column.justify = "right"
    for name, entry in metrics["expected"].items():
        stated = entry["range"]
        table.add_row(
            LABELS[name],
            number(entry["mean"], 0),
            f"[{number(entry['low'], 0)}, {number(entry['high'], 0)}]".replace("[", r"\["),
            number(entry["expected"], 0),
            "–" if stated is None else rf"\[{number(stated[0], 0)}, {number(stated[1], 0)}]",
            {True: "yes", False: "no", None: "–"}[entry["inside"]],
        )
    out.print(table)
    for sentence in replay_findings(metrics):
        out.print(f"• {sentence}", highlight=False, markup=False)


def show_panel(metrics: dict[str, Any]) -> None:
    """Deltas on a panel: one-session gains, what came of hedging to expiry, and what it says."""
    from tenrec.cli.show import terminal
    from tenrec.cli.show_panel import panel_table
    from tenrec.runs.panel.words import panel_findings

    out = terminal()
    out.print(panel_table(metrics))
    for sentence in panel_findings(metrics):
        out.print(f"• {sentence}", highlight=False, markup=False)


SHOWN = {"rule": show_rule, "panel": show_panel}
"""By the key of the file's kind in `tenrec.runs.backtest.KINDS`."""
