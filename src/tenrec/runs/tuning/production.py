"""An exported rule in use: what to hold now."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from tenrec.core.errors import ConfigError, InputError
from tenrec.hedging.policies import CadenceMemory, CadenceThreshold, Own, RuleView
from tenrec.runs.loading import read_yaml
from tenrec.runs.tuning.config import BookSpec, RuleSpec, TuneConfig
from tenrec.runs.tuning.export import YAML_FILE
from tenrec.runs.tuning.loading import EXPORTED, load_tune_config
from tenrec.tuning.book import Book, GivenGreeks, Leg, book_path
from tenrec.tuning.search import PARAMETERS
from tenrec.tuning.ticks import DAY, Ticks


@dataclass(frozen=True)
class ExportedRule:
    """What an exported file says to run: book, costs and rule, checked as a configuration is."""

    config: TuneConfig

    @property
    def policy(self) -> CadenceThreshold:
        """The rule, in double precision."""
        rule = self.config.rule
        scaled = rule.gamma_scaling != 0 or rule.volatility_scaling != 0
        with jax.enable_x64(True):
            numbers = {name: jnp.asarray(float(getattr(rule, name))) for name in PARAMETERS}
            cost = jnp.asarray(self.config.costs.rate)
            return CadenceThreshold(**numbers, cost=cost, trigger=rule.trigger, scaled=scaled)


def rule_file(path: str | Path) -> Path:
    """The exported file itself, also where the folder of its tuning run is given."""
    return Path(path) / YAML_FILE if Path(path).is_dir() else Path(path)


def load_rule(path: str | Path, overrides: Iterable[str] = ()) -> ExportedRule:
    """Read an exported rule, or that of a tuning run's folder; `overrides` change it by `key.path=value`.

    Raises:
        ConfigError: the file is not an exported rule, or one of its values cannot be.
    """
    file = rule_file(path)
    given = read_yaml(file)
    missing = [name for name in ("hedging", "book", "costs", "rule") if name not in given]
    if missing:
        raise ConfigError(f"{file} has no section {missing[0]!r}; give a file that `tenrec tune` exported.")
    sections = {name: value for name, value in given.items() if name not in EXPORTED}
    sections["rule"] = {**_mapping(sections["rule"]), **_mapping(given["hedging"])}
    # The seed draws generated ticks; of the space, only the rule's own cadence must fit the ticks.
    seed = _mapping(given.get("optimization_metadata")).get("seed", 42)
    space = {"cadence_seconds": [sections["rule"].get("cadence_seconds", RuleSpec().cadence_seconds)]}
    sections["search"] = {"seed": seed, "space": space}
    return ExportedRule(load_tune_config(sections, overrides))


def _mapping(given: Any) -> dict[str, Any]:
    return given if isinstance(given, dict) else {}


def advise_rule(
    path: str | Path,
    *,
    spot: float,
    days_to_expiry: float,
    position: float = 0.0,
    implied_vol: float | None = None,
    entry_spot: float | None = None,
    seconds_since_hedge: float | None = None,
    last_hedge_spot: float | None = None,
) -> dict[str, Any]:
    """What the exported rule holds now: units of the underlying, or contracts of a dollar for an inverse hedge.

    Args:
        days_to_expiry: of the leg that lives longest; the others keep their distance to it. entry_spot: where the book
            was struck, by default `spot`. seconds_since_hedge, last_hedge_spot: by default the cadence has just passed,
            and nothing has moved since.

    Raises:
        InputError: a number that cannot be.
    """
    rule = load_rule(path)
    spec, volatility = rule.config.book, implied_vol or rule.config.rule.reference_volatility
    for name, value in (("--spot", spot), ("--days-to-expiry", days_to_expiry), ("--implied-vol", volatility)):
        if not (np.isfinite(value) and value > 0):
            raise InputError(f"{name} is {value:g}; a positive number is needed.")
    entry = spot if entry_spot is None else entry_spot
    path_now = book_path(_book(spec, entry, days_to_expiry), _now(spot, volatility))
    inverse = spec.settlement != "linear"
    per_contract = 1.0 / spot if inverse else 1.0
    delta, units = float(path_now.delta[0]), spec.notional / entry
    policy = rule.policy
    with jax.enable_x64(True):
        numbers = {
            "time": 0.0, "spot": spot, "delta": delta, "gamma": float(path_now.gamma[0]),
            "log_volatility": float(np.log(volatility / rule.config.rule.reference_volatility)),
            "delta_per_contract": per_contract, "units": units, "notional": spec.notional,
        }  # fmt: skip
        seen = RuleView(**{name: jnp.asarray(value) for name, value in numbers.items()}, tradable=jnp.asarray(1.0))
        since = rule.config.rule.cadence_seconds if seconds_since_hedge is None else seconds_since_hedge
        before = spot if last_hedge_spot is None else last_hedge_spot
        memory = CadenceMemory(jnp.asarray(-float(since)), jnp.asarray(float(before)))
        target, _ = policy.act(seen, Own(jnp.asarray([float(position)]), jnp.asarray(0.0), memory))
        low, high = (float(edge) for edge in policy.band(seen))
        hold = float(target[0])
    edges = sorted(((low - delta) / per_contract, (high - delta) / per_contract))
    return {
        "policy": rule.config.rule.kind,
        "instrument": f"{spec.underlying} "
        + ("inverse hedge (contracts of 1 USD)" if inverse else "linear hedge (units)"),
        "hold": hold,
        "trade": hold - position,
        "position": position,
        "band": edges,
        "black_scholes_delta": -delta / per_contract,
        "implied_vol": volatility,
        "why": _why(hold, position, since >= rule.config.rule.cadence_seconds, edges),
    }


def _now(spot: float, volatility: float) -> Ticks:
    """This moment, and one a second later, which a path needs."""
    two = np.ones(2)
    return Ticks(np.array([0.0, 1.0]), spot * two, volatility * two, 0 * two, 0 * two, two.astype(bool))


def _book(spec: BookSpec, entry: float, days: float) -> Book:
    if spec.greeks is not None:
        return Book(spec.notional, GivenGreeks(**spec.greeks.model_dump()), spec.settlement, spec.rate, spec.day_count)
    dated = [leg.expiry.timestamp() / DAY if leg.expiry is not None else float(leg.days or 0.0) for leg in spec.legs]
    longest = max(dated)
    legs = []
    for leg, due in zip(spec.legs, dated, strict=True):
        strike = leg.strike if leg.strike is not None else (leg.moneyness or 1.0) * entry
        quantity = leg.quantity if leg.strike is not None else leg.quantity * spec.notional / entry
        legs.append(Leg(leg.kind, strike, (days - (longest - due)) * DAY, quantity, relative=False))
    return Book(spec.notional, tuple(legs), spec.settlement, spec.rate, spec.day_count)


def _why(hold: float, position: float, due: bool, edges: list[float]) -> str:
    if hold == position:
        return "The cadence has not passed and net delta is inside its band, or the order would be too small."
    reason = "the cadence has passed" if due else "net delta has left its band"
    if not due and edges[0] <= position <= edges[1]:
        reason = "the price has moved past the gamma-scalp threshold since the last hedge"
    return f"A hedge is due: {reason}."
