"""What a desk says of records with gaps, and of ticks that are too coarse for a cadence of the search."""

from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from tenrec.core.errors import DataError
from tenrec.runs.tuning.build import Desk
from tenrec.runs.tuning.loading import load_tune_config
from tests.tuning.desk import walk

BEGIN = datetime(2024, 1, 1)


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three weeks of five minutes without 40 minutes of the second and 20 of the third."""
    stamps = [BEGIN + timedelta(minutes=5 * number) for number in range(21 * 288)]
    table = pl.DataFrame({"time": stamps, "price": walk(len(stamps), scale=1e-3)}).with_row_index()
    kept = table.filter(~pl.col("index").is_between(9 * 288, 9 * 288 + 6), ~pl.col("index").is_between(5000, 5002))
    path = tmp_path_factory.mktemp("record") / "ticks.parquet"
    kept.drop("index").write_parquet(path)
    return path


def desk(record: Path, *changes: str) -> Desk:
    ticks = {"source": "recorded", "file": str(record)}
    return Desk(
        load_tune_config({"ticks": ticks, "search": {"space": {"cadence_seconds": [900, 3600]}}}, changes), Path()
    )


def test_gaps_longer_than_the_cadence_are_masked_and_counted(record: Path):
    job = desk(record)
    job.check()
    # The last tick before the gap is at 9·288 − 1 intervals: 2024-01-09 23:55; eight intervals are 40 minutes.
    said = "2 gaps of the record are longer than the cadence of 900 s, the longest 2400 s after 2024-01-09 23:55:00"
    assert job.gap_words(900.0) == said
    assert job.gap_words(1200.0) == said.replace("2 gaps of the record are", "1 gap of the record is").replace(
        "900", "1200"
    )
    assert job.gap_words(3600.0) is None
    assert not job.source.window(0).tradable.all()


def test_gaps_are_refused_on_request(record: Path):
    with pytest.raises(DataError, match=r"2 gaps .* longest 2400 s after 2024-01-09 23:55:00; repair"):
        desk(record, "ticks.gaps=refuse").check()
    desk(record, "ticks.gaps=refuse", "search.space.cadence_seconds=[3600]").check()


def test_cadences_shorter_than_the_spacing_are_left_out_or_refused(record: Path):
    job = desk(record, "search.space.cadence_seconds=[30, 60, 900]")
    job.check()
    assert job.too_short == (30.0, 60.0)
    assert job.space.dimensions[0].choices == (900.0,)
    with pytest.raises(DataError, match="300 s apart, longer than the cadence of 30 s"):
        desk(record, "search.space.cadence_seconds=[30, 60]").check()
