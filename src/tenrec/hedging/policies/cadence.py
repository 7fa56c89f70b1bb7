"""A desk's rule: hedge every so many seconds, or when net delta leaves a band, and take gamma profits at once."""

from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from tenrec.hedging.policies.base import AbstractPolicy, Own
from tenrec.hedging.sensitivities import book_delta, book_gamma
from tenrec.hedging.view import MarketView

SECONDS_PER_DAY = 86_400.0
REFERENCE_COST = 6e-4
"""Proportional cost at which the Whalley–Wilmott scaling leaves the band as wide as `delta_threshold` says."""


class RuleView(eqx.Module):
    """What the rule reads at one date, or at many (leading axes `*at`).

    Units: time in seconds, spot in the quote currency, delta in units of the underlying, gamma in those per unit of
    quote currency. `delta_per_contract` is the delta of one hedging contract (1 for a coin, 1/S for an inverse contract
    of one dollar), `units` the book's notional in units of the underlying where the path began, `notional` the same in
    the quote currency. `log_volatility` is log(σ/σ_ref), `tradable` 1 or, where nothing trades, 0.
    """

    time: Float[Array, "*at"]
    spot: Float[Array, "*at"]
    delta: Float[Array, "*at"]
    gamma: Float[Array, "*at"]
    log_volatility: Float[Array, "*at"]
    delta_per_contract: Float[Array, "*at"]
    units: Float[Array, "*at"]
    notional: Float[Array, "*at"]
    tradable: Float[Array, "*at"]


class CadenceMemory(eqx.Module):
    """When and at which price the rule last hedged."""

    time: Float[Array, ""]
    spot: Float[Array, ""]


class CadenceThreshold(AbstractPolicy):
    """Trade a ratio of the delta when the cadence has passed or net delta has left its band.

    With book delta D, net delta n = D + delta held, N the notional in units of the underlying, and the band
    [−b·N/α, b·N·α] around zero, b = threshold·(σ/σ_ref)^v·[(|Γ|S²/notional)²·c/c_ref]^{w/3}:

        due     t − t_last ≥ cadence  or (with `trigger="both"`: and)  n outside the band
        target  delta held = −ratio·D + e·clip(n, band),     one trade at most max_hedge·notional
        scalp   ½·|Γ|·(S − S_last)² > scalp·notional:  delta held = −D at once, without that limit

    A trade of less than min_order·notional is not made, and does not count as a hedge.

    Fields, each a number or, under `vmap`, an array of them:
        cadence_seconds. delta_threshold: share of N. hedge_ratio. gamma_scalp_threshold, max_hedge_per_interval,
        min_order: shares of the notional. to_edge e: 0 hedges to the centre, 1 to the band's edge. asymmetry α: above 1
        for more room above than below. gamma_scaling w: 1 scales the band as Whalley and Wilmott's does with gamma and
        cost. volatility_scaling v. cost c: proportional cost of a trade.

    Source: Whalley and Wilmott (1997), Mathematical Finance 7, eq. 3.10, for the scaling: H ∝ (c·S·Γ²)^{1/3}.
    """

    cadence_seconds: Float[Array, "*sets"]
    delta_threshold: Float[Array, "*sets"]
    hedge_ratio: Float[Array, "*sets"]
    gamma_scalp_threshold: Float[Array, "*sets"]
    max_hedge_per_interval: Float[Array, "*sets"]
    min_order: Float[Array, "*sets"]
    to_edge: Float[Array, "*sets"]
    asymmetry: Float[Array, "*sets"]
    gamma_scaling: Float[Array, "*sets"]
    volatility_scaling: Float[Array, "*sets"]
    cost: Float[Array, "*sets"]
    trigger: Literal["either", "both"] = eqx.field(static=True, default="either")
    scaled: bool = eqx.field(static=True, default=True)
    """False promises that both scalings are 0, which spares two exponentials a date."""

    def inputs(self, view: MarketView) -> RuleView:
        """The rule's view of a path hedged in its first instrument; the notional is that of the options owned."""
        return rule_view(view)

    def start(self) -> CadenceMemory:
        """Never hedged: the first date is due."""
        never = jnp.full_like(self.cadence_seconds, -jnp.inf)
        return CadenceMemory(time=never, spot=jnp.full_like(never, jnp.nan))

    def act(self, known: RuleView, own: Own) -> tuple[Float[Array, " instruments"], CadenceMemory]:
        """Units to hold next of the first instrument; the others are left as they are."""
        memory: CadenceMemory = own.memory
        held = own.position[0] * known.delta_per_contract
        net = known.delta + held
        low, high = self.band(known)
        elapsed = known.time - memory.time >= self.cadence_seconds
        outside = (net > high) | (net < low)
        due = (elapsed & outside) if self.trigger == "both" else (elapsed | outside)
        # Comparing with NaN is false, so that nothing is scalped before the first hedge.
        moved = known.spot - memory.spot
        scalp = 0.5 * jnp.abs(known.gamma) * moved**2 > self.gamma_scalp_threshold * known.notional
        largest = self.max_hedge_per_interval * known.notional / known.spot
        wanted = self.to_edge * jnp.clip(net, low, high) - self.hedge_ratio * known.delta - held
        change = jnp.where(scalp, -net, jnp.clip(wanted, -largest, largest))
        enough = jnp.abs(change) * known.spot >= self.min_order * known.notional
        hedged = (due | scalp) & enough & (known.tradable > 0)
        trade = jnp.where(hedged, change / known.delta_per_contract, 0.0)
        memory = CadenceMemory(
            time=jnp.where(hedged, known.time, memory.time), spot=jnp.where(hedged, known.spot, memory.spot)
        )
        return own.position.at[0].add(trade), memory

    def band(self, known: RuleView) -> tuple[Float[Array, ""], Float[Array, ""]]:
        """Edges of the band of net delta, units of the underlying."""
        half = self.delta_threshold * known.units * self._scale(known)
        return -half / self.asymmetry, half * self.asymmetry

    def _scale(self, known: RuleView) -> Float[Array, ""]:
        if not self.scaled:
            return jnp.ones_like(known.spot)
        dollars = jnp.maximum(jnp.abs(known.gamma) * known.spot**2 / known.notional, 1e-12)
        cost = jnp.maximum(self.cost, 1e-12) / REFERENCE_COST
        exponent = self.gamma_scaling / 3.0 * (2.0 * jnp.log(dollars) + jnp.log(cost))
        return jnp.exp(exponent + self.volatility_scaling * known.log_volatility)


def rule_view(view: MarketView, *, day_count: float = 365.0, reference_volatility: float = 0.6) -> RuleView:
    """The rule's view from what any hedger sees; `day_count` turns the view's years into seconds."""
    seconds = (view.maturity - view.time_to_maturity) * day_count * SECONDS_PER_DAY
    units = jnp.sum(jnp.abs(view.quantity), axis=-1)
    return RuleView(
        time=seconds,
        spot=view.spot,
        delta=book_delta(view, view.volatility),
        gamma=book_gamma(view, view.volatility),
        log_volatility=jnp.log(view.volatility / reference_volatility),
        delta_per_contract=view.price[..., 0] / view.spot,
        units=units,
        notional=jnp.maximum(units, 1e-12) * view.initial_spot,
        tradable=jnp.ones_like(view.spot),
    )


def cadence_threshold(
    *,
    trigger: Literal["either", "both"] = "either",
    cadence_seconds: float = 300.0,
    delta_threshold: float = 0.10,
    hedge_ratio: float = 1.0,
    gamma_scalp_threshold: float = 0.05,
    max_hedge_per_interval: float = 0.50,
    min_order: float = 0.0,
    to_edge: float = 0.0,
    asymmetry: float = 1.0,
    gamma_scaling: float = 0.0,
    volatility_scaling: float = 0.0,
    cost: float = REFERENCE_COST,
) -> CadenceThreshold:
    """One rule from plain numbers, in the precision in force.

    Example:
        >>> rule = cadence_threshold(cadence_seconds=60, delta_threshold=0.05)
        >>> float(rule.cadence_seconds), rule.scaled
        (60.0, False)
    """
    numbers = (
        cadence_seconds, delta_threshold, hedge_ratio, gamma_scalp_threshold, max_hedge_per_interval, min_order,
        to_edge, asymmetry, gamma_scaling, volatility_scaling, cost,
    )  # fmt: skip
    scaled = gamma_scaling != 0 or volatility_scaling != 0
    return CadenceThreshold(*(jnp.asarray(number, float) for number in numbers), trigger=trigger, scaled=scaled)


def stacked(rules: list[CadenceThreshold]) -> CadenceThreshold:
    """Rules of one trigger as one policy with a leading axis of sets."""
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *rules)
