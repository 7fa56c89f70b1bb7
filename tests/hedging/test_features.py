"""Named inputs of the learned policies."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array
from scipy.stats import norm

from tenrec.contracts import european, european_book
from tenrec.core.errors import ConfigError
from tenrec.core.paths import market_paths
from tenrec.hedging.features import FEATURES, FeatureMap, fit_features, stack_features
from tenrec.hedging.view import MarketView, observe

pytestmark = pytest.mark.usefixtures("x64")

STEPS, YEAR = 10, 1 / 365


@pytest.fixture
def view() -> MarketView:
    rng = np.random.default_rng(2)
    paths = market_paths(
        spot=jnp.asarray(50.0 * np.exp(np.cumsum(0.03 * rng.standard_normal(STEPS + 1)))),
        dt=jnp.full(STEPS, YEAR),
        volatility=jnp.asarray(rng.uniform(0.1, 0.4, STEPS + 1)),
        signals=jnp.asarray(rng.standard_normal((STEPS + 1, 2))),
        signal_names=("skew", "trend"),
    )
    return observe(paths, european("call", strike=52.0, expiry=STEPS))


def test_values(view: MarketView):
    """Each feature against its definition, written out."""
    spot, volatility = np.asarray(view.spot), np.asarray(view.volatility)
    left = YEAR * np.arange(STEPS, 0, -1)
    total = volatility * np.sqrt(left)
    upper = np.log(spot / 52.0) / total + total / 2
    moneyness = np.log(spot / 52.0)
    expected = {
        "delta": -norm.cdf(upper),
        "gamma": -norm.pdf(upper) / (spot * total) * spot[0],
        "last_log_return": np.diff(np.log(spot), prepend=np.log(spot[0])),
        "log_moneyness": moneyness,
        "normalised_price": spot / spot[0],
        "sqrt_time_to_maturity": np.sqrt(left),
        "standardised_moneyness": 5.0 * np.tanh(moneyness / total / 5.0),
        "time_fraction": left / left[0],
        "time_to_maturity": left,
        "volatility": volatility,
        "skew": view.signals[:, 0],
        "trend": view.signals[:, 1],
    }
    assert set(expected) == {*FEATURES, "skew", "trend"}
    found = stack_features(list(expected), view)
    np.testing.assert_allclose(found, np.stack(list(expected.values()), axis=-1), rtol=1e-10, atol=1e-12)


def test_moneyness_of_a_book_is_taken_to_its_mean_strike(view: MarketView):
    book = european_book(["call", "put"], strikes=[50.0, 56.0], expiries=[STEPS, STEPS], quantities=[-1.0, 2.0])
    paths = market_paths(spot=jnp.full(STEPS + 1, 54.0), dt=jnp.full(STEPS, YEAR), volatility=0.2)
    found = stack_features(["log_moneyness"], observe(paths, book))
    np.testing.assert_allclose(found, 0.0, atol=1e-12)


@pytest.mark.parametrize("name", sorted(FEATURES))
def test_finite_at_expiry_and_in_the_wings(name: str):
    spot = jnp.array([1.0, 1e-3, 1e3, 1.0, 1.0])
    paths = market_paths(spot=spot, dt=jnp.array([1e-9, 0.0, 0.0, 0.0]), volatility=0.2)
    found = stack_features([name], observe(paths, european("put", strike=1.0, expiry=2)))
    assert bool(jnp.isfinite(found).all())


def test_scaled_on_what_they_are_fitted_on(view: MarketView):
    names = ["log_moneyness", "volatility", "trend"]
    scaled = jnp.stack(fit_features(names, view)(view), axis=-1)
    np.testing.assert_allclose(jnp.mean(scaled, axis=0), 0.0, atol=1e-12)
    np.testing.assert_allclose(jnp.std(scaled, axis=0), 1.0, rtol=1e-12)
    raw = fit_features(names, view, standardise=False)(view)
    np.testing.assert_array_equal(jnp.stack(raw, axis=-1), stack_features(names, view))


def test_a_constant_feature_is_centred_and_not_blown_up():
    paths = market_paths(spot=jnp.linspace(1.0, 1.1, STEPS + 1), dt=jnp.full(STEPS, YEAR), volatility=0.2)
    view = observe(paths, european("call", strike=1.0, expiry=STEPS))
    np.testing.assert_allclose(fit_features(["volatility"], view)(view), 0.0, atol=1e-12)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (
            ["log_moneyness", "moonshine"],
            "'moonshine' is not known here; choose from .*volatility, position, wealth, skew, trend",
        ),
        ([], "names nothing to see; choose from delta, "),
    ],
)
def test_what_nobody_knows_is_refused(names: list[str], message: str, view: MarketView):
    with pytest.raises(ConfigError, match=message):
        fit_features(names, view)


def test_what_scales_is_not_learned(view: MarketView):
    def total(features: FeatureMap) -> Array:
        return sum(jnp.sum(column**2) for column in features(view))

    slope = eqx.filter_grad(total)(fit_features(["volatility", "trend"], view))
    assert not slope.centre.any()
    assert not slope.spread.any()
