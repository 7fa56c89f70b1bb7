"""The minimum-variance delta: its coefficients are found again, and it does what its name says."""

import jax.numpy as jnp
import numpy as np
import pytest

from tenrec.contracts import EuropeanBook
from tenrec.core.paths import market_paths
from tenrec.hedging.assess import Sample, ledgers, marks, views
from tenrec.hedging.engine import Terms
from tenrec.hedging.policies import BlackScholesDelta, MinimumVarianceDelta
from tenrec.hedging.policies.delta import minimum_variance_regressors
from tenrec.hedging.sensitivities import book_delta, book_value

pytestmark = pytest.mark.usefixtures("x64")

COEFFICIENTS = np.array([-0.25, -0.4, 0.3])
PATHS, MINUTE = 3000, 1 / (365 * 24 * 60)


@pytest.fixture
def moves() -> Sample:
    """One small move after the sale: dσ = (a + b·δ + c·δ²)/√τ·dS/S + noise, the law of Hull and White (2017).

    Calls and puts, sold and held, of many strikes; the third date is a year later, so that the options live on.
    """
    rng = np.random.default_rng(9)
    sign, quantity = rng.choice([-1.0, 1.0], (2, PATHS, 1))
    book = EuropeanBook(
        strike=jnp.asarray(rng.uniform(0.85, 1.15, (PATHS, 1))),
        sign=jnp.asarray(sign),
        expiry=jnp.full((PATHS, 1), 2),
        quantity=jnp.asarray(quantity),
    )
    change = 1e-4 * rng.standard_normal(PATHS)
    spot = jnp.asarray(np.stack([np.ones(PATHS), 1 + change, 1 + change], axis=1))
    volatility = rng.uniform(0.15, 0.35, PATHS)
    dt = jnp.array([MINUTE, 0.25])

    def sample(later: np.ndarray) -> Sample:
        vols = jnp.asarray(np.stack([volatility, later, later], axis=1))
        return Sample(market_paths(spot=spot, dt=dt, volatility=vols), book, jnp.zeros(PATHS))

    before = views(sample(volatility))
    delta = np.asarray(book_delta(before, before.volatility)[:, 0]) / quantity[:, 0]
    a, b, c = COEFFICIENTS
    answer = (a + b * delta + c * delta**2) / np.sqrt(MINUTE + 0.25) * change
    return sample(volatility + answer + 1e-6 * rng.standard_normal(PATHS))


def test_regression_finds_the_coefficients(moves: Sample):
    """Least squares of the delta's hedging error on the regressors times the move."""
    view = views(moves)
    change = jnp.diff(view.spot, axis=1)[:, 0]
    mark = book_value(view, view.volatility)
    error = jnp.diff(mark, axis=1)[:, 0] - book_delta(view, view.volatility)[:, 0] * change
    design = minimum_variance_regressors(view)[:, 0] * change[:, None]
    found, *_ = np.linalg.lstsq(np.asarray(design), np.asarray(error), rcond=None)
    np.testing.assert_allclose(found, COEFFICIENTS, atol=0.02)


def test_it_has_the_least_variance(moves: Sample):
    """Of the P&L marked after the move, against the Black–Scholes delta and against other coefficients."""
    policies = {
        "right": MinimumVarianceDelta(jnp.asarray(COEFFICIENTS)),
        "half": MinimumVarianceDelta(0.5 * jnp.asarray(COEFFICIENTS)),
        "double": MinimumVarianceDelta(2.0 * jnp.asarray(COEFFICIENTS)),
        "none": BlackScholesDelta(),
    }
    terms = Terms()
    lines = ledgers(policies, moves, terms)
    spread = {name: float(jnp.std(jnp.diff(marks(found, moves, terms), axis=1)[:, 0])) for name, found in lines.items()}
    assert spread["right"] < 0.2 * min(spread["half"], spread["double"], spread["none"])


def test_without_coefficients_it_is_the_delta(moves: Sample):
    view = views(moves)
    plain = MinimumVarianceDelta(jnp.zeros(3)).inputs(view)
    np.testing.assert_allclose(plain, BlackScholesDelta().inputs(view), rtol=1e-14)
