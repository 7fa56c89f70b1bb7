"""What a run's policies fall back on when they are asked outside a path."""

import jax.numpy as jnp

from tenrec.backtest import SIGNAL_NAMES
from tenrec.contracts import european
from tenrec.hedging.options import OptionSlot
from tenrec.hedging.policies import FORECAST_SIGNAL
from tenrec.hedging.view import MarketView
from tenrec.runs.advice import Setting
from tenrec.runs.build import assets_of, build_contract, build_grid, build_model, option_slots
from tenrec.runs.config import HedgeConfig
from tenrec.runs.contract_specs import ListedSpec
from tenrec.runs.market_specs import BasketSpec, BlackScholesSpec, KouSpec, MertonSpec, SimulatedSpec
from tenrec.runs.path_specs import ArraysSpec, BootstrapSpec
from tenrec.runs.terms import build_terms

DAYS_PER_YEAR = 365.0
LISTED_VOLATILITY = 0.2


def build_setting(
    config: HedgeConfig,
    signal_names: tuple[str, ...] = (),
    *,
    strike: float = 1.0,
    spot: float | None = None,
    volatility: float | None = None,
) -> Setting:
    """The setting of a run: its contract and market; for listed options a call at `strike` of the longest window.

    Args:
        spot, volatility: at the start of the run's paths, where the configuration does not say them.
    """
    if isinstance(config.contract, ListedSpec):
        return _listed(config, config.contract, signal_names, strike)
    spec, grid = config.market, build_grid(config)
    constant = isinstance(spec, BlackScholesSpec | ArraysSpec | BootstrapSpec)
    # Elsewhere the volatility that the hedger sees is not one number of the configuration.
    named = spec.volatility if constant else None
    contract = build_contract(config)
    return Setting(
        contract=contract,
        maturity=float(grid.times[-1]),
        period=float(grid.times[-1]) / grid.steps,
        initial_spot=getattr(spec, "spot", spot or 1.0),
        volatility=float(named or volatility or LISTED_VOLATILITY),
        rate=getattr(spec, "rate", 0.0),
        dividend_yield=getattr(spec, "dividend_yield", 0.0),
        future=config.instruments[0] == "future",
        inverse=config.settled == "inverse",
        signal_names=(*signal_names, *_signals(config), *contract.state_names),
        instruments=assets_of(config) + len(config.hedge_with) - 1,
        slots=_slots(config),
        model=build_model(config) if len(config.hedge_with) > 1 and isinstance(spec, SimulatedSpec) else None,
        limits=build_terms(config).limits,
    )


def neutral_view(config: HedgeConfig) -> MarketView:
    """One state that a run's policies may see, of the shapes of all others."""
    setting = build_setting(config, listed_signals(config) if isinstance(config.contract, ListedSpec) else ())
    strike = float(setting.contract.strike[0])
    at = dict.fromkeys(setting.signal_names, 0.0) | {"last_return": 0.0, "time_to_maturity": setting.maturity}
    at |= {"spot": setting.initial_spot or strike, "strike": strike}
    at |= {"implied_vol": setting.volatility, "entry_volatility": setting.volatility}
    return setting.view({name: jnp.full(1, value, jnp.float32) for name, value in at.items()})


def _slots(config: HedgeConfig) -> tuple[OptionSlot | None, ...]:
    """The listed option of each instrument, None where it is none; empty where there are none."""
    slots = iter(option_slots(config))
    return tuple(next(slots) if name == "option" else None for name in config.instruments) if config.options else ()


def listed_signals(config: HedgeConfig) -> tuple[str, ...]:
    """The signals of a recorded panel; a forecaster adds its own, and files those that they are named for."""
    made = (FORECAST_SIGNAL,) if getattr(config.market, "forecaster", None) else ()
    return (*SIGNAL_NAMES, *made, *getattr(config.market, "signals", ()))


def _signals(config: HedgeConfig) -> tuple[str, ...]:
    """Volatilities of a basket's further assets, where they move."""
    if not isinstance(config.market, BasketSpec):
        return ()
    still = BlackScholesSpec | MertonSpec | KouSpec
    later = enumerate(config.market.assets[1:], start=2)
    return tuple(f"log_volatility_{place}" for place, asset in later if not isinstance(asset, still))


def _listed(config: HedgeConfig, contract: ListedSpec, signal_names: tuple[str, ...], strike: float) -> Setting:
    days = contract.days[1]
    rate = getattr(config.market, "rate", 0.0)
    return Setting(
        contract=european("call", strike=strike, expiry=days, quantity=float(contract.quantity)),
        maturity=days / DAYS_PER_YEAR,
        period=1.0 / DAYS_PER_YEAR,
        initial_spot=None,
        volatility=LISTED_VOLATILITY,
        rate=rate,
        dividend_yield=rate,
        signal_names=signal_names,
        limits=build_terms(config).limits,
    )
