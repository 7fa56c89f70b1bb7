"""What to hold now: a run's policy asked about one moment."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from tenrec.contracts import CustomPayoff
from tenrec.core.errors import InputError
from tenrec.runs.contract_specs import ListedSpec
from tenrec.runs.metrics import label_of
from tenrec.runs.run import Run
from tenrec.runs.setting import DAYS_PER_YEAR


def advise(
    run: Run,
    *,
    spot: float,
    days_to_expiry: float,
    position: float = 0.0,
    strike: float | None = None,
    kind: str | None = None,
    implied_vol: float | None = None,
    quantity: float | None = None,
    multiplier: float = 1.0,
    wealth: float | None = None,
    policy: str | None = None,
    signals: Iterable[str] = (),
) -> dict[str, Any]:
    """What to hold and to trade, the band if the policy has one, and the Black–Scholes delta.

    Args:
        days_to_expiry: in the run's days. quantity: contracts owned, each of `multiplier` units of the underlying.
        wealth: cash and hedge at mid prices, the premium counted in, quote currency; 0 where not given.
        signals: `name=value` of the market's signals; neutral where not given.

    Raises:
        InputError: a number that cannot be.
    """
    name = run.metrics["learned"] if policy is None else policy
    config = run.config
    handle = run.policy(name)
    listed = isinstance(config.contract, ListedSpec)
    if listed and strike is None:
        raise InputError("--strike was not given; a run on listed options has many, so say which one is hedged.")
    if not days_to_expiry > 0:
        raise InputError(f"--days-to-expiry is {days_to_expiry}; a positive number of days is needed.")
    if not multiplier > 0:
        raise InputError(f"--multiplier is {multiplier}; a positive number is needed.")
    day_count = DAYS_PER_YEAR if listed else config.grid.day_count
    given = {"strike": strike, "kind": kind, "implied_vol": implied_vol, "wealth": wealth}
    asked: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    if quantity is not None or multiplier != 1.0:
        owned = handle.setting.contract.quantity[0] if quantity is None else quantity
        asked["quantity"] = float(owned) * multiplier
    asked |= {"spot": spot, "time_to_maturity": days_to_expiry / day_count}
    states = dict(_signal(text, handle.setting.signal_names) for text in signals)
    hold = float(handle.target(position=position, **asked, **states))
    if not np.isfinite(hold):
        raise InputError(f"The policy {name} gives no number at these inputs; check their units.")
    edges = handle.band(**asked, **states)
    valued = not any(isinstance(exotic, CustomPayoff) for exotic in handle.setting.contract.exotics)
    classical = run.policy("black_scholes_delta")
    delta = float(classical.target(position=position, **asked, **states)) if valued else None
    return {
        "policy": name,
        "instrument": config.hedge_with[0],
        "hold": hold,
        "trade": hold - position,
        "position": position,
        "band": None if edges is None else [float(edge) for edge in edges],
        "black_scholes_delta": delta,
        "implied_vol": implied_vol if implied_vol is not None else handle.setting.volatility,
        "why": _why(label_of(config, name), hold, position, delta, edges is not None),
    }


def _signal(text: str, known: tuple[str, ...]) -> tuple[str, float]:
    name, _, value = text.partition("=")
    if name not in known:
        raise InputError(f"--signal {text}: {name!r} is not a signal of this run; it has {', '.join(known) or 'none'}.")
    try:
        return name, float(value)
    except ValueError:
        raise InputError(f"--signal {text}: {value!r} is not a number.") from None


def _why(label: str, hold: float, position: float, delta: float | None, banded: bool) -> str:
    if banded and hold == position:
        return f"The position is inside the no-trade band of the {label}: trading now would cost more than it saves."
    if banded:
        return f"The position is outside the band of the {label}, so it is brought to the nearer edge."
    if delta is None:
        return f"The {label} holds {hold:.4g}; a custom payoff has no Black–Scholes delta to compare it with."
    return f"The {label} holds {hold - delta:+.4g} against the Black–Scholes delta."
