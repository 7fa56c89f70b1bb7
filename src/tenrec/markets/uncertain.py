"""A market of which the parameters are not known: every path has its own."""

import dataclasses
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from tenrec.core.checks import require
from tenrec.core.errors import ConfigError
from tenrec.core.paths import MarketPaths
from tenrec.markets.base import AbstractMarket, HedgeWith, Scalar, record
from tenrec.markets.draws import Draws, Randomness


class UncertainMarket(AbstractMarket):
    """Another market whose named parameters θ are drawn anew for every path, lognormal around their own mean:

        θ = θ̄·exp(s·Z − s²/2),    Z standard normal

    A correlation is drawn as tanh(artanh ρ̄ + s·Z). The hedger sees the volatility of the path where the market's
    moves in time; a constant one stays hidden, and the record holds its mean.

    Args:
        model: the market with the mean parameters; drawn by normals.
        spreads: s of each uncertain parameter, by its name.

    Raises:
        ConfigError: a parameter that the model does not have or that cannot vary, or a spread that is not positive.

    Example:
        >>> from tenrec.markets.black_scholes import BlackScholesMarket
        >>> model = BlackScholesMarket(spot=1.0, volatility=0.2, dt=jnp.full(30, 1 / 365))
        >>> market = UncertainMarket(model=model, spreads={"volatility": jnp.asarray(0.3)})
        >>> market.simulate(jax.random.key(0), 5).spot.shape
        (5, 31)
    """

    model: AbstractMarket
    spreads: dict[str, Scalar]
    dt: Float[Array, " steps"]
    rate: Scalar
    dividend_yield: Scalar | None
    hedge_with: HedgeWith = eqx.field(static=True)

    def __init__(self, *, model: AbstractMarket, spreads: dict[str, Scalar], **shared: Any) -> None:
        self.model = dataclasses.replace(model, **shared) if shared else model
        self.spreads = dict(sorted(spreads.items()))
        self.dt, self.rate = self.model.dt, self.model.rate
        self.dividend_yield, self.hedge_with = self.model.dividend_yield, self.model.hedge_with
        fixed = {"dt", "rate", "dividend_yield", "hedge_with", "spot", "drift"}
        known = [field.name for field in dataclasses.fields(model) if field.name not in fixed]
        for name, spread in self.spreads.items():
            if name not in known or jnp.ndim(getattr(model, name)) != 0 or isinstance(getattr(model, name), int):
                raise ConfigError(
                    f"market.spreads names {name!r}, which is no number of this model that can vary; choose from "
                    f"{', '.join(known)}."
                )
            require(f"spread of {name}", spread, lambda numbers: numbers > 0, "a positive number")
        if model.randomness().law != "normal":
            raise ConfigError(f"{type(model).__name__} is not drawn from normals; choose a simulated model.")

    def randomness(self) -> Randomness:
        """One more period than the model's, for the parameters."""
        own = self.model.randomness()
        periods = jnp.concatenate([own.periods, own.periods[-1:]])
        return Randomness(periods, factors=max(own.factors, len(self.spreads)), law="normal")

    def generate(self, draws: Draws) -> MarketPaths:
        """The paths that the draws give."""
        dtype, factors = self.dt.dtype, self.model.randomness().factors
        model = dataclasses.replace(self.model, dt=self.dt, rate=self.rate, dividend_yield=self.dividend_yield)
        numbers = draws.all(dtype)
        moving, still = numbers[:-1, :factors], record_volatility(model, dtype)

        def one_path(z: Float[Array, "periods factors"], own: Float[Array, " factors"]) -> tuple[Array, Array | None]:
            drawn = eqx.tree_at(
                lambda market: [getattr(market, name) for name in self.spreads],
                model,
                [self._drawn(name, spread, own[index]) for index, (name, spread) in enumerate(self.spreads.items())],
            )
            paths = drawn.generate(Draws(z[..., None], 1, factors, "normal", "sobol"))
            return paths.spot[0], None if still.ndim == 1 else paths.volatility[0]

        spot, volatility = jax.vmap(one_path, in_axes=(2, 1))(moving, numbers[-1])
        return record(self, spot, volatility=still if volatility is None else volatility)

    def _drawn(self, name: str, spread: Scalar, z: Scalar) -> Scalar:
        mean = getattr(self.model, name)
        if name == "correlation":
            return jnp.tanh(jnp.arctanh(jnp.clip(mean, -0.999, 0.999)) + spread * z).astype(mean.dtype)
        return (mean * jnp.exp(spread * z - 0.5 * spread**2)).astype(mean.dtype)


def record_volatility(model: AbstractMarket, dtype: Any) -> Float[Array, "*paths dates"]:
    """The volatility that one path of the model records; without an axis of paths where it never changes."""
    own = model.randomness()
    still = Draws(jnp.zeros((own.periods.shape[0], own.factors, 1), dtype), 1, own.factors, own.law, "sobol")
    return model.generate(still).volatility
