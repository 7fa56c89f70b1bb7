"""Checks of numbers where they enter."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tenrec.core.checks import as_array, as_optional_array, is_traced, require_finite, require_positive
from tenrec.core.errors import ConfigError


def test_numbers_become_arrays_of_the_precision_in_force():
    assert as_array(1).dtype == jnp.float32
    assert as_array(np.arange(3)).dtype == jnp.float32
    with jax.enable_x64(True):
        assert as_array(np.float64(0.1)).dtype == jnp.float64
    already = jnp.arange(3)
    assert as_array(already) is already
    assert as_optional_array(None) is None
    assert as_optional_array(2.0) == 2.0


def test_traced_values_pass():
    assert not is_traced(jnp.ones(2))

    @jax.jit
    def inside(x: jax.Array) -> jax.Array:
        assert is_traced(x)
        require_positive(x=x)
        return x

    assert inside(jnp.asarray(-1.0)) == -1.0


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf"), np.array([1.0, -2.0])])
def test_what_is_not_positive_is_refused(value: float | np.ndarray):
    require_positive(volatility=None, spot=1.0, dt=np.array([0.1, 0.2]))
    with pytest.raises(ConfigError, match=r"volatility is .*; a positive number is needed"):
        require_positive(volatility=value)


@pytest.mark.parametrize("value", [float("nan"), -float("inf"), np.array([0.0, np.nan])])
def test_what_is_not_finite_is_refused(value: float | np.ndarray):
    require_finite(rate=-0.5, drift=None)
    with pytest.raises(ConfigError, match=r"rate is .*; a finite number is needed"):
        require_finite(rate=value)
