"""What a desk would have heard: alarms raised, spikes warned of and how long before, false alarms a year."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from tenrec.volatility.spikes.probability import SpikeProbability

Days = Float[np.ndarray, " days"]


@dataclass(frozen=True)
class Alarms:
    """An alarm rings on days whose probability is at least the threshold.

    Args:
        threshold: a probability, or a multiple of climatology's odds (`relative`).
        days: share of days on which it rings. spikes: number of spikes; runs of days in one horizon are one spike.
        warned: how many of them had an alarm before. lead: mean days from the first alarm to the spike; NaN if none.
        false_a_year: alarms a year after which no spike came; alarms within one horizon are one.
        precision: share of alarm days after which one came; NaN if there is none.
    """

    threshold: float
    relative: bool
    days: float
    spikes: int
    warned: int
    lead: float
    false_a_year: float
    precision: float


def runs(days: Bool[np.ndarray, " days"], gap: int) -> list[tuple[int, int]]:
    """First and last day of every run of true days; runs not more than `gap` days apart are one.

    Example:
        >>> runs(np.array([True, False, True, False, False, False, True]), 2)
        [(0, 2), (6, 6)]
    """
    on = np.flatnonzero(days)
    if not len(on):
        return []
    parted = np.flatnonzero(np.diff(on) > gap)
    return list(zip(on[np.append(0, parted + 1)].tolist(), on[np.append(parted, len(on) - 1)].tolist(), strict=True))


def count_alarms(
    found: SpikeProbability,
    rows: Int[np.ndarray, " judged"],
    until: Days,
    days_per_year: float,
    threshold: float,
    *,
    relative: bool,
) -> Alarms:
    """Count over days whose outcome is known.

    Args:
        rows: days that are judged, one after the other. until: days to the spike, from `SpikeEvent.days_until`.
        threshold: a probability, or a multiple of climatology's odds.
    """
    level = np.full(len(rows), threshold)
    if relative:
        odds = threshold * found.climatology[rows] / (1.0 - found.climatology[rows])
        level = odds / (1.0 + odds)
    rings, came = found.probability[rows] >= level, found.outcome[rows] == 1
    horizon = found.event.horizon
    warned, leads = 0, []
    spikes = runs(came, horizon)
    for first, _ in spikes:
        day = first + int(until[rows[first]])  # of the spike itself
        before = np.flatnonzero(rings[max(day - horizon, 0) : day])
        if len(before):
            warned += 1
            leads.append(day - (max(day - horizon, 0) + int(before[0])))
    false = sum(not came[first : last + 1].any() for first, last in runs(rings, horizon))
    return Alarms(
        threshold=threshold,
        relative=relative,
        days=float(rings.mean()),
        spikes=len(spikes),
        warned=warned,
        lead=float(np.mean(leads)) if leads else float("nan"),
        false_a_year=false * days_per_year / len(rows),
        precision=float(came[rings].mean()) if rings.any() else float("nan"),
    )
