"""European options and books of them: building, and what is refused."""

import jax.numpy as jnp
import numpy as np
import pytest

from tenrec.contracts import european, european_book
from tenrec.core.errors import ConfigError


def test_a_single_option_is_sold_unless_said_otherwise():
    assert european("call", strike=2.0, expiry=3).quantity.tolist() == [-1.0]
    assert european("put", strike=2.0, expiry=3, quantity=5.0).quantity.tolist() == [5.0]


def test_fields_of_a_book():
    book = european_book(["call", "put"], strikes=[90.0, 110.0], expiries=[5, 7], quantities=[-1, 2])
    assert book.legs == 2
    assert book.sign.tolist() == [1.0, -1.0]
    assert book.strike.tolist() == [90.0, 110.0]
    assert book.expiry.tolist() == [5, 7]
    assert book.expiry.dtype == jnp.int32
    assert {book.strike.dtype, book.sign.dtype, book.quantity.dtype} == {jnp.dtype("float32")}


def test_call_less_put_is_a_forward():
    spot = jnp.linspace(0.5, 1.5, 11)
    both = european_book(["call", "put"], strikes=[1.0, 1.0], expiries=[10, 10], quantities=[1.0, -1.0])
    np.testing.assert_allclose(both.flows(spot)[-1], spot[-1] - 1.0, rtol=1e-6)


def test_flows_of_one_date_add_up():
    book = european_book(["call", "call"], strikes=[1.0, 1.2], expiries=[1, 1], quantities=[1.0, -1.0])
    np.testing.assert_allclose(book.flows(jnp.array([1.0, 1.5, 9.0])), [0.0, 0.2, 0.0], atol=1e-6)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kinds": ["digital"]}, "'digital'; 'call' or 'put' is needed"),
        ({"strikes": [0.0]}, "strike is 0; a positive price is needed"),
        ({"strikes": [-1.5]}, "strike is -1.5; a positive price is needed"),
        ({"strikes": [float("nan")]}, "strike is nan; a positive price is needed"),
        ({"expiries": [0]}, "expiry is 0; a date index of at least 1 is needed"),
        ({"quantities": [0.0]}, "quantity is 0; a number other than 0 is needed"),
        ({"quantities": [float("inf")]}, "quantity is inf"),
        ({"quantities": [1.0, 2.0]}, "1 strikes, 1 expiries, 2 quantities"),
        ({"kinds": [], "strikes": [], "expiries": [], "quantities": []}, "at least one option"),
    ],
)
def test_what_cannot_be_is_refused(changes: dict, message: str):
    terms = {"kinds": ["call"], "strikes": [1.0], "expiries": [3], "quantities": [-1.0], **changes}
    with pytest.raises(ConfigError, match=message):
        european_book(terms.pop("kinds"), **terms)
