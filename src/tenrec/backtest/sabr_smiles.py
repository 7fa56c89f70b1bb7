"""SABR fitted to the smile of every expiry at every close, and Bartlett's response of volatility."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
from jaxtyping import Array, Float

from tenrec.backtest.chains import SMILE, pack
from tenrec.backtest.smiles import FEWEST_STRIKES
from tenrec.pricing import sabr
from tenrec.volatility import least_squares

ELASTICITY = 1.0
"""Bartlett's delta hardly depends on it, so that the lognormal model, in which prices need no unit, is taken."""
STEPS = 30
TIMID = 2e-3
"""Volatility that a unit of log(ν√τ) or of artanh ρ away from the start is worth in the fit: a few quotes that hardly
bend say little about both."""
NUMBERS = ("level", "vol_of_vol", "correlation")


def sabr_slices(points: pl.DataFrame) -> pl.DataFrame:
    """SABR of every (date, expiry) by least squares on the implied volatilities of that close alone.

    Args:
        points: as `smile_points` gives them.

    Returns:
        trade_date, expiry, years, level (a volatility), vol_of_vol, correlation and rms (of the fit, annualised
        decimal); expiries with fewer than four strikes are left out. The elasticity is 1.
    """
    enough = pl.col("log_moneyness").n_unique().over(SMILE) >= FEWEST_STRIKES
    chains = pack(points.filter(enough), SMILE)
    with jax.enable_x64(True):
        columns = (chains.log_moneyness, chains.volatility, chains.years[:, 0], chains.inside.astype(float))
        found = np.asarray(_fit(*(jnp.asarray(column) for column in columns)))
    numbers = {name: found[:, place] for place, name in enumerate((*NUMBERS, "rms"))}
    fits = {name: pl.Series(column) for name, column in numbers.items()}
    return chains.keys.with_columns(years=pl.Series(chains.years[:, 0]), **fits)


def sabr_responses(rows: pl.DataFrame, slices: pl.DataFrame, *, level_moves: bool = True) -> Float[np.ndarray, " rows"]:
    """∂σ/∂log F of rows with trade_date, expiry and log_moneyness; 0 where no smile is known. See `sabr.response`."""
    joined = rows.select("trade_date", "expiry", "log_moneyness").join(
        slices, on=list(SMILE), how="left", maintain_order="left"
    )
    log_moneyness, years, *numbers = (
        joined[name].to_numpy().astype(float) for name in ("log_moneyness", "years", *NUMBERS)
    )
    with jax.enable_x64(True):
        known = dict(zip(NUMBERS, map(jnp.asarray, numbers), strict=True))
        strike = jnp.exp(jnp.asarray(log_moneyness))
        found = _response(strike, jnp.asarray(years), known, level_moves)
    return np.nan_to_num(np.asarray(found), posinf=0.0, neginf=0.0)


@partial(jax.jit, static_argnums=3)
def _response(strike: Array, years: Array, numbers: dict[str, Array], level_moves: bool) -> Array:
    return sabr.response(1.0, strike, years, elasticity=ELASTICITY, level_moves=level_moves, **numbers)


@jax.jit
@jax.vmap
def _fit(k: Array, volatility: Array, time: Array, weight: Array) -> Float[Array, " four"]:
    level = jnp.sum(weight * volatility) / jnp.sum(weight)
    root = jnp.sqrt(weight)
    # A smile of vol of vol ν and maturity τ bends with ν√τ: half of one is a typical bend.
    start = jnp.stack([jnp.log(level), jnp.log(0.5 / jnp.sqrt(time)), jnp.zeros_like(level)])

    def residuals(x: Array) -> Array:
        a, nu, rho = _numbers(x)
        found = sabr.implied_volatility(
            1.0, jnp.exp(k), time, level=a, elasticity=ELASTICITY, vol_of_vol=nu, correlation=rho
        )
        return jnp.concatenate([root * (found - volatility), TIMID * (x - start)[1:]])

    best = least_squares.minimise(residuals, start, STEPS).at
    misses = residuals(best)[: k.shape[0]]
    rms = jnp.sqrt(jnp.sum(misses**2) / jnp.sum(weight))
    return jnp.append(_numbers(best), rms)


def _numbers(x: Array) -> Array:
    return jnp.stack([jnp.exp(x[0]), jnp.exp(x[1]), jnp.tanh(x[2])])
