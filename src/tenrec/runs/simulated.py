"""The recipe of `tenrec hedge` on a simulated, resampled or given market."""

import time
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import polars as pl

from tenrec.contracts import AbstractContract, CustomPayoff
from tenrec.core.paths import MarketPaths, select
from tenrec.hedging.assess import Outcome, Sample, assess, in_chunks, join, ledgers, views
from tenrec.hedging.engine import Terms
from tenrec.hedging.policies import AbstractPolicy
from tenrec.markets import ArraysMarket, Sampling
from tenrec.runs.build import (
    build_contract,
    build_grid,
    build_risk,
    history_windows,
    is_fair_game,
    served,
    split_market,
)
from tenrec.runs.config import HedgeConfig
from tenrec.runs.curves import hedge_curves
from tenrec.runs.fair import Value, first_volatility, premium_of, quoted_premium
from tenrec.runs.folder import RunFolder
from tenrec.runs.history import quarters, split_windows
from tenrec.runs.metrics import BP, currency_value, policy_metrics
from tenrec.runs.minimum_variance import minimum_variance_coefficients
from tenrec.runs.optimum import optimum_section
from tenrec.runs.path_specs import HistorySpec
from tenrec.runs.policies import BANDED, baseline, cost_of, policy_name, save_policy, untrained
from tenrec.runs.policy_specs import PolicySpec
from tenrec.runs.progress import Reporter
from tenrec.runs.setting import build_setting
from tenrec.runs.stages import Trained, train_stage, training_section
from tenrec.runs.static_units import static_units
from tenrec.runs.statistics import SHOWN_BY_ROOT
from tenrec.runs.tables import ledger_table
from tenrec.runs.terms import build_margin, build_terms
from tenrec.training import (
    Objective,
    fair_game_score,
    local_objective,
    ridge,
    starting_aversion,
    terminal_objective,
)

CHUNK = 32_768
LEDGER_PATHS = 100
SCALING_PATHS = 1024
STARTING_PATHS = 4096
STATIC_PATHS = 8192
VALIDATION, SCALING, FIXED, STARTING = 1, 2, 3, 4


class Simulation:
    """What a simulated run works with, built once from its configuration."""

    def __init__(self, config: HedgeConfig, base: Path) -> None:
        self.config, self.base = config, base
        self.market, self.judged_on = split_market(config, base)
        self.contract: AbstractContract = build_contract(config)
        self.terms: Terms = build_terms(config)
        self.margin = build_margin(config)
        self.quoted = isinstance(config.market, HistorySpec) and config.premium in (None, "quote")
        premium = Value(0.0) if self.quoted else premium_of(config, self.contract, self.market)
        self.premium = jnp.asarray(premium.value, jnp.float32)
        self.premium_error = premium.standard_error
        self.sampling: Sampling = getattr(config.market, "sampling", "pseudo")

    def sample(self, key: jax.Array, count: int, *, sampling: Sampling = "pseudo") -> Sample:
        """Fresh training paths with the contract on them."""
        paths = self.market.simulate(key, served(self.market, count), sampling=sampling)
        return self._sold(paths)

    def _sold(self, paths: MarketPaths) -> Sample:
        """The contract on paths, sold at its premium: that of all, or of each sale its own implied volatility."""
        sample = Sample(paths, self.contract, self.premium)
        return eqx.tree_at(lambda own: own.premium, sample, quoted_premium(sample)) if self.quoted else sample

    def train(self, spec: PolicySpec, *, folder: RunFolder, reporter: Reporter, resume: bool) -> Trained:
        """Learn one policy."""
        settings = self.config.training
        root = jax.random.key(settings.seed)
        view = views(self.sample(jax.random.fold_in(root, SCALING), SCALING_PATHS))
        objective, score = self._objectives(spec)
        fixed = None if settings.fresh_paths else self.sample(jax.random.fold_in(root, FIXED), settings.paths)
        validation = self.sample(self._validation_key(), settings.validation_paths)
        aversion = None
        if spec.kind in BANDED and spec.aversion is None and not hasattr(self.config.risk, "aversion"):
            tried = self.sample(jax.random.fold_in(root, STARTING), STARTING_PATHS)
            aversion = starting_aversion(score, tried, cost_of(self.config))

        def loss(policy: AbstractPolicy, key: jax.Array, _: None, fixed: Sample | None) -> jax.Array:
            sample = self.sample(key, settings.paths) if fixed is None else fixed
            return objective(policy, sample, None) + ridge(policy, settings.weight_decay)

        return train_stage(
            policy_name(spec),
            lambda key: untrained(spec, view, self.config, key, aversion=aversion),
            eqx.Partial(loss, fixed=fixed),
            eqx.Partial(lambda policy, _, seen: score(policy, seen, None), seen=validation),
            settings,
            squared=spec.objective == "terminal" and self.config.risk.measure in SHOWN_BY_ROOT,
            together=spec.ensemble,
            folder=folder,
            reporter=reporter,
            resume=resume,
        )

    def _objectives(self, spec: PolicySpec) -> tuple[Objective, Objective]:
        """What a policy's updates minimise, and what its validation compares."""
        if spec.objective == "local":
            return local_objective(self.terms), local_objective(self.terms)
        risk, fair_game = build_risk(self.config), is_fair_game(self.config)
        objective = terminal_objective(risk, self.terms, fair_game=fair_game)
        has_delta = not any(isinstance(exotic, CustomPayoff) for exotic in self.contract.exotics)
        return objective, fair_game_score(risk, self.terms) if fair_game and has_delta else objective

    def baselines(self) -> dict[str, AbstractPolicy]:
        """The classical policies to compare with."""
        names = [name for name in self.config.evaluate.against if name != "optimum"]
        coefficients = np.zeros(3)
        if "minimum_variance_delta" in names:
            key = jax.random.fold_in(jax.random.key(self.config.training.seed), SCALING)
            coefficients = minimum_variance_coefficients(self.sample(key, 4096))
        return {name: baseline(name, self.config, coefficients, self._static_units(name)) for name in names}

    def _static_units(self, name: str) -> np.ndarray | None:
        """What a static policy of this name holds: as given, else fitted to training paths."""
        if name not in ("static", "static_delta"):
            return None
        if self.config.evaluate.static_units is not None:
            return np.asarray(self.config.evaluate.static_units)
        key = jax.random.fold_in(jax.random.key(self.config.training.seed), SCALING)
        return static_units(self.sample(key, STATIC_PATHS), self.terms, hedged=name == "static_delta")

    def evaluate(self, policies: dict[str, AbstractPolicy], reporter: Reporter) -> dict[str, Outcome]:
        """Outcomes on common paths that training has not seen."""
        spec = self.config.evaluate
        root, parts = jax.random.key(spec.seed), []
        count = self.evaluation_count()
        reporter.start("evaluate", count)
        done = 0
        for number, size in enumerate(in_chunks(count, self.chunk())):
            parts.append(assess(policies, self._judged(root, number, size), self.terms, self.margin))
            done += size
            reporter.advance(done, f"{count:,} paths")
        return {name: join([part[name] for part in parts]) for name in policies}

    def chunk(self) -> int:
        """Paths judged at once; given arrays are served whole."""
        return self.evaluation_count() if isinstance(self.judged_on, ArraysMarket) else CHUNK

    def evaluation_count(self) -> int:
        """Number of paths to judge on; given arrays cannot give more than they have."""
        return served(self.judged_on, self.config.evaluate.paths)

    def pairs(self) -> np.ndarray | None:
        """Which evaluation paths mirror each other: i and i + half of each chunk; None where they are independent."""
        if self.sampling != "antithetic":
            return None
        sizes = in_chunks(self.evaluation_count(), CHUNK)
        return np.concatenate([number * CHUNK + np.tile(np.arange(size // 2), 2) for number, size in enumerate(sizes)])

    def clusters(self) -> np.ndarray | None:
        """The quarter of each sale on a recorded index, whose neighbours overlap; None where paths are independent."""
        spec = self.config.market
        if not isinstance(spec, HistorySpec):
            return None
        judged = split_windows(history_windows(self.config, self.base), spec.train_until)[1]
        return quarters(judged)[: self.evaluation_count()]

    def _judged(self, root: jax.Array, number: int, size: int) -> Sample:
        paths = self.judged_on.simulate(jax.random.fold_in(root, number), size, sampling=self.sampling)
        return self._sold(paths)

    def replayed(self) -> Sample:
        """The first evaluation paths, whose ledgers are kept."""
        size = min(self.chunk(), self.evaluation_count())
        # The whole first chunk is drawn again: which numbers a path gets depends on how many are drawn at once.
        sample = self._judged(jax.random.key(self.config.evaluate.seed), 0, size)
        return self._sold(select(sample.paths, slice(LEDGER_PATHS)))

    def choose(self, trained: dict[str, Trained]) -> str:
        """The learned policy with the least risk on the validation paths."""
        if len(trained) == 1:
            return next(iter(trained))
        # By the risk that is reported: the policies' own objectives may differ.
        risk = eqx.filter_jit(terminal_objective(build_risk(self.config), self.terms))
        seen = self.sample(self._validation_key(), self.config.training.validation_paths)
        return min(trained, key=lambda name: float(risk(trained[name].policies[0], seen, None)))

    def _validation_key(self) -> jax.Array:
        return jax.random.fold_in(jax.random.key(self.config.training.seed), VALIDATION)


def hedge_simulated(simulation: Simulation, folder: RunFolder, reporter: Reporter, *, resume: bool) -> None:
    """Learn, compare and write everything but the report."""
    began = time.perf_counter()
    config = simulation.config
    optimum_named = "optimum" in config.evaluate.against
    trained = {
        policy_name(spec): simulation.train(spec, folder=folder, reporter=reporter, resume=resume)
        for spec in (config.policy, *config.rivals)
    }
    learned = simulation.choose(trained)
    policies = simulation.baselines() | {name: result.policies[0] for name, result in trained.items()}
    for name, policy in policies.items():
        save_policy(folder.policies, name, policy)
    outcomes = simulation.evaluate(policies, reporter)
    shown = simulation.replayed()
    spot = float(shown.paths.spot[0, 0])
    clusters = simulation.clusters()
    table = policy_metrics(outcomes, config, spot, clusters, pairs=simulation.pairs())
    optimum = None
    if optimum_named:
        optimum = optimum_section(config, policies, reporter)
    metrics: dict[str, Any] = {
        "kind": "simulated",
        "currency": "",
        "spot": spot,
        "paths": simulation.evaluation_count(),
        "clusters": None if clusters is None else len(np.unique(clusters)),
        "clusters_are": None if clusters is None else "quarters",
        "risk": config.risk.model_dump(),
        "premium": "quote" if simulation.quoted else float(simulation.premium),
        "premium_error": simulation.premium_error,
        "learned": learned,
        "reference": config.evaluate.reference,
        "policies": {name: entry | {"risk": currency_value(entry["risk_bp"], spot)} for name, entry in table.items()},
        "optimum": optimum,
        "training": training_section(trained),
        "validation": None,
        "seconds": time.perf_counter() - began,
    }
    volatility = first_volatility(simulation.judged_on)
    folder.mark("started", spot=spot, volatility=volatility)
    folder.write_table("history", pl.concat([result.history for result in trained.values()]))
    pnl = {name: np.asarray(outcome.pnl, np.float64) / spot * BP for name, outcome in outcomes.items()}
    folder.write_table("pnl", pl.DataFrame(pnl))
    folder.write_table("ledger", _ledger(simulation, policies, shown), csv=True)
    setting = build_setting(config, spot=spot, volatility=volatility)
    folder.write_table("curves", hedge_curves(policies, setting, config.grid.day_count))
    folder.write_metrics(metrics)


def _ledger(simulation: Simulation, policies: dict[str, AbstractPolicy], sample: Sample) -> pl.DataFrame:
    lines = ledgers(policies, sample, simulation.terms)
    count, width = sample.paths.count, build_grid(simulation.config).steps + 1
    dates = np.broadcast_to(np.arange(width, dtype=np.int32), (count, width))
    return ledger_table(lines, sample, simulation.terms, dates=dates, labels=np.arange(count), margin=simulation.margin)
