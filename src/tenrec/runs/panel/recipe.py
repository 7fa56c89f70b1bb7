"""The recipe of a panel backtest: learn forward, choose by validation, judge later sessions and later contracts."""

import time
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
import polars as pl

from tenrec.backtest.gains import bucket_gains, extreme_clusters, gain, shifted_gains
from tenrec.backtest.learners import pnl_of
from tenrec.backtest.panel import Panel
from tenrec.hedging.assess import Sample, ledgers, outcome_of
from tenrec.hedging.costs import ProportionalCost
from tenrec.hedging.engine import Terms
from tenrec.hedging.policies import AbstractPolicy
from tenrec.runs.panel.config import LABELS, LEARNED, REFERENCE, uses
from tenrec.runs.panel.desk import PanelDesk
from tenrec.runs.panel.folder import PanelFolder
from tenrec.runs.panel.policies import FIXED, learn, response_of, skeleton
from tenrec.runs.panel.smiles import know_smiles
from tenrec.runs.progress import Reporter
from tenrec.runs.tables import ledger_table

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
    one_session = _judge_steps(desk, walked.policies[-1], validation["chosen"], folder)
    reporter.advance(1, f"{one_session['steps']:,} steps")
    reporter.start("hedge to expiry", 1)
    to_expiry = _judge_contracts(desk, walked.policies[-1], folder)
    reporter.advance(1, f"{to_expiry['contracts']:,} contracts")
    folder.write_metrics(
        {
            "kind": "panel",
            "record": desk.listing.name,
            "currency": desk.listing.currency,
            "notes": list(desk.listing.notes),
            "labels": {name: LABELS[name] for name in desk.config.named},
            "reference": REFERENCE,
            "learned": validation["chosen"],
            "validation": validation,
            "smile_fits": fits,
            "one_session": one_session,
            "to_expiry": to_expiry,
            "seconds": time.perf_counter() - began,
        }
    )


def _learn(desk: PanelDesk, folder: PanelFolder, reporter: Reporter, *, resume: bool) -> Walked:
    """Every learned delta for every cut-off."""
    cutoffs = [desk.learned_by(fold.until) for fold in (*desk.folds, desk.judged)]
    found: dict[str, list[AbstractPolicy]] = {}
    for name in uses(desk.config, LEARNED):
        reporter.start(f"learn {LABELS[name]}", 100)
        kept = folder.kept(name, [skeleton(name, desk)] * len(cutoffs)) if resume else None
        made = learn(name, desk, cutoffs, lambda done, of: reporter.advance(100 * done // of)) if kept is None else kept
        folder.keep(name, made)
        found[name] = made
        reporter.advance(100)
    fixed = {name: FIXED[name] for name in uses(desk.config, tuple(FIXED))}
    return Walked(tuple(fixed | {name: made[n] for name, made in found.items()} for n in range(len(cutoffs))))


def _validate(desk: PanelDesk, walked: Walked, reporter: Reporter) -> dict[str, Any]:
    """Gains of every fold, and pooled; the learned delta with the largest pooled gain is chosen."""
    inside = [desk.within(fold) for fold in desk.folds]
    pooled: dict[str, list[np.ndarray]] = {name: [] for name in desk.config.named}
    for n, rows in enumerate(inside):
        for name, pnl in pnl_of(walked.policies[n], desk.sample).items():
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
    learned = uses(desk.config, LEARNED)
    chosen = max(learned, key=lambda name: gains[name]["pooled"]["value"], default=REFERENCE)
    return {"folds": [fold.name for fold in desk.folds], "chosen": chosen, "gains": gains}


def _judge_steps(
    desk: PanelDesk, policies: dict[str, AbstractPolicy], chosen: str, folder: PanelFolder
) -> dict[str, Any]:
    """One-session hedge errors on the judged steps: gains, buckets, the placebo, the network over the linear rule."""
    rows = desk.within(desk.judged)
    errors = {name: pnl[rows] for name, pnl in pnl_of(policies, desk.sample).items()}
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
        "trained_until": str(desk.judged.until),
        "steps": int(rows.sum()),
        "sessions": len(np.unique(cluster)),
        "reference_rms_bp": float(BP * np.sqrt(np.mean(errors[REFERENCE] ** 2))),
        "extremes": extreme_clusters(errors[REFERENCE], ends),
        "gains": found,
        "network_over_linear": over,
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


def _judge_contracts(desk: PanelDesk, policies: dict[str, AbstractPolicy], folder: PanelFolder) -> dict[str, Any]:
    """Contracts of the judged time to their expiry, with costs: ledgers, positions, P&L."""
    panel, config = desk.held, desk.config
    if isinstance(panel, str):
        return _none_held(desk, folder, panel)
    cost = config.costs.proportional
    terms = Terms(margined=(True,), costs=(ProportionalCost(jnp.asarray(cost, jnp.float32)),) if cost else ())
    sample = Sample(panel.paths, panel.book, jnp.asarray(panel.premium, jnp.float32))
    lines = ledgers(policies, sample, terms)
    units = _units(panel, config.contract.multiplier)
    forward = panel.contracts["forward"].to_numpy()
    ledger = ledger_table(
        lines, sample, terms, dates=panel.dates.astype("datetime64[D]"), labels=panel.contracts["contract"].to_numpy(),
        scale=forward, length=np.asarray(panel.book.expiry)[:, 0] + 1,
    )  # fmt: skip
    size = pl.DataFrame({"path": panel.contracts["contract"], "units": units})
    money = ["cost", "pnl"]
    positions = ledger.join(size, on="path", how="left", maintain_order="left").select(
        "policy", "date", contract="path", forward="spot",
        position=pl.col("position") * pl.col("units"), trade=pl.col("trade") * pl.col("units"),
        **{name: pl.col(name) * pl.col("units") for name in money},
    )  # fmt: skip
    folder.write_table("positions", positions, csv=True)
    folder.write_table("book", _over_time(positions))
    outcomes = {name: outcome_of(entry, sample.paths) for name, entry in lines.items()}
    pnl = {name: np.asarray(outcome.pnl, float) for name, outcome in outcomes.items()}
    held = panel.contracts.with_columns(**{f"pnl_bp_{name}": pl.Series(value * BP) for name, value in pnl.items()})
    folder.write_table("pnl", held)
    expiry = panel.contracts["expiry"].to_numpy()
    return {
        "contracts": len(panel),
        "expiries": int(panel.contracts["expiry"].n_unique()),
        "quantity": config.contract.quantity,
        "left_out": panel.excluded,
        "policies": {
            name: {
                "mean_bp": float(BP * value.mean()),
                "std_bp": float(BP * value.std()),
                "rms_bp": float(BP * np.sqrt(np.mean(value**2))),
                "cost_bp": float(BP * np.asarray(outcomes[name].cost, float).mean()),
                "pnl": float(np.sum(value * forward * units)),
                **({} if name == REFERENCE else {"gain": gain(value, pnl[REFERENCE], expiry).to_dict()}),
            }
            for name, value in pnl.items()
        },
    }


def _none_held(desk: PanelDesk, folder: PanelFolder, why: str) -> dict[str, Any]:
    """What stands where no contract of the judged time is settled inside the record: one-session steps are all."""
    numbers = dict.fromkeys(("forward", "position", "trade", "cost", "pnl"), pl.Float64)
    empty = pl.DataFrame(schema={"policy": pl.String, "date": pl.Date, "contract": pl.String, **numbers})
    folder.write_table("positions", empty, csv=True)
    folder.write_table("book", empty.select("policy", "date", "position", "pnl"))
    quantity = desk.config.contract.quantity
    return {"contracts": 0, "expiries": 0, "quantity": quantity, "left_out": {}, "policies": {}, "why_none": why}


def _units(panel: Panel, given: float | None) -> np.ndarray:
    """Units of the underlying in one contract of each path; the quantity is in the ledger already."""
    if given is not None:
        return np.full(len(panel), float(given))
    return panel.contracts["multiplier"].cast(pl.Float64).to_numpy()


def _over_time(positions: pl.DataFrame) -> pl.DataFrame:
    """The whole book by date: net position in units of the underlying, and P&L since the beginning."""
    change = pl.col("pnl").diff().fill_null(pl.col("pnl")).over("policy", "contract", order_by="date")
    daily = positions.with_columns(change=change).group_by("policy", "date").agg(
        pl.col("position").sum(), pl.col("trade").abs().sum().alias("traded"), pl.col("cost").sum(),
        pl.col("change").sum(),
        open=(pl.col("position") != 0).sum(),
    )  # fmt: skip
    return daily.sort("policy", "date").with_columns(pnl=pl.col("change").cum_sum().over("policy")).drop("change")
