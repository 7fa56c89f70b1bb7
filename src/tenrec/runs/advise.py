"""What to hold now: a run's policy asked about one moment."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from tenrec.contracts import CustomPayoff
from tenrec.core.errors import InputError
from tenrec.runs.advice import Setting
from tenrec.runs.config import HedgeConfig
from tenrec.runs.contract_specs import ListedSpec
from tenrec.runs.metrics import label_of
from tenrec.runs.run import Run
from tenrec.runs.setting import DAYS_PER_YEAR
from tenrec.runs.words import instrument_names


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
    instruments: Iterable[str] = (),
) -> dict[str, Any]:
    """What to hold and to trade, the band if the policy has one, and the Black–Scholes delta.

    Args:
        days_to_expiry: in the run's days. quantity: contracts owned, each of `multiplier` units of the underlying.
        wealth: cash and hedge at mid prices, the premium counted in, quote currency; 0 where not given.
        signals: `name=value` of the market's signals; neutral where not given.
        instruments: `name=value` of what is known of the instruments after the first: position_2 (units held of the
            second), and of a listed option option_2_strike and option_2_days (to its expiry); as if it were listed now
            where not given.

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
    others, positions = _instruments(instruments, handle.setting, position, day_count)
    asked |= others
    targets = np.asarray(handle.targets(positions=positions, **asked, **states), np.float64)
    hold = float(targets[0])
    if not np.isfinite(targets).all():
        raise InputError(f"The policy {name} gives no number at these inputs; check their units.")
    edges = handle.band(**asked, **states)
    valued = not any(isinstance(exotic, CustomPayoff) for exotic in handle.setting.contract.exotics)
    classical = run.policy("black_scholes_delta")
    delta = float(classical.target(position=position, **asked, **states)) if valued else None
    greeks = handle.variance_greeks(**asked, **states) if valued else {}
    return {
        "policy": name,
        "instrument": config.instruments[0],
        "hold": hold,
        "trade": hold - position,
        "position": position,
        "instruments": _told(config, targets, positions),
        "band": None if edges is None else [float(edge) for edge in edges],
        "black_scholes_delta": delta,
        "book": {key: float(value) for key, value in greeks.items()} or None,
        "implied_vol": implied_vol if implied_vol is not None else handle.setting.volatility,
        "why": _why(label_of(config, name), hold, position, delta, edges is not None),
    }


def _instruments(
    told: Iterable[str], setting: Setting, position: float, day_count: float
) -> tuple[dict[str, float], list[float]]:
    """What was told of the listed options, in the words of `target`, and the units held of every instrument."""
    held = [position] + [0.0] * (setting.instruments - 1)
    places = {f"position_{place}": place - 1 for place in range(2, setting.instruments + 1)}
    days = {name.replace("_time", "_days"): name for name in setting.option_names if name.endswith("_time")}
    known = [*places, *(name for name in setting.option_names if name.endswith("_strike")), *days]
    found: dict[str, float] = {}
    for text in told:
        name, value = _signal(text, tuple(known), flag="--instrument", what="known of this run's instruments")
        if name not in places and not value > 0.0:
            raise InputError(f"--instrument {text}: {name} is {value:g}; a positive number is needed.")
        if name in places:
            held[places[name]] = value
        elif name in days:
            found[days[name]] = value / day_count
        else:
            found[name] = value
    return found, held


def _told(config: HedgeConfig, targets: np.ndarray, positions: Sequence[float]) -> list[dict[str, Any]]:
    """What to hold and trade of every instrument."""
    rows = zip(instrument_names(config), targets, positions, strict=True)
    return [
        {"instrument": name, "hold": float(hold), "trade": float(hold) - held, "position": held}
        for name, hold, held in rows
    ]


def _signal(
    text: str, known: tuple[str, ...], *, flag: str = "--signal", what: str = "a signal of this run"
) -> tuple[str, float]:
    name, _, value = text.partition("=")
    if name not in known:
        raise InputError(f"{flag} {text}: {name!r} is not {what}; it has {', '.join(known) or 'none'}.")
    try:
        return name, float(value)
    except ValueError:
        raise InputError(f"{flag} {text}: {value!r} is not a number.") from None


def _why(label: str, hold: float, position: float, delta: float | None, banded: bool) -> str:
    if banded and hold == position:
        return f"The position is inside the no-trade band of the {label}: trading now would cost more than it saves."
    if banded:
        return f"The position is outside the band of the {label}, so it is brought to the nearer edge."
    if delta is None:
        return f"The {label} holds {hold:.4g}; a custom payoff has no Black–Scholes delta to compare it with."
    return f"The {label} holds {hold - delta:+.4g} against the Black–Scholes delta."
