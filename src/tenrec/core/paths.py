"""The one record that every market, simulated, resampled or recorded, hands on."""

import dataclasses
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from tenrec.core.listed import Listed


class MarketPaths(eqx.Module):
    """Prices, rates and states on the dates 0..N, for one path or for many.

    Every field is written here for one path. Many paths carry one leading axis; a field that is the same for all
    paths (a shared time grid, say) may leave that axis away, and `batch_axes` tells `vmap` which is which.

    Shapes (dates = N + 1, steps = N):
        spot: (dates,) level of the underlying that the contract's payoff reads, quote currency.
        price: (dates, instruments) mid price of each hedging instrument, quote currency.
        volatility: (dates,) annualised volatility known at the date (implied or the model's own), decimal.
        dt: (steps,) length of each period in years; zero pads a path that has already ended.
        rate: (steps,) continuous annual interest rate of the period.
        dividend_yield: (steps,) continuous annual yield of the underlying; equal to `rate` where `spot` is a forward.
        carry: (dates, instruments) cash received at a date per unit held since the date before.
        half_spread: (dates, instruments) half of the bid–ask spread, quote currency.
        tradable: (dates,) False where nothing can be traded (a gap in the record, or after expiry).
        assets: (dates, assets) levels of all underlyings where there are several, the first of them `spot`; else
            (dates, 0).
        signals: (dates, signals) further observed states (returns, term structure, …); names in `signal_names`.
        listed: the options among the hedging instruments; None where there are none.

    Example:
        >>> paths = market_paths(spot=jnp.ones((5, 31)), volatility=0.2, dt=jnp.full(30, 1 / 365))
        >>> paths.price.shape, paths.count, paths.steps
        ((5, 31, 1), 5, 30)
    """

    spot: Float[Array, "... dates"]
    price: Float[Array, "... dates instruments"]
    volatility: Float[Array, "... dates"]
    dt: Float[Array, "... steps"]
    rate: Float[Array, "... steps"]
    dividend_yield: Float[Array, "... steps"]
    carry: Float[Array, "... dates instruments"]
    half_spread: Float[Array, "... dates instruments"]
    tradable: Bool[Array, "... dates"]
    assets: Float[Array, "... dates assets"]
    signals: Float[Array, "... dates signals"]
    listed: Listed | None = None
    signal_names: tuple[str, ...] = eqx.field(static=True, default=())

    @property
    def steps(self) -> int:
        """Number of periods N."""
        return self.dt.shape[-1]

    @property
    def count(self) -> int:
        """Number of paths (1 for a record of one path)."""
        return self.spot.shape[0] if self.spot.ndim == 2 else 1

    @property
    def levels(self) -> Float[Array, "..."]:
        """What contracts read: the spot, or the levels of all underlyings where there are several."""
        return self.assets if self.assets.shape[-1] else self.spot

    @property
    def instruments(self) -> int:
        """Number of hedging instruments."""
        return self.price.shape[-1]


RANK = {
    "spot": 1,
    "price": 2,
    "volatility": 1,
    "dt": 1,
    "rate": 1,
    "dividend_yield": 1,
    "carry": 2,
    "half_spread": 2,
    "tradable": 1,
    "assets": 2,
    "signals": 2,
    "listed": 2,
}
"""Axes of a field for one path, or of every part of it."""


def batch_axes(paths: MarketPaths) -> MarketPaths:
    """The `in_axes` of `paths` for `jax.vmap`: 0 for a field with a path axis, None for a shared one."""
    axes = [0 if leaf.ndim > rank else None for name, rank in RANK.items() for leaf in _leaves(paths, name)]
    return jax.tree.unflatten(jax.tree.structure(paths), axes)


def _leaves(paths: MarketPaths, name: str) -> list[Array]:
    """The arrays of a field, which may be none or several."""
    return jax.tree.leaves(getattr(paths, name))


def select(paths: MarketPaths, index: Any) -> MarketPaths:
    """The paths at `index` (a slice or an integer array); shared fields stay as they are."""
    return map_batched(lambda leaf: leaf[index], paths)


def map_batched(function: Callable[[Array], Array], paths: MarketPaths) -> MarketPaths:
    """Apply `function` to the fields that carry a path axis."""

    def changed(name: str, rank: int) -> Any:
        return jax.tree.map(lambda leaf: function(leaf) if leaf.ndim > rank else leaf, getattr(paths, name))

    return dataclasses.replace(paths, **{name: changed(name, rank) for name, rank in RANK.items()})


def market_paths(
    *,
    spot: Float[Array, "... dates"],
    dt: Float[Array, "... steps"],
    volatility: Float[Array, "... dates"] | float,
    price: Float[Array, "... dates instruments"] | None = None,
    rate: Float[Array, "... steps"] | float = 0.0,
    dividend_yield: Float[Array, "... steps"] | float = 0.0,
    carry: Float[Array, "... dates instruments"] | None = None,
    half_spread: Float[Array, "... dates instruments"] | None = None,
    tradable: Bool[Array, "... dates"] | None = None,
    assets: Float[Array, "... dates assets"] | None = None,
    signals: Float[Array, "... dates signals"] | None = None,
    signal_names: tuple[str, ...] = (),
) -> MarketPaths:
    """Build a record from what differs; everything left out is neutral and shared by all paths.

    `price` defaults to the spot itself as the only instrument, `tradable` to every date but the last, `carry` to none;
    a spot that pays its yield to the holder needs `dividend_carry`, a forward given as `spot` does not.
    """
    steps, dtype = dt.shape[-1], spot.dtype
    shared: dict[str, Any] = {
        "rate": jnp.broadcast_to(jnp.asarray(rate, dtype), jnp.shape(rate) or (steps,)),
        "dividend_yield": jnp.broadcast_to(jnp.asarray(dividend_yield, dtype), jnp.shape(dividend_yield) or (steps,)),
        "volatility": jnp.broadcast_to(jnp.asarray(volatility, dtype), jnp.shape(volatility) or (steps + 1,)),
    }
    price = spot[..., None] if price is None else price
    none = jnp.zeros((steps + 1, price.shape[-1]), dtype)
    return MarketPaths(
        spot=spot,
        price=price,
        dt=jnp.asarray(dt, dtype),
        carry=none if carry is None else carry,
        half_spread=none if half_spread is None else half_spread,
        tradable=jnp.arange(steps + 1) < steps if tradable is None else tradable,
        assets=jnp.zeros((steps + 1, 0), dtype) if assets is None else assets,
        signals=jnp.zeros((steps + 1, 0), dtype) if signals is None else signals,
        signal_names=signal_names,
        **shared,
    )


def dividend_carry(
    spot: Float[Array, "... dates"], dt: Float[Array, "... steps"], dividend_yield: float
) -> Float[Array, "... dates 1"]:
    """Cash dividends received at each date per unit held over the period before: S_{k−1}·(exp(y·Δt) − 1)."""
    paid = spot[..., :-1] * jnp.expm1(dividend_yield * dt)
    return jnp.concatenate([jnp.zeros_like(spot[..., :1]), paid], axis=-1)[..., None]


def concatenate(parts: list[MarketPaths]) -> MarketPaths:
    """Stack records of the same dates along the path axis; shared fields become batched."""
    full = [_with_path_axis(part) for part in parts]
    return jax.tree.map(lambda *leaves: jnp.concatenate(leaves, axis=0), *full)


def _with_path_axis(paths: MarketPaths) -> MarketPaths:
    def widen(name: str, rank: int) -> Any:
        def wide(leaf: Array) -> Array:
            return leaf if leaf.ndim > rank else jnp.broadcast_to(leaf, (paths.count, *leaf.shape))

        return jax.tree.map(wide, getattr(paths, name))

    return dataclasses.replace(paths, **{name: widen(name, rank) for name, rank in RANK.items()})
