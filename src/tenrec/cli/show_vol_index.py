"""How indices, surfaces and strategies of volatility look in a terminal."""

from collections.abc import Mapping
from typing import Any

from rich.table import Table

from tenrec.cli.show import show_document, terminal
from tenrec.reporting.text import number


def show_index(metrics: Mapping[str, Any], *, as_json: bool) -> None:
    """The last day's maturities as a table, the findings and where the report is."""
    if as_json:
        show_document(metrics, as_json=True)
        return
    from tenrec.reporting.volatility.index_page import findings

    table = _table("days", "index", "variance swap", "volatility swap", "at the money", "risk reversal", "skew index")
    for row in metrics["latest"]:
        percent = (row[name] for name in ("variance_swap", "volatility_swap", "at_the_money", "risk_reversal"))
        cells = [_number(value, 100.0) for value in percent]
        mark = "bold" if row["days"] in metrics["asked"] else None
        table.add_row(f"{row['days']:g}", _number(row["index"]), *cells, _number(row["skew_index"]), style=mark)
    console = terminal()
    console.print(f"\n[bold]{metrics['chain']}[/], {metrics['last']}", highlight=False)
    console.print(table)
    _end(console, [*metrics["assumptions"], *_dropped(metrics), *findings(dict(metrics))], metrics["report"])


def show_surface(metrics: Mapping[str, Any], *, as_json: bool) -> None:
    """The last day's constant maturities, the findings and where the report is."""
    if as_json:
        show_document(metrics, as_json=True)
        return
    from tenrec.reporting.volatility.surface_page import surface_findings

    table = _table("days", "at the money", "skew", "curvature", "risk reversal", "butterfly")
    for row in metrics["latest"]:
        points = (_number(row[name], 100.0) for name in ("risk_reversal", "butterfly"))
        level = (_number(row["at_the_money"], 100.0), _number(row["skew"]), _number(row["curvature"]))
        table.add_row(f"{row['days']:g}", *level, *points)
    console = terminal()
    console.print(f"\n[bold]{metrics['chain']}[/], {metrics['last']}", highlight=False)
    console.print(table)
    _end(console, [*metrics["assumptions"], *_dropped(metrics), *surface_findings(dict(metrics))], metrics["report"])


def show_strategy(metrics: Mapping[str, Any], *, as_json: bool) -> None:
    """A row a strategy, the findings and where the report is."""
    if as_json:
        show_document(metrics, as_json=True)
        return
    from tenrec.reporting.volatility.strategy_page import strategy_findings

    table = _table("% of capital", "mean", "deviation", "Sharpe", "95 %", "drawdown", "worst day", "cost")
    for name, one in metrics["strategies"].items():
        cells = [_number(one[key], 100.0) for key in ("mean", "deviation")]
        tail = [_number(one[key], 100.0) for key in ("drawdown", "worst_day", "cost")]
        interval = f"\\[{_number(one['low'])}, {_number(one['high'])}]"
        table.add_row(name, *cells, _number(one["sharpe"]), interval, *tail)
    console = terminal()
    console.print(table)
    _end(console, [*metrics["notes"], *strategy_findings(dict(metrics))], metrics["report"])


def _dropped(metrics: Mapping[str, Any]) -> list[str]:
    return [f"{count:,} expiries are not used: {why}." for why, count in metrics["left_out"].items()]


def _table(*columns: str) -> Table:
    table = Table(*columns, box=None, header_style="bold")
    for column in table.columns[1:]:
        column.justify = "right"
    return table


def _number(value: float | None, scale: float = 1.0) -> str:
    return "–" if value is None else number(scale * value, 2)


def _end(console: Any, sentences: list[str], report: str) -> None:
    for sentence in sentences:
        console.print(f"• {sentence}", highlight=False)
    console.print(f"\nReport: [bold]{report}[/]", highlight=False, soft_wrap=True)
