"""The key numbers at the top of the page."""

from dataclasses import dataclass
from typing import Any

from tenrec.reporting.data import ReportData
from tenrec.reporting.table import RISK, comparison
from tenrec.reporting.text import MEASURES, decimals_of, escape, estimate, interval, number


@dataclass(frozen=True)
class Tile:
    """A number, what it is, and what it stands beside."""

    heading: str
    value: str
    unit: str
    note: str


def tiles(data: ReportData) -> list[Tile]:
    """Risk, ratios to the reference, gap to the optimum, cost and sample of the learned policy."""
    metrics = data.metrics
    learned = metrics.get("policies", {}).get(metrics.get("learned"), {})
    reference = metrics.get("policies", {}).get(metrics.get("reference"), {})
    against = str(reference.get("label") or metrics.get("reference") or "the reference")
    found = [
        _risk(metrics),
        _gap(metrics),
        _ratio(learned, "std", "Std ratio", against),
        _ratio(learned, "cvar95", "CVaR 95\N{NO-BREAK SPACE}% ratio", against),
        _cost(learned, reference, against),
        _sample(metrics),
    ]
    return [tile for tile in found if tile is not None]


def _risk(metrics: dict[str, Any]) -> Tile | None:
    learned = metrics.get("learned")
    filled = next((item for item in comparison(metrics) if item.column.heading == RISK), None)
    if filled is None or learned not in filled.values:
        return None
    measure = MEASURES.get((metrics.get("risk") or {}).get("measure", ""), RISK)
    parameters = ", ".join(f"{key} {value}" for key, value in (metrics.get("risk") or {}).items() if key != "measure")
    note = " ".join(part for part in (filled.interval(learned), parameters and f"at {parameters}") if part)
    return Tile(measure, filled.value(learned), "bp", note)


def _gap(metrics: dict[str, Any]) -> Tile | None:
    optimum = metrics.get("optimum") or {}
    gap = optimum.get("policies", {}).get(metrics.get("learned"), {}).get("gap_bp")
    if gap is None:
        return None
    return Tile(
        "Gap to optimum", number(gap, 3), "bp", f"the exact optimum is {number(optimum.get('optimum_bp'), 3)} bp"
    )


def _ratio(learned: dict[str, Any], key: str, heading: str, against: str) -> Tile | None:
    ratio = (learned.get("ratio") or {}).get(key)
    value, low, _ = estimate(ratio)
    if value is None:
        return None
    decimals = max(decimals_of([ratio]), 2)
    spread = f"{interval(ratio, decimals)} " if low is not None else ""
    return Tile(heading, number(value, decimals), "", f"{spread}against {against}")


def _cost(learned: dict[str, Any], reference: dict[str, Any], against: str) -> Tile | None:
    cost, other = learned.get("cost_bp"), reference.get("cost_bp")
    if cost is None:
        return None
    decimals = 1 if max(cost, other or 0.0) >= 10 else 2
    note = f"{number(other, decimals)} bp for {against}" if other is not None else ""
    return Tile("Mean cost", number(cost, decimals), "bp", note)


def _sample(metrics: dict[str, Any]) -> Tile | None:
    paths, clusters = metrics.get("paths"), metrics.get("clusters")
    if paths is None:
        return None
    if metrics.get("kind") == "recorded":
        note = f"in {clusters:,} expiries, out of sample" if clusters else "out of sample"
        return Tile("Contracts", f"{paths:,}", "", note)
    if clusters:
        return Tile("Sales", f"{paths:,}", "", f"in {clusters:,} {metrics['clusters_are']}, out of sample")
    return Tile("Paths", f"{paths:,}", "", "simulated, the same for every policy")


def tile_html(tile: Tile) -> str:
    """One tile."""
    unit = f"<span>{escape(tile.unit)}</span>" if tile.unit else ""
    return (
        f'<div class="tile"><h3>{escape(tile.heading)}</h3><p class="value">{escape(tile.value)}{unit}</p>'
        f'<p class="note">{escape(tile.note)}</p></div>'
    )
