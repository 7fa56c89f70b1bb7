"""The coefficients of the minimum-variance delta, fitted on training paths."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from tenrec.contracts import AbstractContract
from tenrec.core.paths import MarketPaths, batch_axes
from tenrec.hedging.assess import Sample
from tenrec.hedging.policies.delta import minimum_variance_regressors
from tenrec.hedging.sensitivities import book_delta, book_value
from tenrec.hedging.view import observe


def minimum_variance_coefficients(sample: Sample) -> np.ndarray:
    """(a, b, c) of Hull and White (2017) by least squares over all periods of all paths.

    (ΔV − δ·ΔS) = vega/(S√τ)·(a + b·δ + c·δ²)·ΔS, V the book's mark at the volatility of the date.
    """
    contract_axis = 0 if sample.contract.strike.ndim > 1 else None
    rows = jax.vmap(_rows, in_axes=(batch_axes(sample.paths), contract_axis))(sample.paths, sample.contract)
    design, residual = (np.asarray(part, np.float64) for part in rows)
    design, residual = design.reshape(-1, 3), residual.reshape(-1)
    usable = np.isfinite(design).all(axis=1) & np.isfinite(residual)
    coefficients, *_ = np.linalg.lstsq(design[usable], residual[usable], rcond=None)
    return coefficients


def _rows(paths: MarketPaths, contract: AbstractContract) -> tuple[Float[Array, "periods 3"], Float[Array, " periods"]]:
    """Regressors times ΔS, and hedging errors, of one path; the last period is left out, as its end has no mark."""
    view = observe(paths, contract)
    change = jnp.diff(view.spot)
    mark = book_value(view, view.volatility)
    error = jnp.diff(mark) - book_delta(view, view.volatility)[:-1] * change
    alive = view.time_to_maturity[1:] > 0
    design = minimum_variance_regressors(view)[:-1] * change[:, None]
    return jnp.where(alive[:, None], design, 0.0), jnp.where(alive, error, 0.0)
