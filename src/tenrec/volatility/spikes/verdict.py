"""What the probabilities were worth beside climatology and a logit on the volatility's level."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from tenrec.volatility.forecast.compare import diebold_mariano
from tenrec.volatility.record import VarianceRecord
from tenrec.volatility.spikes.alarms import count_alarms
from tenrec.volatility.spikes.learn import fit_scale
from tenrec.volatility.spikes.logit import fit_logit
from tenrec.volatility.spikes.probability import SpikeProbability
from tenrec.volatility.spikes.scores import area_under_curve, average_precision, brier, reliability, resamples

Days = Float[np.ndarray, " days"]

LABELS = {
    "climatology": "climatology",
    "level": "logit on the volatility’s level",
    "logit": "ridge logit",
    "network": "ridge logit and network",
}
THRESHOLDS = (1.5, 2.0, 3.0)
"""Multiples of climatology's odds at which alarms are counted."""


@dataclass(frozen=True)
class Watched:
    """One event and every model's probability of it.

    Args:
        found: the logit's walk. probabilities: model → probability after each day. seeds: of the network.
    """

    found: SpikeProbability
    probabilities: dict[str, Days]
    seeds: Float[np.ndarray, "seeds days"]


def level_probability(record: VarianceRecord, found: SpikeProbability) -> Days:
    """A logit on the log of the volatility alone: the implied one if known, else the month's."""
    level = np.log(record.implied) if record.implied is not None else 0.5 * np.log(found.event.level(record))
    out = np.full(len(record), np.nan)
    cutoffs = [*found.fits, len(record)]
    for place, cutoff in enumerate(found.fits):
        rows = np.arange(len(record)) <= cutoff - found.event.horizon
        rows &= np.isfinite(found.outcome) & np.isfinite(level)
        scale = fit_scale(level[rows, None])
        fit = fit_logit(scale(level[rows, None]), found.outcome[rows], ridge=1.0)
        block = slice(cutoff, cutoffs[place + 1])
        out[block] = 1.0 / (1.0 + np.exp(-fit.log_odds(scale(level[block, None]))))
    return out


def judge_spikes(
    record: VarianceRecord, watched: Watched, *, alarm: float | None = None, since: str | None = None, seed: int = 0
) -> dict[str, Any]:
    """Scores of every model with block-bootstrap intervals, calibration, alarms, and today's state with its reasons.

    Args:
        alarm: probability at which an alarm rings, beside the multiples of climatology's odds.
        since: judge only days from this date on. seed: of the bootstrap.
    """
    found = watched.found
    rows = found.judged()
    if since is not None:
        rows = rows[found.dates[rows] >= np.datetime64(since)]
    y, base = found.outcome[rows], watched.probabilities["climatology"][rows]
    drawn = resamples(len(rows), seed=seed)
    models = {}
    for name, probability in watched.probabilities.items():
        p = probability[rows]
        against = {
            other: diebold_mariano((y - p) ** 2, (y - watched.probabilities[other][rows]) ** 2, found.event.horizon)
            for other in ("climatology", "level")
        }
        models[name] = {
            "label": LABELS[name],
            "auc": drawn.area(y, p).document(),
            "average_precision": average_precision(y, p),
            "brier": brier(y, p),
            "brier_skill": drawn.skill(y, p, base).document(),
            "dm_p": {other: test.p_value if other != name else None for other, test in against.items()},
            "latest": float(probability[-1]),
        }
    until = found.event.days_until(record)
    thresholds = [(multiple, True) for multiple in THRESHOLDS] + ([(alarm, False)] if alarm is not None else [])
    groups = reliability(y, watched.probabilities["logit"][rows])
    return {
        "event": {**asdict(found.event), "sentence": found.event.sentence()},
        "days": len(rows),
        "from": str(found.dates[rows[0]]),
        "to": str(found.dates[rows[-1]]),
        "frequency": float(y.mean()),
        "models": models,
        "network_seeds_auc": [area_under_curve(y, own[rows]) for own in watched.seeds],
        "calibration": {
            "probability": groups.probability.tolist(),
            "frequency": groups.frequency.tolist(),
            "days": groups.days.tolist(),
        },
        "alarms": [
            _known(asdict(count_alarms(found, rows, until, record.days_per_year, threshold, relative=relative)))
            for threshold, relative in thresholds
        ],
        "weights": _weights(found),
        "now": _now(found),
    }


def _known(entry: dict[str, Any]) -> dict[str, Any]:
    """JSON has no NaN."""
    return {key: None if isinstance(value, float) and not np.isfinite(value) else value for key, value in entry.items()}


def _weights(found: SpikeProbability) -> list[dict[str, Any]]:
    """Log odds that a standard deviation of each input adds in the last fit, largest first."""
    last = found.fits[max(found.fits)]
    sizes = last.calibration.slope * last.logit.slopes
    order = np.argsort(-np.abs(sizes))
    return [
        {"input": found.inputs.names[j], "label": found.inputs.labels[j], "log_odds": float(sizes[j])} for j in order
    ]


def _now(found: SpikeProbability) -> dict[str, Any]:
    """The last day's probability and what made it, largest first."""
    reasons = found.reasons[-1]
    order = np.argsort(-np.abs(reasons))
    past = found.probability[np.isfinite(found.probability)]
    return {
        "date": str(found.dates[-1]),
        "probability": float(found.probability[-1]),
        "climatology": float(found.climatology[-1]),
        "above": float(np.mean(past <= found.probability[-1])),
        "reasons": [
            {"input": found.inputs.names[j], "label": found.inputs.labels[j], "log_odds": float(reasons[j])}
            for j in order
            if reasons[j] != 0
        ],
    }
