"""Greeks of a book and the ledger at its marks."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tenrec.contracts import EuropeanBook, european, european_book
from tenrec.core.paths import concatenate, market_paths
from tenrec.hedging.assess import Sample, marks
from tenrec.hedging.engine import Entry, Terms, over_paths, run
from tenrec.hedging.policies import BlackScholesDelta
from tenrec.hedging.sensitivities import book_delta, book_gamma, book_value, book_vega, on_first_instrument
from tenrec.hedging.view import MarketView, observe, view_at
from tenrec.pricing import black_scholes
from tests.laws.cases import make_book, make_paths, make_terms

pytestmark = pytest.mark.usefixtures("x64")

BOOK = european_book(["call", "put", "call"], strikes=[95.0, 100.0, 110.0], expiries=[9, 9, 9], quantities=[-1, 2, 0.5])


def at(spot: jax.Array, volatility: jax.Array, book: EuropeanBook = BOOK) -> MarketView:
    years = jnp.array([0.1, 0.25, 0.5])[: book.legs]
    return view_at(
        book,
        spot=spot,
        time_to_expiry=jnp.broadcast_to(years, (*spot.shape, book.legs)),
        volatility=volatility,
        maturity=0.5,
        period=0.01,
        initial_spot=100.0,
        rate=0.03,
        dividend_yield=0.01,
    )


def test_greeks_are_derivatives_of_the_value():
    spot, volatility = jnp.array([80.0, 99.0, 120.0]), jnp.full(3, 0.3)

    def worth(spot: jax.Array, volatility: jax.Array) -> jax.Array:
        return book_value(at(spot[None], volatility[None]), volatility[None])[0]

    @jax.jit
    def both_ways(spot: jax.Array, volatility: jax.Array) -> tuple[list[jax.Array], list[jax.Array]]:
        slopes = (jax.grad(worth), jax.grad(jax.grad(worth)), jax.grad(worth, argnums=1))
        view = at(spot, volatility)
        formulas = [greek(view, volatility) for greek in (book_delta, book_gamma, book_vega)]
        return formulas, [jax.vmap(slope)(spot, volatility) for slope in slopes]

    formulas, slopes = both_ways(spot, volatility)
    for formula, slope in zip(formulas, slopes, strict=True):
        np.testing.assert_allclose(formula, slope, rtol=1e-9)


def test_a_book_is_the_sum_of_its_legs():
    spot, volatility = jnp.array([80.0, 99.0, 120.0]), jnp.full(3, 0.3)
    whole = at(spot, volatility)
    for greek in (book_value, book_delta, book_gamma, book_vega):
        parts = jnp.zeros(3)
        for leg in range(3):
            alone = jax.tree.map(lambda leaf, i=leg: leaf[i : i + 1], BOOK)
            years = whole.time_to_expiry[:, leg : leg + 1]
            view = view_at(
                alone,
                spot=spot,
                time_to_expiry=years,
                volatility=volatility,
                maturity=0.5,
                period=0.01,
                initial_spot=100.0,
                rate=0.03,
                dividend_yield=0.01,
            )
            parts += greek(view, volatility)
        np.testing.assert_allclose(greek(whole, volatility), parts, rtol=1e-12)


def test_a_leg_that_has_paid_counts_no_more():
    paths = market_paths(spot=jnp.full(5, 100.0), dt=jnp.full(4, 0.1), volatility=0.2)
    book = european_book(["call", "put"], strikes=[90.0, 100.0], expiries=[2, 4], quantities=[-1.0, 1.0])
    rest = european("put", strike=100.0, expiry=4, quantity=1.0)
    both, alone = observe(paths, book), observe(paths, rest)
    for greek in (book_value, book_delta, book_gamma, book_vega):
        np.testing.assert_allclose(greek(both, both.volatility)[2:], greek(alone, alone.volatility)[2:], rtol=1e-12)
        assert abs(float(greek(both, both.volatility)[1] - greek(alone, alone.volatility)[1])) > 1e-9


def test_the_position_that_offsets_a_delta():
    view = at(jnp.array([100.0]), jnp.full(1, 0.2))
    assert on_first_instrument(view, jnp.array([-0.6])).tolist() == [[0.6]]
    two = MarketView(**{**vars(view), "price": jnp.array([[125.0, 7.0]])})
    np.testing.assert_allclose(on_first_instrument(two, jnp.array([-0.6])), [[0.48, 0.0]])


@eqx.filter_jit
def marked(sample: Sample, terms: Terms) -> tuple[Entry, jax.Array]:
    lines = over_paths(run, BlackScholesDelta(), sample.paths, sample.contract, terms, sample.premium)
    return lines, marks(lines, sample, terms)


@pytest.mark.parametrize("instrument", ["spot", "spot_and_future"])
def test_marked_pnl_by_hand(instrument: str):
    """Cash, what the paid-for positions are worth, and each living option at Black's price, date by date."""
    paths, contract = make_paths("recorded", instrument), make_book("book", "recorded")
    terms = make_terms(instrument, "both", unwind=True)
    lines, found = marked(Sample(paths, contract, jnp.asarray(0.1)), terms)
    wide = concatenate([paths])
    np.testing.assert_allclose(found[:, -1], lines.cash[:, -1], rtol=1e-12)
    dt, rate, spot = (np.asarray(leaf) for leaf in (wide.dt, wide.rate, wide.spot))
    for path, date in ((0, 0), (1, 3), (2, 2), (4, 3), (4, 6)):
        worth = float(lines.cash[path, date])
        held = zip(lines.position[path, date], wide.price[path, date], terms.margined, strict=True)
        worth += sum(float(q * s) for q, s, margined in held if not margined)
        for leg in range(contract.legs):
            expiry = int(contract.expiry[path, leg])
            if date >= expiry:
                continue
            left = dt[path, date:expiry].sum()
            discount = np.exp(-np.sum((rate * dt)[path, date:expiry]))
            forward = spot[path, date] * np.exp(-0.01 * left) / discount
            price = black_scholes.value(
                float(contract.sign[path, leg]),
                forward,
                float(contract.strike[path, leg]),
                float(wide.volatility[path, date]),
                left,
                discount,
            )
            worth += float(contract.quantity[path, leg]) * float(price)
        np.testing.assert_allclose(found[path, date], worth, rtol=1e-9)
