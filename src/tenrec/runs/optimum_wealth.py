"""The exact optimum beside a run's policies where the risk makes the wealth a state: policies are valued on paths."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from tenrec.hedging.assess import Sample, assess, in_chunks
from tenrec.hedging.optimum import Criterion, Problem, solve_wealth
from tenrec.hedging.policies import AbstractPolicy
from tenrec.risk import estimate
from tenrec.runs.build import build_contract, build_market, build_risk
from tenrec.runs.config import HedgeConfig
from tenrec.runs.metrics import BP
from tenrec.runs.progress import Reporter
from tenrec.runs.terms import build_terms

CHUNK = 32_768
PATHS = 1_000_000


def wealth_section(
    config: HedgeConfig,
    problem: Problem,
    criterion: Criterion,
    premium: float,
    policies: Mapping[str, AbstractPolicy],
    reporter: Reporter,
    *,
    paths: int = PATHS,
) -> dict[str, Any]:
    """The `optimum` part of `metrics.json` for CVaR, mean and deviation, mean–variance and the quadratic risk.

    Policies are valued on `paths` simulated paths of their own seed, with the standard error of each value.
    """
    reporter.start("exact optimum", 5 * problem.steps)
    best = solve_wealth(problem, criterion, progress=lambda done, _: reporter.advance(done))
    price = best.indifference_price if criterion.fixed_start() is None else None
    entries = {}
    for name, losses in _losses(config, premium, policies, paths, reporter).items():
        found = estimate(build_risk(config), losses)
        value, error = found.value, found.standard_error
        if criterion.fixed_start() is not None:
            # The quadratic risk is shown by its root.
            value, error = np.sqrt(value), error / (2.0 * np.sqrt(max(value, 1e-300)))
        value_bp = float(value) * BP
        entries[name] = {
            "value_bp": value_bp,
            "gap_bp": value_bp - best.value_bp,
            "standard_error_bp": float(error) * BP,
            "paths": paths,
        }
    return {
        "optimum_bp": best.value_bp,
        "numerical_error_bp": best.numerical_error_bp,
        "indifference_price": price,
        "policies": entries,
    }


def _losses(
    config: HedgeConfig, premium: float, policies: Mapping[str, AbstractPolicy], paths: int, reporter: Reporter
) -> dict[str, np.ndarray]:
    """ℓ = −P&L_T/S₀ of every policy on the same paths, float64."""
    if not policies:
        return {}
    market, contract, terms = build_market(config, Path()), build_contract(config), build_terms(config)
    received, root = jnp.asarray(premium, jnp.float32), jax.random.key(config.evaluate.seed + 1)
    reporter.start("value of the policies", paths)
    parts: dict[str, list[np.ndarray]] = {name: [] for name in policies}
    done = 0
    for number, size in enumerate(in_chunks(paths, CHUNK)):
        drawn = market.simulate(jax.random.fold_in(root, number), size)
        spot = np.asarray(drawn.spot[:, 0], np.float64)
        for name, outcome in assess(policies, Sample(drawn, contract, received), terms).items():
            parts[name].append(-np.asarray(outcome.pnl, np.float64) / spot)
        done += size
        reporter.advance(done)
    return {name: np.concatenate(found) for name, found in parts.items()}
