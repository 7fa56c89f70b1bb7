"""Each risk measure against a plain NumPy computation of its definition."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array
from scipy import optimize, stats
from scipy.special import ndtri

from tenrec.core.errors import ConfigError
from tenrec.risk import (
    ConditionalValueAtRisk,
    EntropicRisk,
    ExpectileRisk,
    MeanStandardDeviationRisk,
    MeanVarianceRisk,
    PowerRisk,
    QuadraticConditionalValueAtRisk,
    QuadraticRisk,
    SemiQuadraticRisk,
    SpectralRisk,
    WorstCaseRisk,
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


@pytest.mark.parametrize("multiple", [1.05, 2.0, 5.0, 20.0])
def test_quadratic_cvar_is_the_least_that_scipy_finds(loss: Array, multiple: float):
    def objective(start: float) -> float:
        return start + multiple * float(np.sqrt(np.mean(np.maximum(LOSS - start, 0.0) ** 2)))

    least = optimize.minimize_scalar(objective, bounds=(LOSS.mean() - 2.0, LOSS.max()), options={"xatol": 1e-12}).fun
    found = float(QuadraticConditionalValueAtRisk(multiple=multiple)(loss))
    assert found == pytest.approx(min(least, LOSS.max()), abs=1e-9)
    assert LOSS.mean() < found <= LOSS.max()


@pytest.mark.parametrize("level", [0.5, 0.7, 0.95, 0.999])
def test_expectile_is_that_of_scipy(loss: Array, level: float):
    assert float(ExpectileRisk(level=level)(loss)) == pytest.approx(stats.expectile(LOSS, level), abs=1e-12)


def test_expectile_of_a_normal_loss():
    """By the root of its defining equation in closed form: E max(Z − e, 0) = φ(e) − e·(1 − Φ(e))."""
    level = 0.9

    def balance(place: float) -> float:
        above = stats.norm.pdf(place) - place * stats.norm.sf(place)
        return level * above - (1.0 - level) * (above + place)

    with jax.enable_x64(True):
        quantiles = jnp.asarray(ndtri((np.arange(200_000) + 0.5) / 200_000))
        found = float(ExpectileRisk(level=level)(quantiles))
    assert found == pytest.approx(optimize.brentq(balance, 0.0, 3.0), abs=2e-5)


def test_spectral_is_the_integral_of_the_quantile_under_its_spectrum(loss: Array):
    """∫ φ(u)·F⁻¹(u) du with the step spectrum written out, on a grid that holds all its steps and all 37 quantiles."""
    levels, shares = np.array([0.0, 0.5, 0.9]), np.array([0.2, 0.3, 0.5])
    middles = (np.arange(370_000) + 0.5) / 370_000
    spectrum = np.sum(shares / (1.0 - levels) * (middles[:, None] >= levels), axis=1)
    quantiles = np.sort(LOSS)[(middles * 37).astype(int)]
    found = float(SpectralRisk(levels=levels, weights=shares)(loss))
    assert found == pytest.approx(np.mean(spectrum * quantiles), abs=1e-9)
    assert np.all(np.diff(spectrum) >= 0.0)


@pytest.mark.parametrize("exponent", [1.0, 2.5, 40.0])
def test_power_is_the_norm_of_the_losses(loss: Array, exponent: float):
    positive = np.maximum(LOSS, 0.0)
    expected = np.linalg.norm(positive, ord=exponent) / LOSS.size ** (1.0 / exponent)
    assert float(PowerRisk(exponent=exponent)(loss)) == pytest.approx(expected, rel=1e-12)


def test_losses_alone_count(loss: Array):
    positive = np.maximum(LOSS, 0.0)
    assert float(SemiQuadraticRisk()(loss)) == pytest.approx(np.mean(positive**2))
    assert float(SemiQuadraticRisk()(loss)) ** 0.5 == pytest.approx(float(PowerRisk(exponent=2.0)(loss)))
    assert float(SemiQuadraticRisk()(-jnp.abs(loss))) == float(PowerRisk(exponent=3.0)(-jnp.abs(loss))) == 0.0


def test_worst_case(loss: Array):
    assert float(WorstCaseRisk()(loss)) == LOSS.max()
    slope = jax.grad(WorstCaseRisk())(loss)
    np.testing.assert_array_equal(slope, LOSS.max() == LOSS)


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
        (lambda: QuadraticConditionalValueAtRisk(multiple=1.0), "multiple is 1; a number above 1 is needed"),
        (lambda: PowerRisk(exponent=0.5), "exponent is 0.5; a number of at least 1 is needed"),
        (lambda: ExpectileRisk(level=0.4), "level is 0.4; a number from 0.5 to below 1 is needed"),
        (lambda: SpectralRisk(levels=np.array([0.5]), weights=np.array([0.5, 0.5])), "1 levels and 2 weights"),
        (lambda: SpectralRisk(levels=np.array([0.5, 0.9]), weights=np.array([0.5, 0.6])), "sum to 1.1"),
        (lambda: MeanStandardDeviationRisk(multiple=-1.0), "multiple is -1"),
    ],
)
def test_impossible_parameters_are_refused(make: object, message: str):
    with pytest.raises(ConfigError, match=message):
        make()  # type: ignore[operator]


def test_parameters_can_be_batched(loss: Array):
    values = jax.vmap(lambda a: EntropicRisk(aversion=a)(loss))(jnp.array([1.0, 20.0]))
    assert float(values[1]) == pytest.approx(float(EntropicRisk(aversion=20.0)(loss)))
