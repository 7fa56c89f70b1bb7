"""Each risk measure against a plain NumPy computation of its definition."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array
from scipy import optimize
from scipy.special import ndtri

from tenrec.core.errors import ConfigError
from tenrec.risk import (
    ConditionalValueAtRisk,
    EntropicRisk,
    MeanStandardDeviationRisk,
    MeanVarianceRisk,
    QuadraticRisk,
)

RNG = np.random.default_rng(11)
LOSS = RNG.standard_normal(37) * 0.1 + 0.02


@pytest.fixture
def loss(x64: None) -> Array:
    return jnp.asarray(LOSS)


def test_entropic(loss: Array):
    assert float(EntropicRisk(aversion=20.0)(loss)) == pytest.approx(np.log(np.mean(np.exp(20.0 * LOSS))) / 20.0)


def test_entropic_survives_large_aversion():
    loss = jnp.array([100.0, -100.0], jnp.float32)
    risk = EntropicRisk(aversion=50.0)
    assert float(risk(loss)) == pytest.approx(100.0 - np.log(2.0) / 50.0)
    np.testing.assert_allclose(jax.grad(risk)(loss), [1.0, 0.0], atol=1e-6)


def test_entropic_of_a_normal_loss():
    """Mean + a/2·variance for a normal loss."""
    with jax.enable_x64(True):
        quantiles = ndtri((np.arange(200_000) + 0.5) / 200_000)
        assert float(EntropicRisk(aversion=2.0)(jnp.asarray(0.1 * quantiles))) == pytest.approx(0.01, abs=1e-5)


@pytest.mark.parametrize("level", [0.0, 0.3, 0.5, 0.95, 0.99])
def test_cvar_is_the_least_of_rockafellar_and_uryasev(loss: Array, level: float):
    def objective(q: float) -> float:
        return q + float(np.mean(np.maximum(LOSS - q, 0.0))) / (1.0 - level)

    least = min(objective(q) for q in LOSS)  # convex and piecewise linear: least at a sample point
    assert float(ConditionalValueAtRisk(level=level)(loss)) == pytest.approx(least, abs=1e-12)


def test_cvar_counts_a_fractional_path():
    # 40 % of four paths are 1.6 paths: all of the worst, 0.6 of the next.
    loss = jnp.array([1.0, 8.0, 2.0, 4.0])
    assert float(ConditionalValueAtRisk(level=0.6)(loss)) == pytest.approx((8.0 + 0.6 * 4.0) / 1.6)


def test_cvar_beyond_the_worst_path_is_the_worst_path():
    assert float(ConditionalValueAtRisk(level=0.99)(jnp.array([1.0, 8.0, 2.0]))) == 8.0


def test_cvar_of_level_zero_is_the_mean(loss: Array):
    assert float(ConditionalValueAtRisk(level=0.0)(loss)) == pytest.approx(LOSS.mean())


def test_cvar_with_ties_and_weights():
    with jax.enable_x64(True):
        loss, weights = jnp.array([2.0, 2.0, 1.0, 3.0]), jnp.array([1.0, 1.0, 6.0, 2.0])
        risk = ConditionalValueAtRisk(level=0.7)
        assert float(risk(loss, weights)) == pytest.approx((0.2 * 3.0 + 0.1 * 2.0) / 0.3)
        assert float(risk.initial_auxiliary(loss, weights)[0]) == 2.0


def test_cvar_in_single_precision_on_many_paths():
    loss = np.random.default_rng(0).standard_normal(1_000_000).astype(np.float32)
    exact = np.sort(loss.astype(np.float64))[-50_000:].mean()
    assert float(ConditionalValueAtRisk(level=0.95)(jnp.asarray(loss))) == pytest.approx(exact, rel=2e-6)


def test_learned_quantile_reaches_the_sorted_one(loss: Array):
    risk = ConditionalValueAtRisk(level=0.8)
    found = optimize.minimize_scalar(lambda q: float(jnp.mean(risk.per_path(loss, jnp.asarray([q])))), bounds=(-1, 1))
    assert found.fun == pytest.approx(float(risk(loss)), abs=1e-6)


def test_moment_risks(loss: Array):
    mean, variance = LOSS.mean(), LOSS.var()
    assert float(QuadraticRisk()(loss)) == pytest.approx(np.mean(LOSS**2))
    assert float(MeanVarianceRisk(weight=6.0)(loss)) == pytest.approx(mean + 3.0 * variance)
    assert float(MeanStandardDeviationRisk(multiple=0.5)(loss)) == pytest.approx(mean + 0.5 * np.sqrt(variance))


def test_gradient_without_spread_is_that_of_the_mean():
    slope = jax.grad(MeanStandardDeviationRisk(multiple=3.0))(jnp.full(4, 0.2))
    np.testing.assert_allclose(slope, 0.25)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: EntropicRisk(aversion=0.0), "aversion is 0; a positive number is needed"),
        (lambda: EntropicRisk(aversion=float("nan")), "aversion is nan"),
        (lambda: ConditionalValueAtRisk(level=1.0), "level is 1; a number from 0 to below 1 is needed"),
        (lambda: ConditionalValueAtRisk(level=-0.1), "level is -0.1"),
        (lambda: MeanVarianceRisk(weight=-1.0), "weight is -1"),
        (lambda: MeanStandardDeviationRisk(multiple=-1.0), "multiple is -1"),
    ],
)
def test_impossible_parameters_are_refused(make: object, message: str):
    with pytest.raises(ConfigError, match=message):
        make()  # type: ignore[operator]


def test_parameters_can_be_batched(loss: Array):
    values = jax.vmap(lambda a: EntropicRisk(aversion=a)(loss))(jnp.array([1.0, 20.0]))
    assert float(values[1]) == pytest.approx(float(EntropicRisk(aversion=20.0)(loss)))
