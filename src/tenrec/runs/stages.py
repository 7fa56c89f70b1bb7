"""One training stage: fit a policy, keep checkpoints, resume exactly, stop cleanly."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
from jaxtyping import Array, Float, PRNGKeyArray

from tenrec.core.errors import InterruptedWork, WorkError
from tenrec.hedging.policies import AbstractPolicy, ensemble
from tenrec.nets import FitSettings, FitState, Progress, best_models, fit, start
from tenrec.runs.files import write_atomically
from tenrec.runs.folder import RunFolder, read_leaves
from tenrec.runs.policies import with_seed
from tenrec.runs.policy_specs import TrainingSpec
from tenrec.runs.progress import Reporter
from tenrec.runs.stored import damaged
from tenrec.training.hedge import PERCENT

SECONDS_BETWEEN_CHECKPOINTS = 5.0


@dataclass(frozen=True)
class Trained:
    """The best seed of a stage for each group: policies, scores in basis points, and how training went.

    Fields:
        policies: one for each group, in the order of `data`. scores_bp: (groups, seeds). together_bp: the score of the
            last group's ensemble, None where the best seed is kept.
    """

    policies: tuple[AbstractPolicy, ...]
    scores_bp: np.ndarray
    history: pl.DataFrame
    seconds: float
    updates: int
    together_bp: float | None = None


def fit_settings(spec: TrainingSpec) -> FitSettings:
    """The fit loop's settings from the configuration's training section."""
    names = ("updates", "per_dispatch", "learning_rate", "schedule", "clip", "average", "patience", "seed")
    return FitSettings(**{name: getattr(spec, name) for name in names})


def train_stage(
    name: str,
    make: Callable[[PRNGKeyArray], AbstractPolicy],
    loss: Callable[[AbstractPolicy, PRNGKeyArray, Any], Float[Array, ""]],
    score: Callable[[AbstractPolicy, Any], Float[Array, ""]],
    spec: TrainingSpec,
    *,
    data: Any = None,
    groups: int = 1,
    squared: bool = False,
    together: bool = False,
    folder: RunFolder,
    reporter: Reporter,
    resume: bool,
) -> Trained:
    """Fit `spec.seeds` policies for each group at once, keep the best seed of each; continues a checkpoint if asked.

    A policy without numbers to learn is scored and kept as it is.

    Args:
        data: what loss and score get as their last argument, leading axis groups (the parts of a record that forward
            validation may see, say); None where there is one group without data.
        squared: loss and score are mean squares, of which the roots are reported.
        together: keep the ensemble of all seeds in the place of the best one.
    """
    settings = fit_settings(spec)
    seeds = jax.random.split(jax.random.key(spec.seed), spec.seeds)
    models = eqx.filter_vmap(make)(jnp.tile(seeds, groups))
    data = jax.tree.map(lambda leaf: jnp.repeat(leaf, spec.seeds, axis=0), data)
    keeper = _Keeper(name, folder.checkpoint(name), settings, reporter, squared=squared)
    if not jax.tree.leaves(eqx.filter(models, eqx.is_inexact_array)):
        return _unlearned(keeper, make(seeds[0]), score, data, groups, spec.seeds)
    state = keeper.restore(start(models, settings)) if resume else start(models, settings)
    reporter.start(f"train {name.replace('_', ' ')}", settings.updates)
    began = time.perf_counter()
    try:
        state = fit(state, loss, score, settings, data=data, on_progress=keeper)
    except KeyboardInterrupt:
        done = keeper.save()
        raise InterruptedWork(
            f"Stopped at update {done} of {settings.updates} of {name}; `tenrec resume {folder.path}` continues there."
        ) from None
    keeper.save()
    if not np.isfinite(state.best_score).all():
        raise WorkError(
            f"Training {name} never gave a validation risk that is a number; "
            f"lower training.learning_rate (now {settings.learning_rate:g}) or check the size of the contract."
        )
    scores = keeper.in_bp(np.asarray(state.best_score, np.float64)).reshape(groups, spec.seeds)
    best = best_models(state)
    members = [[with_seed(best, spec.seeds * group + seed) for seed in range(spec.seeds)] for group in range(groups)]
    if together:
        policies = tuple(ensemble(row) for row in members)
    else:
        policies = tuple(row[int(np.argmin(own))] for row, own in zip(members, scores, strict=True))
    return Trained(
        policies=policies,
        together_bp=keeper.of_one(score, policies[-1], data) if together else None,
        scores_bp=scores,
        history=keeper.history(),
        seconds=time.perf_counter() - began,
        updates=int(state.update),
    )


def training_section(trained: Mapping[str, Trained]) -> dict[str, Any]:
    """The `training` part of `metrics.json`."""
    return {
        name: {
            "updates": result.updates,
            "seconds": result.seconds,
            "training_bp": _last_loss(result),
            "validation_bp": float(result.scores_bp[-1].min()) if result.together_bp is None else result.together_bp,
            "seeds_bp": [float(score) for score in result.scores_bp[-1]],
        }
        for name, result in trained.items()
    }


def _last_loss(result: Trained) -> float:
    """The batch loss of the reported policy's last update: the last group's best seed."""
    seeds = result.scores_bp.shape[1]
    return float(result.history["loss_bp"][-seeds:][int(np.argmin(result.scores_bp[-1]))])


def _unlearned(
    keeper: "_Keeper",
    policy: AbstractPolicy,
    score: Callable[[AbstractPolicy, Any], Float[Array, ""]],
    data: Any,
    groups: int,
    seeds: int,
) -> Trained:
    """A policy with nothing to learn, for every group: what it scores, as the history of no update."""
    found = keeper.of_one(score, policy, data)
    if not np.isfinite(found):
        raise WorkError(f"{keeper.name} gives a validation risk that is not a number; mend what it holds.")
    for seed in range(seeds):
        row = {"update": 0, "seed": seed, "loss_bp": found, "score_bp": found}
        keeper.rows.append({"stage": keeper.name, **row})
    scores = np.full((groups, seeds), found)
    return Trained((policy,) * groups, scores, keeper.history(), seconds=0.0, updates=0)


class _Keeper:
    """Hears of each compiled call: records it, writes checkpoints, refuses losses that are not numbers."""

    def __init__(self, name: str, path: Path, settings: FitSettings, reporter: Reporter, *, squared: bool) -> None:
        self.name, self.path, self.settings, self.reporter, self.squared = name, path, settings, reporter, squared
        self.rows: list[dict[str, float | int | str]] = []
        self.state: FitState | None = None
        self.saved_at = time.monotonic()

    def __call__(self, progress: Progress, state: FitState) -> None:
        # Weights can break in the last update of a call, whose own loss was still a number: then the score is none.
        failed = progress.failed or (progress.update if np.isnan(progress.score).any() else None)
        if failed is not None:
            kept = self.save()
            raise WorkError(
                f"Training {self.name} gave a loss that is not a number at update {failed}"
                f"{f', the checkpoint of update {kept} is kept' if kept else ''}; lower training.learning_rate "
                f"(now {self.settings.learning_rate:g}), or check the sizes of spot, strike and quantity."
            )
        losses, scores = self.in_bp(np.asarray(progress.loss)), self.in_bp(np.asarray(progress.score))
        for seed, (loss, score) in enumerate(zip(losses, scores, strict=True)):
            row = {"update": progress.update, "seed": seed, "loss_bp": float(loss), "score_bp": float(score)}
            self.rows.append({"stage": self.name, **row})
        # After the rows, for the same reason as in `save`: Ctrl-C may come between any two lines.
        self.state = state
        best = float(self.in_bp(np.asarray(state.best_score, np.float64)).min())
        self.reporter.advance(progress.update, f"validation {best:.2f} bp")
        if time.monotonic() - self.saved_at > SECONDS_BETWEEN_CHECKPOINTS:
            self.save()

    def of_one(self, score: Callable[[Any, Any], Float[Array, ""]], policy: AbstractPolicy, data: Any) -> float:
        """The score of one policy on the last group's data, basis points."""
        own = jax.tree.map(lambda leaf: leaf[-1], data)
        found = np.asarray(eqx.filter_jit(score)(policy, own), np.float64)
        return float(self.in_bp(found.reshape(1))[0])

    def in_bp(self, value: np.ndarray) -> np.ndarray:
        """Losses or scores, which are in percent of spot or in its square, in basis points."""
        return 1e4 * np.sqrt(value) / PERCENT**0.5 if self.squared else 1e4 / PERCENT * value

    def save(self) -> int:
        """Write the checkpoint, atomically; the number of updates in it."""
        if self.state is None:
            return 0
        state, rows = self.state, self.rows
        # The history first: rows beyond the state are dropped on the way back, missing ones could not be made up for.
        write_atomically(self.path.with_suffix(".parquet"), lambda part: pl.DataFrame(rows).write_parquet(part))
        write_atomically(self.path, lambda part: eqx.tree_serialise_leaves(part, state))
        self.saved_at = time.monotonic()
        return int(state.update)

    def restore(self, like: FitState) -> FitState:
        """The state of the checkpoint, or the fresh one if there is none."""
        if not self.path.is_file():
            return like
        state, history = read_leaves(self.path, like), self.path.with_suffix(".parquet")
        try:
            rows = pl.read_parquet(history)
        except (OSError, pl.exceptions.PolarsError):
            raise damaged(history, RunFolder.made_by) from None
        self.state, self.rows = state, rows.filter(pl.col("update") <= int(state.update)).to_dicts()
        return state

    def history(self) -> pl.DataFrame:
        """One row for each validation and seed."""
        columns = {
            "stage": pl.String,
            "update": pl.Int64,
            "seed": pl.Int64,
            "loss_bp": pl.Float64,
            "score_bp": pl.Float64,
        }
        return pl.DataFrame(self.rows, schema=columns)
