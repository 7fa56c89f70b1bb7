"""Hedge ratio against spot for several times to maturity, for the report."""

from collections.abc import Mapping

import jax.numpy as jnp
import numpy as np
import polars as pl

from tenrec.hedging.options import strikes_at
from tenrec.hedging.policies import AbstractPolicy
from tenrec.runs.advice import PolicyHandle, Setting

POINTS = 121
GONE = 1e-9
"""Years: what is left to an option that has expired."""
SHARES = (0.9, 0.5, 0.2, 0.05)


def hedge_curves(
    policies: Mapping[str, AbstractPolicy],
    setting: Setting,
    days_per_year: float,
    signals: Mapping[str, float] | None = None,
) -> pl.DataFrame:
    """Rows of days_to_maturity, spot, policy, ratio, lower, upper; the ratio starts from the delta held.

    Spots reach three standard deviations of the whole maturity to each side of the strikes' mean; `signals` is the
    state of the market that the curves are drawn in, by default the neutral one. Of several instruments ratio_2 and so
    on tell the others; listed options are struck as if they had been listed at the start's spot.
    """
    weight = np.abs(np.asarray(setting.contract.quantity, float)) + 1e-12
    centre = float(np.sum(weight * np.asarray(setting.contract.strike)) / np.sum(weight))
    reach = 3.0 * setting.volatility * np.sqrt(setting.maturity)
    spot = centre * np.exp(np.linspace(-reach, reach, POINTS))
    state = dict(signals or {})
    delta, further = policies.get("black_scholes_delta"), range(2, setting.instruments + 1)
    tables = []
    for share in SHARES:
        time = max(round(share * setting.maturity / setting.period), 1) * setting.period
        options = _listed(setting, setting.maturity - time)
        where = {"spot": spot, "time_to_maturity": time} | options
        held = 0.0 if delta is None else PolicyHandle(delta, setting).target(**where)
        for name, policy in policies.items():
            if policy.start() is not None:
                # What it would hold depends on the way there, which a curve over spot does not know.
                continue
            handle = PolicyHandle(policy, setting)
            ratio = handle.targets(positions=[held], **where, **state)
            edges = handle.band(spot=spot, time_to_maturity=time, **state)
            lower, upper = (np.full(POINTS, np.nan),) * 2 if edges is None else edges
            days = np.full(POINTS, time * days_per_year)
            columns = {"days_to_maturity": days, "spot": spot, "ratio": ratio[:, 0], "lower": lower, "upper": upper}
            gone = {place: options.get(f"option_{place}_time") == GONE for place in further}
            columns |= {f"ratio_{place}": ratio[:, place - 1] * (not gone[place]) for place in further}
            tables.append(pl.DataFrame(columns).with_columns(policy=pl.lit(name)))
    return pl.concat(tables).fill_nan(None)


def _listed(setting: Setting, passed: float) -> dict[str, float]:
    """Strike and time of each listed option so many years after the start, the spot then being that of the start."""
    found = {}
    for place, slot in enumerate(setting.slots, 1):
        if slot is None:
            continue
        parts = slot.segments(np.full(round(setting.maturity / setting.period), setting.period))
        alive = [part for part in parts if part.first * setting.period <= passed + 1e-9][-1]
        growth = np.exp((setting.rate - setting.dividend_yield) * slot.life)
        strike = strikes_at(
            slot,
            spot=jnp.asarray(setting.initial_spot or 1.0),
            volatility=jnp.asarray(setting.volatility),
            time=jnp.asarray(slot.life),
            growth=jnp.asarray(growth),
            dividend_discount=jnp.asarray(np.exp(-setting.dividend_yield * slot.life)),
        )
        found |= {f"option_{place}_strike": float(strike), f"option_{place}_time": max(alive.expiry - passed, GONE)}
    return found
