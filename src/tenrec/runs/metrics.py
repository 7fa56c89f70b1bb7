"""`metrics.json`: every policy's numbers, with intervals and paired against the reference."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tenrec.hedging.assess import Outcome
from tenrec.runs.config import HedgeConfig
from tenrec.runs.policies import LABELS, policy_name
from tenrec.runs.policy_specs import PolicySpec
from tenrec.runs.statistics import CVAR95, MEAN, STD, Comparison, risk_statistic

BP = 1e4


def losses_of(outcomes: Mapping[str, Outcome], spot: np.ndarray | float) -> dict[str, np.ndarray]:
    """ℓ = −P&L_T/S₀ by policy, float64."""
    return {name: -np.asarray(outcome.pnl, np.float64) / spot for name, outcome in outcomes.items()}


def policy_metrics(
    outcomes: Mapping[str, Outcome],
    config: HedgeConfig,
    spot: np.ndarray | float,
    clusters: np.ndarray | None = None,
    pairs: np.ndarray | None = None,
) -> dict[str, dict[str, Any]]:
    """The table of a report: one entry a policy.

    Args:
        outcomes: by policy, on the same paths. spot: S₀ of each path, or of all. clusters: label of each path's
            shared history (its expiry, say), None for independent paths. pairs: label of each antithetic pair.
    """
    comparison = Comparison(losses_of(outcomes, spot), clusters, pairs=pairs)
    risk, reference = risk_statistic(config.risk.model_dump()), config.evaluate.reference
    table: dict[str, dict[str, Any]] = {}
    for name, outcome in outcomes.items():
        table[name] = {
            "label": label_of(config, name),
            "risk_bp": comparison.value(risk, name, BP),
            "mean_bp": _negated(comparison.value(MEAN, name, BP)),
            "std_bp": comparison.value(STD, name, BP),
            "cvar95_bp": comparison.value(CVAR95, name, BP),
            "cost_bp": float(np.mean(np.asarray(outcome.cost) / spot) * BP),
            "turnover": float(np.mean(np.asarray(outcome.traded) / spot)),
            "trades": float(np.mean(np.asarray(outcome.trades))),
            "ratio": {
                "std": comparison.ratio(STD, name, reference),
                "cvar95": comparison.ratio(CVAR95, name, reference),
            },
            "difference_bp": comparison.difference(risk, name, reference, BP),
        }
        if outcome.shortfall is not None:
            table[name]["margin"] = margin_calls(np.asarray(outcome.shortfall, np.float64))
    return table


def margin_calls(shortfall: np.ndarray) -> dict[str, float]:
    """Worst shortfall of the maintenance margin on any path, quote currency, and the share of paths that had one."""
    return {"worst_shortfall": float(shortfall.max()), "called": float(np.mean(shortfall > 0.0))}


def label_of(config: HedgeConfig, name: str) -> str:
    """What a policy is called in tables."""
    for spec in (config.policy, *config.rivals):
        if policy_name(spec) == name:
            return LABELS[name] if spec.name is None else learned_label(spec)
    return LABELS[name]


def learned_label(spec: PolicySpec) -> str:
    """A readable form of a learned policy's own name."""
    return str(spec.name).replace("_", " ").capitalize()


def currency_value(value: Mapping[str, float], spot: float) -> dict[str, float]:
    """A risk in basis points of spot as currency."""
    return {key: number / BP * spot for key, number in value.items()}


def _negated(interval: Mapping[str, float]) -> dict[str, float]:
    """The interval of −x: mean P&L from mean loss."""
    return {"value": -interval["value"], "low": -interval["high"], "high": -interval["low"]}
