"""What every risk measure promises, and the axioms it claims."""

import inspect

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from jaxtyping import Array

from tenrec.risk import RISKS, AbstractRisk, estimate
from tests.risk.members import MEMBERS

every_risk = pytest.mark.parametrize("risk", MEMBERS.values(), ids=MEMBERS)
REGULAR = {name: risk for name, risk in MEMBERS.items() if risk.regular}
every_regular_risk = pytest.mark.parametrize("risk", REGULAR.values(), ids=REGULAR)
PATHS = 6
samples = arrays(np.float64, (2, PATHS), elements=st.floats(-1.0, 1.0, width=32))
pytestmark = pytest.mark.usefixtures("x64")


def value(risk: AbstractRisk, loss: np.ndarray, weights: np.ndarray | None = None) -> float:
    with jax.enable_x64(True):
        return float(compiled(risk, jnp.asarray(loss), None if weights is None else jnp.asarray(weights)))


@eqx.filter_jit
def compiled(risk: AbstractRisk, loss: Array, weights: Array | None) -> Array:
    return risk(loss, weights)


@eqx.filter_jit
def mean_per_path(risk: AbstractRisk, loss: Array, auxiliary: Array) -> Array:
    return jnp.mean(risk.per_path(loss, auxiliary))


def test_every_member_is_tried():
    assert {type(risk) for risk in MEMBERS.values()} == set(RISKS.values())
    for kind in RISKS.values():
        assert not inspect.isabstract(kind)


@every_risk
@given(losses=samples, shift=st.floats(-2.0, 2.0))
def test_cash_invariant_where_claimed(risk: AbstractRisk, losses: np.ndarray, shift: float):
    if risk.cash_invariant:
        assert value(risk, losses[0] + shift) == pytest.approx(value(risk, losses[0]) + shift, abs=1e-7)


@every_risk
@given(losses=samples)
def test_monotone_where_claimed(risk: AbstractRisk, losses: np.ndarray):
    if risk.monotone:
        assert value(risk, np.maximum(losses[0], losses[1])) >= value(risk, losses[0]) - 1e-12


@every_risk
@given(losses=samples, share=st.floats(0.0, 1.0))
def test_convex(risk: AbstractRisk, losses: np.ndarray, share: float):
    mixed = value(risk, share * losses[0] + (1.0 - share) * losses[1])
    assert mixed <= share * value(risk, losses[0]) + (1.0 - share) * value(risk, losses[1]) + 1e-9


@every_risk
@given(losses=samples, scale=st.floats(0.01, 100.0))
def test_positively_homogeneous_where_claimed(risk: AbstractRisk, losses: np.ndarray, scale: float):
    if risk.positively_homogeneous:
        assert value(risk, scale * losses[0]) == pytest.approx(scale * value(risk, losses[0]), rel=1e-9, abs=1e-9)


@every_risk
def test_claims_are_not_modest(risk: AbstractRisk):
    """A law that is not claimed fails somewhere: the flags say all that holds."""
    low, high = np.array([-9.0, 0.1, 0.2, 0.9]), np.array([0.0, 0.1, 0.2, 0.9])
    breaks = {
        "cash_invariant": value(risk, high + 1.0) != pytest.approx(value(risk, high) + 1.0),
        "monotone": value(risk, low) > value(risk, high),
        "positively_homogeneous": value(risk, 2.0 * high) != pytest.approx(2.0 * value(risk, high)),
    }
    assert breaks == {law: not getattr(risk, law) for law in breaks}


@every_risk
@given(losses=samples, rows=arrays(np.int64, 12, elements=st.integers(0, PATHS - 1)))
def test_weights_are_repetitions(risk: AbstractRisk, losses: np.ndarray, rows: np.ndarray):
    weights = np.bincount(rows, minlength=PATHS).astype(float)
    assert value(risk, losses[0], weights) == pytest.approx(value(risk, losses[0][rows]), abs=1e-9)


@every_risk
@given(losses=samples)
def test_is_the_least_mean_over_its_auxiliary(risk: AbstractRisk, losses: np.ndarray):
    with jax.enable_x64(True):
        loss = jnp.asarray(losses[0])
        best = risk.initial_auxiliary(loss)
        assert best.ndim == 1
        assert risk.auxiliaries in (None, best.shape[0])
        least = value(risk, losses[0])
        assert float(mean_per_path(risk, loss, best)) == pytest.approx(least, abs=1e-7)
        for index in range(best.shape[0] * risk.least_mean):
            for step in (-0.3, -0.01, 0.01, 0.3):
                assert float(mean_per_path(risk, loss, best.at[index].add(step))) >= least - 1e-7


@every_risk
@pytest.mark.parametrize("loss", [[0.5, 0.5, 0.5, 0.5], [0.0, 0.0, 0.0], [1.0], [40.0, -40.0], [1e-9, 0.0]], ids=str)
def test_value_and_gradient_are_finite(risk: AbstractRisk, loss: list[float]):
    with jax.enable_x64(False):
        found, slope = jax.value_and_grad(risk)(jnp.asarray(loss, jnp.float32))
        assert np.isfinite(found)
        assert np.isfinite(slope).all()
        auxiliary = risk.initial_auxiliary(jnp.asarray(loss, jnp.float32))
        assert np.isfinite(risk.per_path(jnp.asarray(loss, jnp.float32), auxiliary)).all()


@every_risk
def test_gradient_is_that_of_finite_differences(risk: AbstractRisk, key: Array):
    loss = jax.random.normal(key, (20,))
    direction = jax.random.normal(jax.random.key(3), (20,))
    h = 1e-6
    numeric = (risk(loss + h * direction) - risk(loss - h * direction)) / (2 * h)
    np.testing.assert_allclose(jnp.dot(jax.grad(risk)(loss), direction), numeric, rtol=1e-6)


@every_regular_risk
def test_influence_is_the_derivative_in_the_weights(risk: AbstractRisk, key: Array):
    loss = 0.2 * jax.random.normal(key, (40,))
    h, path = 1e-6, 7
    mixed = jnp.full(40, (1.0 - h) / 40).at[path].add(h)
    numeric = (risk(loss, mixed) - risk(loss)) / h
    influence = risk.influence(loss)
    np.testing.assert_allclose(influence[path], numeric, rtol=1e-3, atol=1e-5)
    assert abs(float(jnp.mean(influence))) < 1e-12


@every_risk
def test_standard_error_is_the_spread_of_repeated_samples(risk: AbstractRisk):
    rng = np.random.default_rng(5)
    repeated = 0.1 * rng.standard_normal((200, 2000))
    found = [estimate(risk, loss) for loss in repeated]
    spread = np.std([one.value for one in found])
    mean_error = np.mean([one.standard_error for one in found])
    # 200 repetitions know their own spread to 5 %; three of these errors.
    # The spread of a maximum supposes an exponential tail, which a normal one only tends to.
    assert mean_error == pytest.approx(spread, rel=0.15 if risk.regular else 0.3)
    if not risk.regular:
        return  # the worst of 2,000 losses is not that of 400,000
    whole = estimate(risk, repeated.ravel()).value
    covered = np.mean([one.interval()[0] < whole < one.interval()[1] for one in found])
    assert 0.90 < covered < 0.99


@every_risk
def test_compiles_and_batches(risk: AbstractRisk, key: Array):
    loss = jax.random.normal(key, (3, 10))
    np.testing.assert_allclose(jax.vmap(eqx.filter_jit(risk))(loss), [risk(row) for row in loss], rtol=1e-12)
