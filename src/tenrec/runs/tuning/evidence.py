"""What speaks for a tuned set, and what against it: numbers for `metrics.json`."""

from typing import Any

import numpy as np
import polars as pl

from tenrec.runs.tuning.build import Desk
from tenrec.runs.tuning.recipe import Bulk
from tenrec.tuning.metrics import Results, interval_of_mean, moments, summary
from tenrec.tuning.rivals import Rival
from tenrec.tuning.search import main_effects
from tenrec.tuning.statistics import deflated_sharpe, expected_maximum_sharpe, overfitting_probability

RESAMPLED = 1000
LEAST_HISTORY = 2
"""Windows that walk-forward tuning has seen before its first choice."""


def comparison(desk: Desk, rivals: list[Rival], found: Results, level: float) -> dict[str, Any]:
    """Every rival in and out of sample: what `summary` says, its score, and intervals over the windows."""
    parts = {"in_sample": slice(0, len(desk.in_sample)), "out_of_sample": slice(len(desk.in_sample), None)}
    section: dict[str, Any] = {}
    for index, rival in enumerate(rivals):
        entry: dict[str, Any] = {"label": rival.label}
        for name, windows in parts.items():
            part = found.windows(windows)
            entry[name] = _numbers(desk, part.sets([index]), level) if len(part.years) else None
        section[rival.key] = entry
    return section


def _numbers(desk: Desk, part: Results, level: float) -> dict[str, Any]:
    shown = {name: float(values[0]) for name, values in summary(part).items()}
    net = part.tally["wealth"][:, 0]
    low, high = interval_of_mean(net, level)
    return {**shown, "score": float(desk.objective.score(part)[0]), "net_pnl_low": low, "net_pnl_high": high}


def paired_scores(desk: Desk, part: Results, first: int, second: int, level: float) -> dict[str, float]:
    """Difference of two sets' scores with an interval that resamples the windows, the same ones for both."""
    objective, count = desk.objective, len(part.years)
    both = objective.score(part.sets([first, second]))
    difference = float(both[0] - both[1])
    if count < 2:
        return {"value": difference, "low": difference, "high": difference}
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(RESAMPLED):
        score = objective.score(part.windows(rng.integers(0, count, count)).sets([first, second]))
        drawn.append(score[0] - score[1])
    low, high = np.quantile(drawn, [0.5 - level / 2, 0.5 + level / 2])
    return {"value": difference, "low": float(low), "high": float(high)}


def overfitting(desk: Desk, bulk: Bulk, found: Results, tuned: int) -> dict[str, Any]:
    """Deflated Sharpe ratio of the tuned set, and the probability of backtest overfitting over the bulk's sets."""
    inside = slice(0, len(desk.in_sample))
    ratio, _, skewness, kurtosis = _ratios(found.windows(inside).sets([tuned]))
    tried = _ratios(bulk.found.windows(inside))[0]
    trials = tried.size + desk.config.search.trials
    benchmark = expected_maximum_sharpe(float(np.var(tried)), trials)
    part = found.windows(inside)
    scale = float(np.sqrt(part.intervals.sum() / part.years.sum()))
    return {
        "deflated_sharpe": deflated_sharpe(
            float(ratio[0]), benchmark=benchmark, intervals=float(part.intervals.sum()),
            skewness=float(skewness[0]), kurtosis=float(kurtosis[0]),
        ),
        "sharpe_by_luck": benchmark * scale,
        "sets_tried": int(trials),
        "probability_of_overfitting": overfitting_probability(bulk.hours) if bulk.hours.shape[1] > 1 else None,
    }  # fmt: skip


def _ratios(part: Results) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    mean, variance, skewness, kurtosis = moments(part)
    return (
        np.where(variance > 0, mean / np.sqrt(np.where(variance > 0, variance, 1.0)), 0.0),
        variance,
        skewness,
        kurtosis,
    )


def walk_forward(desk: Desk, bulk: Bulk) -> list[dict[str, float]]:
    """Re-tuned before each window on all windows before it, from the sets of the bulk pass; one row a window."""
    count = len(bulk.found.years)
    rows = []
    for number in range(min(LEAST_HISTORY, count), count):
        score = desk.wanted.score(bulk.found.windows(slice(0, number)))
        best = int(np.argmax(score))
        shown = bulk.found.windows([number]).sets([best])
        tally = {name: float(shown.tally[name][0, 0]) for name in ("wealth", "cost", "hedges", "drawdown")}
        values = {name: float(value[best]) for name, value in bulk.values.items()}
        rows.append({"window": float(number), "score_before": float(score[best]), **tally, **values})
    return rows


def later_mean(forward: pl.DataFrame, windows: pl.DataFrame, begin: int) -> dict[str, float] | None:
    """Mean net P&L of the later windows, re-tuned before each and tuned once; None where there are none."""
    later = forward.filter(pl.col("window") >= begin) if forward.height else forward
    once = windows.filter(pl.col("rival") == "tuned", pl.col("sample") == "out")["net_pnl"].to_numpy()
    if later.height == 0 or later.height != once.size:
        return None
    return {"retuned": float(later["wealth"].to_numpy().mean()), "once": float(once.mean())}


def importance(desk: Desk, bulk: Bulk) -> dict[str, Any]:
    """Share of the score's variance over the bulk's sets that each parameter explains alone, and what is left."""
    score = desk.wanted.score(bulk.found.windows(slice(0, len(desk.in_sample))))
    shares = main_effects(bulk.values, score)
    return {"alone": shares, "together": max(1.0 - sum(shares.values()), 0.0), "sets": int(score.size)}
