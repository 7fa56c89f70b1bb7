"""Time as whole steps."""

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import assume, given
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


def test_weekdays_by_hand():
    """From Friday to the Friday of the week after next: two weekends, each in the Monday's period."""
    grid = TimeGrid(14, 10, calendar="weekdays", weekend_weight=0.3, start=date(2024, 1, 5))
    np.testing.assert_array_equal(grid.offsets, [0, 3, 4, 5, 6, 7, 10, 11, 12, 13, 14])
    np.testing.assert_allclose(grid.elapsed * 365, [3, 1, 1, 1, 1, 3, 1, 1, 1, 1])
    np.testing.assert_allclose(grid.dt[0] / grid.dt[1], 1.6)
    np.testing.assert_allclose(grid.dt.sum(), grid.maturity, rtol=1e-12)


@given(start=st.dates(date(1990, 1, 1), date(2060, 1, 1)), days=st.integers(1, 800), weight=st.floats(0.0, 1.0))
def test_weekdays_are_those_of_numpy(start: date, days: int, weight: float):
    end = start + timedelta(days=days)
    first, last = np.datetime64(start), np.datetime64(end)
    assume(np.is_busday(first) and np.is_busday(last))
    steps = int(np.busday_count(first, last))
    grid = TimeGrid(days, steps, calendar="weekdays", weekend_weight=weight, start=start)
    np.testing.assert_array_equal(np.is_busday(first + grid.offsets.astype(int)), True)
    np.testing.assert_allclose(grid.elapsed.sum(), grid.maturity, rtol=1e-12)
    weekends = days - steps
    total = (steps + weight * weekends) * 7 / (5 + 2 * weight) / 365
    np.testing.assert_allclose(grid.times[-1], total, rtol=1e-12)
    if weight == 1.0:
        np.testing.assert_allclose(grid.dt, grid.elapsed, rtol=1e-12)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"start": None}, "without a start; give grid.start"),
        ({"start": date(2024, 1, 6)}, "grid.start is 2024-01-06, a Saturday"),
        ({"days": 15}, "ends on 2024-01-20, a Saturday"),
        ({"days": 14.5}, "give a whole number"),
        ({"steps": 14}, "hold 10 weekdays; set grid.steps to 10"),
        ({"weekend_weight": 1.5}, "grid.weekend_weight is 1.5"),
        ({"calendar": "every_day"}, "are for grid.calendar: weekdays"),
    ],
)
def test_impossible_weekdays_are_refused(changes: dict, message: str):
    given = {"days": 14, "steps": 10, "calendar": "weekdays", "weekend_weight": 0.3, "start": date(2024, 1, 5)}
    with pytest.raises(ConfigError, match=message):
        TimeGrid(**{**given, **changes})
