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
from tenrec.runs.build import assets_of, legs_of
from tenrec.runs.config import HedgeConfig
from tenrec.runs.contract_specs import ListedSpec

SOFT = 0.05
"""Width of a ticket fee's slope in training, as a share of the book's size."""


def build_terms(config: HedgeConfig) -> Terms:
    """Costs, limits and settlement of the hedging instrument."""
    costs = config.costs

    def number(value: float) -> jnp.ndarray:
        return jnp.asarray(value, jnp.float32)

    width = number(SOFT * _size(config))
    members: list[AbstractCost] = []
    proportional = number(costs.proportional)
    if costs.variance_swap is not None:
        proportional = jnp.stack([proportional, number(costs.variance_swap)])
    if costs.proportional or costs.variance_swap:
        members.append(ProportionalCost(proportional))
    if costs.exchange:
        rates = (costs.maker, costs.taker, costs.slippage, costs.maker_share)
        members.append(MakerTakerCost(*(number(rate) for rate in rates)))
    if costs.half_spread:
        members.append(HalfSpreadCost())
    if costs.fixed:
        members.append(FixedCost(number(costs.fixed), width))
    if costs.minimum:
        members.append(MinimumFee(number(costs.minimum), proportional, width))
    if costs.quadratic:
        members.append(QuadraticCost(number(costs.quadratic)))
    return Terms(
        margined=(config.settled != "funded",) * assets_of(config) + (False,) * (len(config.hedge_with) - 1),
        costs=tuple(members),
        unwind=costs.unwind,
        limits=_limits(config),
        funding=number(costs.funding) if costs.funding else None,
        borrow=number(costs.borrow) if costs.borrow else None,
        inverse=config.settled == "inverse",
    )


def build_margin(config: HedgeConfig) -> Margin | None:
    """The margin that is reported along the path, if any."""
    if config.margin is None:
        return None
    given = config.margin.initial, config.margin.maintenance, config.margin.collateral
    return Margin(*(jnp.asarray(value, jnp.float32) for value in given))


def _limits(config: HedgeConfig) -> Limits | None:
    given = config.limits
    if not given.any:
        return None
    lot, size = given.lot or 0.0, _size(config)
    plain = isinstance(config.contract, ListedSpec) or all(leg.is_european for leg in legs_of(config))
    if plain and lot >= 2.0 * size:
        raise ConfigError(
            f"limits.lot is {lot:g}, which forbids every hedge: the book never needs more than {size:g} units, which "
            f"are rounded to none; a lot below {2.0 * size:g} is needed."
        )
    most, step = (np.inf if limit is None else limit for limit in (given.position, given.trade))
    return make_limits(lot=lot, position=most, trade=step)


def _size(config: HedgeConfig) -> float:
    """The most units of the instrument that the deltas of plain options can come to."""
    if isinstance(config.contract, ListedSpec):
        return 1.0
    units = sum(abs(leg.quantity) * leg.multiplier for leg in legs_of(config))
    return units * getattr(config.market, "spot", 1.0) if config.settled == "inverse" else units
