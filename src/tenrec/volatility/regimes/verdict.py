"""Regimes, changes and anomalies of a record as numbers for a report."""

from dataclasses import asdict
from typing import Any

import numpy as np

from tenrec.volatility.record import VarianceRecord
from tenrec.volatility.regimes.anomalies import Anomalies
from tenrec.volatility.regimes.changes import RunLengths
from tenrec.volatility.regimes.walk import RegimeWalk

NAMES = {
    1: ("steady",),
    2: ("calm", "stormy"),
    3: ("calm", "restless", "stormy"),
    4: ("calm", "usual", "restless", "stormy"),
}
AHEAD = (1, 5, 22)
LISTED = 20
"""Days that are listed among the most unusual ones."""


def regime_names(count: int) -> tuple[str, ...]:
    """What the regimes are called, from the quietest."""
    return NAMES.get(count) or tuple(f"regime {place + 1}" for place in range(count))


def describe_regimes(
    record: VarianceRecord, walk: RegimeWalk, runs: RunLengths, anomalies: Anomalies
) -> dict[str, Any]:
    """Regimes with volatilities, durations and transitions; today's state; changes; the most unusual days."""
    chain, year = walk.chain, record.days_per_year
    likeliest = walk.smoothed.argmax(1)
    names = regime_names(len(chain.scales))
    regimes = [
        {
            "name": names[place],
            "volatility": float(chain.volatilities[place] * np.sqrt(year)),
            "return_a_year": float(chain.means[place] * year),
            "duration": float(chain.durations[place]),
            "share": float(np.mean(likeliest == place)),
            "long_run_share": float(chain.stationary[place]),
        }
        for place in range(len(names))
    ]
    return {
        "regimes": regimes,
        "transition": chain.transition.tolist(),
        "freedom": chain.freedom,
        "choices": [asdict(choice) for choice in walk.choices],
        "now": _now(record, walk, runs, anomalies),
        "changes": [
            {
                "began": str(record.dates[change.began]),
                "called": str(record.dates[change.called]),
                "volatility_before": float(np.sqrt(change.before * year)),
                "volatility_after": float(np.sqrt(change.after * year)),
            }
            for change in runs.changes
        ],
        "anomalies": [_day(record, anomalies, int(day)) for day in _most_unusual(anomalies)],
    }


def _now(record: VarianceRecord, walk: RegimeWalk, runs: RunLengths, anomalies: Anomalies) -> dict[str, Any]:
    last = walk.fits[max(walk.fits)]
    probabilities = walk.probabilities[-1]
    path = walk.probabilities[walk.start :].argmax(1)
    entered = len(path) - 1 - int(np.argmax(np.append(path[::-1] != path[-1], True))) + 1
    return {
        "date": str(record.dates[-1]),
        "regime": regime_names(len(probabilities))[int(path[-1])],
        "since": str(record.dates[walk.start + entered]),
        "days_in_it": len(path) - entered,
        "probabilities": probabilities.tolist(),
        "ahead": {str(days): last.ahead(probabilities, days).tolist() for days in AHEAD},
        "volatility": float(walk.volatility[-1] * np.sqrt(record.days_per_year)),
        "duration": float(last.durations[int(path[-1])]),
        "change_within_a_month": float(runs.recent[-1]),
        "surprise_p": _number(walk.surprise[-1]),
        "variance_p": _number(runs.tail[-1]),
        "unusual": _number(anomalies.rank[-1]),
    }


def _most_unusual(anomalies: Anomalies) -> np.ndarray:
    order = np.argsort(-np.nan_to_num(anomalies.distance))[:LISTED]
    return order[np.isfinite(anomalies.distance[order])]


def _day(record: VarianceRecord, anomalies: Anomalies, day: int) -> dict[str, Any]:
    return {
        "date": str(record.dates[day]),
        "distance": float(anomalies.distance[day]),
        "rank": _number(anomalies.rank[day]),
        "moves": {label: float(move) for label, move in zip(anomalies.labels, anomalies.moves[day], strict=True)},
        "largest": anomalies.labels[int(anomalies.largest[day])],
    }


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
