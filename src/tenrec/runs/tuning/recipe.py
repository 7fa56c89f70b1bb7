"""Tune a rule: a bulk pass over the space, a study, and what becomes of the best set out of sample."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tenrec.runs.progress import Reporter
from tenrec.runs.tuning.build import Desk
from tenrec.tuning.metrics import Results, results, summary
from tenrec.tuning.network import train
from tenrec.tuning.objective import INFEASIBLE
from tenrec.tuning.rivals import (
    Rival,
    fixed_cadence,
    from_space,
    no_hedge,
    score_rivals,
    whalley_wilmott,
)
from tenrec.tuning.scoring import Facts, Scores, Window, pack, ready, score_pack, score_stream
from tenrec.tuning.search import best_first
from tenrec.tuning.study import Evaluate, completed, numbers_of, open_study, run_trials

if TYPE_CHECKING:
    import optuna

    from tenrec.tuning.ticks import Ticks

KEPT = ("net_pnl", "cost", "hedges", "sharpe", "max_drawdown", "turnover", "mean_abs_delta", "error_std", "cvar95")
"""Numbers of `summary` that every trial carries."""
PROBED = 128
"""Sets whose hourly P&L is kept for the probability of overfitting."""


@dataclass
class Bulk:
    """The bulk pass: values of each set, and their results on every window, earlier and later."""

    values: dict[str, np.ndarray]
    found: Results
    hours: np.ndarray
    """(hours of the earlier windows, probed sets)."""
    seconds: float = 0.0


@dataclass
class Market:
    """What was seen of the ticks while the windows went by."""

    facts: list[Facts] = field(default_factory=list)
    lowest: float = np.inf
    highest: float = 0.0
    volatility: tuple[float, float] = (np.inf, 0.0)
    count: int = 0
    seconds: float = 0.0
    gaps: int = 0
    longest_gap: float = 0.0
    about: dict[str, str] = field(default_factory=dict)

    def see(self, ticks: "Ticks", window: Window) -> None:
        """Take one more window into account."""
        self.facts.append(window.facts)
        self.lowest, self.highest = min(self.lowest, ticks.spot.min()), max(self.highest, ticks.spot.max())
        low, high = self.volatility
        self.volatility = min(low, ticks.volatility.min()), max(high, ticks.volatility.max())
        self.count += ticks.count
        self.gaps += len(ticks.time) - ticks.count
        self.seconds += ticks.seconds
        self.longest_gap = max(self.longest_gap, ticks.longest_gap)
        self.about = ticks.about

    def section(self) -> dict[str, Any]:
        """The `market` part of `metrics.json`."""
        return {
            "ticks": self.count,
            "gaps": self.gaps,
            "longest_gap_seconds": float(self.longest_gap),
            "hours": self.seconds / 3600.0,
            "price": [float(self.lowest), float(self.highest)],
            "volatility": [float(bound) for bound in self.volatility],
            "about": self.about,
        }


def bulk_pass(desk: Desk, market: Market, reporter: Reporter) -> tuple[Bulk, list[Window]]:
    """Score many sets on every window in one compiled call each; the earlier windows are kept for the study."""
    spec, space = desk.config.search, desk.space
    values = space.sobol(max(spec.bulk, 1), spec.seed)
    policies = space.policies(values)
    numbers = list(desk.in_sample) + list(desk.out_of_sample)
    reporter.start(f"score {max(spec.bulk, 1):,} sets", len(numbers))
    scores, hours, kept = [], [], []
    began = time.perf_counter()
    stream = score_stream(policies, desk.window, numbers, desk.costs)
    for done, (number, (window, found)) in enumerate(zip(numbers, stream, strict=True), start=1):
        market.see(desk.source.window(number), window)
        if number in desk.in_sample:
            kept.append(ready(window))
            hours.append(found.hours[:PROBED].T)
        scores.append(Scores(found.tally, found.cvar, found.hours[:, :0]))
        reporter.advance(done, f"week {number + 1} of {len(numbers)}")
    bulk = Bulk(values, results(scores, market.facts), np.concatenate(hours), time.perf_counter() - began)
    return bulk, kept


def evaluator(desk: Desk, windows: list[Window], facts: list[Facts]) -> Evaluate:
    """What a trial does: one set over the earlier windows, in one precision."""
    space, objective, costs, packed = desk.space, desk.wanted, desk.costs, pack(windows)

    def evaluate(values: Mapping[str, float]) -> tuple[list[float], float, dict[str, float]]:
        policy = space.policies({name: np.asarray(value) for name, value in values.items()})
        found = results(score_pack(policy, packed, costs), facts)
        shown = summary(found)
        numbers = {name: float(shown[name][0]) for name in KEPT}
        score = float(objective.score(found)[0])
        targets = [float(value[0]) for value in objective.pair(found)] if objective.several else [score]
        return targets, float(objective.excess(found)[0]), {**numbers, "score": score}

    return evaluate


def begin_study(desk: Desk, study: "optuna.Study", bulk: Bulk) -> None:
    """Queue the best sets of the bulk pass in a study that has no trial yet."""
    spec = desk.config.search
    if study.get_trials(deepcopy=False) or not spec.bulk:
        return
    score = desk.wanted.score(bulk.found.windows(slice(0, len(desk.in_sample))))
    for index in best_first(score, min(spec.seeded, spec.trials)):
        study.enqueue_trial({name: float(value[index]) for name, value in bulk.values.items()})


def run_study(desk: Desk, study: "optuna.Study", evaluate: Evaluate, reporter: Reporter) -> None:
    """The trials of a single worker."""
    spec = desk.config.search
    reporter.start("study", spec.trials)

    def after(done: int) -> None:
        best = max((numbers_of(trial)["score"] for trial in completed(study)), default=INFEASIBLE)
        reporter.advance(done, f"best score {best:.3f}".replace("-", "−"))

    run_trials(
        study, desk.space, evaluate, trials=spec.trials, seed=spec.seed,
        constrained=desk.config.objective.max_drawdown is not None, after=after,
    )  # fmt: skip


def chosen_trial(study: "optuna.Study") -> "optuna.trial.FrozenTrial":
    """The finished trial with the highest score; the first of equals."""
    return max(completed(study), key=lambda trial: (numbers_of(trial)["score"], -trial.number))


def candidates(desk: Desk, values: Mapping[str, float]) -> list[Rival]:
    """The tuned set, the rule it began from, and what both are compared with."""
    config, space = desk.config, desk.space
    default = {name: float(getattr(config.rule, name)) for name in space.names}
    return [
        from_space("tuned", "Tuned rule", space, dict(values)),
        from_space("default", "Default rule", space, default),
        no_hedge(),
        *(fixed_cadence(seconds, config.costs.rate) for seconds in config.compare if desk.looked_at(seconds)),
    ]


def families(desk: Desk, reporter: Reporter) -> list[Rival]:
    """Whalley–Wilmott bands, and networks trained on the earlier windows, at each of the aversions."""
    config = desk.config
    bands = [whalley_wilmott(a, config.costs.rate, config.book.notional) for a in config.aversions]
    if not (config.network.enabled and config.aversions and config.costs.rate > 0):
        return bands
    reporter.start("train a network to compare with", config.network.updates)
    return [*bands, *train(desk.courses(), desk.costs, desk.network, reporter.advance)]


def judge(desk: Desk, rivals: list[Rival], facts: list[Facts], reporter: Reporter) -> Results:
    """Every rival on every window, in float64."""
    rows, count = [], len(desk.in_sample) + len(desk.out_of_sample)
    reporter.start("compare", count)
    for number in range(count):
        rows.append(_together(score_rivals(rivals, desk.window(number), desk.costs)))
        reporter.advance(number + 1)
    return results(rows, facts)


def best_of_each(desk: Desk, rivals: list[Rival], found: Results) -> list[int]:
    """Places of the rivals that stay: of those with one key, the best in sample."""
    score = desk.wanted.score(found.windows(slice(0, len(desk.in_sample))))
    best: dict[str, int] = {}
    for index, rival in enumerate(rivals):
        if rival.key not in best or score[index] > score[best[rival.key]]:
            best[rival.key] = index
    return list(best.values())


def network_seeds(desk: Desk, rivals: list[Rival], found: Results) -> list[dict[str, Any]]:
    """For each seed of the trained network, its best aversion in sample, and its scores in and out of sample."""
    inside, told = found.windows(slice(0, len(desk.in_sample))), []
    outside = found.windows(slice(len(desk.in_sample), None)) if desk.out_of_sample else None
    for seed in sorted({rival.seed for rival in rivals if rival.seed is not None}):
        own = [index for index, rival in enumerate(rivals) if rival.seed == seed]
        chosen = own[int(np.argmax(desk.wanted.score(inside.sets(own))))]
        scores = {"in_sample": inside, "out_of_sample": outside}
        shown = {
            name: None if part is None else float(desk.objective.score(part.sets([chosen]))[0])
            for name, part in scores.items()
        }
        told.append(
            {"seed": seed, "aversion": float(rivals[chosen].aversion or 0) * desk.config.book.notional, **shown}
        )
    return told


def _together(scores: list[Scores]) -> Scores:
    import jax

    return jax.tree.map(lambda *leaves: np.stack([np.asarray(leaf) for leaf in leaves]), *scores)


def open_named(desk: Desk, storage: "optuna.storages.BaseStorage", name: str, config: Mapping[str, Any]) -> Any:
    """The study of a run."""
    return open_study(storage, name, config, several=desk.objective.several)
