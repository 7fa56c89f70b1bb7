"""The recipe of a panel backtest: learn forward, choose by validation, judge later sessions and later contracts."""

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from tenrec.backtest.gains import bucket_gains, extreme_clusters, gain, shifted_gains, wing_gains
from tenrec.backtest.learners import pnl_of
from tenrec.hedging.policies import AbstractPolicy
from tenrec.runs.panel.config import LABELS, LEARNED, REFERENCE, SMILE_MODELS
from tenrec.runs.panel.desk import PanelDesk
from tenrec.runs.panel.folder import PanelFolder
from tenrec.runs.panel.held import judge_contracts
from tenrec.runs.panel.policies import FIXED, learn, response_of, skeleton
from tenrec.runs.panel.smiles import know_smiles
from tenrec.runs.progress import Reporter

BP = 1e4
LINEAR, NETWORK = "clipped_linear", "state_network"


@dataclass(frozen=True)
class Walked:
    """The deltas of each cut-off: of every validation fold, and last of the judged time."""

    policies: tuple[dict[str, AbstractPolicy], ...]


def backtest(desk: PanelDesk, folder: PanelFolder, reporter: Reporter, *, resume: bool) -> None:
    """Do everything but the report; learned deltas that an interrupted run had finished are taken from its folder."""
    began = time.perf_counter()
    fits = know_smiles(desk, folder, reporter, resume=resume)
    walked = _learn(desk, folder, reporter, resume=resume)
    reporter.start("walk forward", len(desk.folds))
    validation = _validate(desk, walked, reporter)
    reporter.start("judge one session", 1)
    shown = _shown(validation["chosen"], desk.named)
    one_session = _judge_steps(desk, walked.policies[-1], shown, folder)
    reporter.advance(1, f"{one_session['steps']:,} steps")
    reporter.start("hedge to expiry", 1)
    to_expiry = judge_contracts(desk, walked.policies[-1], folder)
    reporter.advance(1, f"{to_expiry['contracts']:,} contracts")
    folder.write_metrics(
        {
            "kind": "panel",
            "record": desk.listing.name,
            "currency": desk.listing.coin or desk.listing.currency,
            "coin": desk.listing.coin,
            "coin_quote": desk.listing.currency if desk.listing.coin else None,
            "notes": list(desk.listing.notes),
            "labels": {name: LABELS[name] for name in desk.named},
            "reference": REFERENCE,
            "learned": validation["chosen"],
            "shown": shown,
            "validation": validation,
            "smile_fits": fits,
            **desk.told,
            "one_session": one_session,
            "to_expiry": to_expiry,
            "seconds": time.perf_counter() - began,
        }
    )


def _shown(chosen: str, named: tuple[str, ...]) -> str:
    """The delta that pictures show beside the reference: the chosen one, else the first that reads a smile."""
    if chosen != REFERENCE:
        return chosen
    smiles = [name for names in SMILE_MODELS.values() for name in names]
    return next((name for name in (*named, *named[1:]) if name in smiles), named[-1])


def _learn(desk: PanelDesk, folder: PanelFolder, reporter: Reporter, *, resume: bool) -> Walked:
    """Every learned delta for every cut-off."""
    cutoffs = [desk.learned_by(fold.until) for fold in (*desk.folds, desk.judged)]
    found: dict[str, list[AbstractPolicy]] = {}
    for name in desk.uses(LEARNED):
        reporter.start(f"learn {LABELS[name]}", 100)
        kept = folder.kept(name, [skeleton(name, desk)] * len(cutoffs)) if resume else None
        made = learn(name, desk, cutoffs, lambda done, of: reporter.advance(100 * done // of)) if kept is None else kept
        folder.keep(name, made)
        found[name] = made
        reporter.advance(100)
    fixed = {name: FIXED[name] for name in desk.uses(tuple(FIXED))}
    return Walked(tuple(fixed | {name: made[n] for name, made in found.items()} for n in range(len(cutoffs))))


def _validate(desk: PanelDesk, walked: Walked, reporter: Reporter) -> dict[str, Any]:
    """Gains of every fold, and pooled; the learned delta with the largest pooled gain is chosen."""
    if not desk.folds:
        return {"folds": [], "chosen": REFERENCE, "gains": {}}
    inside = [desk.within(fold) for fold in desk.folds]
    pooled: dict[str, list[np.ndarray]] = {name: [] for name in desk.named}
    for n, rows in enumerate(inside):
        for name, pnl in pnl_of(walked.policies[n], desk.sample, desk.free).items():
            pooled[name].append(pnl[rows])
        reporter.advance(n + 1, desk.folds[n].name)
    reference = pooled[REFERENCE]
    clusters = [desk.session[rows] for rows in inside]
    gains = {
        name: {
            **{
                fold.name: gain(parts[n], reference[n], clusters[n]).value
                for n, fold in enumerate(desk.folds)
                if len(np.unique(clusters[n])) > 1
            },
            "pooled": gain(np.concatenate(parts), np.concatenate(reference), np.concatenate(clusters)).to_dict(),
        }
        for name, parts in pooled.items()
        if name != REFERENCE
    }
    learned = desk.uses(LEARNED)
    chosen = max(learned, key=lambda name: gains[name]["pooled"]["value"], default=REFERENCE)
    return {"folds": [fold.name for fold in desk.folds], "chosen": chosen, "gains": gains}


def _judge_steps(
    desk: PanelDesk, policies: dict[str, AbstractPolicy], chosen: str, folder: PanelFolder
) -> dict[str, Any]:
    """One-session hedge errors on the judged steps: gains, buckets, the placebo, the network over the linear rule."""
    rows = desk.within(desk.judged)
    errors = {name: pnl[rows] for name, pnl in pnl_of(policies, desk.sample, desk.free).items()}
    judged = desk.steps.filter(pl.Series(rows)).with_columns(cluster=pl.Series(desk.session[rows]))
    cluster, ends = desk.session[rows], judged["next_date"].to_numpy().astype("datetime64[D]")
    found = {
        name: gain(error, errors[REFERENCE], cluster).to_dict() for name, error in errors.items() if name != REFERENCE
    }
    folder.write_table("buckets", bucket_gains(errors, REFERENCE, judged))
    keys = judged.select(
        "trade_date", "next_date", "expiry", "cp", pl.col("strike") * pl.col("level"), "delta", "years"
    )
    folder.write_table("steps", keys.with_columns(**{f"error_{name}": pl.Series(e * BP) for name, e in errors.items()}))
    folder.write_table("days", _days(judged, errors, chosen))
    over = None
    if LINEAR in errors and NETWORK in errors:
        over = gain(errors[NETWORK], errors[LINEAR], cluster).to_dict()
    return {
        "from": str(judged["trade_date"].min()),
        "to": str(judged["next_date"].max()),
        "trained_until": str(desk.judged.until) if desk.learns else None,
        "steps": int(rows.sum()),
        "sessions": len(np.unique(cluster)),
        "reference_rms_bp": float(BP * np.sqrt(np.mean(errors[REFERENCE] ** 2))),
        "extremes": extreme_clusters(errors[REFERENCE], ends),
        "gains": found,
        "network_over_linear": over,
        "wing": wing_gains(errors, (REFERENCE, "no_hedge"), judged),
        "placebo": _placebo(desk, policies, rows),
    }


def _placebo(desk: PanelDesk, policies: dict[str, AbstractPolicy], rows: np.ndarray) -> dict[str, Any]:
    """Gains with the state of other sessions in the place of the own: what chance and the reference's faults give."""
    lesson = desk.lesson
    first = np.unique(desk.session, return_index=True)[1]
    answers: dict[str, Any] = {}
    for name, policy in policies.items():
        response = response_of(policy, lesson.state[first])
        if response is None:
            continue
        shifted = shifted_gains(lesson.pnl, lesson.response, response, desk.session, rows)
        own = float(
            100
            * (
                1
                - np.sum((lesson.pnl + response[desk.session] * lesson.response)[rows] ** 2)
                / np.sum(lesson.pnl[rows] ** 2)
            )
        )
        answers[name] = {
            "shifts": len(shifted),
            "mean": float(np.mean(shifted)),
            "largest": float(np.max(shifted)),
            "share_as_large": float(np.mean(np.asarray(shifted) >= own)),
        }
    return answers


def _days(judged: pl.DataFrame, errors: dict[str, np.ndarray], chosen: str) -> pl.DataFrame:
    """Squared errors of every judged session under the reference and the chosen delta, basis points squared."""
    table = judged.select("next_date", "next_forward").with_columns(
        reference=pl.Series((errors[REFERENCE] * BP) ** 2), chosen=pl.Series((errors[chosen] * BP) ** 2)
    )
    return (
        table.group_by(date="next_date")
        .agg(
            move=pl.col("next_forward").median() - 1.0,
            reference=pl.col("reference").sum(),
            chosen=pl.col("chosen").sum(),
        )
        .sort("date")
    )
