"""The terms of a run: its costs, limits and margin as the engine takes them."""

import jax.numpy as jnp
import numpy as np

from tenrec.core.errors import ConfigError
from tenrec.hedging.costs import (
    AbstractCost,
    FixedCost,
    HalfSpreadCost,
    MakerTakerCost,
    MinimumFee,
    ProportionalCost,
    QuadraticCost,
)
from tenrec.hedging.engine import Terms
from tenrec.hedging.limits import Limits, make_limits
from tenrec.hedging.margin import Margin
from tenrec.runs.build import assets_of, costs_of, legs_of
from tenrec.runs.config import HedgeConfig
from tenrec.runs.contract_specs import ListedSpec
from tenrec.runs.instrument_specs import terms_of

SOFT = 0.05
"""Width of a ticket fee's slope in training, as a share of the book's size."""


def build_terms(config: HedgeConfig) -> Terms:
    """Costs, limits and settlement of every hedging instrument."""
    each = costs_of(config)

    def number(value: float) -> jnp.ndarray:
        return jnp.asarray(value, jnp.float32)

    def rates(name: str) -> jnp.ndarray:
        """One number where all instruments have the same, else one each."""
        values = [getattr(costs, name) for costs in each]
        return number(values[0]) if len(set(values)) == 1 else jnp.stack([number(value) for value in values])

    def charged(name: str) -> bool:
        return any(getattr(costs, name) for costs in each)

    width = number(SOFT * _size(config))
    members: list[AbstractCost] = []
    if charged("proportional"):
        members.append(ProportionalCost(rates("proportional")))
    if charged("exchange"):
        members.append(MakerTakerCost(*(rates(name) for name in ("maker", "taker", "slippage", "maker_share"))))
    if charged("half_spread"):
        members.append(HalfSpreadCost())
    if charged("fixed"):
        members.append(FixedCost(rates("fixed"), width))
    if charged("minimum"):
        members.append(MinimumFee(rates("minimum"), rates("proportional"), width))
    if charged("quadratic"):
        members.append(QuadraticCost(rates("quadratic")))
    return Terms(
        margined=(config.settled != "funded",) * assets_of(config)
        + tuple(name == "vix_future" for name in config.instruments[1:]),
        costs=tuple(members),
        unwind=config.costs.unwind,
        limits=_limits(config),
        funding=rates("funding") if charged("funding") else None,
        borrow=rates("borrow") if charged("borrow") else None,
        inverse=config.settled == "inverse",
    )


def build_margin(config: HedgeConfig) -> Margin | None:
    """The margin that is reported along the path, if any."""
    if config.margin is None:
        return None
    given = config.margin.initial, config.margin.maintenance, config.margin.collateral
    return Margin(*(jnp.asarray(value, jnp.float32) for value in given))


def _limits(config: HedgeConfig) -> Limits | None:
    own = [terms_of(instrument).limits for instrument in config.hedge_with]
    each = [config.limits if limits is None else limits for limits in own] * assets_of(config)
    if not any(limits.any for limits in each):
        return None
    size = _size(config)
    plain = isinstance(config.contract, ListedSpec) or all(leg.is_european for leg in legs_of(config))
    lot = each[0].lot or 0.0
    if plain and lot >= 2.0 * size:
        raise ConfigError(
            f"limits.lot is {lot:g}, which forbids every hedge: the book never needs more than {size:g} units, which "
            f"are rounded to none; a lot below {2.0 * size:g} is needed."
        )
    alone = all(limits == each[0] for limits in each)
    each = each[:1] if alone else each
    return make_limits(
        lot=np.array([limits.lot or 0.0 for limits in each]),
        position=np.array([np.inf if limits.position is None else limits.position for limits in each]),
        trade=np.array([np.inf if limits.trade is None else limits.trade for limits in each]),
        instruments=len(each),
    )


def _size(config: HedgeConfig) -> float:
    """The most units of the instrument that the deltas of plain options can come to."""
    if isinstance(config.contract, ListedSpec):
        return 1.0
    units = sum(abs(leg.quantity) * leg.multiplier for leg in legs_of(config))
    return units * getattr(config.market, "spot", 1.0) if config.settled == "inverse" else units
