"""The comparison of policies: its columns, and the table for the terminal."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tenrec.reporting.text import decimals_of, estimate, interval, number

if TYPE_CHECKING:
    from rich.table import Table

RISK, CVAR, STD_RATIO, CVAR_RATIO = "Risk", "CVaR 95\N{NO-BREAK SPACE}%", "Std ratio", "CVaR ratio"

LEFT_OUT = {"Mean P&L", "Trades"}
"""Columns that the page has room for and the terminal has not."""

BRACKETED = {RISK, STD_RATIO, CVAR_RATIO}
"""Columns whose intervals the terminal shows too."""

FOLDED_LABEL = 17
"""Width of the first column where the terminal is narrow; rows are three lines high there anyway."""


@dataclass(frozen=True)
class Column:
    """One column of the comparison.

    Args:
        heading: short name.
        unit: shown below it.
        read: the estimate of a policy, a number or an interval.
        lowest_wins: mark the lowest value; False where low is neither good nor bad.
        least_decimals, most_decimals: bounds on the decimals, which the intervals otherwise decide.
    """

    heading: str
    unit: str
    read: Callable[[dict[str, Any]], Any]
    lowest_wins: bool = False
    least_decimals: int = 0
    most_decimals: int = 3


@dataclass(frozen=True)
class FilledColumn:
    """A column with the estimate of every policy, and the policies that have the best one."""

    column: Column
    values: dict[str, Any]
    decimals: int
    best: frozenset[str]

    def value(self, name: str) -> str:
        return number(estimate(self.values[name])[0], self.decimals)

    def interval(self, name: str) -> str:
        """The interval, or nothing where it has no width, as a ratio of the reference to itself has none."""
        _, low, high = estimate(self.values[name])
        return "" if low == high else interval(self.values[name], self.decimals)


def comparison(metrics: dict[str, Any]) -> list[FilledColumn]:
    """Every column of the comparison that the metrics have values for."""
    policies: dict[str, dict[str, Any]] = metrics.get("policies", {})
    gaps = (metrics.get("optimum") or {}).get("policies", {})
    named = {name: {**item, "gap_bp": gaps.get(name, {}).get("gap_bp")} for name, item in policies.items()}
    filled = [_fill(column, named) for column in _columns()]
    return [item for item in filled if any(estimate(value)[0] is not None for value in item.values.values())]


def _columns() -> list[Column]:
    def ratio(key: str) -> Callable[[dict[str, Any]], Any]:
        return lambda item: (item.get("ratio") or {}).get(key)

    return [
        Column(RISK, "bp", lambda item: item.get("risk_bp"), lowest_wins=True),
        Column("Gap to optimum", "bp", lambda item: item.get("gap_bp"), lowest_wins=True, least_decimals=3),
        Column("Mean P&L", "bp", lambda item: item.get("mean_bp")),
        Column("Std", "bp", lambda item: item.get("std_bp"), lowest_wins=True),
        Column(CVAR, "bp", lambda item: item.get("cvar95_bp"), lowest_wins=True),
        Column(STD_RATIO, "×", ratio("std"), lowest_wins=True, least_decimals=2),
        Column(CVAR_RATIO, "×", ratio("cvar95"), lowest_wins=True, least_decimals=2),
        Column("Cost", "bp", lambda item: item.get("cost_bp")),
        Column("Turnover", "× spot", lambda item: item.get("turnover")),
        Column("Trades", "per path", lambda item: item.get("trades"), most_decimals=1),
    ]


def _fill(column: Column, policies: dict[str, dict[str, Any]]) -> FilledColumn:
    values = {name: column.read(item) for name, item in policies.items()}
    decimals = min(max(decimals_of(values.values()), column.least_decimals), column.most_decimals)
    known = {name: round(value, decimals) for name in values if (value := estimate(values[name])[0]) is not None}
    least = min(known.values(), default=None)
    best = {name for name, value in known.items() if value == least} if column.lowest_wins else set()
    return FilledColumn(column, values, decimals, frozenset(best if len(best) < len(known) else ()))


def terminal_table(metrics: dict[str, Any], *, width: int | None = None) -> "Table":
    """The comparison as a Rich table: risk with its interval, std, CVaR, cost, turnover and ratios for each policy.

    Args:
        metrics: the run's `metrics.json`.
        width: columns of the terminal; None to ask the terminal. Where the table is wider, its intervals fold.

    The learned policy is marked `◆`, the reference `◇`, the best value of a column is green.
    """
    from rich.console import Console

    columns = [item for item in comparison(metrics) if item.column.heading not in LEFT_OUT]
    table = _table(metrics, columns, folded=False)
    needed = Console(width=1000).measure(table).maximum
    if needed > (Console().width if width is None else width):
        return _table(metrics, columns, folded=True)
    return table


def _table(metrics: dict[str, Any], columns: list[FilledColumn], *, folded: bool) -> "Table":
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    caption = "95 % intervals in brackets; ratios to the reference; ◆ learned, ◇ reference"
    padding = (0, 0 if folded else 1, 0, 0)
    table = Table(box=box.SIMPLE_HEAD, padding=padding, pad_edge=False, caption=caption, caption_justify="left")
    table.add_column("Policy", max_width=FOLDED_LABEL if folded else None)
    for item in columns:
        heading = "\n".join(item.column.heading.rsplit(" ", maxsplit=1))
        heading = heading.replace("Turnover", "Turn-\nover") if folded else heading
        table.add_column(f"{escape(heading)}\n[dim]{item.column.unit}[/]", justify="right", no_wrap=True)
    learned, reference = metrics.get("learned"), metrics.get("reference")
    for name, policy in metrics.get("policies", {}).items():
        mark = {learned: "◆\N{NO-BREAK SPACE}", reference: "◇\N{NO-BREAK SPACE}"}.get(name, "")
        cells = [_terminal_cell(item, name, folded=folded) for item in columns]
        label = mark + escape(str(policy.get("label") or name))
        table.add_row(label, *cells, style="bold" if name == learned else "")
    return table


def _terminal_cell(item: FilledColumn, name: str, *, folded: bool) -> str:
    from rich.markup import escape

    value = item.value(name)
    if name in item.best:
        value = f"[green]{value}[/]"
    spread = item.interval(name) if item.column.heading in BRACKETED else ""
    spread = spread.replace(", ", ",\n") if folded else spread
    return f"{value}\n[dim not bold]{escape(spread)}[/]" if spread else value
