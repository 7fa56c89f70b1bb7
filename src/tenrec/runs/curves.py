"""Hedge ratio against spot for several times to maturity, for the report."""

from collections.abc import Mapping

import numpy as np
import polars as pl

from tenrec.hedging.policies import AbstractPolicy
from tenrec.runs.advice import PolicyHandle, Setting

POINTS = 121
SHARES = (0.9, 0.5, 0.2, 0.05)


def hedge_curves(
    policies: Mapping[str, AbstractPolicy],
    setting: Setting,
    days_per_year: float,
    signals: Mapping[str, float] | None = None,
) -> pl.DataFrame:
    """Rows of days_to_maturity, spot, policy, ratio, lower, upper; the ratio starts from the delta held.

    Spots reach three standard deviations of the whole maturity to each side of the strikes' mean; `signals` is the
    state of the market that the curves are drawn in, by default the neutral one.
    """
    weight = np.abs(np.asarray(setting.contract.quantity, float)) + 1e-12
    centre = float(np.sum(weight * np.asarray(setting.contract.strike)) / np.sum(weight))
    reach = 3.0 * setting.volatility * np.sqrt(setting.maturity)
    spot = centre * np.exp(np.linspace(-reach, reach, POINTS))
    state = dict(signals or {})
    delta = policies.get("black_scholes_delta")
    tables = []
    for share in SHARES:
        time = max(round(share * setting.maturity / setting.period), 1) * setting.period
        held = 0.0 if delta is None else PolicyHandle(delta, setting).target(spot=spot, time_to_maturity=time)
        for name, policy in policies.items():
            if policy.start() is not None:
                # What it would hold depends on the way there, which a curve over spot does not know.
                continue
            handle = PolicyHandle(policy, setting)
            ratio = handle.target(spot=spot, time_to_maturity=time, position=held, **state)
            edges = handle.band(spot=spot, time_to_maturity=time, **state)
            lower, upper = (np.full(POINTS, np.nan),) * 2 if edges is None else edges
            days = np.full(POINTS, time * days_per_year)
            columns = {"days_to_maturity": days, "spot": spot, "ratio": ratio, "lower": lower, "upper": upper}
            tables.append(pl.DataFrame(columns).with_columns(policy=pl.lit(name)))
    return pl.concat(tables).fill_nan(None)
