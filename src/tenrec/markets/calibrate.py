"""Market models fitted to a recorded series."""

import numpy as np
from jaxtyping import Float

from tenrec.core.errors import DataError
from tenrec.markets.heston import HestonParameters

FEWEST_RETURNS = 20


def calibrate_heston(
    returns: Float[np.ndarray, " days"], variances: Float[np.ndarray, " closes"], dt: float
) -> HestonParameters:
    """Fit Heston's variance process to daily log returns and observed (implied, say) variances.

    The exact conditional moments of the square-root process over a period Δ, with d = exp(−κΔ),

        E[v' | v] = θ + (v − θ)·d,    Var[v' | v] = ξ²·g(v),    g(v) = v·d(1 − d)/κ + θ(1 − d)²/(2κ)

    are matched: d and θ by weighted least squares of v' on v (weights 1/(v + mean v), nearly the inverse of g), ξ² by
    the mean of (v' − E[v' | v])²/g, ρ by the correlation of these standardised residuals with the standardised
    returns; v₀ is the last observation. Noise in the observed variances raises κ and ξ and shrinks ρ.

    Args:
        returns: (days,) log returns, entry j from close j to close j + 1. variances: (days + 1,) annualised, at each
            close. dt: mean length of a day in years.

    Raises:
        DataError: too few days, rows that do not fit, bad numbers, or a variance that does not revert to a mean.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> noise = rng.normal(0.0, 0.001, 500)
        >>> variances = [0.04]
        >>> for shock in noise:
        ...     variances.append(0.002 + 0.95 * variances[-1] + shock)
        >>> fit = calibrate_heston(rng.normal(0.0, 0.01, 500), np.array(variances), 1 / 250)
        >>> 0.03 < fit.long_run_variance < 0.05
        True
    """
    returns, variances = np.asarray(returns, np.float64), np.asarray(variances, np.float64)
    _check(returns, variances, dt)
    now, later = variances[:-1], variances[1:]
    weight = np.sqrt(1.0 / (now + now.mean()))
    design = np.stack([np.ones_like(now), now], axis=1)
    intercept, decay = np.linalg.lstsq(design * weight[:, None], later * weight, rcond=None)[0]
    if not (0.0 < decay < 1.0 and intercept > 0.0):
        raise DataError(
            f"the recorded variance does not revert to a positive mean (a day keeps {decay:.3f} of a deviation); "
            "give a longer record."
        )
    kappa, theta = -np.log(decay) / dt, intercept / (1.0 - decay)
    spread = now * decay * (1.0 - decay) / kappa + theta * (1.0 - decay) ** 2 / (2.0 * kappa)
    residual = (later - intercept - decay * now) / np.sqrt(spread)
    standardised = (returns - returns.mean()) / np.sqrt(np.maximum(now, 0.01 * theta) * dt)
    return HestonParameters(
        initial_variance=float(variances[-1]),
        mean_reversion=float(kappa),
        long_run_variance=float(theta),
        vol_of_vol=float(np.sqrt(np.mean(residual**2))),
        correlation=float(np.corrcoef(standardised, residual)[0, 1]),
    )


def _check(returns: np.ndarray, variances: np.ndarray, dt: float) -> None:
    days = returns.shape[0]
    if days < FEWEST_RETURNS:
        raise DataError(f"{days} returns are given to calibrate Heston's model; at least {FEWEST_RETURNS} are needed.")
    if variances.shape[0] != days + 1:
        raise DataError(f"{variances.shape[0]} variances are given for {days} returns; {days + 1} are needed.")
    if not (np.isfinite(returns).all() and np.isfinite(variances).all() and (variances > 0).all()):
        raise DataError("a return is not finite or a variance not positive; drop the days with gaps first.")
    if not dt > 0:
        raise DataError(f"dt is {dt}; a positive length of a day in years is needed.")
