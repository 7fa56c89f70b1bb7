"""What the report says in words, from numbers that are known."""

from typing import Any

import pytest

from tenrec.runs.tuning.config import TuneConfig
from tenrec.runs.tuning.words import against_no_hedge, subtitle_of, verdict


def metrics(*, tuned: float, idle: float, later: int = 12) -> dict[str, Any]:
    entries = {"tuned": (tuned, 500.0), "no_hedge": (idle, 20_000.0)}
    return {
        "comparison": {
            key: {"label": key, "out_of_sample": {"score": score, "error_std": deviation}}
            for key, (score, deviation) in entries.items()
        },
        "windows": {"in_sample": 1, "out_of_sample": later},
        "market": {"ticks": 2016},
        "tuned_minus_default": {"value": 1234.5, "low": 1.0, "high": 2000.0},
    }


def test_it_is_said_when_no_hedge_at_all_scores_higher():
    (said,) = against_no_hedge(metrics(tuned=-6.19, idle=-1.23), "out_of_sample")
    assert "No hedge at all scores -1.23" in said
    assert "what it buys is a lower standard deviation" in said
    assert "(500 against 20,000 USD)" in said
    assert against_no_hedge(metrics(tuned=2.0, idle=1.0), "out_of_sample") == []


@pytest.mark.parametrize(("later", "warned"), [(1, True), (4, True), (5, False)])
def test_a_verdict_on_few_weeks_says_so(later: int, warned: bool):
    said = verdict(metrics(tuned=2.0, idle=1.0, later=later))
    assert ("cannot tell skill from luck" in said) == warned
    assert "+1,234.50" in said


def test_one_week_is_not_weeks():
    said = subtitle_of(TuneConfig(), metrics(tuned=2.0, idle=1.0, later=1))
    assert "1 week tuned on, 1 later one kept for the report" in said
