"""From tallies of windows to the numbers that are tuned and reported."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from tenrec.tuning.scoring import Facts, Scores, Tally

NAMES = tuple(Tally.__dataclass_fields__)


@dataclass(frozen=True)
class Results:
    """Tallies over several windows: each array (windows, sets), quote currency unless a `Tally` says otherwise.

    Args:
        tally: by the names of `Tally`. cvar: of the hours. intervals, years, error, ideal: (windows,), as in
            `Facts`.
    """

    tally: Mapping[str, np.ndarray]
    cvar: np.ndarray
    intervals: np.ndarray
    years: np.ndarray
    error: np.ndarray
    ideal: np.ndarray

    def windows(self, chosen: Any) -> "Results":
        """Only these windows: a slice or a list of numbers."""
        tally = {name: values[chosen] for name, values in self.tally.items()}
        facts = (column[chosen] for column in (self.intervals, self.years, self.error, self.ideal))
        return Results(tally, self.cvar[chosen], *facts)

    def sets(self, chosen: Any) -> "Results":
        """Only these sets."""
        tally = {name: values[:, chosen] for name, values in self.tally.items()}
        return Results(tally, self.cvar[:, chosen], self.intervals, self.years, self.error, self.ideal)


def results(scores: Sequence[Scores], facts: Sequence[Facts]) -> Results:
    """Stack the scores of several windows; a policy scored alone is a set of one."""

    def stacked(columns: Iterable[Any]) -> np.ndarray:
        return np.stack([np.atleast_1d(np.asarray(column, np.float64)) for column in columns])

    tally = {name: stacked(getattr(one.tally, name) for one in scores) for name in NAMES}
    columns = (np.array([getattr(one, name) for one in facts]) for name in ("intervals", "years", "error", "ideal"))
    return Results(tally, stacked(one.cvar for one in scores), *columns)


def sharpe(found: Results) -> tuple[np.ndarray, np.ndarray]:
    """Annualised Sharpe ratio of the changes from tick to tick over all windows, and its standard error; (sets,).

    SE of the ratio of one interval: √((1 − γ₃·SR + (γ₄ − 1)/4·SR²)/n), both times √(intervals a year); zero where the
    P&L never moves.

    Source: Mertens (2002), as in Bailey and López de Prado (2012), "The Sharpe ratio efficient frontier", J. Risk 15.
    """
    count, years = found.intervals.sum(), found.years.sum()
    mean, variance, skewness, kurtosis = moments(found)
    moved = variance > 0
    ratio = np.where(moved, mean / np.sqrt(np.where(moved, variance, 1.0)), 0.0)
    spread = np.maximum(1.0 - skewness * ratio + 0.25 * (kurtosis - 1.0) * ratio**2, 0.0)
    scale = math.sqrt(count / years)
    return ratio * scale, np.where(moved, np.sqrt(spread / count), 0.0) * scale


def moments(found: Results) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Mean, variance, skewness and kurtosis of the change of P&L over one interval, all windows pooled; (sets,)."""
    count = found.intervals.sum()
    raw = [found.tally[name].sum(axis=0) / count for name in ("first", "second", "third", "fourth")]
    mean = raw[0]
    variance = np.maximum(raw[1] - mean**2, 0.0)
    third = raw[2] - 3 * mean * raw[1] + 2 * mean**3
    fourth = raw[3] - 4 * mean * raw[2] + 6 * mean**2 * raw[1] - 3 * mean**4
    safe = np.where(variance > 0, variance, 1.0)
    return mean, variance, third / safe**1.5, np.where(variance > 0, fourth / safe**2, 3.0)


def weekly_cvar(net: np.ndarray, tail: float = 0.05) -> np.ndarray:
    """Mean loss over the worst share of the windows (at least one); `net` has shape (windows, sets)."""
    worst = np.sort(net, axis=0)[: max(math.ceil(tail * len(net)), 1)]
    return -worst.mean(axis=0)


def summary(found: Results) -> dict[str, np.ndarray]:
    """What is reported of each set, a window's mean unless said otherwise; values (sets,), quote currency.

    `total_pnl` is before costs; `net_std` and `error_std` are the standard deviations over windows of the P&L after and
    before costs; `cvar95_hourly` is of the hours, `cvar95` of the windows.
    """
    tally = found.tally
    ratio, error = sharpe(found)
    net, cost = tally["wealth"], tally["cost"]
    spread = (lambda values: values.std(axis=0, ddof=1)) if len(net) > 1 else (lambda values: 0.0 * values[0])
    return {
        "total_pnl": (net + cost).mean(axis=0),
        "cost": cost.mean(axis=0),
        "net_pnl": net.mean(axis=0),
        "sharpe": ratio,
        "sharpe_se": error,
        "max_drawdown": tally["drawdown"].mean(axis=0),
        "worst_drawdown": tally["drawdown"].max(axis=0),
        "hedges": tally["hedges"].mean(axis=0),
        "mean_abs_delta": tally["net_delta"].mean(axis=0),
        "cvar95_hourly": found.cvar.mean(axis=0),
        "cvar95": weekly_cvar(net),
        "turnover": tally["turnover"].mean(axis=0),
        "funding": tally["funding"].mean(axis=0),
        "net_std": spread(net),
        "error_std": spread(net + cost),
        "expansion_error": np.broadcast_to(found.error.mean(), ratio.shape),
    }


def interval_of_mean(values: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """Student's interval of a mean of windows; the value itself where there is one window only."""
    mean = float(np.mean(values))
    if len(values) < 2:
        return mean, mean
    half = float(stats.t.ppf(0.5 + level / 2, len(values) - 1) * np.std(values, ddof=1) / math.sqrt(len(values)))
    return mean - half, mean + half
