"""Black–Scholes Greeks of a whole book as the hedger sees it.

`marked` lets a contract without a value of its own (a custom payoff) pass with the Greeks of its mark, which are 0.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from tenrec.hedging.exotic_values import asset_deltas, assets_of, exotic_delta, exotic_gamma, exotic_value, exotic_vega
from tenrec.hedging.view import MarketView
from tenrec.pricing import black_scholes


def leg_delta(view: MarketView, volatility: Float[Array, "*at"]) -> Float[Array, "*at legs"]:
    """∂value/∂spot of one unit of each leg, in units of the underlying."""
    return black_scholes.delta(
        view.sign,
        view.forward,
        view.strike,
        volatility[..., None],
        view.time_to_expiry,
        spot=view.spot[..., None],
        discount=view.discount,
    )


def leg_vega(view: MarketView, volatility: Float[Array, "*at"]) -> Float[Array, "*at legs"]:
    """∂value/∂volatility of one unit of each leg, quote currency per unit of annualised volatility."""
    return black_scholes.vega(
        view.forward, view.strike, volatility[..., None], view.time_to_expiry, discount=view.discount
    )


def book_delta(view: MarketView, volatility: Float[Array, "*at"], *, marked: bool = False) -> Float[Array, "*at"]:
    """∂(value of the book)/∂spot in units of the underlying, signed by what is owned."""
    plain = jnp.sum(view.quantity * leg_delta(view, volatility), axis=-1)
    return plain + exotic_delta(view, volatility, marked=marked) if view.exotics else plain


def book_gamma(view: MarketView, volatility: Float[Array, "*at"], *, marked: bool = False) -> Float[Array, "*at"]:
    """∂²(value of the book)/∂spot², units of the underlying per unit of quote currency."""
    legs = black_scholes.gamma(
        view.forward,
        view.strike,
        volatility[..., None],
        view.time_to_expiry,
        spot=view.spot[..., None],
        discount=view.discount,
    )
    plain = jnp.sum(view.quantity * legs, axis=-1)
    return plain + exotic_gamma(view, volatility, marked=marked) if view.exotics else plain


def book_vega(view: MarketView, volatility: Float[Array, "*at"], *, marked: bool = False) -> Float[Array, "*at"]:
    """∂(value of the book)/∂volatility, quote currency per unit of annualised volatility."""
    plain = jnp.sum(view.quantity * leg_vega(view, volatility), axis=-1)
    return plain + exotic_vega(view, volatility, marked=marked) if view.exotics else plain


def book_value(view: MarketView, volatility: Float[Array, "*at"]) -> Float[Array, "*at"]:
    """Black–Scholes value of what is owned, quote currency."""
    legs = black_scholes.value(
        view.sign, view.forward, view.strike, volatility[..., None], view.time_to_expiry, view.discount
    )
    plain = jnp.sum(view.quantity * legs, axis=-1)
    return plain + exotic_value(view, volatility) if view.exotics else plain


def option_deltas(view: MarketView, volatility: Float[Array, "*at"]) -> Float[Array, "*at instruments"]:
    """∂value/∂spot of one unit of each listed option, units of the underlying; 0 of what is none."""
    options = view.options
    if options is None:
        return jnp.zeros_like(view.price)
    found = black_scholes.delta(
        options.sign,
        options.forward,
        options.strike,
        volatility[..., None],
        options.time,
        spot=view.spot[..., None],
        discount=options.discount,
    )
    return jnp.where(options.sign != 0.0, found, 0.0)


def option_gammas(view: MarketView, volatility: Float[Array, "*at"]) -> Float[Array, "*at instruments"]:
    """∂²value/∂spot² of one unit of each listed option, units of the underlying per unit of quote currency."""
    options = view.options
    if options is None:
        return jnp.zeros_like(view.price)
    spot, sigma = view.spot[..., None], volatility[..., None]
    found = black_scholes.gamma(
        options.forward, options.strike, sigma, options.time, spot=spot, discount=options.discount
    )
    return jnp.where((options.sign != 0.0) & (options.time > 0.0), found, 0.0)


def option_vegas(view: MarketView, volatility: Float[Array, "*at"]) -> Float[Array, "*at instruments"]:
    """∂value/∂volatility of one unit of each listed option, quote currency per unit of annualised volatility."""
    options = view.options
    if options is None:
        return jnp.zeros_like(view.price)
    found = black_scholes.vega(
        options.forward, options.strike, volatility[..., None], options.time, discount=options.discount
    )
    return jnp.where(options.sign != 0.0, found, 0.0)


def delta_hedge(view: MarketView, volatility: Float[Array, "*at"]) -> Float[Array, "*at instruments"]:
    """The position that offsets the book's delta: in the first instrument, or in the spot of every asset."""
    hedge = on_first_instrument(view, book_delta(view, volatility))
    if assets_of(view) == 1:
        return hedge
    return hedge.at[..., 1:].set(-asset_deltas(view, volatility))


def on_first_instrument(view: MarketView, delta: Float[Array, "*at"]) -> Float[Array, "*at instruments"]:
    """The position that offsets a book delta in the first instrument, which moves one for one in relative terms.

    A spot has slope ∂price/∂spot = 1; a future of price S·e^{(r−y)τ} has slope price/spot.
    """
    first = -delta * view.spot / view.price[..., 0]
    return jnp.zeros_like(view.price).at[..., 0].set(first)
