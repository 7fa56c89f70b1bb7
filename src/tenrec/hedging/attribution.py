"""Where the P&L came from: each step's change, split into Greeks, carry, cost and a rest."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from tenrec.contracts import AbstractContract
from tenrec.core.paths import MarketPaths, batch_axes
from tenrec.hedging.assess import Sample
from tenrec.hedging.engine import Entry, Terms, quotes
from tenrec.hedging.exotic_values import asset_deltas, assets_of
from tenrec.hedging.marks import marked_pnl
from tenrec.hedging.sensitivities import book_delta, book_gamma, book_value, book_vega
from tenrec.hedging.view import MarketView, observe

INSTANT = 1e-9
"""Years."""
PARTS = ("sale", "delta", "gamma", "theta", "vega", "instruments", "carry", "cost", "rest")


class Attribution(eqx.Module):
    """The change of the marked P&L from the date before, by cause; quote currency, shapes (dates,).

    With q units of the hedge, Greeks of the book at the date before, and ΔS, Δσ the moves since then:

        sale    premium + mark at date 0: what the book was sold for above its mark
        delta   Σ q·ΔP + δ·ΔS over the first instrument (of a basket, every spot): hedge and book together, so that a
                perfect delta hedge leaves nothing here
        gamma   ½·Γ·ΔS²
        theta   V(S, σ, t + Δt) − V(S, σ, t): the book revalued at the old spot and volatility
        vega    ν·Δσ
        instruments   Σ q·ΔP of the other instruments: listed options (up to the closing of one that ends), swaps
        carry   interest on cash, and dividends or funding received less paid
        cost    −cost of trading
        rest    what the others leave of the total: higher and cross terms

    The parts of all dates sum to the P&L at the end, to rounding.
    """

    sale: Float[Array, "*paths dates"]
    delta: Float[Array, "*paths dates"]
    gamma: Float[Array, "*paths dates"]
    theta: Float[Array, "*paths dates"]
    vega: Float[Array, "*paths dates"]
    instruments: Float[Array, "*paths dates"]
    carry: Float[Array, "*paths dates"]
    cost: Float[Array, "*paths dates"]
    rest: Float[Array, "*paths dates"]

    def total(self) -> Float[Array, "*paths dates"]:
        """The change of the marked P&L."""
        return sum((getattr(self, name) for name in PARTS[1:]), start=self.sale)


def attribute(
    lines: Entry, paths: MarketPaths, contract: AbstractContract, terms: Terms, premium: Float[Array, ""]
) -> Attribution:
    """Explain the ledger of one path; `vmap` for many.

    Source: the P&L explain of any options desk; theta by revaluation, since a weekend is no instant.
    """
    view = observe(paths, contract)
    pnl = marked_pnl(lines, paths, contract, terms)
    spot_move, volatility_move = jnp.diff(paths.spot), jnp.diff(paths.volatility)
    market = jax.tree.map(lambda leaf: leaf[1:], quotes(paths, contract, terms))
    exchange = paths.spot if terms.inverse else jnp.ones_like(paths.spot)
    held, rate = lines.position[:-1], exchange[1:]
    gains, own = rate[:, None] * held * market.change, paths.assets.shape[-1] or 1
    hedge = jnp.sum(gains[:, :own], axis=-1) + lines.cash[:-1] * jnp.diff(exchange)
    if assets_of(view) > 1:
        hedge = hedge + jnp.sum(asset_deltas(view, view.volatility) * jnp.diff(paths.assets, axis=0)[:, 1:], axis=-1)
    mark = book_value(view, view.volatility)
    parts = {
        "sale": jnp.zeros_like(spot_move),
        "delta": hedge + book_delta(view, view.volatility, marked=True) * spot_move,
        "gamma": 0.5 * book_gamma(view, view.volatility, marked=True) * spot_move**2,
        "theta": _later(view) - mark,
        "vega": book_vega(view, view.volatility, marked=True) * volatility_move,
        "instruments": jnp.sum(gains[:, own:], axis=-1),
        "carry": rate * (lines.cash[:-1] * (market.growth - 1.0) + lines.carry[1:]),
        "cost": -rate * lines.cost[1:],
    }
    parts["rest"] = jnp.diff(pnl) - sum(parts.values())
    first = {name: jnp.zeros_like(pnl[0]) for name in PARTS} | {
        "sale": premium + mark[0],
        "cost": -exchange[0] * lines.cost[0],
    }
    first["rest"] = pnl[0] - first["sale"] - first["cost"]
    return Attribution(**{name: jnp.concatenate([first[name][None], parts[name]]) for name in PARTS})


def _later(view: MarketView) -> Float[Array, " steps"]:
    """The book of each date at the next one, were spot and volatility still the same; a leg that pays is worth that."""

    def next_date(rows: Float[Array, "steps legs"], last: float) -> Float[Array, "steps legs"]:
        return jnp.concatenate([rows[1:], jnp.full_like(rows[:1], last)])

    later = dataclasses.replace(
        view,
        forward=next_date(view.forward / view.spot[:, None], 1.0) * view.spot[:, None],
        # A leg that pays at the next date is worth its payoff there: asked an instant before, since later it is gone.
        time_to_expiry=jnp.where(
            view.time_to_expiry > 0, jnp.maximum(next_date(view.time_to_expiry, 0.0), INSTANT), 0.0
        ),
        discount=next_date(view.discount, 1.0),
    )
    return book_value(later, view.volatility)


@eqx.filter_jit
def attributions(lines: Entry, sample: Sample, terms: Terms) -> Attribution:
    """`attribute` for every path; shapes (paths, dates)."""
    contract_axis = 0 if sample.contract.strike.ndim > 1 else None
    axes = (0, batch_axes(sample.paths), contract_axis, None, 0 if sample.premium.ndim else None)
    return jax.vmap(attribute, in_axes=axes)(lines, sample.paths, sample.contract, terms, sample.premium)
