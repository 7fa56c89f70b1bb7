"""Heston's model fitted to the whole chain of every close, and its responses of volatility."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
from jaxtyping import Array, Float, Int

from tenrec.backtest.chains import DAY, SMILE, Chains, pack, places
from tenrec.backtest.smiles import FEWEST_STRIKES
from tenrec.pricing import black_scholes, heston, implied
from tenrec.volatility.heston import HestonParameters, calibrate_one

SHORTEST = 5.0 / 365.0
"""Expiries nearer than this are not fitted: no diffusion makes their smiles."""
BATCH, ROWS = 32, 1024
LARGEST = 3.0
"""A response beyond it comes from a price without time value."""
PLAUSIBLE = {
    "initial_variance": (1e-5, 4.0),
    "mean_reversion": (1e-2, 200.0),
    "vol_of_vol": (1e-2, 20.0),
    "correlation": (-0.99, 0.99),
}
"""Where a search has run off, on one date in twenty, the last plausible fit is kept."""
NUMBERS = HestonParameters._fields
Told = Callable[[int, int], None]


def heston_days(points: pl.DataFrame, told: Told | None = None) -> pl.DataFrame:
    """Heston's parameters of every date, by least squares on the implied volatilities of that close alone.

    Args:
        points: as `smile_points` gives them. told: called with the dates done and all of them.

    Returns:
        trade_date, the five parameters, and rms (of the fit, annualised decimal), for the dates on which some expiry
        has four strikes; where no plausible parameters fit, those of the last date before.
    """
    enough = pl.col("log_moneyness").n_unique().over(SMILE) >= FEWEST_STRIKES
    smiles = pack(points.filter(enough, pl.col("years") >= SHORTEST), SMILE)
    days = smiles.keys.select("trade_date").unique(maintain_order=True)
    group = smiles.keys.select(pl.struct(DAY).rle_id()).to_series().to_numpy().astype(np.int64)
    rows = places(group, days.height)
    found = np.empty((days.height, len(NUMBERS) + 1))
    for begin in range(0, days.height, BATCH):
        # The last batch is filled up with its first day, so that one shape is compiled.
        part = rows[np.minimum(np.arange(begin, begin + BATCH), days.height - 1)]
        found[begin : begin + BATCH] = _fit_batch(smiles, part)[: days.height - begin]
        if told is not None:
            told(min(begin + BATCH, days.height), days.height)
    fits = days.with_columns(**{name: pl.Series(found[:, n]) for n, name in enumerate((*NUMBERS, "rms"))})
    good = pl.all_horizontal(pl.col(name).is_between(*bounds) for name, bounds in PLAUSIBLE.items())
    kept = [pl.when(good).then(pl.col(name)).forward_fill() for name in (*NUMBERS, "rms")]
    return fits.with_columns(kept).drop_nulls()


def heston_responses(
    rows: pl.DataFrame, days: pl.DataFrame
) -> tuple[Float[np.ndarray, " rows"], Float[np.ndarray, " rows"]]:
    """∂σ/∂log F at a fixed strike, of rows with trade_date, years and log_moneyness; 0 where no fit is known.

    Returns:
        still: the variance stands still, and the smile moves along with the forward. moving: the variance moves with it
        as the model expects, dv = ρξ·d log F: the hedge is then the one of least variance under the model.
    """
    joined = rows.select("trade_date", "years", "log_moneyness").join(
        days, on="trade_date", how="left", maintain_order="left"
    )
    names = ("log_moneyness", "years", *NUMBERS)
    numbers = np.column_stack([joined[name].to_numpy().astype(float) for name in names])
    known = np.flatnonzero(np.isfinite(numbers).all(axis=1) & (numbers[:, 1] > 0))
    answer = np.zeros((rows.height, 2))
    with jax.enable_x64(True):
        for begin in range(0, known.size, ROWS):
            part = known[np.minimum(np.arange(begin, begin + ROWS), known.size - 1)]
            found = np.asarray(_responses(jnp.asarray(numbers[part])))
            answer[part[: known.size - begin]] = found[: known.size - begin]
    bounded = np.clip(np.nan_to_num(answer, posinf=0.0, neginf=0.0), -LARGEST, LARGEST)
    return bounded[:, 0], bounded[:, 1]


def _fit_batch(smiles: Chains, part: Int[np.ndarray, "batch expiries"]) -> Float[np.ndarray, "batch six"]:
    """Parameters and root-mean-square error of some days; an expiry that a day lacks has no weight."""
    there = part >= 0
    at = np.maximum(part, part[:, :1])
    weight = (smiles.inside[at] & there[..., None]).astype(float)
    # An expiry without a weight needs one for its mean volatility all the same; a tiny one changes nothing else.
    weight = np.where(weight > 0, weight, 1e-12)
    with jax.enable_x64(True):
        columns = (smiles.log_moneyness[at], smiles.volatility[at], smiles.years[at][..., 0], weight)
        return np.asarray(_fit(*(jnp.asarray(column) for column in columns)))


@jax.jit
@jax.vmap
def _fit(k: Array, volatility: Array, time: Array, weight: Array) -> Float[Array, " six"]:
    found = calibrate_one(k, volatility, time, weight)
    return jnp.append(jnp.stack(found.parameters), jnp.sqrt(found.squares / jnp.sum(weight)))


@jax.jit
@jax.vmap
def _responses(row: Float[Array, " seven"]) -> Float[Array, " two"]:
    k, time, *numbers = row
    at, one = HestonParameters(*numbers), jnp.ones(())
    sign = jnp.where(k >= 0.0, 1.0, -1.0)

    def price(log_forward: Array, variance: Array) -> Array:
        moved = at._replace(initial_variance=variance)
        return heston.value(sign, jnp.exp(log_forward), jnp.exp(k), time, **moved._asdict())

    value, (by_forward, by_variance) = jax.value_and_grad(price, argnums=(0, 1))(jnp.zeros(()), at.initial_variance)
    volatility = implied.implied_volatility(value, 1.0, jnp.exp(k), time, sign).volatility
    vega = black_scholes.vega(one, jnp.exp(k), volatility, time)
    still = (by_forward - black_scholes.delta(sign, one, jnp.exp(k), volatility, time, spot=one)) / vega
    return jnp.stack([still, still + at.correlation * at.vol_of_vol * by_variance / vega])
