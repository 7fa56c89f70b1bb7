"""What can be known to be wrong with a configuration before anything is written or learned."""

from collections.abc import Iterable
from pathlib import Path

import equinox as eqx
import jax

from tenrec.contracts import CustomPayoff
from tenrec.core.errors import ConfigError
from tenrec.data.source import read_source
from tenrec.hedging.assess import views
from tenrec.hedging.features import FEATURES, OWN_FEATURES
from tenrec.runs.build import optimum_criterion, optimum_problem
from tenrec.runs.config import HedgeConfig
from tenrec.runs.custom import try_policy
from tenrec.runs.path_specs import RecordedSpec
from tenrec.runs.policies import baseline, untrained
from tenrec.runs.policy_specs import PolicySpec
from tenrec.runs.setting import listed_signals, neutral_view
from tenrec.runs.simulated import Simulation
from tenrec.runs.vol.saved import load_forecaster


def preflight(config: HedgeConfig, base: Path) -> Simulation | None:
    """Refuse what would fail after minutes of work: features, files, shapes, an optimum that cannot be computed.

    Returns:
        What a simulated run works with, which need not be built again; None on a recorded market.

    Raises:
        InputError: in the words of the part that refuses.
    """
    specs = (config.policy, *config.rivals)
    for spec in specs:
        if spec.kind == "custom":
            try_policy(spec.source or "", spec.make or "", neutral_view(config))
    if config.evaluate.pricer is not None:
        baseline("neural_delta", config)
    if isinstance(config.market, RecordedSpec):
        if config.market.forecaster is not None:
            load_forecaster(config.market.forecaster)
        for spec in config.market.signals.values():
            read_source(spec.file)
        _refuse_unknown_features(specs, listed_signals(config))
        return None
    if "optimum" in config.evaluate.against:
        optimum_criterion(config, optimum_problem(config), premium=0.0)
    simulation = Simulation(config, base)
    _refuse_without_a_value(simulation)
    _refuse_unpaired(simulation)
    key = jax.random.key(0)
    for spec in specs:
        # Shapes alone are worked out here; no path is simulated.
        eqx.filter_eval_shape(
            lambda key, spec=spec: untrained(spec, views(simulation.sample(key, 1)), config, key), key
        )
    return simulation


def _refuse_unknown_features(specs: Iterable[PolicySpec], signals: Iterable[str]) -> None:
    known = [*sorted(FEATURES), *OWN_FEATURES, *signals]
    for spec in specs:
        if spec.kind == "custom":
            continue
        unknown = [name for name in spec.features if name not in known]
        if unknown:
            raise ConfigError(f"policy feature {unknown[0]!r} is not known here; choose from {', '.join(known)}.")


def _refuse_unpaired(simulation: Simulation) -> None:
    count = simulation.evaluation_count()
    if simulation.sampling == "antithetic" and count % 2:
        raise ConfigError(
            f"evaluate.paths is {count} and market.sampling is 'antithetic', which pairs paths; give an even number."
        )


def _refuse_without_a_value(simulation: Simulation) -> None:
    """A contract that only a learned policy can hedge, judged against one that needs its delta."""
    custom = any(isinstance(exotic, CustomPayoff) for exotic in simulation.contract.exotics)
    needing = [name for name in simulation.config.evaluate.against if name != "no_hedge"]
    if custom and needing:
        raise ConfigError(
            f"evaluate.against names {needing[0]}, and a custom payoff has no Black–Scholes delta; set "
            "evaluate: {against: [no_hedge], reference: no_hedge}."
        )
