"""How results and progress look in a terminal; progress goes to standard error, results to standard output."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn

from tenrec.data.report import DataReport
from tenrec.runs.progress import Reporter
from tenrec.runs.run import Run

WIDEST = 110


class Bars:
    """A reporter that draws one progress bar a stage."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.task: TaskID | None = None

    def start(self, stage: str, total: int) -> None:
        """Close the bar before and open the next."""
        self.close()
        self.progress.start()  # only now: without a single bar, a stopped display still prints an empty line
        self.task = self.progress.add_task(stage, total=total, note="")

    def advance(self, done: int, note: str = "") -> None:
        """Move the bar."""
        if self.task is not None:
            self.progress.update(self.task, completed=done, note=note)

    def say(self, text: str) -> None:
        """A line above the bars."""
        self.progress.console.print(text)

    def close(self) -> None:
        """Fill the bar of a stage that ended early."""
        if self.task is not None:
            task = self.progress.tasks[self.task]
            self.progress.update(self.task, completed=task.total or task.completed)


@contextmanager
def reporting(*, quiet: bool) -> Iterator[Reporter]:
    """Progress bars on standard error; without a terminal, nothing but what is said."""
    width = None if sys.stderr.isatty() else WIDEST
    console = Console(stderr=True, quiet=quiet and not sys.stderr.isatty(), width=width)
    columns = (
        TextColumn("{task.description:<34}"),
        BarColumn(bar_width=20),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("[dim]{task.fields[note]}"),
    )
    progress = Progress(*columns, console=console)
    bars = Bars(progress)
    try:
        yield bars
        bars.close()
    finally:
        if progress.live.is_started:
            progress.stop()


def show_run(run: Run, *, as_json: bool) -> None:
    """The comparison table, the findings and where the report is."""
    from tenrec.reporting import terminal_table
    from tenrec.runs.words import findings

    metrics = run.metrics
    if as_json:
        show_document({"run": str(run.path), "report": str(run.folder.report), **metrics}, as_json=True)
        return
    console = terminal()
    console.print(terminal_table(metrics, width=console.width))
    for sentence in findings(run.config, metrics):
        console.print(f"• {sentence}", highlight=False)
    console.print(f"\nReport: [bold]{run.folder.report}[/]", highlight=False, soft_wrap=True)


def show_optimum(section: Mapping[str, Any], *, as_json: bool) -> None:
    """The optimum and the gaps."""
    if as_json:
        show_document(section, as_json=True)
        return
    from rich.table import Table

    console = terminal()
    price = section["indifference_price"]
    console.print(
        f"Exact optimum [bold]{section['optimum_bp']:.4f} bp[/] of spot, numerical error below "
        f"{section['numerical_error_bp']:.1e} bp" + ("" if price is None else f"; indifference price {price:.6g}"),
        highlight=False,
    )
    simulated = any("standard_error_bp" in entry for entry in section["policies"].values())
    value = "value ± standard error, bp" if simulated else "exact value, bp"
    table = Table("policy", value, "gap, bp", box=None, header_style="bold")
    for column in table.columns[1:]:
        column.justify = "right"
    for name, entry in sorted(section["policies"].items(), key=lambda item: item[1]["gap_bp"]):
        error, digits = entry.get("standard_error_bp"), 2 if simulated else 4
        noise = "" if error is None else f" ± {error:.2f}"
        table.add_row(name, f"{entry['value_bp']:.{digits}f}{noise}", f"{entry['gap_bp']:.{digits}f}")
    console.print(table)


def show_advice(answer: Mapping[str, Any], *, as_json: bool) -> None:
    """What to hold and trade, in words."""
    if as_json:
        show_document(answer, as_json=True)
        return
    console = terminal()
    verb = "buy" if answer["trade"] > 0 else "sell"
    trade = f"{verb} {abs(answer['trade']):,.6g}" if answer["trade"] else "trade nothing"
    console.print(f"[bold]Hold {answer['hold']:,.6g}[/] of the {answer['instrument']}: {trade}.", highlight=False)
    for other in answer.get("instruments", ())[1:]:
        verb, units = "buy" if other["trade"] > 0 else "sell", abs(other["trade"])
        trade = f"{verb} {units:,.6g}" if units else "trade nothing"
        console.print(f"[bold]Hold {other['hold']:,.6g}[/] of the {other['instrument']}: {trade}.", highlight=False)
    if answer["band"] is not None:
        low, high = answer["band"]
        console.print(f"No-trade band: {low:,.6g} to {high:,.6g}.", highlight=False)
    if answer["black_scholes_delta"] is not None:
        console.print(f"Black–Scholes delta would hold {answer['black_scholes_delta']:,.6g}.", highlight=False)
    console.print(f"[dim]{answer['why']}[/]", highlight=False)
    if answer.get("book"):
        gamma, vega = answer["book"]["dollar_gamma"], answer["book"]["variance_vega"]
        console.print(
            f"The book in variance terms: {_plain(gamma)} per squared return (½ΓS²), {_plain(vega)} per unit of "
            "annualised variance (∂V/∂σ²).",
            highlight=False,
        )


def _plain(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1e4 else f"{value:,.4g}"


def show_export(written: Mapping[str, Any], *, as_json: bool) -> None:
    """Where the file is, how exact it is, and how to ask it."""
    if as_json:
        show_document(written, as_json=True)
        return
    exact = ", ".join(f"{form} within {most:.1e}" for form, most in written["largest_difference"].items())
    lines = [f"Wrote {written['file']}: {exact} of the original on {written['states_checked']:,} random states."]
    if written["onnx_left_out"]:
        lines.append(f"Without ONNX: {written['onnx_left_out']}.")
    lines.append(f"Ask it: python {written['file']} --spot … --time-to-maturity … --position …   (--help says more)")
    sys.stdout.write("\n".join(lines) + "\n")


def show_data_report(report: DataReport, *, as_json: bool) -> None:
    """What a file was understood as."""
    if as_json:
        show_document(report.to_dict(), as_json=True)
        return
    for line in report.lines():
        sys.stdout.write(f"{line}\n")


def show_document(document: Mapping[str, Any], *, as_json: bool) -> None:
    """A mapping as JSON, or a line a key."""
    if as_json:
        sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
        return
    for key, value in document.items():
        sys.stdout.write(f"{key}: {value}\n")


def terminal() -> Console:
    """Standard output; wide enough for the table where it is not a terminal."""
    return Console() if sys.stdout.isatty() else Console(width=WIDEST)
