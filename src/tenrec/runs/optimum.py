"""The exact optimum beside a run's policies."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from tenrec.core.errors import UnsolvableError
from tenrec.hedging.optimum import solve, value_policy
from tenrec.hedging.policies import AbstractPolicy, AbstractPositionPolicy
from tenrec.hedging.view import view_at
from tenrec.runs.advice import Setting
from tenrec.runs.build import build_contract, build_market, optimum_criterion, optimum_problem
from tenrec.runs.config import HedgeConfig
from tenrec.runs.fair import premium_of
from tenrec.runs.loading import load_config
from tenrec.runs.optimum_wealth import wealth_section
from tenrec.runs.policies import baseline, load_policy, spec_named
from tenrec.runs.progress import Reporter
from tenrec.runs.run import load
from tenrec.runs.setting import build_setting

PATH_DEPENDENT = ("last_log_return",)
Target = Callable[[int, np.ndarray, np.ndarray], np.ndarray]


def optimum_section(config: HedgeConfig, policies: Mapping[str, AbstractPolicy], reporter: Reporter) -> dict[str, Any]:
    """The `optimum` part of `metrics.json`: least risk, its numerical error, and the gap of every policy.

    Under the entropic risk the gaps are exact; under the others they are simulated, with their standard errors.

    Raises:
        UnsolvableError: the run is not a problem that dynamic programming solves exactly.
    """
    problem = optimum_problem(config)
    premium = premium_of(config, build_contract(config), build_market(config, Path())).value
    criterion = optimum_criterion(config, problem, premium)
    if criterion is not None:
        return wealth_section(config, problem, criterion, premium, policies, reporter)
    reporter.start("exact optimum", problem.steps)
    best = solve(problem, progress=lambda done, _: reporter.advance(done))
    setting, entries = build_setting(config), {}
    for name, policy in policies.items():
        spec = spec_named(config, name)
        if spec is not None and set(spec.features) & set(PATH_DEPENDENT):
            reporter.say(f"{name} sees {', '.join(PATH_DEPENDENT)}: it has no exact value on spot and position alone.")
            continue
        if spec is not None and spec.kind == "custom":
            reporter.say(f"{name} may see anything: it has no exact value on spot and position alone.")
            continue
        if not isinstance(policy, AbstractPositionPolicy):
            reporter.say(f"{name} sees its wealth or its past: it has no exact value on spot and position alone.")
            continue
        reporter.start(f"exact value of {name.replace('_', ' ')}", problem.steps)
        value_bp, error_bp = value_policy(problem, markov_target(policy, setting, problem.times))
        reporter.advance(problem.steps)
        gap = value_bp - best.value_bp
        entries[name] = {"value_bp": value_bp, "gap_bp": gap, "numerical_error_bp": error_bp}
    return {
        "optimum_bp": best.value_bp,
        "numerical_error_bp": best.numerical_error_bp,
        "indifference_price": best.indifference_price,
        "policies": entries,
    }


def markov_target(policy: AbstractPositionPolicy, setting: Setting, times: np.ndarray) -> Target:
    """A policy as a function of date, spot and position, in float64, compiled once for all dates."""
    steps = len(times) - 1
    expiry = np.asarray(setting.contract.expiry)

    @eqx.filter_jit
    def held(policy: AbstractPositionPolicy, time_left: jax.Array, spot: jax.Array, position: jax.Array) -> jax.Array:
        price = spot * jnp.exp((setting.rate - setting.dividend_yield) * time_left) if setting.future else spot
        view = view_at(
            setting.contract,
            spot=spot,
            time_to_expiry=jnp.full((spot.shape[0], len(expiry)), time_left),
            volatility=jnp.full_like(spot, setting.volatility),
            maturity=setting.maturity,
            period=setting.period,
            initial_spot=setting.initial_spot or 1.0,
            rate=setting.rate,
            dividend_yield=setting.dividend_yield,
            price=price[:, None],
        )
        return jax.vmap(policy.target)(policy.inputs(view), position[:, None])[:, 0]

    if len(set(expiry.tolist())) > 1 or expiry.max() != steps:
        raise UnsolvableError("The book has several expiries; give all options the same days.")

    def target(date: int, spot: np.ndarray, position: np.ndarray) -> np.ndarray:
        with jax.enable_x64(True):
            exact = jax.tree.map(_double, policy)
            spots, positions = np.broadcast_arrays(np.asarray(spot, float), np.asarray(position, float))
            left = jnp.asarray(times[-1] - times[date])
            wanted = held(exact, left, jnp.asarray(spots.ravel()), jnp.asarray(positions.ravel()))
            return np.asarray(wanted).reshape(spots.shape)

    return target


def _double(leaf: Any) -> Any:
    return jnp.asarray(leaf, jnp.float64) if eqx.is_inexact_array(leaf) else leaf


def optimum_of(source: Path, overrides: Iterable[str], reporter: Reporter) -> dict[str, Any]:
    """The optimum of a configuration with the classical policies, or of a finished run with the learned ones too."""
    if source.is_dir():
        run = load(source)
        config = load_config(run.config, overrides)
        names = list(run.metrics["policies"])
        policies = {name: load_policy(run.folder.policies, name, config) for name in names}
    else:
        config = load_config(source, overrides)
        names = [name for name in config.evaluate.against if name not in ("optimum", "minimum_variance_delta")]
        policies = {name: baseline(name, config) for name in names}
    return optimum_section(config, policies, reporter)
