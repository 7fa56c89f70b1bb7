"""The recipe of `tenrec hedge` on recorded listed options: learn, validate forward, report on what nothing has seen."""

import datetime as dt
import functools
import time
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import polars as pl

from tenrec.backtest import Panel, Record, SelectionRule, load_record
from tenrec.backtest.forecasts import with_forecasts, with_signals
from tenrec.hedging.assess import Sample, assess, ledgers, outcome_of, views
from tenrec.hedging.engine import Terms
from tenrec.hedging.policies import AbstractPolicy
from tenrec.runs.build import build_risk
from tenrec.runs.config import HedgeConfig
from tenrec.runs.contract_specs import ListedSpec
from tenrec.runs.curves import hedge_curves
from tenrec.runs.extremes import days_that_matter, expiry_groups, without_days
from tenrec.runs.folder import RunFolder
from tenrec.runs.metrics import BP, currency_value, losses_of, policy_metrics
from tenrec.runs.minimum_variance import minimum_variance_coefficients
from tenrec.runs.path_specs import RecordedSpec
from tenrec.runs.policies import baseline, policy_name, save_policy, untrained
from tenrec.runs.policy_specs import PolicySpec
from tenrec.runs.progress import Reporter
from tenrec.runs.setting import DAYS_PER_YEAR, build_setting
from tenrec.runs.stages import Trained, train_stage, training_section
from tenrec.runs.statistics import CVAR95, SHOWN_BY_ROOT, STD, Statistic
from tenrec.runs.tables import ledger_table
from tenrec.runs.terms import build_terms
from tenrec.runs.vol.saved import load_forecaster
from tenrec.runs.vol.signals import named_signals
from tenrec.training import local_objective, ridge, terminal_objective

ONE_DAY = dt.timedelta(days=1)
LARGEST_DAYS = 2
RISEN = ("return_5d", "return_20d")


@dataclass(frozen=True)
class Fold:
    """A step of forward validation: learn on what ended by `until`, judge on what was entered and ended in `year`."""

    year: int
    until: dt.date


class Desk:
    """What a recorded run works with, built once from its configuration."""

    def __init__(self, config: HedgeConfig) -> None:
        market, contract = config.market, config.contract
        assert isinstance(market, RecordedSpec)
        assert isinstance(contract, ListedSpec)
        self.config, self.market = config, market
        rule = SelectionRule(*contract.days, contract.max_log_moneyness, contract.min_quotes)
        self.record: Record = load_record(rule, rate=market.rate, quantity=float(contract.quantity))
        self.forecaster: dict[str, Any] | None = None
        if market.forecaster is not None:
            made = load_forecaster(market.forecaster)
            self.record, share = with_forecasts(self.record, made)
            self.forecaster = made.about(share)
        self.signals: dict[str, Any] = {}
        if market.signals:
            closes = self.record.history.dates
            named = named_signals({name: spec.source for name, spec in market.signals.items()}, closes)
            self.record = with_signals(self.record, {name: np.nan_to_num(one.values) for name, one in named.items()})
            self.signals = {name: one.about(closes) for name, one in named.items()}
        self.panel: Panel = self.record.panel
        self.train = self.panel.between(None, market.train_until)
        self.test = self.panel.between(market.validate_until + ONE_DAY, None)
        self.terms: Terms = build_terms(config)
        years = range(market.validate_from.year, market.validate_until.year + 1)
        self.folds = tuple(Fold(year, min(dt.date(year - 1, 12, 31), market.train_until)) for year in years)
        self.cutoffs = sorted({*(fold.until for fold in self.folds), market.train_until})

    def sample(self, panel: Panel) -> Sample:
        """The contracts of a panel as the engine takes them."""
        return Sample(panel.paths, panel.book, jnp.asarray(panel.premium, jnp.float32))

    @functools.cached_property
    def synthetic(self) -> dict[str, Sample]:
        """Resampled and simulated training paths, one set for each of `cutoffs` on the leading axis."""
        seed, mix = self.config.training.seed, self.market.mix
        made = [self.record.synthetic(cutoff, mix, seed=seed) for cutoff in self.cutoffs]
        return jax.tree.map(lambda *leaves: jnp.stack(leaves), *made)

    def learn(self, spec: PolicySpec, *, folder: RunFolder, reporter: Reporter, resume: bool) -> Trained:
        """One policy for each of `cutoffs`; the last has learned on everything that ended by `train_until`."""
        settings, mix = self.config.training, self.market.mix
        objective = (
            local_objective(self.terms)
            if spec.objective == "local"
            else terminal_objective(build_risk(self.config), self.terms)
        )
        recorded = self.sample(self.train)
        expiry = self.train.contracts["expiry"].to_numpy()
        weights = np.stack([(expiry <= np.datetime64(cutoff)).astype(np.float32) for cutoff in self.cutoffs])

        def score(policy: AbstractPolicy, own: tuple[jax.Array, dict[str, Sample]], recorded: Sample) -> jax.Array:
            seen, drawn = own
            total = mix.recorded * objective(policy, recorded, seen)
            for name, sample in drawn.items():
                total = total + getattr(mix, name) * objective(policy, sample, None)
            return total / mix.total

        def loss(policy: AbstractPolicy, _: jax.Array, own: Any, recorded: Sample) -> jax.Array:
            return score(policy, own, recorded) + ridge(policy, settings.weight_decay)

        view = views(recorded)
        return train_stage(
            policy_name(spec),
            lambda key: untrained(spec, view, self.config, key),
            eqx.Partial(loss, recorded=recorded),
            eqx.Partial(score, recorded=recorded),
            settings,
            data=(jnp.asarray(weights), self.synthetic),
            groups=len(self.cutoffs),
            squared=spec.objective == "terminal" and self.config.risk.measure in SHOWN_BY_ROOT,
            together=spec.ensemble,
            folder=folder,
            reporter=reporter,
            resume=resume,
        )

    def baselines(self) -> dict[str, AbstractPolicy]:
        """The classical policies; the minimum-variance delta is fitted on the training contracts."""
        names, coefficients = list(self.config.evaluate.against), np.zeros(3)
        if self.forecaster is not None and "forecast_delta" not in names:
            names.append("forecast_delta")
        if "minimum_variance_delta" in names:
            coefficients = minimum_variance_coefficients(self.sample(self.train))
        return {name: baseline(name, self.config, coefficients) for name in names}

    def validate(self, trained: dict[str, Trained]) -> dict[str, Any]:
        """Forward validation: ratios to the reference by year, and pooled, of every learned policy."""
        reference = self.config.evaluate.reference
        losses: dict[str, list[np.ndarray]] = {name: [] for name in (*trained, reference)}
        sample = self.sample(self.panel.between(None, self.market.validate_until))
        table = self.panel.between(None, self.market.validate_until).contracts
        for fold in self.folds:
            number = self.cutoffs.index(fold.until)
            policies = {name: result.policies[number] for name, result in trained.items()}
            policies[reference] = baseline(reference, self.config)
            inside = (table["entry"] >= dt.date(fold.year, 1, 1)) & (table["expiry"] <= dt.date(fold.year, 12, 31))
            for name, loss in losses_of(assess(policies, sample, self.terms), 1.0).items():
                losses[name].append(loss[inside.to_numpy()])
        candidates = {name: self._ratios(losses[name], losses[reference]) for name in trained}
        chosen = min(candidates, key=lambda name: candidates[name]["pooled std"] + candidates[name]["pooled CVaR95"])
        return {"folds": list(candidates[chosen]), "chosen": chosen, "candidates": candidates}

    def _ratios(self, losses: list[np.ndarray], against: list[np.ndarray]) -> dict[str, float]:
        ratios = {str(fold.year): _ratio(STD, losses[index], against[index]) for index, fold in enumerate(self.folds)}
        ratios["pooled std"] = _ratio(STD, np.concatenate(losses), np.concatenate(against))
        ratios["pooled CVaR95"] = _ratio(CVAR95, np.concatenate(losses), np.concatenate(against))
        return ratios


def hedge_recorded(config: HedgeConfig, folder: RunFolder, reporter: Reporter, *, resume: bool) -> None:
    """Learn, validate, compare and write everything but the report."""
    began = time.perf_counter()
    reporter.start("read the panel", 1)
    desk = Desk(config)
    reporter.advance(1, f"{len(desk.panel):,} contracts")
    trained = {
        policy_name(spec): desk.learn(spec, folder=folder, reporter=reporter, resume=resume)
        for spec in (config.policy, *config.rivals)
    }
    reporter.start("forward validation", 1)
    validation = desk.validate(trained)
    reporter.advance(1, f"chose {validation['chosen'].replace('_', ' ')}")
    policies = desk.baselines() | {name: result.policies[-1] for name, result in trained.items()}
    for name, policy in policies.items():
        save_policy(folder.policies, name, policy)
    folder.mark("started", signal_names=list(desk.panel.paths.signal_names))
    reporter.start("report on what nothing has seen", 1)
    judged = _judge(desk, policies)
    expiries = desk.test.contracts["expiry"].n_unique()
    reporter.advance(1, f"{len(desk.test)} contracts, {expiries} expiries")
    days = days_that_matter(judged.ledger, desk.test.contracts, validation["chosen"], config.evaluate.reference)
    folder.write_table("history", pl.concat([result.history for result in trained.values()]))
    folder.write_table("pnl", pl.concat([desk.test.contracts, pl.DataFrame(judged.pnl_bp)], how="horizontal"))
    folder.write_table("ledger", judged.ledger, csv=True)
    folder.write_table("days", days)
    folder.write_table("groups", expiry_groups(desk.test.contracts, judged.pnl_bp))
    names = desk.panel.paths.signal_names
    setting = build_setting(config, names, strike=float(desk.test.contracts["forward"].mean()))  # type: ignore[arg-type]
    risen = {name: 1.0 for name in RISEN if name in names}
    folder.write_table("curves", hedge_curves(policies, setting, DAYS_PER_YEAR, risen))
    metrics = _metrics(desk, trained, validation, judged, days)
    folder.write_metrics(metrics | {"seconds": time.perf_counter() - began})


@dataclass(frozen=True)
class Judged:
    """What the policies did on the contracts that nothing has seen."""

    table: dict[str, dict[str, Any]]
    pnl_bp: dict[str, np.ndarray]
    ledger: pl.DataFrame


def _judge(desk: Desk, policies: dict[str, AbstractPolicy]) -> Judged:
    sample, contracts = desk.sample(desk.test), desk.test.contracts
    lines = ledgers(policies, sample, desk.terms)
    outcomes = {name: outcome_of(entry, sample.paths) for name, entry in lines.items()}
    forward = contracts["forward"].to_numpy()
    return Judged(
        table=policy_metrics(outcomes, desk.config, 1.0, contracts["expiry"].to_numpy()),
        pnl_bp={name: np.asarray(outcome.pnl, np.float64) * BP for name, outcome in outcomes.items()},
        ledger=ledger_table(
            lines,
            sample,
            desk.terms,
            dates=desk.test.dates.astype("datetime64[D]"),
            labels=contracts["contract"].to_numpy(),
            scale=forward,
            length=np.asarray(desk.test.book.expiry)[:, 0] + 1,
        ),
    )


def _metrics(
    desk: Desk, trained: dict[str, Trained], validation: dict[str, Any], judged: Judged, days: pl.DataFrame
) -> dict[str, Any]:
    contracts, learned, reference = desk.test.contracts, validation["chosen"], desk.config.evaluate.reference
    spot = float(contracts["forward"].mean())  # type: ignore[arg-type]
    largest = days["date"].to_list()[:LARGEST_DAYS]
    return {
        "kind": "recorded",
        "currency": "CNY",
        "spot": spot,
        "paths": len(desk.test),
        "clusters": contracts["expiry"].n_unique(),
        "risk": desk.config.risk.model_dump(),
        "premium": "quote",
        "learned": learned,
        "reference": reference,
        "policies": {name: row | {"risk": currency_value(row["risk_bp"], spot)} for name, row in judged.table.items()},
        "optimum": None,
        "training": training_section(trained),
        "validation": validation,
        "forecaster": desk.forecaster,
        "signals": desk.signals,
        "without_largest_days": without_days(judged.ledger, contracts, largest, learned, reference),
        "selection": desk.panel.excluded,
        "contracts": {"train": len(desk.train), "test": len(desk.test), "carried_volatilities": desk.panel.carried},
    }


def _ratio(statistic: Statistic, loss: np.ndarray, against: np.ndarray) -> float:
    return statistic.influence(loss)[0] / statistic.influence(against)[0]
