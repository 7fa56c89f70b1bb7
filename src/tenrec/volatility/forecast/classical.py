"""Walk-forward forecasts of the models that need no regression: exponential means, GARCH, rough volatility."""

import math
from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from tenrec.volatility.forecast.targets import Schedule, future_mean, learnable
from tenrec.volatility.garch import GARCH_MODELS, fit_garch
from tenrec.volatility.garch.fit import NEARLY_ONE, backcast, filter_variances
from tenrec.volatility.garch.fit import UNIT as PERCENT
from tenrec.volatility.heston_filter import walk_heston
from tenrec.volatility.record import VarianceRecord

Days = Float[np.ndarray, " days"]

RISKMETRICS = 0.94
LAGS = 500
"""Days over which the rough kernel looks back; the weight beyond is a few percent."""


def ewma(record: VarianceRecord, decay: float = RISKMETRICS) -> Days:
    """Exponential mean of the variances so far, decay 0.94 (RiskMetrics, 1996).

    Example:
        >>> days = np.arange("2024-01-01", "2024-01-03", dtype="datetime64[D]")
        >>> ewma(VarianceRecord(days, np.array([1e-4, 2e-4]), np.zeros(2)))[1].round(8).item()
        0.000106
    """
    mean = np.empty(len(record))
    level = record.variance[0]
    for day, value in enumerate(record.variance):
        level = decay * level + (1 - decay) * value
        mean[day] = level
    return mean


def scaled(raw: Float[np.ndarray, "days"], record: VarianceRecord, horizon: int, schedule: Schedule) -> Days:
    """Forecasts times the mean of target/forecast so far, learned at every cutoff: it brings the variance of returns,
    close to close, to the measure that is forecast, and is the factor of the smallest QLIKE."""
    target = future_mean(record.variance, horizon)
    out = np.full(len(record), np.nan)
    for cutoff in schedule.cutoffs:
        ratio = learnable(target, int(cutoff), horizon) / raw
        block = schedule.block(int(cutoff))
        out[block] = raw[block] * np.mean(ratio[np.isfinite(ratio)])
    return out


def walk_garch(
    name: str,
    record: VarianceRecord,
    horizons: tuple[int, ...],
    schedule: Schedule,
    *,
    say: Callable[[str], None] | None = None,
) -> dict[int, Days]:
    """Forecasts of a GARCH model for every horizon; all expanding windows are fitted in one batch.

    Over several days the recursion is run on at its mean, h' = a + P·h (EGARCH and Realized GARCH: in logarithms, which
    the factor of `scaled` puts right), and averaged.

    Args:
        say: told, in a sentence, of fits whose persistence comes to one.
    """
    model = GARCH_MODELS[name]
    first = int(np.argmax(np.isfinite(record.returns)))
    returns = np.nan_to_num(record.returns[first:])
    cutoffs = schedule.cutoffs
    rows, measures = (len(cutoffs), 1), None if model.measured is None else record.variance[first:]
    repeated = None if measures is None else np.tile(measures, rows)
    fit = fit_garch(model, np.tile(returns, rows), cutoffs - first + 1, measures=repeated)
    unstable = fit.persistence > NEARLY_ONE
    if say is not None and unstable.any():
        say(
            f"{model.label}: the persistence is up to {fit.persistence.max():.5f} in {int(unstable.sum())} of "
            f"{len(unstable)} fits, so that its longer forecasts hardly revert; give a longer record, or leave it out "
            f"with --without {name}."
        )
    start = np.broadcast_to(backcast(returns[None] * PERCENT), len(cutoffs))
    ahead = filter_variances(fit, returns, start, measures)
    logarithmic = model.variance is jnp.exp
    out = {horizon: np.full(len(record), np.nan) for horizon in horizons}
    for row, cutoff in enumerate(cutoffs):
        block = schedule.block(int(cutoff))
        variance = np.concatenate([np.full(first, np.nan), ahead[row]])
        past = np.arange(len(record)) <= cutoff
        persistence = min(float(fit.persistence[row]), 0.9999)
        for horizon in horizons:
            raw = _mean_ahead(variance, float(fit.constant[row]), persistence, horizon, logarithmic)
            ratio = learnable(future_mean(record.variance, horizon), int(cutoff), horizon) / raw
            usable = ratio[past & np.isfinite(ratio)]
            out[horizon][block] = raw[block] * np.mean(usable)
    return out


def heston_forecasts(record: VarianceRecord, horizons: tuple[int, ...], schedule: Schedule) -> dict[int, Days]:
    """Heston's variance filtered from returns alone, parameters by maximum likelihood on expanding windows."""
    first = int(np.argmax(np.isfinite(record.returns)))
    returns, day = np.nan_to_num(record.returns[first:]), 1.0 / record.days_per_year
    walked = walk_heston(returns, schedule.cutoffs - first, day)
    out = {horizon: np.full(len(record), np.nan) for horizon in horizons}
    for cutoff, (parameters, filtered) in zip(schedule.cutoffs, walked, strict=True):
        block, past = schedule.block(int(cutoff)), np.arange(len(record)) <= cutoff
        for horizon in horizons:
            ahead = filtered.ahead(parameters, horizon * day) * day
            raw = np.concatenate([np.full(first, np.nan), ahead])
            ratio = learnable(future_mean(record.variance, horizon), int(cutoff), horizon) / raw
            out[horizon][block] = raw[block] * np.mean(ratio[past & np.isfinite(ratio)])
    return out


def _mean_ahead(variance: Days, omega: float, persistence: float, horizon: int, logarithmic: bool) -> Days:
    """Mean of the expected variances over the horizon; `omega` in percent (squared, or its logarithm)."""
    keep = persistence ** np.arange(horizon)
    if logarithmic:
        level = omega / (1 - persistence) - math.log(PERCENT**2)
        return np.mean(np.exp(level + np.outer(np.log(variance) - level, keep)), axis=1)
    level = omega / PERCENT**2 / (1 - persistence)
    return level + (variance - level) * float(np.mean(keep))


def roughness(log_volatility: Days, lags: tuple[int, ...] = (1, 2, 3, 5, 8, 13, 21)) -> float:
    """Hurst exponent H from E|log σ_{t+Δ} − log σ_t|² ∝ Δ^{2H}, by a line through the logarithms.

    Source: Gatheral, Jaisson and Rosenbaum (2018), "Volatility is rough", section 2.

    Example:
        >>> walk = np.cumsum(np.random.default_rng(0).standard_normal(20_000))
        >>> round(roughness(walk), 1)
        0.5
    """
    moments = [float(np.nanmean((log_volatility[lag:] - log_volatility[:-lag]) ** 2)) for lag in lags]
    return float(np.clip(0.5 * np.polyfit(np.log(lags), np.log(moments), 1)[0], 0.02, 0.48))


def rough_weights(hurst: float, ahead: int, lags: int = LAGS) -> Float[np.ndarray, " lags"]:
    """Weights of today's and earlier log variances in the forecast `ahead` days on; they sum to one.

        E[log σ²_{t+Δ}] = (cos(Hπ)/π)·Δ^{H+½}·∫ log σ²_{t−s} / ((s + Δ)·s^{H+½}) ds

    the kernel integrated exactly in its singular factor over each day. Source: Gatheral, Jaisson and Rosenbaum (2018),
    equation (5.1), of Nuzman and Poor (2000).
    """
    edges = np.arange(lags + 1, dtype=float)
    singular = np.diff(edges ** (0.5 - hurst)) / (0.5 - hurst)
    weight = singular / (edges[:-1] + 0.5 + ahead)
    return weight / weight.sum()


def rough_forecast(record: VarianceRecord, horizon: int, schedule: Schedule) -> Days:
    """Rough fractional volatility: the kernel's forecast of the logarithm, exponentiated and scaled on the past."""
    log = np.log(record.variance)
    raw = np.full(len(record), np.nan)
    hursts = {int(cutoff): roughness(0.5 * log[: int(cutoff) + 1]) for cutoff in schedule.cutoffs}
    first = int(schedule.cutoffs[0])
    padded = np.concatenate([np.full(LAGS, log[: first + 1].mean()), log])
    windows = np.lib.stride_tricks.sliding_window_view(padded, LAGS)[1:]
    out = np.full(len(record), np.nan)
    for cutoff, hurst in hursts.items():
        middle = max((horizon + 1) // 2, 1)
        raw = np.exp(windows @ rough_weights(hurst, middle)[::-1])
        ratio = learnable(future_mean(record.variance, horizon), cutoff, horizon) / raw
        block = schedule.block(cutoff)
        out[block] = raw[block] * np.mean(ratio[np.isfinite(ratio)])
    return out
