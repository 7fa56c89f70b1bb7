"""From a configuration to the objects it names."""

import dataclasses
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from tenrec.backtest.windows import Windows
from tenrec.contracts import AbstractContract
from tenrec.core.errors import ConfigError, UnsolvableError
from tenrec.core.grid import TimeGrid
from tenrec.data import read_price_paths, read_price_series
from tenrec.hedging.optimum import (
    Criterion,
    MeanDeviation,
    MeanVariance,
    Problem,
    Quadratic,
    Shortfall,
    european_payoff,
)
from tenrec.hedging.options import OptionSlot, list_options
from tenrec.markets import (
    MARKETS,
    AbstractMarket,
    ArraysMarket,
    BasketMarket,
    BootstrapMarket,
    ClockMarket,
    UncertainMarket,
    split_rows,
)
from tenrec.markets.base import HedgeWith
from tenrec.risk import RISKS, AbstractRisk
from tenrec.runs.book import Surroundings, build_book
from tenrec.runs.config import HedgeConfig
from tenrec.runs.contract_specs import EuropeanSpec, ListedSpec
from tenrec.runs.history import history_market, read_windows, split_windows
from tenrec.runs.instrument_specs import TermsSpec, name_of, terms_of
from tenrec.runs.market_specs import BasketSpec, BlackScholesSpec, SimulatedSpec, UncertainSpec, starting_volatility
from tenrec.runs.path_specs import ArraysSpec, BootstrapSpec, HistorySpec
from tenrec.runs.risk_specs import CVaRSpec, EntropicSpec, MeanStdSpec, MeanVarianceSpec, QuadraticSpec
from tenrec.runs.trading_specs import CostSpec


def legs_of(config: HedgeConfig) -> tuple[EuropeanSpec, ...]:
    """The options of a simulated run; a single contract is a book of one, a roll is all its sales."""
    contract = config.contract
    if isinstance(contract, ListedSpec):
        raise ConfigError("contract.kind is 'listed'; this needs options with a strike, such as european_call.")
    legs = contract if isinstance(contract, tuple) else (contract,)
    return tuple(part for leg in legs for part in leg.parts())


def build_grid(config: HedgeConfig) -> TimeGrid:
    """Equal steps over the longest contract."""
    days = max(leg.days for leg in legs_of(config))
    return TimeGrid(days=days, **config.grid.model_dump())


def build_contract(config: HedgeConfig) -> AbstractContract:
    """The book, its dates on the grid; quantities count the multiplier in."""
    return build_book(legs_of(config), surroundings(config))


def surroundings(config: HedgeConfig) -> Surroundings:
    """What contracts need to know of the market and the grid."""
    spec, grid = config.market, build_grid(config)
    return Surroundings(
        spot=getattr(spec, "spot", None),
        volatility=starting_volatility(spec),
        rate=getattr(spec, "rate", 0.0),
        dividend_yield=getattr(spec, "dividend_yield", 0.0),
        days=grid.days,
        dt=grid.dt,
        offsets=grid.offsets,
        basket=spec if isinstance(spec, BasketSpec) else None,
    )


def assets_of(config: HedgeConfig) -> int:
    """How many underlyings the market has."""
    return len(config.market.assets) if isinstance(config.market, BasketSpec) else 1


def build_risk(config: HedgeConfig) -> AbstractRisk:
    """The measure that is minimised and reported."""
    renamed = {"mean_variance": {"aversion": "weight"}, "mean_std": {"k": "multiple"}}
    names = renamed.get(config.risk.measure, {})
    given = config.risk.model_dump(exclude={"measure"}).items()
    parameters = {names.get(key, key): np.asarray(value) for key, value in given}
    return RISKS[config.risk.measure](**parameters)


def costs_of(config: HedgeConfig) -> tuple[CostSpec, ...]:
    """What each hedging instrument costs: its own terms over the common ones; a basket's assets share them."""
    found = []
    for instrument in config.hedge_with:
        costs = terms_of(instrument).costs.over(config.costs)
        if name_of(instrument) == "variance_swap" and config.costs.variance_swap is not None:
            given = terms_of(instrument).costs.proportional
            swap = config.costs.variance_swap if given is None else given
            costs = costs.model_copy(update={"proportional": swap})
        found.append(costs)
    return tuple(found) * assets_of(config)


def is_fair_game(config: HedgeConfig) -> bool:
    """Whether trading gains have mean zero under the paths that are drawn, and the risk moves one for one with cash."""
    spec = config.market
    if not isinstance(spec, SimulatedSpec) or not RISKS[config.risk.measure].cash_invariant:
        return False
    if config.settled == "inverse" or any(costs.funding or costs.borrow for costs in costs_of(config)):
        return False
    if isinstance(spec, UncertainSpec) and {"drift", "rate", "dividend_yield"} & set(spec.spreads):
        return False
    assets = spec.assets if isinstance(spec, BasketSpec) else (spec,)
    return all(asset.drift is None or asset.drift == asset.rate - asset.dividend_yield for asset in assets)


def build_market(config: HedgeConfig, base: Path) -> AbstractMarket:
    """The simulated or resampled market; relative file names are looked up from `base`."""
    spec, grid = config.market, build_grid(config)
    hedge_with: HedgeWith = "future" if config.instruments[0] == "future" else "spot"
    if config.grid.calendar == "weekdays":
        _refuse_on_weekdays(config)
    if isinstance(spec, SimulatedSpec):
        market = build_model(config)
        if config.options:
            return list_options(market, option_slots(config))
        return ClockMarket(model=market, calendar_dt=grid.elapsed) if config.grid.calendar == "weekdays" else market
    if isinstance(spec, BootstrapSpec):
        return _bootstrap(spec, grid, hedge_with, base)
    if isinstance(spec, ArraysSpec):
        return _arrays(spec, grid, hedge_with, base)
    if isinstance(spec, HistorySpec):
        return history_market(spec, history_windows(config, base), grid, hedge_with, config.instruments[1:])
    raise ConfigError("market.model is 'recorded'; this needs a simulated or resampled market.")


def build_model(config: HedgeConfig) -> AbstractMarket:
    """The simulated market without listed options and clocks."""
    if not isinstance(config.market, SimulatedSpec):
        raise ConfigError(f"market.model is {config.market.model!r}; this needs a simulated market.")
    more = {"variance_swap": True} if "variance_swap" in config.instruments else {}
    hedge_with: HedgeWith = "future" if config.instruments[0] == "future" else "spot"
    return _simulated(config.market, build_grid(config), hedge_with, **more)


def option_slots(config: HedgeConfig) -> tuple[OptionSlot, ...]:
    """The listed options of a run; days become years by the grid's day count."""
    year = config.grid.day_count
    return tuple(
        OptionSlot(
            sign=1.0 if option.kind == "call" else -1.0,
            life=option.days / year,
            every=None if option.every is None else option.every / year,
            roll_at=option.roll_at / year,
            rule=option.rule,
            level=option.level,
        )
        for option in config.options
    )


def _refuse_on_weekdays(config: HedgeConfig) -> None:
    """What needs one clock for interest and variance, or brings its own dates."""
    spec, legs = config.market, legs_of(config)
    given = [f"market.model: {spec.model}"] * (not hasattr(spec, "drift") or isinstance(spec, BootstrapSpec))
    given += [f"costs.{name}" for name in ("funding", "borrow") if getattr(config.costs, name)]
    given += [f"contract.kind: {leg.kind}" for leg in legs if leg.kind == "american_put"]
    given += ["hedge_with: option"] * bool(config.options)
    given += ["contract.sale_days" for leg in legs if leg.sale_days is not None]
    if given:
        raise ConfigError(
            f"{given[0]} was given with grid.calendar: weekdays, which covers simulated markets of one asset without "
            "it; leave one of the two out."
        )


def _simulated(spec: SimulatedSpec, grid: TimeGrid, hedge_with: HedgeWith, **more: Any) -> AbstractMarket:
    if isinstance(spec, UncertainSpec):
        spreads = {name: jnp.asarray(spread) for name, spread in spec.spreads.items()}
        return UncertainMarket(model=_simulated(spec.of, grid, hedge_with), spreads=spreads)
    if isinstance(spec, BasketSpec):
        models = tuple(_simulated(asset, grid, hedge_with) for asset in spec.assets)
        return BasketMarket(models, np.asarray(spec.correlation))
    given = spec.model_dump(exclude={"model", "sampling"}).items()
    parameters: dict[str, Any] = {name: np.asarray(v) if isinstance(v, tuple) else v for name, v in given}
    return MARKETS[spec.model](**parameters | more | {"dt": grid.dt, "hedge_with": hedge_with})


def _bootstrap(spec: BootstrapSpec, grid: TimeGrid, hedge_with: HedgeWith, base: Path) -> AbstractMarket:
    table = read_price_series(_beside(base, spec.file)).table.drop_nulls("price")
    if spec.until is not None:
        table = table.filter(table["time"].dt.date() <= spec.until)
    prices = table["price"].to_numpy()
    if len(prices) < 30:
        raise ConfigError(
            f"market.file {spec.file} has {len(prices)} usable prices; at least 30 are needed to resample."
        )
    returns = np.diff(np.log(prices))
    annual = float(np.std(returns) / np.sqrt(grid.dt[0]))
    return BootstrapMarket(
        returns=returns,
        spot=spec.spot,
        volatility=annual if spec.volatility is None else spec.volatility,
        mean_block=spec.mean_block,
        rate=spec.rate,
        drift=spec.drift,
        dt=grid.dt,
        hedge_with=hedge_with,
    )


def _arrays(spec: ArraysSpec, grid: TimeGrid, hedge_with: HedgeWith, base: Path) -> AbstractMarket:
    prices = read_price_paths(_beside(base, spec.file))
    if prices.shape[1] != grid.steps + 1:
        raise ConfigError(
            f"market.file {spec.file} has {prices.shape[1]} columns; grid.steps = {grid.steps} needs {grid.steps + 1}, "
            "one a date with the start; change grid.steps or the file."
        )
    return ArraysMarket(prices=prices, volatility=spec.volatility, rate=spec.rate, dt=grid.dt, hedge_with=hedge_with)


def split_market(config: HedgeConfig, base: Path) -> tuple[AbstractMarket, AbstractMarket]:
    """The market to learn on and the one to be judged on; they differ for given arrays, whose rows are split."""
    if isinstance(config.market, HistorySpec):
        return _split_history(config, config.market, base)
    market = build_market(config, base)
    if not isinstance(market, ArraysMarket) or not isinstance(config.market, ArraysSpec):
        return market, market
    rows = market.prices.shape[0]
    train = config.market.train_rows or max(1, int(0.8 * rows))
    if train >= rows:
        raise ConfigError(
            f"market.train_rows is {train} and the file has {rows} rows; leave some rows to be judged on."
        )
    learned_on, judged_on = split_rows(market, rows - train)
    if config.training.fresh_paths:
        learned_on = dataclasses.replace(learned_on, order="random")
    return learned_on, judged_on


def history_windows(config: HedgeConfig, base: Path) -> Windows:
    """The sales on a recorded index; relative file names are looked up from `base`."""
    spec, days = config.market, max(leg.days for leg in legs_of(config))
    assert isinstance(spec, HistorySpec)
    if days != config.grid.steps:
        raise ConfigError(
            f"grid.steps is {config.grid.steps} and the contract lives {days:g} days; market.model history trades at "
            "every close, so give both the same number of trading days, and grid.day_count 252."
        )
    return read_windows(spec, config.grid.steps, base)


def _split_history(config: HedgeConfig, spec: HistorySpec, base: Path) -> tuple[AbstractMarket, AbstractMarket]:
    """Sales that ended by `train_until`, drawn at random, and those made after it, in their order."""
    windows, grid = history_windows(config, base), build_grid(config)
    hedge_with: HedgeWith = "future" if config.instruments[0] == "future" else "spot"
    learned_on, judged_on = (
        history_market(spec, part, grid, hedge_with, config.instruments[1:])
        for part in split_windows(windows, spec.train_until)
    )
    if config.training.fresh_paths:
        learned_on = dataclasses.replace(learned_on, order="random")
    return learned_on, judged_on


def served(market: AbstractMarket, wanted: int) -> int:
    """Number of paths that a market gives at once: given arrays in their order cannot give more than they have."""
    if isinstance(market, ArraysMarket) and market.order == "served":
        return min(wanted, market.prices.shape[0])
    return wanted


def _beside(base: Path, name: str) -> Path:
    path = Path(name)
    return path if path.is_absolute() else base / path


def optimum_problem(config: HedgeConfig) -> Problem:
    """The run as a problem that dynamic programming solves exactly; raises UnsolvableError where it cannot."""
    spec = config.market
    if not isinstance(spec, BlackScholesSpec):
        raise UnsolvableError(
            f"market.model is {spec.model!r}; the exact optimum is computed for one Black–Scholes asset, "
            "so set market.model to black_scholes or leave the optimum out."
        )
    _refuse_terms(config)
    if config.grid.calendar == "weekdays" and (spec.rate or spec.drift or spec.dividend_yield):
        raise UnsolvableError(
            "grid.calendar is weekdays with a rate, drift or dividend_yield, which run on another clock; the exact "
            "optimum is computed for one clock, so set them to 0 or leave the optimum out."
        )
    legs, grid = legs_of(config), build_grid(config)
    exotic = [leg.kind for leg in legs if not leg.is_european]
    if exotic:
        raise UnsolvableError(
            f"contract.kind is {exotic[0]!r}; the exact optimum is computed for European calls and puts, so choose "
            "one of them or leave the optimum out."
        )
    if len({leg.days for leg in legs}) > 1:
        raise UnsolvableError(
            "The contracts have several expiries; the exact optimum is computed for one, so give all the same days."
        )
    payoff, kinks = european_payoff(
        strikes=[leg.strike for leg in legs],
        signs=[1.0 if leg.kind == "european_call" else -1.0 for leg in legs],
        quantities=[leg.quantity * leg.multiplier for leg in legs],
    )
    return Problem(
        spot=spec.spot,
        volatility=spec.volatility,
        drift=spec.rate - spec.dividend_yield if spec.drift is None else spec.drift,
        rate=spec.rate,
        dividend_yield=spec.dividend_yield,
        dt=grid.dt,
        cost=config.costs.linear,
        unwind=config.costs.unwind,
        aversion=config.risk.aversion if isinstance(config.risk, EntropicSpec) else 1.0,
        payoff=payoff,
        kinks=kinks,
        margined=config.instruments[0] == "future",
    )


def _usual(config: HedgeConfig) -> str:
    """How the hedging instrument is settled where nothing is said."""
    return "funded" if config.instruments[0] == "spot" else "margined"


def _refuse_terms(config: HedgeConfig) -> None:
    """Costs, limits and settlements under which the optimum is no band around one position."""
    given = [f"costs.{name}" for name in config.costs.beyond_proportional]
    given += ["limits"] * config.limits.any
    given += [f"hedge_with: [… {config.instruments[-1]}]"] * (len(config.instruments) > 1)
    given += ["terms of its own in hedge_with"] * (terms_of(config.hedge_with[0]) != TermsSpec())
    given += [f"settlement: {config.settled}"] * (config.settled != _usual(config))
    if given:
        raise UnsolvableError(
            f"{given[0]} is given; the exact optimum is computed for costs in proportion to the traded value and one "
            "instrument's usual settlement alone, so leave one of the two out."
        )


def optimum_criterion(config: HedgeConfig, problem: Problem, premium: float) -> Criterion | None:
    """The risk as dynamic programming with wealth needs it; None for the entropic one, which does without.

    Args:
        premium: received at the start, quote currency; it enters a quadratic risk alone.
    """
    risk = config.risk
    if isinstance(risk, EntropicSpec):
        return None
    if isinstance(risk, CVaRSpec):
        return Shortfall(risk.level)
    if isinstance(risk, MeanStdSpec):
        return MeanDeviation(risk.k)
    if isinstance(risk, MeanVarianceSpec):
        return MeanVariance(risk.aversion)
    if isinstance(risk, QuadraticSpec):
        return Quadratic(premium * float(problem.growth[0]) / problem.spot)
    raise UnsolvableError(
        f"risk.measure is {risk.measure!r}; the exact optimum is computed for entropic, cvar, mean_std, "
        "mean_variance and quadratic risk, so set one of them or leave the optimum out."
    )
