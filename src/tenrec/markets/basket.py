"""Several correlated assets, each with a market model of its own."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from tenrec.core.checks import as_array, is_traced
from tenrec.core.errors import ConfigError
from tenrec.core.paths import MarketPaths, market_paths
from tenrec.markets.base import AbstractMarket, HedgeWith, Scalar
from tenrec.markets.bates import BatesMarket
from tenrec.markets.black_scholes import BlackScholesMarket
from tenrec.markets.draws import Draws, Randomness
from tenrec.markets.garch import GarchMarket
from tenrec.markets.heston import HestonMarket
from tenrec.markets.kou import KouMarket
from tenrec.markets.merton import MertonMarket
from tenrec.markets.regimes import RegimesMarket
from tenrec.markets.rough_bergomi import RoughBergomiMarket
from tenrec.markets.sabr import SabrMarket

FIRST = (BlackScholesMarket, GarchMarket, KouMarket, RegimesMarket)
"""Models whose first normal moves the spot alone."""


class BasketMarket(AbstractMarket):
    """Assets whose spots are driven by correlated Brownian motions; each is hedged with its own spot.

    Asset a is driven by normals z_a, of which B_a = d_a·z_a moves its spot, |d_a| = 1 (for Heston (ρ, √(1 − ρ²))). With
    L·Lᵀ the correlation and B' = L·B it is given z_a + d_a·(B'_a − B_a) in their place, so that each keeps its law.

    The record's `spot` and `volatility` are those of the first asset, `assets` and `price` hold all of them; a
    volatility that moves is the signal `log_volatility_i` = log(σ_i / σ_i at the start) of each further one.

    Args:
        models: simulated markets on the same dates, with the same rate. correlation: (assets, assets).

    Raises:
        ConfigError: fewer than two models, other dates or rates, a model that cannot be correlated, or no correlation
            matrix.

    Example:
        >>> import jax
        >>> models = tuple(BlackScholesMarket(spot=s, volatility=0.2, dt=jnp.full(4, 0.01)) for s in (1.0, 2.0))
        >>> market = BasketMarket(models, jnp.array([[1.0, 0.5], [0.5, 1.0]]))
        >>> market.simulate(jax.random.key(0), 5).price.shape
        (5, 5, 2)
    """

    models: tuple[AbstractMarket, ...]
    correlation: Float[Array, "assets assets"] = eqx.field(converter=as_array)
    dt: Float[Array, " steps"]
    rate: Scalar
    dividend_yield: Scalar | None
    hedge_with: HedgeWith = eqx.field(static=True)

    def __init__(self, models: tuple[AbstractMarket, ...], correlation: Array | np.ndarray) -> None:
        self.models, self.correlation = tuple(models), as_array(correlation)
        if len(self.models) < 2:
            raise ConfigError(f"market.assets has {len(self.models)} assets; a basket needs at least 2.")
        first = self.models[0]
        self.dt, self.rate, self.dividend_yield, self.hedge_with = first.dt, first.rate, first.dividend_yield, "spot"
        for model in self.models:
            if model.hedge_with != "spot":
                raise ConfigError("A basket is hedged with the spots of its assets; set hedge_with to [spot].")
            if not is_traced(model.rate) and not is_traced(first.rate) and float(model.rate) != float(first.rate):
                raise ConfigError(
                    f"market.assets have the rates {float(first.rate):g} and {float(model.rate):g}; give all the same."
                )
            driver(model)
        _check_correlation(self.correlation, len(self.models))

    @property
    def margined(self) -> tuple[bool, ...]:
        """Every spot is paid for."""
        return (False,) * len(self.models)

    def randomness(self) -> Randomness:
        """The finest periods that a model needs, and the normals of all of them."""
        own = [model.randomness() for model in self.models]
        finest = max(own, key=lambda one: one.periods.shape[0])
        return Randomness(finest.periods, factors=sum(one.factors for one in own), law="normal")

    def generate(self, draws: Draws) -> MarketPaths:
        """The paths that the draws give."""
        dtype = self.dt.dtype
        numbers = draws.all(dtype)
        records = [
            model.generate(Draws(rows, draws.count, rows.shape[1], "normal", "sobol"))
            for model, rows in zip(self.models, self._correlated(numbers), strict=True)
        ]
        first, spots = records[0], jnp.stack([record.spot for record in records], axis=-1)
        signals = {
            f"log_volatility_{place}": jnp.log(record.volatility / record.volatility[..., :1])
            for place, record in enumerate(records[1:], start=2)
            if record.volatility.ndim > 1
        }
        dates = (draws.count, self.steps + 1)
        carries = [jnp.broadcast_to(record.carry, (*dates, 1)) for record in records]
        paying = any(model.dividend_yield is not None for model in self.models)
        return market_paths(
            spot=first.spot,
            price=spots,
            dt=self.dt,
            volatility=first.volatility,
            rate=first.rate,
            dividend_yield=first.dividend_yield,
            carry=jnp.concatenate(carries, axis=-1) if paying else None,
            assets=spots,
            signals=jnp.stack(list(signals.values()), axis=-1) if signals else None,
            signal_names=tuple(signals),
        )

    def _correlated(self, numbers: Float[Array, "periods factors paths"]) -> list[Float[Array, "rows own paths"]]:
        """The normals of each asset. One with coarser periods takes sums of the finer ones' normals, rescaled."""
        parts, start = [], 0
        for model in self.models:
            own = model.randomness()
            parts.append(numbers[:, start : start + own.factors])
            start += own.factors
        drivers = [driver(model) for model in self.models]
        moves = jnp.stack([jnp.einsum("f,pfn->pn", d, z) for d, z in zip(drivers, parts, strict=True)])
        together = jnp.einsum("ab,bpn->apn", jnp.linalg.cholesky(self.correlation), moves)
        shifts = (together - moves).astype(numbers.dtype)
        moved = [z + d[None, :, None] * shift[:, None] for d, z, shift in zip(drivers, parts, shifts, strict=True)]
        return [_gathered(z, model.randomness().periods.shape[0]) for z, model in zip(moved, self.models, strict=True)]


def driver(model: AbstractMarket) -> Float[Array, " factors"]:
    """The direction of the normals that moves the spot, of length 1."""
    if isinstance(model, FIRST):
        return jnp.zeros(model.randomness().factors).at[0].set(1.0)
    if isinstance(model, MertonMarket):
        return jnp.array([0.0, 1.0])
    if isinstance(model, HestonMarket | BatesMarket | SabrMarket | RoughBergomiMarket):
        other = 2 if isinstance(model, RoughBergomiMarket) else 1
        factors = model.randomness().factors
        rest = jnp.sqrt(jnp.maximum(1.0 - model.correlation**2, 0.0))
        return jnp.zeros(factors).at[0].set(model.correlation).at[other].set(rest)
    raise ConfigError(f"{type(model).__name__} cannot be an asset of a basket; choose a simulated model.")


def _gathered(z: Float[Array, "fine own paths"], periods: int) -> Float[Array, "periods own paths"]:
    each = z.shape[0] // periods
    return z if each == 1 else jnp.sum(z.reshape(periods, each, *z.shape[1:]), axis=1) / each**0.5


def _check_correlation(correlation: Array, count: int) -> None:
    if is_traced(correlation):
        return
    matrix = np.asarray(correlation, np.float64)
    if matrix.shape != (count, count):
        raise ConfigError(
            f"market.correlation has shape {matrix.shape} for {count} assets; {count} × {count} is needed."
        )
    if not np.allclose(matrix, matrix.T) or not np.allclose(np.diag(matrix), 1.0):
        raise ConfigError("market.correlation is not symmetric with ones on its diagonal; mend its entries.")
    least = float(np.linalg.eigvalsh(matrix)[0])
    if least <= 1e-10:
        raise ConfigError(
            f"market.correlation has the eigenvalue {least:.3g}; all must be positive, so no assets can move like that."
        )
