"""Regimes as they could be known: chains fitted again each year on the past, filtered day by day."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from tenrec.core.errors import ConfigError, DataError
from tenrec.volatility.forecast.targets import Schedule, require_days
from tenrec.volatility.record import VarianceRecord
from tenrec.volatility.regimes.fit import Law, RegimeFit, fit_regimes
from tenrec.volatility.regimes.hidden_markov import HiddenMarkov, Probabilities

Days = Float[np.ndarray, " days"]

FIT_DAYS = 252
MOST_REGIMES = 4
LEAST_DAYS, LEAST_AHEAD = 500, 50
"""Days that the first chain is fitted to, and days filtered after it."""


@dataclass(frozen=True)
class Choice:
    """How well so many regimes do.

    Args:
        regimes: their number. bic: on the days before the start; lower is better.
        held_out: mean log density of a day after the start, under the chain fitted before it; higher is better.
        bic_all: on all days.
    """

    regimes: int
    bic: float
    held_out: float
    bic_all: float


@dataclass(frozen=True)
class RegimeWalk:
    """Regimes of a record, from the quietest to the wildest.

    Args:
        dates, values: of the record; NaN where a return is not known. start: first day with filtered probabilities.
        probabilities: of each regime after each day, by the chain fitted at the last refit, from nothing later; NaN
            before the start. volatility: of the next day that they expect, decimal a day; NaN before the start.
        surprise: P(a return at least as unusual as the day's), given the days before; NaN before the start.
        chain: fitted to all days. smoothed: regimes on each day by it, with hindsight.
        fits: cutoff → chain. choices: how the number was chosen; empty if it was given.
    """

    dates: np.ndarray
    values: Days
    start: int
    probabilities: Probabilities
    volatility: Days
    surprise: Days
    chain: HiddenMarkov
    smoothed: Probabilities
    fits: dict[int, HiddenMarkov]
    choices: tuple[Choice, ...]


def walk_regimes(
    record: VarianceRecord,
    *,
    regimes: int | None = None,
    start: int | None = None,
    law: Law = "t",
    every: int = FIT_DAYS,
    seed: int = 0,
    tell: Callable[[float, str], None] | None = None,
) -> RegimeWalk:
    """Fit on the days up to `start` and again every `every` days; filter each day with the chain known by then.

    Args:
        record: its returns are what the regimes speak about.
        regimes: their number; by default the one of the lowest BIC on the days up to `start`, from 1 to 4.
        start: first day filtered; by default after a third, and at least 500 days.
        law: of a return within a regime. every: days between fits. seed: of the starts of the searches.
        tell: called with (share done, what is done).

    Raises:
        DataError: too few days, or no returns. ConfigError: a number of regimes below one or above eight.
    """
    values = record.returns
    require_days(len(record), LEAST_DAYS + LEAST_AHEAD, "a walk through regimes")
    if np.isfinite(values).mean() < 0.9:
        raise DataError("the record has no returns; give prices (a column `close`) or returns beside the measures.")
    if regimes is not None and not 1 <= regimes <= 8:
        raise ConfigError(f"{regimes} regimes are asked for; give a number from 1 to 8.")
    start = max(LEAST_DAYS, len(record) // 3) if start is None else start
    say = tell or (lambda share, note: None)
    choices, whole = (), None
    if regimes is None:
        choices, regimes, whole = _choose(values, start, law, seed, say)
    schedule = Schedule(len(values), start, every)
    say(0.6, "fitting every year")
    windows = [int(cutoff) + 1 for cutoff in schedule.cutoffs]
    if whole is None:
        whole = fit_regimes(values, regimes, law=law, seed=seed)[0]
    fits = fit_regimes(values, regimes, lengths=windows, law=law, starts=3, seed=seed)
    say(0.9, "filtering")
    probabilities = np.full((len(values), regimes), np.nan)
    volatility, surprise = np.full(len(values), np.nan), np.full(len(values), np.nan)
    chains = {}
    for cutoff, fit in zip(schedule.cutoffs, fits, strict=True):
        block, chain = schedule.block(int(cutoff)), fit.chain
        known = chain.filter(values[: block.stop])
        probabilities[block] = known.probabilities[block]
        tomorrow = known.probabilities[block] @ chain.transition
        volatility[block] = _deviation(chain, tomorrow)
        surprise[block] = chain.tail(values[block], known.predicted[block])
        chains[int(cutoff)] = chain
    say(1.0, "")
    return RegimeWalk(
        dates=record.dates,
        values=values,
        start=start,
        probabilities=probabilities,
        volatility=volatility,
        surprise=surprise,
        chain=whole.chain,
        smoothed=whole.chain.smooth(values),
        fits=chains,
        choices=choices,
    )


def _deviation(chain: HiddenMarkov, weights: Probabilities) -> Days:
    mean = weights @ chain.means
    return np.sqrt(weights @ (chain.volatilities**2 + chain.means**2) - mean**2)


def _choose(
    values: Days, start: int, law: Law, seed: int, say: Callable[[float, str], None]
) -> tuple[tuple[Choice, ...], int, RegimeFit]:
    choices, wholes = [], {}
    for number in range(1, MOST_REGIMES + 1):
        say(0.6 * (number - 1) / MOST_REGIMES, f"{number} regime{'s' if number > 1 else ''}")
        before, whole = fit_regimes(values, number, lengths=[start + 1, len(values)], law=law, seed=seed)
        later = before.chain.filter(values).log_likelihood[start + 1 :]
        choices.append(Choice(number, before.bic, float(later.mean()), whole.bic))
        wholes[number] = whole
    best = min(choices, key=lambda choice: choice.bic).regimes
    return tuple(choices), best, wholes[best]
