"""Options that are given up at a quote."""

import jax
import jax.numpy as jnp
import numpy as np

from tenrec.contracts import EuropeanBook, QuotedBook


def quoted(value: float, closing: int) -> QuotedBook:
    strike, sign, owned, price = (jnp.asarray([number]) for number in (1.0, -1.0, -2.0, value))
    return QuotedBook(strike, sign, jnp.asarray([3]), owned, jnp.asarray([closing]), price)


def test_pays_the_quote_at_its_date_whatever_the_spot_does():
    for spot in (jnp.ones(4), jnp.array([1.0, 5.0, 0.1, 0.2])):
        np.testing.assert_allclose(quoted(0.07, 1).flows(spot), [0.0, -0.14, 0.0, 0.0], rtol=1e-6)


def test_closed_at_expiry_at_the_payoff_it_is_a_european():
    spot = jnp.array([1.0, 1.1, 0.9, 0.8])
    book = quoted(0.2, 3)
    same = EuropeanBook(book.strike, book.sign, book.expiry, book.quantity)
    np.testing.assert_allclose(book.flows(spot), same.flows(spot), rtol=1e-6)


def test_batches_and_linearity():
    books = jax.tree.map(lambda *leaves: jnp.stack(leaves), quoted(0.07, 1), quoted(0.2, 2))
    flows = jax.vmap(lambda book, spot: book.flows(spot))(books, jnp.ones((2, 4)))
    np.testing.assert_allclose(flows, [[0, -0.14, 0, 0], [0, 0, -0.4, 0]], rtol=1e-6)
