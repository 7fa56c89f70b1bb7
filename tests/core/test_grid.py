"""Time as whole steps."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenrec.core.errors import ConfigError
from tenrec.core.grid import TimeGrid


@given(
    days=st.floats(1e-3, 3650.0),
    steps=st.integers(1, 2000),
    day_count=st.sampled_from([1.0, 250.0, 252.0, 360.0, 365.0, 365.25]),
)
def test_the_periods_make_up_the_maturity(days: float, steps: int, day_count: float):
    grid = TimeGrid(days=days, steps=steps, day_count=day_count)
    assert grid.dt.shape == (steps,)
    assert grid.times.shape == (steps + 1,)
    assert grid.times[0] == 0.0
    np.testing.assert_allclose(grid.dt.sum(), grid.maturity, rtol=1e-12)
    np.testing.assert_allclose(grid.times[-1], grid.maturity, rtol=1e-15)
    np.testing.assert_allclose(np.diff(grid.times), grid.dt, rtol=1e-9)


@pytest.mark.parametrize("day_count", [365.0, 252.0, 250.0])
def test_every_number_of_days_has_as_many_steps(day_count: float):
    """A count like ⌈T/dt + 1⌉ is off by one for some of these; here steps are counted, not divided out."""
    for days in range(1, 400):
        assert len(TimeGrid(days=days, steps=days, day_count=day_count).dt) == days


def test_grids_are_values():
    assert TimeGrid(days=30, steps=30) == TimeGrid(days=30, steps=30, day_count=365.0)
    with pytest.raises(AttributeError):
        TimeGrid(days=30, steps=30).steps = 31  # type: ignore[misc]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": 0}, "grid.steps is 0"),
        ({"steps": -3}, "grid.steps is -3"),
        ({"days": 0.0}, "contract.days is 0.0"),
        ({"days": float("nan")}, "contract.days is nan"),
        ({"day_count": -1.0}, "grid.day_count is -1.0"),
    ],
)
def test_impossible_grids_are_refused(changes: dict, message: str):
    with pytest.raises(ConfigError, match=message):
        TimeGrid(**{"days": 30.0, "steps": 30, **changes})
