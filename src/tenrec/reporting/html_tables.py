"""The tables of the page, as HTML."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import polars as pl

from tenrec.reporting.data import ReportData
from tenrec.reporting.style import FAINT, LEARNED, PALETTE, PolicyStyle
from tenrec.reporting.table import FilledColumn, comparison
from tenrec.reporting.text import MINUS, escape, estimate, number, plain


def comparison_table(data: ReportData, styles: Mapping[str, PolicyStyle]) -> str:
    """One row for each policy; the best value of a column is marked, intervals stand below the values."""
    columns = comparison(data.metrics)
    learned, reference = data.metrics.get("learned"), data.metrics.get("reference")
    headings = "".join(
        f'<th scope="col">{escape(item.column.heading)}<span>{escape(item.column.unit)}</span></th>' for item in columns
    )
    rows = []
    for name in data.metrics.get("policies", {}):
        style = styles[name]
        role = "learned" if name == learned else "reference" if name == reference else ""
        badge = f' <span class="badge {role}">{role}</span>' if role else ""
        cells = "".join(_comparison_cell(item, name) for item in columns)
        key = f'<i class="key" style="background:{style.color}"></i>'
        label = f'<th scope="row"><div>{key}<span>{style.text}{badge}</span></div></th>'
        rows.append(f'<tr class="{role}">{label}{cells}</tr>')
    head = f'<thead><tr><th scope="col">Policy</th>{headings}</tr></thead>'
    return f'<div class="scroll"><table class="comparison">{head}<tbody>{"".join(rows)}</tbody></table></div>'


def _comparison_cell(item: FilledColumn, name: str) -> str:
    spread = item.interval(name)
    small = f"<small>{spread}</small>" if spread else ""
    best = ' class="best"' if name in item.best else ""
    return f"<td{best}><b>{item.value(name)}</b>{small}</td>"


def validation_table(data: ReportData, styles: Mapping[str, PolicyStyle]) -> str:
    """Ratio of every candidate to the reference in each fold; what was chosen is marked."""
    validation = data.metrics.get("validation") or {}
    candidates: dict[str, dict[str, Any]] = validation.get("candidates", {})
    if not candidates:
        return ""
    folds = [str(fold) for fold in validation.get("folds", [])] or [str(f) for f in next(iter(candidates.values()))]
    chosen = validation.get("chosen")
    head = "".join(f'<th scope="col">{escape(fold)}</th>' for fold in folds)
    rows = []
    for name, ratios in candidates.items():
        label = styles[name].text if name in styles else escape(name)
        badge = ' <span class="badge learned">chosen</span>' if name == chosen else ""
        by_fold = {str(fold): ratio for fold, ratio in ratios.items()}
        cells = "".join(_ratio_cell(by_fold.get(fold)) for fold in folds)
        role = ' class="learned"' if name == chosen else ""
        rows.append(f'<tr{role}><th scope="row">{label}{badge}</th>{cells}</tr>')
    head = f'<thead><tr><th scope="col">Candidate</th>{head}</tr></thead>'
    return f'<div class="scroll"><table>{head}<tbody>{"".join(rows)}</tbody></table></div>'


def _ratio_cell(ratio: Any) -> str:
    """A ratio on a ground that is bluer the further it lies below 1, and redder the further above."""
    parts = ratio if isinstance(ratio, Mapping) and "value" not in ratio else {"": ratio}
    values = [estimate(part)[0] for part in parts.values()]
    text = " / ".join(number(value, 2) for value in values)
    known = [value for value in values if value is not None]
    if not known:
        return f"<td>{text}</td>"
    mean = sum(known) / len(known)
    red, green, blue = (0, 114, 178) if mean < 1 else (213, 94, 0)
    alpha = min(abs(mean - 1) * 1.2, 0.35)
    return f'<td style="background:rgba({red},{green},{blue},{alpha:.3f})">{text}</td>'


def days_table(days: pl.DataFrame) -> str:
    """The days that make the difference, each with a bar to the left or right of zero."""
    column = next(name for name in days.columns if days[name].dtype.is_numeric() and name != "date")
    values = [float(value) for value in days[column].fill_null(0.0)]
    most = max((abs(value) for value in values), default=0.0) or 1.0
    signed = any(value < 0 for value in values)
    labels = days["label"].to_list() if "label" in days.columns else [""] * days.height
    rows = []
    for date, value, label in zip(days["date"].to_list(), values, labels, strict=True):
        share = 100 * abs(value) / most / (2 if signed else 1)
        start = (50 - share if value < 0 else 50) if signed else 0
        color = PALETTE[3] if value < 0 else LEARNED
        bar = f'<i class="bar" style="left:{start:.1f}%;width:{share:.1f}%;background:{color}"></i>'
        text = with_sign(value, 1) if signed else number(value, 1)
        cells = f'<td>{text}</td><td class="bars{" signed" if signed else ""}"><div>{bar}</div></td>'
        rows.append(f'<tr><th scope="row">{escape(date)}</th>{cells}<td class="text">{escape(label or "")}</td></tr>')
    heading = "".join(
        f'<th scope="col"{extra}>{text}</th>'
        for text, extra in (("Date", ""), (escape(_heading(column)), ""), ("", ""), ("What happened", ' class="text"'))
    )
    table = f'<table class="days"><thead><tr>{heading}</tr></thead><tbody>{"".join(rows)}</tbody></table>'
    return f'<div class="scroll">{table}</div>'


def _heading(column: str) -> str:
    """`difference_bp` becomes `Difference (bp)`, `squared_error_bp2` becomes `Squared error (bp²)`."""
    for suffix, unit in (("_bp2", "bp²"), ("_bp", "bp"), ("_percent", "%"), ("_share", "share")):
        if column.endswith(suffix):
            return f"{column.removesuffix(suffix).replace('_', ' ').capitalize()} ({unit})"
    return column.replace("_", " ").capitalize()


def counts_table(counts: Mapping[str, int]) -> str:
    """Contracts by reason, with a bar for each."""
    most = max(counts.values(), default=0) or 1
    rows = "".join(
        f'<tr><th scope="row">{escape(reason)}</th><td>{count:,}</td><td class="bars"><div>'
        f'<i class="bar" style="left:0;width:{100 * count / most:.1f}%;background:{FAINT}"></i></div></td></tr>'
        for reason, count in sorted(counts.items(), key=lambda item: -item[1])
    )
    head = '<thead><tr><th scope="col">Reason</th><th scope="col">Contracts</th><th scope="col"></th></tr></thead>'
    return f'<div class="scroll"><table class="counts">{head}<tbody>{rows}</tbody></table></div>'


def facts_table(facts: Mapping[str, Any] | Sequence[tuple[str, Any]]) -> str:
    """Names and values, two columns."""
    pairs = facts.items() if isinstance(facts, Mapping) else facts
    rows = "".join(
        f'<tr><th scope="row">{escape(str(key).replace("_", " "))}</th><td>{escape(plain(value))}</td></tr>'
        for key, value in pairs
    )
    return f'<table class="facts"><tbody>{rows}</tbody></table>'


def _head(columns: Sequence[str], *, words: Collection[str]) -> str:
    """Headings; those over words stand to the left."""
    return "".join(f'<th scope="col"{" class=text" if name in words else ""}>{escape(name)}</th>' for name in columns)


def with_sign(value: float, decimals: int) -> str:
    """A number with its sign.

    Example:
        >>> with_sign(1.23, 1), with_sign(-1.23, 1)
        ('+1.2', '−1.2')
    """
    text = number(value, decimals)
    return text if text.startswith(MINUS) or value == 0 else f"+{text}"


def stress_table(stresses: pl.DataFrame) -> str:
    """One row a stress: its moves, the P&L, and whose levels they are."""
    head = _head(("Stress", "Spot", "Volatility", "P&L (bp)", "Levels"), words={"Levels"})
    rows = "".join(
        f'<tr><th scope="row">{escape(row["stress"])}</th><td>{number(100 * row["spot_move"], 1)} %</td>'
        f"<td>× {number(row['vol_factor'], 2)}</td><td>{number(row['pnl_bp'], 1)}</td>"
        f'<td class="text">{escape(row["source"])}</td></tr>'
        for row in stresses.iter_rows(named=True)
    )
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def instrument_table(rows: pl.DataFrame, styles: Mapping[str, PolicyStyle]) -> str:
    """One row for each policy and instrument; policies that never trade are left out."""
    columns = ("Policy", "Instrument", "Held", "Traded", "P&L (bp)", "Std of P&L (bp)", "Cost (bp)")
    head = _head(columns, words={"Instrument"})
    body = []
    for (name,), own in rows.group_by("policy", maintain_order=True):
        if own["traded"].sum() == 0.0 or name not in styles:
            continue
        style = styles[str(name)]
        label = f'<div><i class="key" style="background:{style.color}"></i><span>{style.text}</span></div>'
        for place, row in enumerate(own.iter_rows(named=True)):
            numbers = (row["held"], 3), (row["traded"], 2), (row["gain_std_bp"], 1), (row["cost_bp"], 2)
            held, traded, deviation, cost = (f"<td>{number(value, digits)}</td>" for value, digits in numbers)
            gain = f"<td>{with_sign(row['gain_bp'], 1)}</td>"
            first = (
                f'<th scope="row">{label if place == 0 else ""}</th><td class="text">{escape(row["instrument"])}</td>'
            )
            body.append(f"<tr>{first}{held}{traded}{gain}{deviation}{cost}</tr>")
    table = f'<table class="comparison"><thead><tr>{head}</tr></thead><tbody>{"".join(body)}</tbody></table>'
    return f'<div class="scroll">{table}</div>'
