"""Files that are no tables, or not the tables that they seem."""

from pathlib import Path

import pytest

from tenrec.core.errors import DataError
from tenrec.data.source import read_source
from tests.data.files import write

LINES = ("date,close", "2021-01-04,1.0")


def test_cells_of_a_csv_stay_text(tmp_path: Path) -> None:
    source = read_source(write(tmp_path, "a.csv", "date,close", "2021-01-04,1.10"))
    assert source.table.rows() == [("2021-01-04", "1.10")]
    assert source.row(0) == "row 2 (header counted)"


def test_blank_lines_at_the_end_say_nothing_and_keep_their_place_inside(tmp_path: Path) -> None:
    assert read_source(write(tmp_path, "a.csv", *LINES, "", "")).table.height == 1
    inside = read_source(write(tmp_path, "a.csv", *LINES, "", "2021-01-05,2.0", ""))
    assert inside.table["close"].to_list() == ["1.0", None, "2.0"]


def test_a_byte_order_mark_is_no_part_of_a_name(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("\ufeffdate,close\r\n2021-01-04,1.0\r\n".encode())
    assert read_source(path).table.columns == ["date", "close"]


BROKEN = {
    "longer row": ("a.csv", "\n".join((*LINES, "2021-01-05,1,2")), "row 3 (header counted) has 3 fields where the"),
    "semicolons": ("a.csv", "date;close\n2021-01-04;1.0", "is not separated by commas (its header is 'date;close')"),
    "header only": ("a.csv", "date,close\n", "holds no rows"),
    "column twice": ("a.csv", "date,close,close\n2021-01-04,1,2", "more than one column 'close'"),
    "empty": ("a.csv", "", "is empty"),
    "not Parquet": ("a.parquet", "hello, this is no Parquet file", "cannot be read as Parquet"),
    "other ending": ("a.xlsx", "date,close\n2021-01-04,1.0", "is not a table; a .parquet or .csv file is needed"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "text", "said"), BROKEN.values(), ids=BROKEN.keys())
def test_broken_files_are_refused_in_one_sentence(tmp_path: Path, name: str, text: str, said: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(DataError) as caught:
        read_source(path)
    message = str(caught.value)
    assert message.startswith(f"{name} ")
    assert said in message
    assert "\n" not in message


def test_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("date,close\n2021-01-04,1.0é\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"a\.csv cannot be read as comma-separated text: .*utf-8"):
        read_source(path)


def test_missing_files_and_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        read_source(tmp_path / "nowhere.csv")
    with pytest.raises(DataError, match="is a folder"):
        read_source(tmp_path)
