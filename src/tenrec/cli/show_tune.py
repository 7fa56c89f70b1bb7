"""How a tuning run looks in a terminal."""

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tenrec.cli.show import reporting, show_document, terminal
from tenrec.reporting.text import number, plain
from tenrec.runs.tuning.api import TuneRun, resume_tune
from tenrec.runs.tuning.report import report_tune
from tenrec.runs.tuning.words import findings, recommendations, subtitle_of, title_of, usd

BEST = 10


def show_tune(run: TuneRun, *, as_json: bool) -> None:
    """Ticks, best set with its metrics, ten best sets, importance, findings and recommendations."""
    folder, metrics = run.folder, run.metrics
    if as_json:
        show_document({"run": str(run.path), "report": str(folder.report), **metrics}, as_json=True)
        return
    out, config = terminal(), folder.config()
    out.print(f"[bold]{title_of(config)}[/]: {subtitle_of(config, metrics)}", highlight=False)
    _market(out, metrics)
    _best(out, metrics)
    _ten_best(out, run)
    _importance(out, metrics)
    out.print("\n[bold]Findings[/]")
    for sentence in findings(metrics):
        out.print(f"• {sentence}", highlight=False)
    out.print("\n[bold]Recommendations[/]")
    for heading, sentence in recommendations(config, metrics).items():
        out.print(f"• [bold]{heading}:[/] {sentence}", highlight=False)
    out.print(f"\nReport: [bold]{folder.report}[/]", highlight=False, soft_wrap=True)
    out.print(f"Rule:   {run.path / 'hedging_config_optimized.yml'}", highlight=False, soft_wrap=True)


def resume_tuning(path: Path, *, as_json: bool) -> None:
    """Continue a tuning run and show it."""
    with reporting(quiet=as_json) as reporter:
        run = resume_tune(path, reporter=reporter)
    show_tune(run, as_json=as_json)


def report_tuning(path: Path, *, as_json: bool) -> None:
    """Write the report of a tuning run again and show it."""
    run = resume_tune(path)
    report_tune(run.folder)
    show_tune(run, as_json=as_json)


def _market(out: Console, metrics: dict[str, Any]) -> None:
    market = metrics["market"]
    (low, high), (calm, wild) = market["price"], market["volatility"]
    gaps = f", {market['gaps']:,} missing ones masked" if market["gaps"] else ""
    out.print(
        f"\nTicks: {market['ticks']:,}{gaps} · price {low:,.0f} to {high:,.0f} · volatility {calm:.0%} to {wild:.0%}",
        highlight=False,
    )


def _best(out: Console, metrics: dict[str, Any]) -> None:
    best, entry = metrics["best"], metrics["comparison"]["tuned"]
    out.print(f"\n[bold]Best set[/] (trial {best['trial']}, score {number(best['score'], 3)})", highlight=False)
    for name, value in best["values"].items():
        out.print(f"  {name:<26}{plain(float(value)):>12}", highlight=False)
    table = Table("a week, USD", box=None, header_style="bold", padding=(0, 2))
    samples = {"in_sample": "in sample", "out_of_sample": "out of sample"}
    shown = {key: heading for key, heading in samples.items() if entry[key] is not None}
    for heading in shown.values():
        table.add_column(heading, justify="right")
    for label, name in (
        ("net P&L", "net_pnl"), ("P&L before costs", "total_pnl"), ("costs", "cost"), ("funding", "funding"),
        ("largest drawdown", "max_drawdown"), ("CVaR 95 %, hourly", "cvar95_hourly"), ("turnover", "turnover"),
        ("delta–gamma–theta less revaluation", "expansion_error"),
    ):  # fmt: skip
        table.add_row(label, *(usd(entry[key][name]) for key in shown))
    table.add_row("hedges", *(f"{entry[key]['hedges']:,.0f}" for key in shown))
    table.add_row("mean |delta|, units", *(f"{entry[key]['mean_abs_delta']:.4f}" for key in shown))
    table.add_row("Sharpe ± s.e.", *(_sharpe(entry[key]) for key in shown))
    out.print(table)


def _sharpe(entry: dict[str, Any]) -> str:
    return f"{number(entry['sharpe'], 2)} ± {number(entry['sharpe_se'], 2)}"


def _ten_best(out: Console, run: TuneRun) -> None:
    names = run.metrics["parameters"]
    out.print("\n[bold]Ten best sets[/]")
    table = Table(
        "trial",
        "score",
        *(name.replace("_", "\n", 1) for name in names),
        "net P&L",
        "hedges",
        box=None,
        header_style="bold",
    )
    for column in table.columns:
        column.justify = "right"
    best = run.trials.sort("score", "number", descending=[True, False]).head(BEST)
    for row in best.iter_rows(named=True):
        numbers = [plain(float(row[name])) for name in names]
        table.add_row(
            str(row["number"]), number(row["score"], 3), *numbers, usd(row["net_pnl"]), f"{row['hedges']:,.0f}"
        )
    out.print(table)


def _importance(out: Console, metrics: dict[str, Any]) -> None:
    section = metrics["importance"]
    if not section:
        return
    out.print("\n[bold]Parameter importance[/] (share of the score's variance)")
    for name, share in sorted(section["alone"].items(), key=lambda item: -item[1]):
        out.print(f"  {name:<26}{share:>6.1%} {'█' * round(40 * share)}", highlight=False)
    out.print(f"  {'several together':<26}{section['together']:>6.1%}", highlight=False)
