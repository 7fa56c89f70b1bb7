"""The axes of the parallel coordinates of a tuning report."""

import numpy as np
import pytest

from tenrec.reporting.tuning.figures import _feasible, _unit


def test_few_trials_of_an_interval_stand_where_their_values_are():
    heights, ticks = _unit(np.array([0.1, 0.2, 0.5]))
    assert heights == pytest.approx([0.0, 0.25, 1.0])
    assert [place for place, _ in ticks] == [0.0, 0.5, 1.0]


def test_choices_that_repeat_are_spaced_evenly():
    heights, ticks = _unit(np.array([30.0, 900.0, 60.0, 30.0, 900.0, 60.0]))
    assert heights == pytest.approx([0.0, 1.0, 0.5, 0.0, 1.0, 0.5])
    assert [text for _, text in ticks] == ["30", "60", "900"]


def test_one_value_has_a_place():
    heights, ticks = _unit(np.array([900.0]))
    assert heights.tolist() == [0.0]
    assert ticks == [(0.0, "900")]


def test_sets_that_break_a_constraint_do_not_stretch_the_score_axis():
    assert _feasible(np.array([-3.5, -1e9 - 40.0, -4.0])).tolist() == [-3.5, -4.0]
    assert len(_feasible(np.array([-1e9, -1e9]))) == 2
