"""The probability of a spike after every close, learned from nothing later."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from tenrec.core.errors import DataError
from tenrec.volatility.forecast.targets import Schedule, learnable
from tenrec.volatility.forecast.walk import first_forecast
from tenrec.volatility.record import VarianceRecord
from tenrec.volatility.spikes.events import IMPLIED_SPIKE, VARIANCE_SPIKE, SpikeEvent
from tenrec.volatility.spikes.features import Inputs, spike_inputs
from tenrec.volatility.spikes.learn import Learned, learn

Days = Float[np.ndarray, " days"]

FIT_DAYS = 252
"""Days between fits."""
LEAST_SPIKES = 20
"""Days before a spike that must have been seen before the first fit."""


@dataclass(frozen=True)
class SpikeProbability:
    """A probability for each day of a record, made at its close.

    Args:
        event: what comes. dates: of the record. start: first day with a probability.
        probability: of the event after each day; NaN before `start`.
        climatology: share of the days known by then after which it came; NaN before `start`.
        outcome: 1 where it came, 0 where not, NaN where not known yet.
        inputs: what was looked at. reasons: what each input added to the log odds, against an average day.
        fits: cutoff (a day) → what was learned at its close.
    """

    event: SpikeEvent
    dates: np.ndarray
    start: int
    probability: Days
    climatology: Days
    outcome: Days
    inputs: Inputs
    reasons: Float[np.ndarray, "days features"]
    fits: dict[int, Learned]

    def judged(self) -> np.ndarray:
        """Rows with a probability whose outcome is known."""
        return np.flatnonzero(np.isfinite(self.probability) & np.isfinite(self.outcome))


def spike_probability(
    record: VarianceRecord,
    event: SpikeEvent | None = None,
    *,
    start: int | None = None,
    signals: Mapping[str, Days] | None = None,
    every: int = FIT_DAYS,
    tell: Callable[[int, int], None] | None = None,
) -> SpikeProbability:
    """Walk forward: at the close of `start` and every `every` days after, learn from what is known by then.

    A day is learned from once its horizon has ended. Scales, slopes and the calibration come from these
    days alone, so that a probability never changes when later days are added or altered.

    Args:
        record: the days, known at their closes.
        event: what comes; by default `IMPLIED_SPIKE` if the record has an implied volatility, else `VARIANCE_SPIKE`.
        start: first day with a probability; by default after a third of the record.
        signals: further daily series on the record's dates, positive, NaN where unknown.
        every: days between fits. tell: called with (fits done, fits).

    Raises:
        DataError: too few days, too few spikes in the first part, or no implied volatility where one is needed.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> days, noise = np.datetime64("2015-01-01") + np.arange(900), rng.standard_normal((2, 900))
        >>> found = spike_probability(VarianceRecord(days, 1e-4 * np.exp(0.8 * noise[0]), 0.01 * noise[1]))
        >>> known = np.isfinite(found.probability)
        >>> bool(known[found.start:].all()), bool(known[:found.start].any())
        (True, False)
    """
    event = event or (IMPLIED_SPIKE if record.implied is not None else VARIANCE_SPIKE)
    outcome = event.outcome(record)
    start = first_forecast(record) if start is None else start
    _require_spikes(learnable(outcome, start, event.horizon), event)
    inputs = spike_inputs(record, signals)
    schedule = Schedule(len(record), start, every)
    probability, climatology = np.full(len(record), np.nan), np.full(len(record), np.nan)
    reasons, fits = np.full(inputs.values.shape, np.nan), {}
    for done, cutoff in enumerate(int(cutoff) for cutoff in schedule.cutoffs):
        if tell is not None:
            tell(done, len(schedule.cutoffs))
        known = learnable(outcome, cutoff, event.horizon)
        days = np.flatnonzero(np.isfinite(known))
        fit = learn(inputs.values[days], known[days], days, gap=event.horizon + event.window)
        block = schedule.block(cutoff)
        probability[block] = fit.probability(inputs.values[block])
        reasons[block] = fit.reasons(inputs.values[block])
        climatology[block], fits[cutoff] = fit.climatology, fit
    if tell is not None:
        tell(len(schedule.cutoffs), len(schedule.cutoffs))
    return SpikeProbability(event, record.dates, start, probability, climatology, outcome, inputs, reasons, fits)


def _require_spikes(outcome: Days, event: SpikeEvent) -> None:
    known = outcome[np.isfinite(outcome)]
    spikes, quiet = int(known.sum()), int(len(known) - known.sum())
    if min(spikes, quiet) < LEAST_SPIKES:
        rare, fix = ("before", "lower") if spikes < quiet else ("without", "raise")
        raise DataError(
            f"only {min(spikes, quiet)} of the {len(known):,} days before the first fit are {rare} a spike "
            f"({event.sentence()}); {LEAST_SPIKES} are needed: {fix} the factor or give a longer record."
        )
