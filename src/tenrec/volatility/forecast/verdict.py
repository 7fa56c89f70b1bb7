"""What the walk-forward forecasts were worth."""

from typing import Any

import numpy as np
from jaxtyping import Float

from tenrec.volatility.forecast.compare import diebold_mariano, model_confidence_set, past_ranks
from tenrec.volatility.forecast.losses import mincer_zarnowitz, qlike, squared_error
from tenrec.volatility.forecast.targets import future_mean
from tenrec.volatility.forecast.walk import LABELS, Walk

Days = Float[np.ndarray, " days"]

QUANTILE_PAST = 250
"""Known log errors whose quantiles are those of the next one."""
LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)


def judge(walk: Walk, *, reference: str, seed: int = 0) -> dict[str, Any]:
    """Losses, Diebold–Mariano tests against `reference`, confidence set and calibration, by horizon.

    Returns:
        horizon → {"days", "models": {name: {label, qlike, mse, r_squared, slope, dm_qlike_p, dm_mse_p, mcs_p,
        latest_volatility}}, "calibration", "range_90", "seeds"}; p-values against the reference are None for itself.
    """
    return {str(horizon): _judge_horizon(walk, horizon, reference, seed) for horizon in walk.horizons}


def judged_days(walk: Walk, horizon: int) -> tuple[np.ndarray, Days]:
    """Days on which every model has a forecast and the target is known, and the target."""
    target = future_mean(walk.record.variance, horizon)
    known = np.isfinite(target)
    for by_horizon in walk.forecasts.values():
        known &= np.isfinite(by_horizon[horizon])
    return known, target[known]


def _judge_horizon(walk: Walk, horizon: int, reference: str, seed: int) -> dict[str, Any]:
    known, y = judged_days(walk, horizon)
    forecasts = {name: by_horizon[horizon][known] for name, by_horizon in walk.forecasts.items()}
    losses = {name: qlike(y, f) for name, f in forecasts.items()}
    errors = {name: squared_error(y, f) for name, f in forecasts.items()}
    confidence = model_confidence_set(np.column_stack(list(losses.values())), block=max(22.0, horizon), seed=seed)
    models = {}
    for (name, f), p in zip(forecasts.items(), confidence, strict=True):
        _, slope, r_squared = mincer_zarnowitz(y, f)
        other = name != reference
        latest = float(walk.forecasts[name][horizon][-1])
        models[name] = {
            "label": LABELS[name],
            "qlike": float(losses[name].mean()),
            "mse": float(errors[name].mean()),
            "r_squared": r_squared,
            "slope": slope,
            "dm_qlike_p": diebold_mariano(losses[name], losses[reference], horizon).p_value if other else None,
            "dm_mse_p": diebold_mariano(errors[name], errors[reference], horizon).p_value if other else None,
            "mcs_p": float(p),
            "latest_volatility": float(np.sqrt(latest * walk.record.days_per_year)),
        }
    calibration = calibration_of(walk, horizon, reference)
    seeds = [float(qlike(y, own[known]).mean()) for own in walk.seeds.get(horizon, np.empty((0, 0)))]
    return {
        "days": int(known.sum()),
        "models": models,
        "calibration": calibration,
        "range_90": latest_range(walk, horizon, reference),
        "seeds": seeds,
    }


def calibration_of(walk: Walk, horizon: int, name: str) -> dict[str, float]:
    """Share of days below each forecast quantile, f·exp(q) with q that of the last log errors known at the time."""
    error = np.log(future_mean(walk.record.variance, horizon) / walk.forecasts[name][horizon])
    ranks = past_ranks(error, QUANTILE_PAST, horizon)
    ranks = ranks[np.isfinite(ranks)]
    if len(ranks) < 100:
        return {}
    return {f"{level:g}": float(np.mean(ranks <= level)) for level in LEVELS}


def latest_range(walk: Walk, horizon: int, name: str) -> list[float] | None:
    """The annualised volatilities between which the next horizon's lies in nine of ten cases, by the last errors."""
    error = np.log(future_mean(walk.record.variance, horizon) / walk.forecasts[name][horizon])
    known = error[np.isfinite(error)][-QUANTILE_PAST:]
    if len(known) < QUANTILE_PAST:
        return None
    latest = walk.forecasts[name][horizon][-1] * np.exp(np.quantile(known, [0.05, 0.95]))
    return [float(value) for value in np.sqrt(latest * walk.record.days_per_year)]
