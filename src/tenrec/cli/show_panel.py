"""The table of a panel backtest in a terminal."""

from typing import Any

from rich.table import Table

from tenrec.reporting.text import number


def panel_table(metrics: dict[str, Any]) -> Table:
    """One row a delta: validation, judged one-session gains, and what came of hedging to expiry."""
    steps, held = metrics["one_session"], metrics["to_expiry"]["policies"]
    heads = (
        "gain on one session, %",
        "valid.",
        "judged",
        "",
        "winsor.",
        "w/o extremes",
        "rms bp",
        "to expiry bp",
        "cost bp",
    )
    table = Table(*heads, box=None, header_style="bold")
    for column in table.columns[1:]:
        column.justify = "right"
    reference = metrics["reference"]
    for name, label in metrics["labels"].items():
        own = held.get(name)
        ends = [number(own["rms_bp"], 0), number(own["cost_bp"], 1)] if own else ["–", "–"]
        if name == reference:
            table.add_row(label, "", "reference", "", "", "", number(steps["reference_rms_bp"], 1), *ends)
            continue
        entry, past = steps["gains"][name], metrics["validation"]["gains"].get(name)
        table.add_row(
            f"[bold]{label}[/]" if name == metrics["learned"] else label,
            number(past["pooled"]["value"], 1) if past else "–",
            number(entry["value"], 1),
            rf"\[{number(entry['low'], 0)}, {number(entry['high'], 0)}]",
            number(entry["winsorised"], 1),
            number(entry["without_extremes"], 1),
            number(entry["rms_bp"], 1),
            *ends,
        )
    return table
