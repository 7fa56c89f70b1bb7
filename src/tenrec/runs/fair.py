"""What a run's book is worth at the start: by a formula where there is one, else by simulation with its error."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from tenrec.contracts import AbstractContract
from tenrec.core.errors import ConfigError
from tenrec.hedging.assess import Sample, views
from tenrec.hedging.options import ListedMarket
from tenrec.hedging.sensitivities import book_value
from tenrec.markets import AbstractMarket, BasketMarket, UncertainMarket, simulate_blocks
from tenrec.pricing import black_scholes, heston, jumps
from tenrec.risk import RISKS
from tenrec.runs.build import build_grid
from tenrec.runs.config import HedgeConfig
from tenrec.runs.market_specs import BatesSpec, BlackScholesSpec, HestonSpec, KouSpec, MertonSpec, SimulatedSpec

PATHS = 2**17
FORMULAS = {HestonSpec: heston.value, MertonSpec: jumps.merton, KouSpec: jumps.kou, BatesSpec: jumps.bates}
SHARED = {"model", "spot", "rate", "drift", "dividend_yield", "sampling"}


@dataclass(frozen=True)
class Value:
    """A value in the quote currency, and its standard error where it was simulated, else 0."""

    value: float
    standard_error: float = 0.0


def premium_of(config: HedgeConfig, contract: AbstractContract, market: AbstractMarket) -> Value:
    """Cash received for the book at the start, quote currency: as configured, by default 0.

    It is fair by default for a measure that is not cash-invariant (quadratic, semi_quadratic, power).
    """
    given = config.premium
    if given is None:
        given = 0.0 if RISKS[config.risk.measure].cash_invariant else "fair"
    if given != "fair":
        return Value(float(given))
    fair = fair_value(config, contract, market)
    return Value(-fair.value, fair.standard_error)


def quoted_premium(sample: Sample) -> Float[Array, " paths"]:
    """Cash for what is owned at the start of each path: minus its Black–Scholes value at that date's volatility."""
    first = jax.tree.map(lambda leaf: leaf[:, 0], views(sample))
    return -book_value(first, first.volatility)


def fair_value(config: HedgeConfig, contract: AbstractContract, market: AbstractMarket) -> Value:
    """Value of what is owned at the start: a formula, a simulation, or Black–Scholes at the first vol of a record."""
    spec, grid = config.market, build_grid(config)
    known = isinstance(spec, BlackScholesSpec) or type(spec) in FORMULAS
    if isinstance(spec, SimulatedSpec) and (contract.exotics or not known):
        return simulated_value(contract, market)
    if contract.exotics:
        raise ConfigError(
            f"premium is 'fair' and the contract is no plain option, whose value on market.model {spec.model!r} is not "
            "known; give premium as a number."
        )
    dates = np.asarray(contract.expiry)
    expiry, years = grid.times[dates], np.concatenate([[0.0], np.cumsum(grid.elapsed)])[dates]
    spot = float(market.simulate(jax.random.key(0), 1).spot[0, 0])
    rate = float(getattr(spec, "rate", 0.0))
    dividend_yield = float(getattr(spec, "dividend_yield", 0.0))
    with jax.enable_x64(True):
        strike, sign = np.asarray(contract.strike, np.float64), np.asarray(contract.sign, np.float64)
        forward, discount = spot * np.exp((rate - dividend_yield) * years), np.exp(-rate * years)
        if type(spec) in FORMULAS:
            parameters = spec.model_dump(exclude=SHARED)
            values = FORMULAS[type(spec)](sign, forward, strike, expiry, discount=discount, **parameters)
        else:
            volatility = float(getattr(spec, "volatility", None) or first_volatility(market))
            values = black_scholes.value(sign, forward, strike, volatility, expiry, discount)
        return Value(float(np.sum(np.asarray(contract.quantity) * np.asarray(values))))


def simulated_value(contract: AbstractContract, market: AbstractMarket, paths: int = PATHS) -> Value:
    """The mean discounted flow without risk premium: antithetic, with the discounted spots as control variates."""
    neutral = risk_neutral(market)
    pays, controls = [], []
    discount = jnp.exp(-jnp.concatenate([jnp.zeros(1), jnp.cumsum(neutral.rate * neutral.elapsed)]))
    yields = dividend_yields(neutral)
    for block in simulate_blocks(neutral, jax.random.key(7), paths, block=2**15, sampling="antithetic"):
        flows = jax.jit(jax.vmap(contract.flows))(block.levels) @ discount
        assets = block.assets if block.assets.shape[-1] else block.spot[..., None]
        # The dividends that a share has paid until then belong to what it is worth.
        grown = jnp.exp(yields * jnp.sum(neutral.elapsed))
        control = assets[:, -1] * discount[-1] * grown - assets[:, 0]
        pays.append(np.asarray(flows, np.float64).reshape(2, -1).mean(axis=0))
        controls.append(np.asarray(control, np.float64).reshape(2, -1, len(yields)).mean(axis=0))
    pay, control = np.concatenate(pays), np.concatenate(controls)
    slopes = np.linalg.lstsq(control - control.mean(axis=0), pay - pay.mean(), rcond=None)[0]
    adjusted = pay - control @ slopes
    return Value(float(adjusted.mean()), float(adjusted.std() / np.sqrt(len(adjusted))))


def risk_neutral(market: AbstractMarket) -> AbstractMarket:
    """The market with the growth that pricing needs."""
    if isinstance(market, ListedMarket):
        return risk_neutral(market.model)
    if isinstance(market, UncertainMarket):
        return UncertainMarket(model=risk_neutral(market.model), spreads=market.spreads)
    if isinstance(market, BasketMarket):
        return BasketMarket(tuple(risk_neutral(model) for model in market.models), market.correlation)
    changes: dict[str, Any] = {"drift": None}
    return dataclasses.replace(market, **changes)


def dividend_yields(market: AbstractMarket) -> np.ndarray:
    """Continuous annual yield of every asset."""
    models = market.models if isinstance(market, BasketMarket) else (market,)
    return np.asarray([0.0 if model.dividend_yield is None else float(model.dividend_yield) for model in models])


def first_volatility(market: AbstractMarket) -> float:
    """Volatility at the start of the paths, annualised decimal."""
    return float(np.ravel(market.simulate(jax.random.key(0), 1).volatility)[0])
