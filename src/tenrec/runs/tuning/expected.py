"""What a replayed rule made of each week beside what its exported file says to expect, in numbers and in words."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tenrec.runs.tuning.config import GeneratedSpec, TuneConfig
from tenrec.runs.tuning.export import PERFORMANCE
from tenrec.runs.tuning.words import counted, usd
from tenrec.tuning.metrics import Results

TALLIED = {"net_pnl": "wealth", "drawdown": "drawdown", "hedges": "hedges", "cost": "cost"}
LABELS = {
    "net_pnl_usd": "Net P&L",
    "max_drawdown_usd": "Largest drawdown",
    "hedge_count_per_week": "Hedges",
    "transaction_costs_usd": "Costs",
}


def against_expected(stated: Mapping[str, Any], found: Results) -> dict[str, dict[str, Any]]:
    """By exported name: the mean and the 5 % and 95 % quantiles of the weeks, beside those stated.

    `inside` says whether the mean lies in the stated range, `weeks_inside` the share of weeks that do; both are None
    where the file states no range.
    """
    section = {}
    for name, column in PERFORMANCE.items():
        weeks = found.tally[TALLIED[column]][:, 0]
        low, high = (float(bound) for bound in np.quantile(weeks, [0.05, 0.95]))
        entry: dict[str, Any] = {"mean": float(weeks.mean()), "low": low, "high": high}
        limits = stated.get(f"{name}_out_of_sample_range")
        entry |= {"expected": stated.get(name), "range": limits, "inside": None, "weeks_inside": None}
        if limits is not None:
            least, most = _widened(limits)
            entry["inside"] = bool(least <= entry["mean"] <= most)
            entry["weeks_inside"] = float(np.mean((weeks >= least) & (weeks <= most)))
        section[name] = entry
    return section


def _widened(limits: list[float]) -> tuple[float, float]:
    """The range before it was rounded to cents."""
    return limits[0] - 0.005, limits[1] + 0.005


def replay_subtitle(config: TuneConfig, metrics: Mapping[str, Any]) -> str:
    """What was replayed, on what."""
    kind = "generated" if isinstance(config.ticks, GeneratedSpec) else "recorded"
    book = f"{config.book.notional:,.0f} USD notional, {config.book.settlement} hedge"
    return f"{book}, {metrics['market']['ticks']:,} {kind} ticks in {counted(metrics['weeks']['all'], 'week')}."


def replay_findings(metrics: Mapping[str, Any]) -> tuple[str, ...]:
    """What the replay says about the rule and about what was expected of it."""
    weeks, result = metrics["weeks"], metrics["result"]
    told = []
    if weeks["tuned_on"]:
        told.append(
            f"These are the ticks that the rule was tuned on: the later ones ({counted(weeks['judged'], 'week')}) are "
            f"judged, the earlier ones ({weeks['tuned_on']:,}) left out, and agreement is a check of the file, not new "
            "evidence."
        )
    told.append(
        f"A week makes {usd(result['net_pnl'])} USD net of {usd(result['cost'])} of costs with "
        f"{result['hedges']:,.0f} hedges (95 % interval of the mean "
        f"[{usd(result['net_pnl_low'])}, {usd(result['net_pnl_high'])}], {counted(weeks['judged'], 'week')})."
    )
    for name, entry in metrics["expected"].items():
        told.append(_expectation(LABELS[name], entry))
    return tuple(told)


def _expectation(label: str, entry: Mapping[str, Any]) -> str:
    if entry["expected"] is None:
        return f"{label}: {usd(entry['mean'])} a week; the file says nothing to compare it with."
    if entry["range"] is None:
        return (
            f"{label}: {usd(entry['mean'])} a week against {usd(entry['expected'])} expected; the file "
            "states no range of later weeks."
        )
    low, high = entry["range"]
    where = "inside" if entry["inside"] else "OUTSIDE"
    return (
        f"{label}: {usd(entry['mean'])} a week against {usd(entry['expected'])} expected, {where} the stated range "
        f"[{usd(low)}, {usd(high)}]; {entry['weeks_inside']:.0%} of the weeks lie in it."
    )
